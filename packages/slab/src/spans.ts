/**
 * Spans: blocks of `large` cut into cells of one class, and the lists of those that have free ones.
 *
 *     refill   cursor at a unit with free cells    of the first span in the list that has any; the others leave the list
 *              no span                             a new one, 1 KiB while the class has few, then 2, then 4
 *     freed    the unit was full                   its span goes to the end of the list, if it is in none
 *              the span is empty                   the class's spare, or back to `large` if there is one, or there are many
 *
 * First in, first out: a span has gathered many free cells when its turn comes, so refills are few (5 to 15 of 1000 allocations in the
 * bundled traces; last in, first out 20 to 200), and emptied ones are left alone.
 */
import type { Allocator } from "@heapwright/core";
import {
  CAPACITY,
  CURSOR,
  cellsIn,
  classAt,
  classOf,
  GIVING,
  GRANULE,
  HEAD,
  KIB,
  KIND_MASK,
  kindOf,
  LEAST_SIZE,
  LINK_SHIFT,
  linkOf,
  MADE_LARGE,
  SPAN_ALIGN,
  SPAN_BYTES,
  SPANS,
  SPARE,
  SPARE_BYTES,
  type Space,
  sizeOf,
  spanAddress,
  spanPair,
  TAIL,
  TAKING,
  UNIT,
  unitOf,
} from "./space.js";
import { corruptList } from "./validate.js";

/** Cells above this begin with 2 KiB: of 1 KiB they would waste too much. */
const LARGE_CELL = 256;
/** Spans of a class before they are 2 KiB, and before they are 4. */
const FEW = 2;
const SOME = 6;

/** Puts the class's cursor at a unit with a free cell, and says which; 0 if there is none, and `large` has no room for a span. */
export function refill(space: Space, large: Allocator, sizeClass: number): number {
  const { i32, map } = space;
  const at = classAt(space, sizeClass);
  const cursor = i32[at + CURSOR];
  if (i32[map + cursor] !== 0) return cursor;
  for (let span = i32[at + HEAD]; span !== 0; span = i32[at + HEAD]) {
    const pair = spanPair(space, span);
    const kind = i32[pair + 1];
    if (span > space.units >>> 1 || kind === 0 || classOf(kind) !== sizeClass || unitOf(kind) !== 0)
      throw corruptList(space, sizeClass, span);
    const end = pair + (2 << sizeOf(kind));
    for (let unit = pair; unit < end; unit += 2) {
      if (i32[unit] === 0) continue;
      i32[at + CURSOR] = unit - map;
      return unit - map;
    }
    unlink(space, at, pair, span);
  }
  return grow(space, large, sizeClass);
}

/** A span more for the class; its cursor, or 0. */
function grow(space: Space, large: Allocator, sizeClass: number): number {
  const { i32 } = space;
  const at = classAt(space, sizeClass);
  const spans = i32[at + SPANS];
  const least = sizeClass * GRANULE > LARGE_CELL ? 2 : 1;
  const span =
    request(space, large, sizeClass, Math.max(least, spans < FEW ? 1 : spans < SOME ? 2 : 3), least) ||
    takeSpare(space, large, sizeClass, least);
  if (span === 0) return 0;
  link(space, at, spanPair(space, span), span);
  const cursor = spanPair(space, span) - space.map;
  i32[at + CURSOR] = cursor;
  return cursor;
}

/** Asks `large` for a span of this size, else smaller ones. In the map, in no list; 0 if there is no room. */
function request(space: Space, large: Allocator, sizeClass: number, size: number, least: number): number {
  const { i32, state } = space;
  i32[state + TAKING] = 1;
  try {
    for (let code = size; code >= least; code--) {
      const ptr = large.alloc((UNIT << code) - space.tail, SPAN_ALIGN, 0);
      if (ptr !== 0) return install(space, large, sizeClass, code, ptr);
    }
    return 0;
  } finally {
    i32[state + TAKING] = 0;
    i32[state + MADE_LARGE] = 0;
  }
}

/** The block becomes a span, all of it free. The kind of its first unit commits. */
function install(space: Space, large: Allocator, sizeClass: number, size: number, ptr: number): number {
  const { i32, state } = space;
  const span = (ptr - space.origin) / KIB + 1;
  const pair = spanPair(space, span);
  for (let unit = (1 << size) - 1; unit >= 0; unit--) {
    const kind = kindOf(sizeClass, unit, size);
    i32[pair + 2 * unit] = space.starts[kind];
    i32[pair + 2 * unit + 1] = unit === 1 ? kind | (span << LINK_SHIFT) : kind;
  }
  i32[classAt(space, sizeClass) + SPANS]++;
  i32[state + CAPACITY] += cellsIn(space, sizeClass, size) * (sizeClass * GRANULE - space.header);
  i32[state + SPAN_BYTES] += large.usableSize(ptr);
  return span;
}

/** A cell has become free in a unit that was full, or all of the unit is free now. */
export function freed(space: Space, large: Allocator, at: number): void {
  const { i32 } = space;
  const kind = i32[at + 1];
  const pair = at - 2 * unitOf(kind);
  const span = ((pair - space.map - 2) >> 2) + 1;
  const list = classAt(space, classOf(kind));
  if (linkOf(i32[pair + 3]) === span) link(space, list, pair, span);
  if (!isEmpty(space, pair)) return;
  const spare = i32[list + SPARE];
  if (spare === span) return;
  if (spare !== 0 && !isEmpty(space, spanPair(space, spare))) forgetSpare(space, list);
  const bytes = i32[space.state + SPARE_BYTES] + (UNIT << sizeOf(kind));
  if (i32[list + SPARE] !== 0 || bytes > space.spareLimit) {
    give(space, large, span);
    return;
  }
  i32[list + SPARE] = span;
  i32[space.state + SPARE_BYTES] = bytes;
}

/** Has the span whose first pair this is no live cell? */
export function isEmpty(space: Space, pair: number): boolean {
  const { i32, starts } = space;
  const end = pair + (2 << sizeOf(i32[pair + 1]));
  for (let unit = pair; unit < end; unit += 2) {
    if (i32[unit] !== starts[i32[unit + 1] & KIND_MASK]) return false;
  }
  return true;
}

// ---- spares ------------------------------------------------------------------------------------------------------

function forgetSpare(space: Space, list: number): void {
  const { i32, state } = space;
  const kind = i32[spanPair(space, i32[list + SPARE]) + 1];
  i32[state + SPARE_BYTES] -= UNIT << sizeOf(kind);
  i32[list + SPARE] = 0;
}

/** An empty spare of any class with at least this size code and so many usable bytes; 0 if there is none. */
export function findSpare(space: Space, large: Allocator, size: number, usable: number): number {
  for (let sizeClass = space.most; sizeClass > 0; sizeClass--) {
    const spare = spareOf(space, sizeClass);
    if (spare === 0 || sizeOf(space.i32[spanPair(space, spare) + 1]) < size) continue;
    if (usable === 0 || large.usableSize(spanAddress(space, spare)) >= usable) return spare;
  }
  return 0;
}

/** The spare of a class, if it is empty still; else 0. */
export function spareOf(space: Space, sizeClass: number): number {
  const spare = space.i32[classAt(space, sizeClass) + SPARE];
  return spare !== 0 && isEmpty(space, spanPair(space, spare)) ? spare : 0;
}

/** A spare of another class gets cells of this one; 0 if there is none. */
function takeSpare(space: Space, large: Allocator, sizeClass: number, least: number): number {
  const { i32, state } = space;
  const span = findSpare(space, large, least, 0);
  if (span === 0) return 0;
  const size = sizeOf(i32[spanPair(space, span) + 1]);
  // Should this agent end in between, it is given back.
  i32[state + GIVING] = span;
  uninstall(space, large, span);
  install(space, large, sizeClass, size, spanAddress(space, span));
  i32[state + GIVING] = 0;
  return span;
}

/** Gives all spares back. O(classes). */
export function trim(space: Space, large: Allocator): void {
  for (
    let span = findSpare(space, large, LEAST_SIZE, 0);
    span !== 0;
    span = findSpare(space, large, LEAST_SIZE, 0)
  )
    give(space, large, span);
}

/** An empty span goes back to `large`. */
export function give(space: Space, large: Allocator, span: number): void {
  const { i32, state } = space;
  i32[state + GIVING] = span;
  uninstall(space, large, span);
  large.free(spanAddress(space, span));
  i32[state + GIVING] = 0;
}

/** An empty span leaves its class, the lists and the map. */
function uninstall(space: Space, large: Allocator, span: number): void {
  const { i32, state } = space;
  const pair = spanPair(space, span);
  const kind = i32[pair + 1];
  const sizeClass = classOf(kind);
  const at = classAt(space, sizeClass);
  const end = pair + (2 << sizeOf(kind));
  const cursor = i32[at + CURSOR] + space.map;
  if (cursor >= pair && cursor < end) i32[at + CURSOR] = 0;
  if (i32[at + SPARE] === span) forgetSpare(space, at);
  if (linkOf(i32[pair + 3]) !== span) unlink(space, at, pair, span);
  i32[at + SPANS]--;
  i32[state + CAPACITY] -= cellsIn(space, sizeClass, sizeOf(kind)) * (sizeClass * GRANULE - space.header);
  i32[state + SPAN_BYTES] -= large.usableSize(spanAddress(space, span));
  i32.fill(0, pair, end);
}

/** Is there a free cell in a span of the class? O(spans of the class). */
export function hasFree(space: Space, sizeClass: number): boolean {
  const { i32 } = space;
  for (
    let span = i32[classAt(space, sizeClass) + HEAD];
    span !== 0;
    span = linkOf(i32[spanPair(space, span) + 1])
  ) {
    const pair = spanPair(space, span);
    for (let unit = 0; unit < 1 << sizeOf(i32[pair + 1]); unit++) if (i32[pair + 2 * unit] !== 0) return true;
  }
  return false;
}

// ---- lists -------------------------------------------------------------------------------------------------------

function setLink(i32: Int32Array, at: number, span: number): void {
  i32[at] = (i32[at] & KIND_MASK) | (span << LINK_SHIFT);
}

/** At the end. */
export function link(space: Space, at: number, pair: number, span: number): void {
  const { i32 } = space;
  const tail = i32[at + TAIL];
  setLink(i32, pair + 1, 0);
  setLink(i32, pair + 3, tail);
  if (tail === 0) i32[at + HEAD] = span;
  else setLink(i32, spanPair(space, tail) + 1, span);
  i32[at + TAIL] = span;
}

export function unlink(space: Space, at: number, pair: number, span: number): void {
  const { i32 } = space;
  const next = linkOf(i32[pair + 1]);
  const before = linkOf(i32[pair + 3]);
  if (before === 0) i32[at + HEAD] = next;
  else setLink(i32, spanPair(space, before) + 1, next);
  if (next === 0) i32[at + TAIL] = before;
  else setLink(i32, spanPair(space, next) + 3, before);
  setLink(i32, pair + 1, 0);
  setLink(i32, pair + 3, span);
}
