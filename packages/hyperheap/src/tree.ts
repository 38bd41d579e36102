/**
 * The index: for each 2 KiB segment of the area the largest free chunk that starts in it, and a 16-ary tree of maxima above.
 *
 *     level 2                      |max|
 *     level 1          |max|max|max|…|max|              each the largest of 16 below
 *     level 0  |max|max|max|max|…                       one word a segment: bytes / 16, 0 if no free chunk starts there
 *     area     |2 KiB  |2 KiB  |2 KiB  |…
 *
 * Maxima are exact, so the leftmost segment that is large enough is found without a step back, and it holds a chunk that fits:
 * address-ordered first fit, the same chunk a walk of all of them would find. The last chunk, if free, is not in the index.
 *
 * Price: 4 bytes a segment and a sixteenth on top, 0.21 % of the region. A search reads at most 16 words a level, up and down:
 * at most 32 * ceil(log16(region / 2 KiB)) words, then the bits and headers of one segment (at most 32 free chunks). Entering
 * and leaving read at most 16 words a level, and a segment's chunks if its largest leaves.
 */
import { chunkInCell } from "./maps.js";
import { FANOUT, FANOUT_SHIFT, NEXT, SEGMENT_BYTES, SEGMENT_SHIFT, type Space } from "./space.js";

/** Cells of 32 bytes in a segment, and words of the free map. */
const SEGMENT_CELLS = SEGMENT_BYTES / 32;
export const SEGMENT_WORDS = SEGMENT_CELLS / 32;

export function segmentOf(space: Space, chunk: number): number {
  return (chunk - space.areaStart) >>> SEGMENT_SHIFT;
}

/** A free chunk of `span` granules starts in this segment now, or has become that long. */
export function raise(space: Space, segment: number, span: number): void {
  const { i32, levelStart } = space;
  let index = segment;
  for (let level = 0; level < levelStart.length; level++) {
    const at = levelStart[level] + index;
    if (i32[at] >= span) return;
    i32[at] = span;
    index >>>= FANOUT_SHIFT;
  }
}

/** A free chunk of `span` granules is no longer in this segment, or has become shorter. Its bit and header say so already. */
export function lower(space: Space, segment: number, span: number): void {
  const { i32, levelStart } = space;
  if (i32[levelStart[0] + segment] !== span) return;
  let max = largestIn(space, segment);
  if (max === span) return;
  i32[levelStart[0] + segment] = max;
  let index = segment;
  for (let level = 1; level < levelStart.length; level++) {
    const first = levelStart[level - 1] + (index & -FANOUT);
    const end = Math.min(first + FANOUT, levelStart[level - 1] + space.levelWords[level - 1]);
    index >>>= FANOUT_SHIFT;
    const at = levelStart[level] + index;
    if (i32[at] !== span) return;
    for (let child = first; child < end; child++) if (i32[child] > max) max = i32[child];
    if (max === span) return;
    i32[at] = max;
  }
}

/** Granules of the largest free chunk that starts in a segment, from the free map and the headers. */
export function largestIn(space: Space, segment: number): number {
  const { i32 } = space;
  let max = 0;
  for (let word = 0; word < SEGMENT_WORDS; word++) {
    const cells = (segment * SEGMENT_WORDS + word) * 32;
    for (let bits = i32[space.free + segment * SEGMENT_WORDS + word]; bits !== 0; bits &= bits - 1) {
      const chunk = chunkInCell(space, cells + 31 - Math.clz32(bits & -bits));
      const span = i32[(chunk + NEXT) >>> 2] >>> 4;
      if (span > max) max = span;
    }
  }
  return max;
}

/** The first segment from `from` on that has a free chunk of at least `span` granules; -1 if none has. */
export function findSegment(space: Space, from: number, span: number): number {
  const { i32, levelStart, levelWords } = space;
  const top = levelStart.length - 1;
  let level = from === 0 ? top : 0;
  let index = from;
  for (;;) {
    const start = levelStart[level];
    const end = Math.min((index | (FANOUT - 1)) + 1, levelWords[level]);
    while (index < end && i32[start + index] < span) index++;
    if (index < end) return descend(space, level, index, span);
    if (level === top || end === levelWords[level]) return -1;
    level++;
    index = end >>> FANOUT_SHIFT;
  }
}

/** From a node that is large enough down to the first segment that is. */
function descend(space: Space, from: number, node: number, span: number): number {
  const { i32, levelStart, levelWords } = space;
  let index = node;
  for (let level = from - 1; level >= 0; level--) {
    const start = levelStart[level];
    index <<= FANOUT_SHIFT;
    const end = Math.min(index + FANOUT, levelWords[level]);
    while (index < end && i32[start + index] < span) index++;
    if (index === end) corruptIndex(space, `a child of node ${node} of level ${from}`);
  }
  return index;
}

/** @param what What the index promised and does not have. */
export function corruptIndex(space: Space, what: string): never {
  throw space.error("ERR_HEAP_CORRUPT", `index: ${what} is not as large as it says`, {
    hint: "something wrote over the heap's tables, which lie before its area",
  });
}

/** The index made anew from the free map and the headers. */
export function rebuildTree(space: Space): void {
  const { i32, levelStart, levelWords } = space;
  for (let level = 0; level < levelStart.length; level++) {
    for (let index = 0; index < levelWords[level]; index++) {
      let max = 0;
      if (level === 0)
        max = index * SEGMENT_BYTES < space.areaEnd - space.areaStart ? largestIn(space, index) : 0;
      else max = largestChild(space, level, index);
      i32[levelStart[level] + index] = max;
    }
  }
}

/** What a node above the leaves must say. */
export function largestChild(space: Space, level: number, index: number): number {
  const { i32, levelStart, levelWords } = space;
  const first = index << FANOUT_SHIFT;
  const end = Math.min(first + FANOUT, levelWords[level - 1]);
  let max = 0;
  for (let child = first; child < end; child++) max = Math.max(max, i32[levelStart[level - 1] + child]);
  return max;
}
