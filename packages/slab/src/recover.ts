/**
 * Recovery: after an agent has died inside an operation, everything that can be derived is derived anew from the map and the blocks of `large`.
 *
 * What a death can leave in between, and what is made of it:
 *
 *     TAKING, LARGE, a block in no map       `large` takes it back: MADE_LARGE says which
 *     TAKING, a span in the map              its block is gone then, and the span with it
 *     GIVING, still a block                  given back
 *     EVERYTHING                             everything ends
 *     core's word is a block's               its bit is set, or `large` takes it back
 *     a span without a live cell             given back
 */
import type { Allocator, Interrupted } from "@heapwright/core";
import {
  CAPACITY,
  CLASS_SHIFT,
  COUNTER_AT,
  cellsIn,
  classAt,
  classOf,
  EVERYTHING,
  FIRST_MADE,
  GIVING,
  GRANULE,
  KIND_MASK,
  LARGE,
  LINK_SHIFT,
  MADE_LARGE,
  MOST_CLASSES,
  SPAN_BYTES,
  SPANS,
  SPARE_BYTES,
  type Space,
  sizeOf,
  spanAddress,
  spanAt,
  spanPair,
  TAKING,
  UNLISTED,
  unitsOf,
} from "./space.js";
import { give, link } from "./spans.js";
import { spanKindAt } from "./walk.js";

export function recover(
  space: Space,
  large: Allocator & Required<Pick<Allocator, "walk" | "recover">>,
  interrupted: Interrupted,
): void {
  const { i32, state } = space;
  const { made } = interrupted;
  const isLarge = made === LARGE || i32[state + TAKING] !== 0;
  large.recover({ ...interrupted, made: isLarge ? i32[state + MADE_LARGE] >>> 0 : 0 });
  if (i32[state + GIVING] === EVERYTHING) {
    endAll(space, large);
    return;
  }
  if (made >= FIRST_MADE) endMade(space, large, made - FIRST_MADE);
  const empty = rebuild(space, large, i32[state + GIVING]);
  i32[state + MADE_LARGE] = 0;
  i32[state + TAKING] = 0;
  i32[state + GIVING] = 0;
  // Which of them were spares nobody knows any more.
  for (const span of empty) give(space, large, span);
}

/** Ends the block that begins in a granule, if it was made. */
function endMade(space: Space, large: Allocator & Required<Pick<Allocator, "walk">>, granule: number): void {
  const { i32 } = space;
  const at = space.map + 2 + ((granule >>> 5) << 1);
  if (i32[at + 1] !== 0) {
    i32[at] |= (1 << (granule & 31)) & space.starts[i32[at + 1] & KIND_MASK];
    return;
  }
  const ptr = space.origin + granule * GRANULE;
  let isThere = false;
  large.walk((block) => {
    if (block.ptr === ptr && (block.state === "used" || block.state === "page")) isThere = true;
  });
  if (isThere) large.free(ptr);
}

/** Everything ends; what is done half is done to the end by who recovers. */
export function endAll(space: Space, large: Allocator): void {
  const { i32, state, classes, map, units } = space;
  i32[state + GIVING] = EVERYTHING;
  i32.fill(0, map, map + 2 + 2 * units);
  i32.fill(0, classes, classes + ((MOST_CLASSES + 1) << CLASS_SHIFT));
  for (const word of [CAPACITY, SPAN_BYTES, SPARE_BYTES, TAKING]) i32[state + word] = 0;
  large.reset?.();
  i32[state + GIVING] = 0;
}

/**
 * @param given A span that was being given back.
 * @returns Spans without a live cell.
 */
function rebuild(
  space: Space,
  large: Allocator & Required<Pick<Allocator, "walk">>,
  given: number,
): number[] {
  const { i32, state, classes, map, units, starts } = space;
  const spans: { readonly span: number; readonly kind: number; readonly usable: number }[] = [];
  let isThere = false;
  large.walk(({ ptr, usable, state: is }) => {
    if (is !== "used" && is !== "page") return;
    if (given !== 0 && ptr === spanAddress(space, given)) {
      isThere = true;
      return;
    }
    const kind = spanKindAt(space, ptr);
    if (kind !== 0) spans.push({ span: spanAt(space, ptr), kind, usable });
  });
  if (isThere) large.free(spanAddress(space, given));
  i32.fill(0, classes, classes + ((MOST_CLASSES + 1) << CLASS_SHIFT));
  for (const word of [CAPACITY, SPAN_BYTES, SPARE_BYTES]) i32[state + word] = 0;
  const empty: number[] = [];
  let next = map + 2;
  for (const { span, kind, usable } of spans) {
    const pair = spanPair(space, span);
    i32.fill(0, next, pair);
    const sizeClass = classOf(kind);
    const at = classAt(space, sizeClass);
    const end = pair + 2 * unitsOf(sizeOf(kind));
    let free = 0;
    for (let word = pair; word < end; word += 2) {
      i32[word + 1] &= KIND_MASK;
      i32[word] &= starts[i32[word + 1]];
      for (let bits = i32[word]; bits !== 0; bits &= bits - 1) free++;
    }
    const payload = sizeClass * GRANULE - space.header;
    const cells = cellsIn(space, sizeClass, sizeOf(kind));
    i32[pair + COUNTER_AT] |= ((cells - free) << LINK_SHIFT) | UNLISTED;
    if (free > 0) link(space, at, pair, span);
    if (free === cells) empty.push(span);
    i32[at + SPANS]++;
    i32[state + CAPACITY] += cells * payload;
    i32[state + SPAN_BYTES] += usable;
    next = end;
  }
  i32.fill(0, next, map + 2 + 2 * units);
  return empty;
}
