/**
 * The composed heap of this project over its hyperheap strategy, as an app gets it from `createHeap`: arguments and
 * every pointer are checked on each call, which no peer does. malloc is `allocUnsafe`, calloc is `alloc` (zeroed).
 */
import { type Align, createHeap } from "@heapwright/core";
import { hyperheap as strategy } from "@heapwright/hyperheap";
import { versionOf } from "../assets.js";
import type { Target, TargetModule } from "./target.js";

const hyperheap: TargetModule = {
  name: "hyperheap",
  about:
    "Heapwright: createHeap with the hyperheap strategy, no plugin, in an ArrayBuffer; pointers validated",
  alignment: 16,
  maxAlign: 4096,
  version: () => `@heapwright/hyperheap ${versionOf("@heapwright/hyperheap")}`,
  async create(bytes) {
    const heap = createHeap({ memory: bytes, strategy: strategy() });
    const target: Target = {
      malloc: (size) => heap.allocUnsafe(size),
      calloc: (size) => heap.alloc(size),
      realloc: (ptr, size) => heap.reallocUnsafe(ptr, size),
      memalign: (align, size) => heap.allocUnsafe(size, align as Align),
      free: (ptr) => {
        heap.free(ptr);
      },
      buffer: () => heap.memory.buffer,
      check: () => {
        heap.check();
      },
    };
    return target;
  },
};
export default hyperheap;
