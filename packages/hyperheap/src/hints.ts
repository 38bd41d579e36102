/**
 * Hints: for each size class of the bitmaps the first node (32 KiB) in which a free chunk of that class or a larger one may begin.
 *
 *     class      0       1       2      …   13
 *     hint       node of level 0 of the bitmaps, or NONE; never falls from one class to the next
 *
 * A search begins where its class's hint says, and mostly ends there. A chunk that becomes free lowers hints, a search that found nothing
 * in a node raises them; both stop at the first class that needs no change. Nodes are large enough for that to be rare. A failed request
 * changes no hint.
 *
 * Price: 56 bytes a heap; one compare a call, and at most 14 words if every class has to follow.
 */
import { classOf } from "./bitmaps.js";
import { CLASSES, type Space } from "./space.js";

/** The index holds no such chunk. Above every node there can be. */
export const NONE = 0x7fffffff;

/** A free chunk of `span` granules begins in this node now. */
export function lowerHints(space: Space, node: number, span: number): void {
  const { i32, hints } = space;
  for (let at = (hints + classOf(span)) | 0; at >= hints && i32[at] > node; at--) i32[at] = node;
}

/** No free chunk of this class or above begins before this node. */
export function raiseHints(space: Space, node: number, sizeClass: number): void {
  const { i32, hints } = space;
  const end = (hints + CLASSES) | 0;
  for (let at = (hints + sizeClass) | 0; at < end && i32[at] < node; at++) i32[at] = node;
}
