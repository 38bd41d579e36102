/**
 * Spans: blocks of `large` cut into cells of one class, and the lists of those that have free ones.
 *
 *     refill   cursor at a unit with free cells    of the rest of its span, else of the first span in the list that has any; the others
 *                                                  leave the list
 *              no span                             a new one, 2 KiB while the class has few, then 4, then 8
 *     freed    the span was in no list             it goes to the list's end; the cursor comes here, if it has nothing left where it is
 *              the span is empty                   the class's spare, or back to `large` if there is one, or there are many
 *
 * First in, first out: a span has gathered many free cells when its turn comes, so refills are few (5 to 15 of 1000 allocations in the
 * bundled traces; last in, first out 20 to 200), and emptied ones are left alone.
 */
import type { Allocator } from "@heapwright/core";
import {
  BEFORE_AT,
  bytesOf,
  CAPACITY,
  CLASS_SHIFT,
  COUNTER,
  COUNTER_AT,
  CURSOR,
  cellsIn,
  classAt,
  classOf,
  FRAME,
  GIVING,
  GRANULE,
  HEAD,
  isUnlisted,
  KIND_MASK,
  kindOf,
  LEAST_SIZE,
  LINK_SHIFT,
  linkOf,
  liveIn,
  MADE_LARGE,
  NEXT_AT,
  SPAN_BYTES,
  SPANS,
  SPARE,
  SPARE_BYTES,
  type Space,
  sizeOf,
  spanAddress,
  spanAt,
  spanOfPair,
  spanPair,
  TAIL,
  TAKING,
  UNLISTED,
  unitOf,
  unitsOf,
} from "./space.js";
import { corruptList } from "./validate.js";

/** Spans of a class before they are 4 KiB, and before they are 8. */
const FEW = 4;
const SOME = 12;

/**
 * Puts the class's cursor, whose unit has no free cell, at one that has, and says which; 0 if there is none, and `large` has no room for a span.
 *
 * Units of a span whose cells are all live, as its count says, are not looked at: in perl's trace three of four.
 */
export function refill(space: Space, large: Allocator, sizeClass: number): number {
  const { i32, map, counts } = space;
  const at = (space.classes + (sizeClass << CLASS_SHIFT)) | 0;
  const cursor = i32[(at + CURSOR) | 0];
  const kind = i32[(map + cursor + 1) | 0];
  if (
    cursor !== 0 &&
    (i32[(map + i32[(at + COUNTER) | 0]) | 0] & ~UNLISTED) >>> LINK_SHIFT !== counts[kind & KIND_MASK]
  ) {
    const end = (cursor + 2 * (unitsOf(sizeOf(kind)) - unitOf(kind))) | 0;
    for (let next = (cursor + 2) | 0; next < end; next = (next + 2) | 0) {
      if (i32[(map + next) | 0] === 0) continue;
      i32[(at + CURSOR) | 0] = next;
      return next;
    }
  }
  return refillFromList(space, large, sizeClass);
}

/** The cursor's span has nothing left behind it. */
function refillFromList(space: Space, large: Allocator, sizeClass: number): number {
  const { i32, map, counts } = space;
  const at = classAt(space, sizeClass) | 0;
  for (let span = i32[at + HEAD]; span !== 0; span = i32[at + HEAD]) {
    const pair = spanPair(space, span) | 0;
    if (!isSpanOf(space, pair, sizeClass)) throw corruptList(space, sizeClass, span);
    const kind = i32[pair + 1];
    if (liveIn(space, pair) !== counts[kind & KIND_MASK]) {
      const end = (pair + 2 * unitsOf(sizeOf(kind))) | 0;
      for (let unit = pair; unit < end; unit = (unit + 2) | 0) {
        if (i32[unit] === 0) continue;
        if ((i32[unit] & ~space.starts[i32[unit + 1] & KIND_MASK]) !== 0)
          throw corruptList(space, sizeClass, span);
        setCursor(space, at, unit, pair);
        return unit - map;
      }
    }
    unlink(space, at, pair);
  }
  return grow(space, large, sizeClass);
}

/** A span more for the class; its cursor, or 0. */
function grow(space: Space, large: Allocator, sizeClass: number): number {
  const { i32 } = space;
  const at = classAt(space, sizeClass);
  const spans = i32[at + SPANS];
  const span =
    request(space, large, sizeClass, spans < FEW ? 1 : spans < SOME ? 2 : 3) ||
    takeSpare(space, large, sizeClass);
  if (span === 0) return 0;
  link(space, at, spanPair(space, span), span);
  setCursor(space, at, spanPair(space, span), spanPair(space, span));
  return i32[at + CURSOR];
}

/** Asks `large` for a span of this size, else smaller ones. In the map, in no list; 0 if there is no room. */
function request(space: Space, large: Allocator, sizeClass: number, size: number): number {
  const { i32, state } = space;
  i32[state + TAKING] = 1;
  try {
    for (let code = size; code >= LEAST_SIZE; code--) {
      const ptr = large.alloc(bytesOf(code) - space.tail, FRAME, 0);
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
  const span = spanAt(space, ptr);
  const pair = spanPair(space, span);
  for (let unit = unitsOf(size) - 1; unit >= 0; unit--) {
    const kind = kindOf(sizeClass, unit, size);
    i32[pair + 2 * unit] = space.starts[kind];
    i32[pair + 2 * unit + 1] = unit === 2 ? kind | UNLISTED : kind;
  }
  i32[classAt(space, sizeClass) + SPANS]++;
  i32[state + CAPACITY] += cellsIn(space, sizeClass, size) * (sizeClass * GRANULE - space.header);
  i32[state + SPAN_BYTES] += large.usableSize(ptr);
  return span;
}

/** A cell has become free, in the unit at `at`, of a span that is in no list, or has no live cell any more. */
export function freed(space: Space, large: Allocator, at: number): void {
  const { i32 } = space;
  const kind = i32[at + 1];
  const pair = at - 2 * unitOf(kind);
  const span = spanOfPair(space, pair);
  const list = classAt(space, classOf(kind));
  if (isUnlisted(space, pair)) {
    link(space, list, pair, span);
    // The next request is served without a search.
    if (i32[space.map + i32[list + CURSOR]] === 0) setCursor(space, list, at, pair);
  }
  if (liveIn(space, pair) !== 0) return;
  const spare = i32[list + SPARE];
  if (spare === span) return;
  if (spare !== 0 && liveIn(space, spanPair(space, spare)) !== 0) forgetSpare(space, list);
  const bytes = i32[space.state + SPARE_BYTES] + bytesOf(sizeOf(kind));
  if (i32[list + SPARE] !== 0 || bytes > space.spareLimit) {
    give(space, large, span);
    return;
  }
  i32[list + SPARE] = span;
  i32[space.state + SPARE_BYTES] = bytes;
}

/** Cells of the class are taken from the unit at `at`, of the span whose first pair is given. */
function setCursor(space: Space, list: number, at: number, pair: number): void {
  space.i32[list + CURSOR] = at - space.map;
  space.i32[list + COUNTER] = pair + COUNTER_AT - space.map;
}

// ---- spares ------------------------------------------------------------------------------------------------------

function forgetSpare(space: Space, list: number): void {
  const { i32, state } = space;
  const kind = i32[spanPair(space, i32[list + SPARE]) + 1];
  i32[state + SPARE_BYTES] -= bytesOf(sizeOf(kind));
  i32[list + SPARE] = 0;
}

/** An empty spare of any class with at least so many usable bytes; 0 if there is none. */
export function findSpare(space: Space, large: Allocator, usable: number): number {
  for (let sizeClass = space.most; sizeClass > 0; sizeClass--) {
    const spare = spareOf(space, sizeClass);
    if (spare === 0) continue;
    if (usable === 0 || large.usableSize(spanAddress(space, spare)) >= usable) return spare;
  }
  return 0;
}

/** The spare of a class, if it is empty still; else 0. */
export function spareOf(space: Space, sizeClass: number): number {
  const spare = space.i32[classAt(space, sizeClass) + SPARE];
  return spare !== 0 && liveIn(space, spanPair(space, spare)) === 0 ? spare : 0;
}

/** A spare of another class gets cells of this one; 0 if there is none. */
function takeSpare(space: Space, large: Allocator, sizeClass: number): number {
  const { i32, state } = space;
  const span = findSpare(space, large, 0);
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
  for (let span = findSpare(space, large, 0); span !== 0; span = findSpare(space, large, 0))
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
  const end = pair + 2 * unitsOf(sizeOf(kind));
  const cursor = i32[at + CURSOR] + space.map;
  if (cursor >= pair && cursor < end) {
    i32[at + CURSOR] = 0;
    i32[at + COUNTER] = 0;
  }
  if (i32[at + SPARE] === span) forgetSpare(space, at);
  if (!isUnlisted(space, pair)) unlink(space, at, pair);
  i32[at + SPANS]--;
  i32[state + CAPACITY] -= cellsIn(space, sizeClass, sizeOf(kind)) * (sizeClass * GRANULE - space.header);
  i32[state + SPAN_BYTES] -= large.usableSize(spanAddress(space, span));
  i32.fill(0, pair, end);
}

/** Payload bytes of all free cells. O(spans that have any): one in no list has none. */
export function freeBytes(space: Space): number {
  const { i32, counts } = space;
  let bytes = 0;
  for (let sizeClass = 1; sizeClass <= space.most; sizeClass++) {
    const at = classAt(space, sizeClass);
    let cells = 0;
    let rest = i32[at + SPANS];
    for (let span = i32[at + HEAD]; span !== 0 && rest > 0; rest--) {
      const pair = spanPair(space, span);
      cells += counts[i32[pair + 1] & KIND_MASK] - liveIn(space, pair);
      span = linkOf(i32[pair + NEXT_AT]);
    }
    bytes += cells * (sizeClass * GRANULE - space.header);
  }
  return bytes;
}

/** Is there a free cell in a span of the class? O(spans of the class). Throws `ERR_HEAP_CORRUPT` for a list that leads elsewhere, or round. */
export function hasFree(space: Space, sizeClass: number): boolean {
  const { i32 } = space;
  let left = Math.ceil(space.units / unitsOf(LEAST_SIZE));
  for (let span = i32[classAt(space, sizeClass) + HEAD]; span !== 0; left--) {
    const pair = spanPair(space, span);
    if (left === 0 || !isSpanOf(space, pair, sizeClass)) throw corruptList(space, sizeClass, span);
    for (let unit = 0; unit < unitsOf(sizeOf(i32[pair + 1])); unit++)
      if (i32[pair + 2 * unit] !== 0) return true;
    span = linkOf(i32[pair + NEXT_AT]);
  }
  return false;
}

/** Is there a span of the class at a pair that a list leads to? */
function isSpanOf({ i32, map, units }: Space, pair: number, sizeClass: number): boolean {
  if (pair < map + 2 || pair >= map + 2 + 2 * units) return false;
  const kind = i32[pair + 1];
  return kind !== 0 && classOf(kind) === sizeClass && unitOf(kind) === 0;
}

// ---- lists -------------------------------------------------------------------------------------------------------

function setLink(i32: Int32Array, at: number, span: number): void {
  i32[at] = (i32[at] & KIND_MASK) | (span << LINK_SHIFT);
}

/** At the end. */
export function link(space: Space, at: number, pair: number, span: number): void {
  const { i32 } = space;
  const tail = i32[at + TAIL];
  setLink(i32, pair + NEXT_AT, 0);
  setLink(i32, pair + BEFORE_AT, tail);
  i32[pair + COUNTER_AT] &= ~UNLISTED;
  if (tail === 0) i32[at + HEAD] = span;
  else setLink(i32, spanPair(space, tail) + NEXT_AT, span);
  i32[at + TAIL] = span;
}

function unlink(space: Space, at: number, pair: number): void {
  const { i32 } = space;
  const next = linkOf(i32[pair + NEXT_AT]);
  const before = linkOf(i32[pair + BEFORE_AT]);
  if (before === 0) i32[at + HEAD] = next;
  else setLink(i32, spanPair(space, before) + NEXT_AT, next);
  if (next === 0) i32[at + TAIL] = before;
  else setLink(i32, spanPair(space, next) + BEFORE_AT, before);
  setLink(i32, pair + NEXT_AT, 0);
  setLink(i32, pair + BEFORE_AT, 0);
  i32[pair + COUNTER_AT] |= UNLISTED;
}
