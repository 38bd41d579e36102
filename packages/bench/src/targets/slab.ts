import { type Align, createHeap, type Heap } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { slab as strategy } from "@heapwright/slab";
import { versionOf } from "../assets.js";
import type { Target, TargetModule } from "./target.js";

function target(memory: ArrayBuffer): Target {
  const heap: Heap = createHeap({ memory, strategy: strategy({ large: hyperheap() }) });
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
const slab: TargetModule = {
  name: "slab",
  about: "Heapwright: slab",
  alignment: 16,
  maxAlign: 4096,
  version: () => `@heapwright/slab ${versionOf("@heapwright/slab")}`,
  create: async (bytes) => target(new ArrayBuffer(bytes)),
  createLimited: async (bytes) => {
    try {
      return target(new ArrayBuffer(bytes));
    } catch {
      return undefined;
    }
  },
};
export default slab;
