/**
 * The tree: for each stretch of 4 KiB the largest free chunk that begins in it, and a 16-ary tree of maxima above.
 *
 *     level 2                      |max|
 *     level 1          |max|max|max|…|max|              each the largest of 16 below, in granules
 *     level 0  |max|max|max|max|…                       0: no free chunk begins in the stretch
 *     area     |4 KiB  |4 KiB  |4 KiB  |…
 *
 * Maxima are exact, so the leftmost stretch that is large enough holds the chunk that address-ordered first fit takes, and no other is
 * looked at. Requests that are too large for the bitmaps are searched here, and those that the bitmaps have misled (fit.ts). The last
 * chunk, if free, is not in the index.
 *
 * Tried and taken back: to let the maximum of a stretch be too high for a while after its largest chunk was cut. It made sequences of
 * small requests 5 % faster, and random replacement up to twice as slow.
 *
 * Price: 4 bytes a stretch and a 15th on top, 0.1 % of the region. A search reads at most 16 words a level, up and down; entering
 * reads a word a level; leaving 16 a level and the headers of a stretch (64 free chunks at most), if its largest chunk leaves.
 */
import { corruptIndex } from "./bitmaps.js";
import { chunkInCell } from "./maps.js";
import { FANOUT, FANOUT_SHIFT, SEGMENT_SHIFT, SEGMENTS, type Space, STRETCH_SHIFT } from "./space.js";

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

/** A free chunk of `span` granules is no longer there, or has become shorter. Map and headers say so already. */
export function lower(space: Space, granule: number, span: number): void {
  const stretch = granule >> (SEGMENT_SHIFT + STRETCH_SHIFT);
  if (space.i32[space.treeStart[0] + stretch] === span) settle(space, stretch);
}

/** Makes a leaf, and what is above it, what they must be. */
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

/** The first stretch from `from` on in which a free chunk of `span` granules begins; -1 if there is none. */
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
