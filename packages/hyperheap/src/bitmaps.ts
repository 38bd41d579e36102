/**
 * The bitmaps: for each size class the segments of 1 KiB in which a free chunk of that class or a larger one may begin.
 *
 *     class        0    1    2    3    …    12    13
 *     granules     2    3    4    5    …    14    15 and more
 *
 *     level 1      |14 words, one a class: bit n is set if node n below has a bit|
 *     level 0      |14 words: bit n for segment n |14 words: segments 32 … 63|…
 *     free map     |segment 0|segment 1|…                            a bit for each free chunk
 *
 * A bit that is not set is certain: there is no such chunk. One that is set may be stale: nobody looks, when a chunk is taken, whether it was
 * the last of its class in the segment. Who finds no chunk there clears the bit. A segment that has a class's bit has those of all
 * classes below, so entering a chunk sets bits down to the first that is set already, mostly none.
 *
 * A search that was misled a few times goes on in the tree (tree.ts), which bounds it; larger requests go there at once.
 *
 * Price: 14 bits a KiB and a 31st on top, 0.18 % of the region. A search reads a word a level, up and down; entering touches at most
 * 14 words a level. Levels: log32(region / 1 KiB), rounded up, one less where 4 nodes are enough.
 */
import { CLASSES, NODE, NODE_SHIFT, SEGMENTS, type Space } from "./space.js";

/** Granules of the smallest chunk of the last class: what is larger has no class of its own. */
export const LARGE = CLASSES + 1;

export function classOf(span: number): number {
  return span < LARGE ? (span - 2) | 0 : CLASSES - 1;
}

/** The first segment from `from` on that has the bit of a class; -1 if none has. */
export function nextSegment(space: Space, from: number, sizeClass: number): number {
  const { i32, bitmapStart, bitmapNodes } = space;
  let index = from;
  for (let level = 0; level < bitmapStart.length; level++) {
    // Only at the highest level may a later node be next; below it the node above knows.
    const isTop = level === bitmapStart.length - 1;
    let node = index >> NODE_SHIFT;
    let mask = -1 << (index & (NODE - 1));
    do {
      if (node >= bitmapNodes[level]) return -1;
      const bits = i32[bitmapStart[level] + node * CLASSES + sizeClass] & mask;
      if (bits !== 0) {
        index = (node << NODE_SHIFT) + 31 - Math.clz32(bits & -bits);
        return level === 0 ? index : descend(space, level, index, sizeClass);
      }
      node++;
      mask = -1;
    } while (isTop);
    index = node;
  }
  return -1;
}

/** From a bit of a level down to the first segment below it. */
function descend(space: Space, from: number, found: number, sizeClass: number): number {
  const { i32, bitmapStart } = space;
  let index = found;
  for (let level = from - 1; level >= 0; level--) {
    const bits = i32[bitmapStart[level] + index * CLASSES + sizeClass];
    if (bits === 0) corruptIndex(space, `node ${index} of level ${level} of the bitmaps`);
    index = (index << NODE_SHIFT) + 31 - Math.clz32(bits & -bits);
  }
  return index;
}

/** A free chunk of `span` granules begins in this segment now. */
export function setBits(space: Space, segment: number, span: number): void {
  const { i32 } = space;
  const first = (space.bitmaps + (segment >> NODE_SHIFT) * CLASSES) | 0;
  const bit = 1 << (segment & (NODE - 1));
  for (let at = (first + classOf(span)) | 0; at >= first; at--) {
    const bits = i32[at];
    if ((bits & bit) !== 0) return;
    i32[at] = bits | bit;
    if (bits === 0) setAbove(space, segment >> NODE_SHIFT, (at - first) | 0);
  }
}

function setAbove(space: Space, index: number, sizeClass: number): void {
  const { i32, bitmapStart } = space;
  let node = index;
  for (let level = 1; level < bitmapStart.length; level++) {
    const at = bitmapStart[level] + (node >> NODE_SHIFT) * CLASSES + sizeClass;
    const bits = i32[at];
    i32[at] = bits | (1 << (node & (NODE - 1)));
    if (bits !== 0) return;
    node >>= NODE_SHIFT;
  }
}

/** No free chunk of this class or above begins in this segment. */
export function clearBits(space: Space, segment: number, sizeClass: number): void {
  clearMissed(space, segment >> NODE_SHIFT, 1 << (segment & (NODE - 1)), sizeClass + 2);
}

/** No free chunk of `span` granules begins in these segments of a node. */
export function clearMissed(space: Space, node: number, missed: number, span: number): void {
  const { i32 } = space;
  const first = (space.bitmaps + Math.imul(node, CLASSES)) | 0;
  for (let each = span - 2; each < CLASSES; each++) {
    const bits = i32[first + each];
    if ((bits & missed) === 0) return;
    i32[first + each] = bits & ~missed;
    if ((bits & ~missed) === 0) clearAbove(space, node, each);
  }
}

function clearAbove(space: Space, index: number, sizeClass: number): void {
  const { i32, bitmapStart } = space;
  let node = index;
  for (let level = 1; level < bitmapStart.length; level++) {
    const at = bitmapStart[level] + (node >> NODE_SHIFT) * CLASSES + sizeClass;
    const bits = i32[at] & ~(1 << (node & (NODE - 1)));
    i32[at] = bits;
    if (bits !== 0) return;
    node >>= NODE_SHIFT;
  }
}

/** @param what What the index promised and does not have. */
export function corruptIndex(space: Space, what: string): never {
  throw space.error("ERR_HEAP_CORRUPT", `index: ${what} does not have the chunk it says it has`, {
    hint: "something wrote over the heap's tables, which lie before its area",
  });
}

/** The segments of a stretch that have the bit of a class, a bit each. */
export function segmentsIn(space: Space, stretch: number, sizeClass: number): number {
  const first = stretch * SEGMENTS;
  const at = space.bitmaps + (first >> NODE_SHIFT) * CLASSES + sizeClass;
  return (space.i32[at] >>> (first & (NODE - 1))) & ((1 << SEGMENTS) - 1);
}
