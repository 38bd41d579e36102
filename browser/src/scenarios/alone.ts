/** A page that was served without the headers: no memory can be shared, and a heap is for one agent. */
import { attachHeap, createHeap, type Heap, type HeapDescriptor, type MemorySource } from "@heapwright/core";
import { start } from "../agents.js";
import { consume, parcels } from "../pattern.js";
import { liveBlocks, type StackName, stackOf, thrownBy } from "../stacks.js";

export type AloneKind = "bytes" | "ArrayBuffer" | "WebAssembly.Memory" | "shared WebAssembly.Memory";

const PAGE = 65536;

function memoryOf(kind: AloneKind): MemorySource {
  if (kind === "bytes") return 4 * PAGE;
  if (kind === "ArrayBuffer") return new ArrayBuffer(4 * PAGE, { maxByteLength: 32 * PAGE });
  return new WebAssembly.Memory({ initial: 4, maximum: 32, shared: kind === "shared WebAssembly.Memory" });
}

/** A heap with `lock: "auto"`, all of it: blocks, growth, `enterAsync`. */
export async function alone({ stack, kind }: { stack: StackName; kind: AloneKind }) {
  const memory = memoryOf(kind);
  const heap: Heap = createHeap({ memory, growth: { max: 32 * PAGE }, lock: "auto", ...stackOf(stack) });
  const before = heap.memory.u8.length;
  const small = parcels(heap, 1, 100);
  const large = heap.alloc(8 * PAGE);
  const after = heap.memory.u8.length;
  const held = await heap.enterAsync();
  const faults = consume(heap, small);
  held.leave();
  heap.free(large);
  return {
    isolated: crossOriginIsolated,
    sharedArrayBuffer: typeof SharedArrayBuffer,
    kind: heap.memory.kind,
    shared: heap.memory.shared,
    hasGrown: after > before && large !== 0,
    faults,
    entered: heap.contention.entered,
    posting: heap.memory.shared && thrownBy(() => start("copy", { descriptor: heap.descriptor(), stack })),
    left: liveBlocks(heap).length,
    check: thrownBy(() => heap.check()),
  };
}

/** A worker gets the heap as a copy: what it does there is its own. */
export async function copied({ stack }: { stack: StackName }) {
  const heap = createHeap({ memory: 4 * PAGE, ...stackOf(stack) });
  const { ptr, bytes } = heap.string("written by the main thread");
  const agent = start("copy", { descriptor: heap.descriptor(), stack, ptr, bytes });
  const there = await agent.done;
  return {
    there,
    text: heap.text(ptr, bytes),
    left: liveBlocks(heap).length,
    check: thrownBy(() => heap.check()),
  };
}

export interface CopyData {
  readonly descriptor: HeapDescriptor;
  readonly stack: StackName;
  readonly ptr?: number;
  readonly bytes?: number;
}

export function copyRole({ descriptor, stack, ptr = 0, bytes = 0 }: CopyData) {
  const heap = attachHeap(descriptor, stackOf(stack));
  const text = heap.text(ptr, bytes);
  heap.free(ptr);
  return { text, left: liveBlocks(heap).length, check: thrownBy(() => heap.check()) };
}
