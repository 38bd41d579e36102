/** Shared memory that one agent lets grow while others have views of it. */
import { attachHeap, createHeap, type HeapDescriptor, type MemorySource } from "@heapwright/core";
import { start } from "../agents.js";
import { fill, isWhole, type Parcel } from "../pattern.js";
import { liveBlocks, type StackName, stackOf, thrownBy } from "../stacks.js";
import type { Surroundings } from "../surroundings.js";

export type GrowthKind = "SharedArrayBuffer" | "WebAssembly.Memory";

const PAGE = 65536;
const GROWTH = { step: PAGE };

export async function growth({ stack, kind }: { stack: StackName; kind: GrowthKind }) {
  const memory: MemorySource =
    kind === "SharedArrayBuffer"
      ? new SharedArrayBuffer(4 * PAGE, { maxByteLength: 64 * PAGE })
      : new WebAssembly.Memory({ initial: 4, maximum: 64, shared: true });
  const heap = createHeap({ memory, growth: { ...GROWTH, max: 64 * PAGE }, ...stackOf(stack) });
  const agents = [1, 2, 3].map((by) => start("growth", { descriptor: heap.descriptor(), stack, by }));
  for (const agent of agents) await agent.next();
  const blocks: Parcel[] = [];
  const lengths: number[][] = [];
  let faults = 0;
  // In turn each of the workers, then the main thread, wants more than there is; all others then read it.
  for (const maker of [...agents, undefined]) {
    let made: Parcel;
    if (maker === undefined) {
      made = { ptr: heap.alloc(5 * PAGE), size: 5 * PAGE, by: 0 };
      fill(heap, made);
    } else {
      maker.post("make");
      made = await maker.next<Parcel>();
    }
    blocks.push(made);
    const seen: number[] = [];
    for (const agent of agents) {
      agent.post(made);
      const { isRight, bytes } = await agent.next<{ isRight: boolean; bytes: number }>();
      if (!isRight) faults++;
      seen.push(bytes);
    }
    heap.usableSize(made.ptr);
    if (!isWhole(heap, made)) faults++;
    lengths.push([heap.memory.u8.length, ...seen]);
  }
  for (const agent of agents) agent.post("end");
  for (const agent of agents) await agent.done;
  const spread = { kind: heap.memory.kind, shared: heap.memory.shared, epoch: heap.memory.epoch };
  for (const { ptr } of blocks) heap.free(ptr);
  return {
    blocks,
    lengths,
    faults,
    ...spread,
    full: heap.alloc(64 * PAGE),
    left: liveBlocks(heap).length,
    check: thrownBy(() => heap.check()),
  };
}

export interface GrowthData {
  readonly descriptor: HeapDescriptor;
  readonly stack: StackName;
  readonly by: number;
}

export async function growthRole({ descriptor, stack, by }: GrowthData, { say, heard }: Surroundings) {
  const heap = attachHeap(descriptor, stackOf(stack), { growth: GROWTH });
  say("attached");
  for (;;) {
    const message = (await heard()) as Parcel | "make" | "end";
    if (message === "end") return;
    if (message === "make") {
      const made = { ptr: heap.alloc(5 * PAGE), size: 5 * PAGE, by };
      fill(heap, made);
      say(made);
    } else {
      // Any call lets an agent see what others have done.
      heap.usableSize(message.ptr);
      say({ isRight: isWhole(heap, message), bytes: heap.memory.u8.length });
    }
  }
}
