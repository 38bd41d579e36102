/**
 * Hints: for each size class the first node (32 KiB) in which a free chunk of that class or a larger one may begin.
 *
 *     class      0    1    2    …    13    14    15    16     …    27
 *     granules   2    3    4    …    15    16    32    64     …    131,072 and more (2 MiB)
 *     hint       node of level 0 of the bitmaps, or NONE; never falls from one class to the next
 *
 * Up to 13 the classes are those of the bitmaps. A search begins where the hint of its class says (the class below, where its size lies
 * between two), and mostly ends there. A chunk that becomes free lowers hints, a search that found nothing in a node raises them;
 * both stop at the first class that needs no change. Nodes are large enough for that to be rare. A failed request changes no hint.
 *
 * Price: 112 bytes a heap; one compare a call, and at most 28 words if every class has to follow.
 */
import { LARGE } from "./bitmaps.js";
import type { Space } from "./space.js";
import { HINTS } from "./space.js";

/** The index holds no such chunk. Above every node there can be. */
export const NONE = 0x7fffffff;

/** Classes double from 16 granules on: their number is that of the highest bit and this. */
const DOUBLING = 10;

/** The largest class whose chunks need not be longer than `span` granules. */
export function hintClass(span: number): number {
  if (span <= LARGE) return (span - 2) | 0;
  return Math.min(DOUBLING + 31 - Math.clz32(span), HINTS - 1);
}

/** A free chunk of `span` granules begins in this node now. */
export function lowerHints(space: Space, node: number, span: number): void {
  const { i32, hints } = space;
  for (let at = (hints + hintClass(span)) | 0; at >= hints && i32[at] > node; at--) i32[at] = node;
}

/** No free chunk of `span` granules begins before this node: so none of a class whose chunks are at least that long. */
export function raiseHints(space: Space, node: number, span: number): void {
  const { i32, hints } = space;
  const first = span <= LARGE ? span - 2 : DOUBLING + 32 - Math.clz32(span - 1);
  const end = (hints + HINTS) | 0;
  for (let at = (hints + first) | 0; at < end && i32[at] < node; at++) i32[at] = node;
}
