/**
 * The composed heap of this project over its hyperheap strategy, as an app gets it from `createHeap`: arguments and
 * every pointer are checked on each call, which no peer does. malloc is `allocUnsafe`, calloc is `alloc` (zeroed).
 */
import { type Align, createHeap, isHeapError, type MemorySource } from "@heapwright/core";
import { hyperheap as strategy } from "@heapwright/hyperheap";
import { versionOf } from "../assets.js";
import type { Target, TargetModule } from "./target.js";

function over(memory: MemorySource): Target {
  const heap = createHeap({ memory, strategy: strategy() });
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
    check: () => {
      heap.check();
    },
  };
}

const hyperheap: TargetModule = {
  name: "hyperheap",
  about:
    "Heapwright: createHeap with the hyperheap strategy, no plugin, in an ArrayBuffer; pointers validated",
  alignment: 16,
  maxAlign: 4096,
  version: () => `@heapwright/hyperheap ${versionOf("@heapwright/hyperheap")}`,
  async create(bytes) {
    return over(bytes);
  },
  async createLimited(bytes) {
    try {
      return over(new ArrayBuffer(bytes));
    } catch (error) {
      // No room for the header and the tables.
      if (isHeapError(error, "ERR_INVALID_OPTION")) return undefined;
      throw error;
    }
  },
};
export default hyperheap;
