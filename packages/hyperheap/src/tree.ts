/**
 * The tree: for each stretch of 4 KiB the largest free chunk that begins in it, and a 16-ary tree of maxima above.
 *
 *     level 2                      |max|
 *     level 1          |max|max|max|…|max|              each the largest of 16 below, in granules
 *     level 0  |max|max|max|max|…                       0: no free chunk begins in the stretch
 *     area     |4 KiB  |4 KiB  |4 KiB  |…
 *
 * The leftmost stretch that is large enough holds the chunk that address-ordered first fit takes; the last chunk, if free, is not in
 * the index. Searches come here when the bitmaps have misled them (fit.ts). A leaf is the exact maximum, unless its stretch is
 * **pending**: its largest chunk was cut or taken since, and the leaf is too high. A heap that cuts block after block from one place
 * would otherwise look up the next largest each time. There are 16 places for pending stretches, one for all with the same last
 * hexadecimal digit; who needs a place settles whoever has it. So a search is misled here at most 16 times.
 *
 * Price: 4 bytes a stretch and a 15th on top, 0.1 % of the region. A search reads at most 16 words a level, up and down, for each
 * time it is misled; entering reads a word a level, settling 16 and the headers of a stretch (64 free chunks at most).
 */
import { corruptIndex } from "./bitmaps.js";
import { chunkInCell } from "./maps.js";
import {
  FANOUT,
  FANOUT_SHIFT,
  PENDING,
  SEGMENT_SHIFT,
  SEGMENTS,
  type Space,
  STRETCH_SHIFT,
} from "./space.js";

/** A free chunk of `span` granules begins at this granule of the area now, or has become that long. */
export function raise(space: Space, granule: number, span: number): void {
  const { i32, treeStart } = space;
  let index = granule >> (SEGMENT_SHIFT + STRETCH_SHIFT);
  for (let level = 0; level < treeStart.length; level++) {
    const at = treeStart[level] + index;
    if (i32[at] >= span) return;
    i32[at] = span;
    index >>= FANOUT_SHIFT;
  }
}

/** A free chunk of `span` granules is no longer there, or has become shorter: what the leaf says may be too much. */
export function lower(space: Space, granule: number, span: number): void {
  const { i32 } = space;
  const stretch = granule >> (SEGMENT_SHIFT + STRETCH_SHIFT);
  if (i32[space.treeStart[0] + stretch] > span) return;
  const at = space.pending + (stretch & (PENDING - 1));
  const other = i32[at];
  if (other === stretch + 1) return;
  i32[at] = stretch + 1;
  if (other !== 0) settle(space, other - 1);
}

/** Makes a leaf exact, and what is above it. */
function settle(space: Space, stretch: number): void {
  const { i32, treeStart } = space;
  let index = stretch;
  let at = treeStart[0] + index;
  const said = i32[at];
  let max = largestIn(space, stretch);
  for (let level = 1; ; level++) {
    if (max === said) return;
    i32[at] = max;
    if (level === treeStart.length) return;
    index >>= FANOUT_SHIFT;
    at = treeStart[level] + index;
    if (i32[at] !== said) return;
    max = largestChild(space, level, index);
  }
}

/** Granules of the largest free chunk that begins in a stretch, from the free map and the headers; 0 if there is none. */
export function largestIn(space: Space, stretch: number): number {
  const { i32 } = space;
  let max = 0;
  const first = stretch * SEGMENTS;
  for (let segment = first; segment < first + SEGMENTS; segment++) {
    for (let bits = i32[space.free + segment]; bits !== 0; bits &= bits - 1) {
      const span = i32[chunkInCell(space, segment * 32 + 31 - Math.clz32(bits & -bits))] >>> 4;
      if (span > max) max = span;
    }
  }
  return max;
}

/** What a node above the leaves must say. */
export function largestChild(space: Space, level: number, index: number): number {
  const { i32, treeStart, treeWords } = space;
  const start = treeStart[level - 1];
  const first = start + (index << FANOUT_SHIFT);
  const end = Math.min(first + FANOUT, start + treeWords[level - 1]);
  let max = 0;
  for (let child = first; child < end; child++) if (i32[child] > max) max = i32[child];
  return max;
}

/** The first stretch from `from` on whose leaf promises a free chunk of `span` granules; -1 if none does. */
export function findStretch(space: Space, from: number, span: number): number {
  const { i32, treeStart, treeWords } = space;
  const top = treeStart.length - 1;
  let level = 0;
  let index = from;
  for (;;) {
    const start = treeStart[level];
    const end = Math.min((index | (FANOUT - 1)) + 1, treeWords[level]);
    while (index < end && i32[start + index] < span) index++;
    if (index < end) return descend(space, level, index, span);
    if (level === top || end === treeWords[level]) return -1;
    level++;
    index = end >> FANOUT_SHIFT;
  }
}

/** From a node that is large enough down to the first leaf that is. */
function descend(space: Space, from: number, node: number, span: number): number {
  const { i32, treeStart, treeWords } = space;
  let index = node;
  for (let level = from - 1; level >= 0; level--) {
    const start = treeStart[level];
    index <<= FANOUT_SHIFT;
    const end = Math.min(index + FANOUT, treeWords[level]);
    while (index < end && i32[start + index] < span) index++;
    if (index === end) corruptIndex(space, `node ${node} of level ${from} of the tree`);
  }
  return index;
}

/** Settles a stretch that promised more than it had. */
export function settleStretch(space: Space, stretch: number): void {
  const at = space.pending + (stretch & (PENDING - 1));
  if (space.i32[at] === stretch + 1) space.i32[at] = 0;
  settle(space, stretch);
}
