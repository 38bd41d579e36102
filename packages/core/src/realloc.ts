/**
 * `realloc` for allocators that bring none: in place if the block has the alignment and the room, else a new block, a copy,
 * and the end of the old one. The tag moves along, where one is kept. Allocates first: a failure leaves the old block untouched.
 */
import { copyBytes } from "./bytes.js";
import type { Memory } from "./memory.js";
import type { Allocator, Ptr } from "./types.js";

/** `memory`'s views are read after the allocation, which may have replaced them. */
export function reallocOver(
  allocator: Allocator,
  memory: Memory,
): (ptr: Ptr, size: number, align: number, tag: number) => Ptr {
  const { alloc, free, resize, usableSize, tagOf } = allocator;
  return (ptr, size, align, tag) => {
    if ((ptr & (align - 1)) === 0 && resize(ptr, size)) return ptr;
    const usable = usableSize(ptr);
    const moved = alloc(size, align, tag === 0 && tagOf !== undefined ? tagOf(ptr) : tag);
    if (moved === 0) return 0;
    copyBytes(memory, moved, ptr, Math.min(usable, size));
    free(ptr);
    return moved;
  };
}
