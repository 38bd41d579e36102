/**
 * The composed heap over the arena strategy, as an app gets it from `createHeap`. It can only free its last block, so a trace's frees do
 * nothing, as with the bump pointer it is compared to; arguments and pointers are checked on each call all the same.
 */
import { arena as strategy } from "@heapwright/arena";
import { type Align, createHeap } from "@heapwright/core";
import { versionOf } from "../assets.js";
import type { Target, TargetModule } from "./target.js";

async function create(bytes: number): Promise<Target> {
  // The codes are no bytes a block could be in.
  const heap = createHeap({ memory: Math.ceil((bytes * 65) / 64), strategy: strategy() });
  return {
    malloc: (size) => heap.allocUnsafe(size),
    calloc: (size) => heap.alloc(size),
    realloc: (ptr, size) => heap.reallocUnsafe(ptr, size),
    memalign: (align, size) => heap.allocUnsafe(size, align as Align),
    free() {},
    buffer: () => heap.memory.buffer,
    takenSize: (ptr) => heap.takenSize(ptr),
    areaBytes: () => heap.region.areaEnd - heap.region.areaStart,
    check: () => {
      heap.check();
    },
    reset: () => heap.reset?.(),
  };
}

const arena: TargetModule = {
  name: "arena",
  about: "Heapwright: createHeap with the arena strategy, no plugin; frees do nothing; pointers validated",
  alignment: 16,
  maxAlign: 4096,
  reuses: false,
  version: () => `@heapwright/arena ${versionOf("@heapwright/arena")}`,
  create,
};
export default arena;
