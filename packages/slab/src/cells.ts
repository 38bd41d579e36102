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
  USED,
} from "./space.js";
import { freed, refill } from "./spans.js";
import { refusal } from "./validate.js";

/**
 * The `alloc` primitive of one agent. This and `free` are written out: V8 tests at each use of an imported function whether it is still that
 * one, three instructions each, of 75.
 */
export function createAlloc(space: Space, large: Large): Allocator["alloc"] {
  return (size, align, tag) => {
    // Not rounded by adding: sizes near 2^32 stay large. Spans begin at a multiple of 2 KiB, so cells of a multiple of `align` are aligned,
    // unless there are slots in front.
    const sizeClass = ((((size - 1) | (align - 1)) >>> 4) + 1 + space.headerGranules) | 0;
    if (sizeClass > space.most || (space.header !== 0 && align !== GRANULE))
      return allocLarge(space, large, size, align, tag);
    const { i32, map, state } = space;
    const of = (space.classes + (sizeClass << CLASS_SHIFT)) | 0;
    let at = (map + i32[of]) | 0;
    let bits = i32[at];
    if (bits === 0) {
      at = (map + refill(space, large, sizeClass)) | 0;
      bits = i32[at];
      if (bits === 0) {
        const bytes = align === GRANULE ? (sizeClass << 4) - space.header : size;
        return allocLarge(space, large, bytes, align, tag);
      }
    }
    const low = bits & -bits;
    const granule = (((at - map - 2) << 4) + 31 - Math.clz32(low)) | 0;
    i32[space.made] = granule + FIRST_MADE;
    i32[at] = bits ^ low;
    i32[map + i32[of + COUNTER]] += ONE;
    i32[state + USED] += (sizeClass << 4) - space.header;
    return space.origin + space.header + granule * GRANULE;
  };
}

/** The `free` primitive of one agent. */
export function createFree(space: Space, large: Allocator): Allocator["free"] {
  const { free } = large;
  return (ptr) => {
    const { i32, header, origin } = space;
    const from = ptr - origin;
    const unit = from >>> UNIT_SHIFT;
    if (from < 0 || unit >= space.units) return free(ptr);
    let at = (space.map + 2 + (unit << 1)) | 0;
    let kind = i32[at + 1];
    if (kind === 0) return free(ptr);
    if (header !== 0) {
      at = pairBefore(space, ptr);
      kind = i32[at + 1];
    }
    const bit = 1 << (((from - header) >>> 4) & 31);
    const starts = space.starts[kind & KIND_MASK];
    const bits = i32[at];
    if ((starts & ~bits & bit) === 0 || (from & 15) !== 0) throw refusal(space, ptr);
    i32[at] = bits | bit;
    i32[space.state + USED] -= (((kind & CLASS_MASK) + 1) << 4) - header;
    const counter = (at - ((kind >>> (CLASS_BITS - 1)) & (UNIT_MASK << 1)) + COUNTER_AT) | 0;
    const count = (i32[counter] - ONE) | 0;
    i32[counter] = count;
    if (count < ONE) freed(space, large, at);
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
  const { resize, usableSize } = large;
  return (ptr, size, align, tag) => {
    const sizeClass = liveClass(space, ptr);
    const isAligned = (ptr & (align - 1)) === 0;
    const usable = sizeClass === 0 ? usableSize(ptr) : (sizeClass << 4) - space.header;
    if (isAligned && (sizeClass === 0 ? resize(ptr, size) : size <= usable)) return ptr;
    const moved = alloc(size, align, tag);
    if (moved === 0) return 0;
    memory.copy(moved, ptr, Math.min(usable, size));
    free(ptr);
    return moved;
  };
}

/** Bytes of a block: `less` than its cell has, or what `large` says. */
export function createSize(
  space: Space,
  ofLarge: Allocator["usableSize"],
  less: number,
): Allocator["usableSize"] {
  // As liveClass does, written out: core's `alloc` asks after each block it zeroes, and V8 inlines this there, but not two functions deep.
  return (ptr) => {
    const { i32, header, origin } = space;
    const from = ptr - origin;
    const unit = from >>> UNIT_SHIFT;
    if (from < 0 || unit >= space.units) return ofLarge(ptr);
    let at = (space.map + 2 + (unit << 1)) | 0;
    let kind = i32[at + 1];
    if (kind === 0) return ofLarge(ptr);
    if (header !== 0) {
      at = pairBefore(space, ptr);
      kind = i32[at + 1];
    }
    const bit = 1 << (((from - header) >>> 4) & 31);
    if ((space.starts[kind & KIND_MASK] & ~i32[at] & bit) === 0 || (from & 15) !== 0)
      throw refusal(space, ptr);
    return (((kind & CLASS_MASK) + 1) << 4) - less;
  };
}
