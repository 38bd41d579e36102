/**
 * The largest free chunk, by the index: what is left to find in it when nothing may be written.
 *
 *     any of more than LARGE granules    the tree's highest words; beside the path to the stretch that waits, if one does
 *     else                               the highest class that has a bit anywhere
 *     always                             the last chunk, which is not in the index
 *
 * Cost: 16 words a level and the headers of one stretch, or a search for each class.
 */
import { LARGE, nextSegment } from "./bitmaps.js";
import { isUsed } from "./chain.js";
import { boundaryOf, DEFERRED, FANOUT, FANOUT_SHIFT, lastChunk, type Space } from "./space.js";
import { BOUND, isPending, largestIn } from "./tree.js";

/** Payload bytes; 0 if no chunk is free. */
export function largestFree(space: Space): number {
  const last = lastChunk(space);
  const lastBytes = last === 0 || isUsed(space, last) ? 0 : boundaryOf(space) - last;
  const indexed = (largestInTree(space) || largestSmall(space)) * 16;
  const bytes = Math.max(lastBytes, indexed);
  return bytes === 0 ? 0 : bytes - space.header;
}

/** Granules of the largest chunk in the tree; 0 if it has none. */
function largestInTree(space: Space): number {
  const { i32, state, treeStart, treeWords } = space;
  const top = treeStart.length - 1;
  const waits = i32[state + DEFERRED] - 1;
  const hasBound = waits >= 0 && waits < treeWords[0] && isPending(space, waits);
  // What the waiting stretch says, and all that is above it, are bounds: it is looked at, and what lies beside them.
  let max = hasBound ? largestIn(space, waits) : 0;
  let skipped = hasBound ? waits : -1;
  for (let level = hasBound ? 0 : top; level <= top; level++) {
    const first = level === top ? 0 : skipped & ~(FANOUT - 1);
    const end = level === top ? treeWords[top] : Math.min(first + FANOUT, treeWords[level]);
    for (let index = first; index < end; index++) {
      if (index !== skipped) max = Math.max(max, i32[treeStart[level] + index] & BOUND);
    }
    skipped >>= FANOUT_SHIFT;
  }
  return max;
}

/** Granules of the largest chunk in the bitmaps, where none is larger than `LARGE`; 0 if there is none. */
function largestSmall(space: Space): number {
  for (let span = LARGE; span >= 2; span--) if (nextSegment(space, 0, span - 2) >= 0) return span;
  return 0;
}
