/**
 * The composed heap of this project over its hyperheap strategy, as an app gets it from `createHeap`: arguments and
 * every pointer are checked on each call, which no peer does. malloc is `allocUnsafe`, calloc is `alloc` (zeroed).
 */
import {
  type Align,
  createHeap,
  type Heap,
  isHeapError,
  type MemorySource,
  type PluginInput,
  type Strategy,
} from "@heapwright/core";
import { hyperheap as makeHyperheap } from "@heapwright/hyperheap";
import { versionOf } from "../assets.js";
import type { Target, TargetModule } from "./target.js";

/** The heap over a strategy and, for stacks/, plugins. */
export function heapTarget(
  memory: MemorySource,
  plugins: readonly PluginInput[] = [],
  strategy: Strategy = makeHyperheap(),
): Target {
  const heap: Heap = createHeap({ memory, strategy, plugins });
  return {
    malloc: (size) => heap.allocUnsafe(size),
    calloc: (size) => heap.alloc(size),
    realloc: (ptr, size) => heap.reallocUnsafe(ptr, size),
    memalign: (align, size) => heap.allocUnsafe(size, align as Align),
    free: (ptr) => {
      heap.free(ptr);
    },
    buffer: () => heap.memory.buffer,
    takenSize: (ptr) => heap.takenSize(ptr),
    areaBytes: () => heap.region.areaEnd - heap.region.areaStart,
    blocks: () => heap.blocks(),
    check: () => {
      heap.check();
    },
  };
}

/** The same in no more than so many bytes; undefined where they have no room for the header and the tables. */
export async function limitedHeapTarget(
  bytes: number,
  plugins: readonly PluginInput[] = [],
  strategy: Strategy = makeHyperheap(),
): Promise<Target | undefined> {
  try {
    return heapTarget(new ArrayBuffer(bytes), plugins, strategy);
  } catch (error) {
    if (isHeapError(error, "ERR_INVALID_OPTION")) return undefined;
    throw error;
  }
}

const hyperheap: TargetModule = {
  name: "hyperheap",
  about:
    "Heapwright: createHeap with the hyperheap strategy, no plugin, in an ArrayBuffer; pointers validated",
  alignment: 16,
  maxAlign: 4096,
  version: () => `@heapwright/hyperheap ${versionOf("@heapwright/hyperheap")}`,
  create: async (bytes) => heapTarget(bytes),
  createLimited: (bytes) => limitedHeapTarget(bytes),
};
export default hyperheap;
