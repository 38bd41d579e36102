/**
 * `realloc`, which core would make of resize, usableSize, alloc and free: here the block is validated once, and words are copied by a loop.
 * Payloads end at 12 modulo 16, and core copies what is no multiple of 16 by `copyWithin`, 36 ns where a loop takes 4.
 */
import { liveGranule } from "./maps.js";
import { liveSize, resizeLive } from "./resize.js";
import type { Space } from "./space.js";

/** Up to so many words a loop is faster than `copyWithin`. */
const BY_LOOP = 72;

/** The `realloc` primitive of one agent: in place, or a new block, a copy, and the end of the old one; 0, and nothing has changed, if exhausted. */
export function createRealloc(
  space: Space,
  alloc: (bytes: number, align: number) => number,
  free: (ptr: number) => void,
): (ptr: number, bytes: number, align: number) => number {
  return (ptr, bytes, align) => {
    const granule = liveGranule(space, ptr) | 0;
    const size = liveSize(space, granule, ptr) | 0;
    if ((ptr & (align - 1)) === 0 && resizeLive(space, granule, size, bytes)) return ptr;
    const moved = alloc(bytes, align);
    if (moved === 0) return 0;
    const { i32, headerWords } = space;
    const room = i32[((moved >>> 2) - headerWords) | 0];
    copyWords(i32, moved >>> 2, ptr >>> 2, (Math.min(room, size) << 2) - headerWords);
    free(ptr);
    return moved;
  };
}

/** Copies words between blocks. */
function copyWords(i32: Int32Array, to: number, from: number, count: number): void {
  if (count > BY_LOOP) {
    i32.copyWithin(to, from, from + count);
    return;
  }
  let at = 0;
  for (; at + 4 <= count; at += 4) {
    const a = i32[from + at];
    const b = i32[from + at + 1];
    const c = i32[from + at + 2];
    const d = i32[from + at + 3];
    i32[to + at] = a;
    i32[to + at + 1] = b;
    i32[to + at + 2] = c;
    i32[to + at + 3] = d;
  }
  for (; at < count; at++) i32[to + at] = i32[from + at];
}
