/**
 * The way of a small request: a bit of the map, and back.
 *
 *     alloc   |..UU.U.U|  lowest free bit of the unit the class's cursor is at      clearing it commits
 *     free    |..UU...U|  setting it commits
 *
 * A pointer is tested against the map, out of band, before anything changes: is there a span, can a cell of its class begin there, is
 * it live? Nothing in the area is read or written, so neither path waits for a block's cache line, and nobody can forge a block.
 */
import type { Allocator, Memory } from "@heapwright/core";
import { allocLarge } from "./large.js";
import {
  CLASS_BITS,
  CLASS_MASK,
  CLASS_SHIFT,
  COUNTER,
  COUNTER_AT,
  classOf,
  FIRST_MADE,
  GRANULE,
  KIND_MASK,
  type Large,
  ONE,
  type Space,
  UNIT_MASK,
  UNIT_SHIFT,
} from "./space.js";
import { freed, refill } from "./spans.js";
import { refusal } from "./validate.js";

/** Up to so many words a loop is faster than `copyWithin`. */
const BY_LOOP = 72;

/**
 * The `alloc` primitive of one agent. This, `free` and `usableSize` are short, and what is rare is elsewhere: V8 inlines what is called into a
 * loop up to 920 bytes of bytecode in all, and a call that is not costs 2 ns. They are written out, too: V8 tests at each use of an imported
 * function whether it is still that one.
 */
export function createAlloc(space: Space, large: Large): Allocator["alloc"] {
  const { map, classes, made, header, most } = space;
  // Of the unit before the first: what its granules count from.
  const first = (map + 2) << 4;
  const start = space.origin + header;
  const headers = 1 + space.headerGranules;
  // Spans begin at a multiple of 2 KiB, so cells of a multiple of `align` are aligned, unless there are slots in front: then such a class is too large.
  const shift = header === 0 ? 0 : 9;
  return (size, align, tag) => {
    const { i32 } = space;
    // Not rounded by adding: sizes near 2^32 stay large.
    const sizeClass = ((((size - 1) | ((align - GRANULE) << shift)) >>> 4) + headers) | 0;
    if (sizeClass > most) return allocLarge(space, large, size, align, tag);
    const of = (classes + (sizeClass << CLASS_SHIFT)) | 0;
    let at = (map + i32[of]) | 0;
    let bits = i32[at];
    if (bits === 0) {
      at = (map + refill(space, large, sizeClass)) | 0;
      bits = i32[at];
      if (bits === 0) return allocInstead(space, large, sizeClass, size, align, tag);
    }
    const low = bits & -bits;
    const granule = ((at << 4) + 31 - first - Math.clz32(low)) | 0;
    i32[made] = granule + FIRST_MADE;
    i32[at] = bits ^ low;
    i32[(map + i32[of + COUNTER]) | 0] += ONE;
    return start + granule * GRANULE;
  };
}

/** There is no room for a span. */
function allocInstead(
  space: Space,
  large: Large,
  sizeClass: number,
  size: number,
  align: number,
  tag: number,
): number {
  const bytes = align === GRANULE ? (sizeClass << 4) - space.header : size;
  return allocLarge(space, large, bytes, align, tag);
}

/** The `free` primitive of one agent. */
export function createFree(space: Space, large: Allocator): Allocator["free"] {
  const { header, units, starts } = space;
  const start = space.origin + header;
  const map = space.map + 2;
  const { free } = large;
  return (ptr) => {
    const { i32 } = space;
    const from = ptr - start;
    const unit = from >>> UNIT_SHIFT;
    if (unit < units) {
      const at = (map + (unit << 1)) | 0;
      const kind = i32[at + 1];
      const bits = i32[at];
      const bit = 1 << ((from >>> 4) & 31);
      // No cell ends behind its span, and no block of `large` begins in one.
      if ((starts[kind & KIND_MASK] & ~bits & bit) !== 0 && (from & 15) === 0) {
        i32[at] = bits | bit;
        const counter = (at - ((kind >>> (CLASS_BITS - 1)) & (UNIT_MASK << 1)) + COUNTER_AT) | 0;
        const count = (i32[counter] - ONE) | 0;
        i32[counter] = count;
        if (count < ONE) freed(space, large, at);
        return;
      }
    }
    if (pairOf(space, ptr) !== 0) throw refusal(space, ptr);
    free(ptr);
  };
}

/** Pair of the unit in which the cell of a payload begins; 0 if `ptr`, which may be any number, is in no span. */
export function pairOf(space: Space, ptr: number): number {
  const from = ptr - space.origin;
  const unit = from >>> UNIT_SHIFT;
  if (from < 0 || unit >= space.units) return 0;
  const at = space.map + 2 + (unit << 1);
  if (space.i32[at + 1] === 0) return 0;
  return space.header === 0 ? at : pairBefore(space, ptr);
}

/** Under slots a cell may begin a unit before its payload. No cell ends behind its span, so what is found there is this one or none. */
function pairBefore(space: Space, ptr: number): number {
  const from = ptr - space.header - space.origin;
  return from < 0 ? space.map : space.map + 2 + ((from >>> UNIT_SHIFT) << 1);
}

/** Class of the live cell whose payload is at `ptr`, 0 if `ptr` is in no span. Throws for what is no block. */
export function liveClass(space: Space, ptr: number): number {
  const at = pairOf(space, ptr);
  if (at === 0) return 0;
  const bit = 1 << (((ptr - space.header - space.origin) >>> 4) & 31);
  const kind = space.i32[at + 1];
  if ((space.starts[kind & KIND_MASK] & ~space.i32[at] & bit) === 0 || (ptr & 15) !== 0)
    throw refusal(space, ptr);
  return classOf(kind);
}

/** A cell has the size of its class, from the beginning to the end. */
export function createResize(space: Space, large: Allocator): Allocator["resize"] {
  const { resize } = large;
  return (ptr, size) => {
    const sizeClass = liveClass(space, ptr);
    return sizeClass === 0 ? resize(ptr, size) : size <= (sizeClass << 4) - space.header;
  };
}

/** In place if the cell is large enough, or `large` can; else a new block, a copy, and the end of the old one. */
export function createRealloc(
  space: Space,
  memory: Memory,
  large: Allocator,
  { alloc, free }: Pick<Allocator, "alloc" | "free">,
): NonNullable<Allocator["realloc"]> {
  const { header, units, starts } = space;
  const start = space.origin + header;
  const map = space.map + 2;
  const { resize, usableSize } = large;

  function reallocLarge(ptr: number, size: number, align: number, tag: number): number {
    const usable = usableSize(ptr);
    if ((ptr & (align - 1)) === 0 && resize(ptr, size)) return ptr;
    const moved = alloc(size, align, tag);
    if (moved === 0) return 0;
    memory.copy(moved, ptr, Math.min(usable, size));
    free(ptr);
    return moved;
  }

  return (ptr, size, align, tag) => {
    const from = ptr - start;
    const unit = from >>> UNIT_SHIFT;
    if (unit < units) {
      const { i32 } = space;
      const at = (map + (unit << 1)) | 0;
      const kind = i32[at + 1];
      if ((starts[kind & KIND_MASK] & ~i32[at] & (1 << ((from >>> 4) & 31))) !== 0 && (from & 15) === 0) {
        const usable = (((kind & CLASS_MASK) + 1) << 4) - header;
        if (size <= usable && (ptr & (align - 1)) === 0) return ptr;
        const moved = alloc(size, align, tag);
        if (moved === 0) return 0;
        copyWords(space.i32, moved >>> 2, ptr >>> 2, (Math.min(usable, size) + 3) >>> 2);
        free(ptr);
        return moved;
      }
    }
    if (pairOf(space, ptr) !== 0) throw refusal(space, ptr);
    return reallocLarge(ptr, size, align, tag);
  };
}

/** Copies what a cell holds; a payload's end is a multiple of 4. */
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

/** Bytes of a block: `less` than its cell has, or what `large` says. */
export function createSize(
  space: Space,
  ofLarge: Allocator["usableSize"],
  less: number,
): Allocator["usableSize"] {
  const { header, units, starts } = space;
  const start = space.origin + header;
  const map = space.map + 2;
  // As liveClass does, written out: core's `alloc` asks after each block it zeroes, and V8 inlines this there, but not two functions deep.
  return (ptr) => {
    const { i32 } = space;
    const from = ptr - start;
    const unit = from >>> UNIT_SHIFT;
    if (unit < units) {
      const at = (map + (unit << 1)) | 0;
      const kind = i32[at + 1];
      if ((starts[kind & KIND_MASK] & ~i32[at] & (1 << ((from >>> 4) & 31))) !== 0 && (from & 15) === 0)
        return (((kind & CLASS_MASK) + 1) << 4) - less;
    }
    if (pairOf(space, ptr) !== 0) throw refusal(space, ptr);
    return ofLarge(ptr);
  };
}
