/**
 * The bitmaps: for each size class the segments of 1 KiB in which a free chunk of that class or a larger one begins.
 *
 *     class        0    1    2    3    …    12    13
 *     granules     2    3    4    5    …    14    15 and more
 *
 *     level 1      |14 words, one a class: bit n is set if node n below has a bit|
 *     level 0      |14 words: bit n for segment n |14 words: segments 32 … 63|…
 *     free map     |segment 0|segment 1|…                            a bit for each free chunk
 *
 * Bits are exact, so no search is misled. A segment that has a class's bit has those of all classes below: entering a chunk sets bits
 * down to the first that is set already, mostly none, and taking one clears none if the bit above its class is set. Else what is
 * left in the segment (its word of the free map, and the headers of those chunks) says which bits go.
 *
 * Tried and taken back: to leave bits set until a search finds nothing there. On traces as fast (3 %), but one search could be misled by
 * every segment of the region.
 *
 * Requests of more than `LARGE` granules are searched in the tree (tree.ts).
 *
 * Price: 14 bits a KiB and a 31st on top, 0.18 % of the region. A search reads a word a level, up and down; entering and taking
 * touch at most 14 words a level, taking looks at no more than 31 headers. Levels: log32(region / 1 KiB), rounded up, one less where 4 nodes
 * are enough.
 */
import { chunkInCell } from "./maps.js";
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
  const sizeClass = classOf(span);
  const first = (space.bitmaps + (segment >> NODE_SHIFT) * CLASSES) | 0;
  const bit = 1 << (segment & (NODE - 1));
  let at = (first + sizeClass) | 0;
  const bits = i32[at];
  if ((bits & bit) !== 0) return;
  do {
    i32[at] |= bit;
    at--;
  } while (at >= first && (i32[at] & bit) === 0);
  if (bits === 0) setAbove(space, segment >> NODE_SHIFT, sizeClass);
}

/** A node of level 0 has this class now, and all below. */
function setAbove(space: Space, node: number, sizeClass: number): void {
  const { i32, bitmapStart } = space;
  let index = node;
  for (let level = 1; level < bitmapStart.length; level++) {
    const bit = 1 << (index & (NODE - 1));
    index >>= NODE_SHIFT;
    const first = (bitmapStart[level] + index * CLASSES) | 0;
    let at = (first + sizeClass) | 0;
    const bits = i32[at];
    do {
      i32[at] |= bit;
      at--;
    } while (at >= first && (i32[at] & bit) === 0);
    if (bits !== 0) return;
  }
}

/**
 * A free chunk of `span` granules no longer begins in this segment, or has become shorter. Free map and headers say so already: what
 * else begins there decides which classes go.
 */
export function forget(space: Space, segment: number, span: number): void {
  const { i32 } = space;
  const first = (space.bitmaps + (segment >> NODE_SHIFT) * CLASSES) | 0;
  const bit = 1 << (segment & (NODE - 1));
  const sizeClass = classOf(span);
  if (sizeClass < CLASSES - 1 && (i32[first + sizeClass + 1] & bit) !== 0) return;
  let left = -1;
  for (let bits = i32[space.free + segment]; bits !== 0; bits &= bits - 1) {
    const chunk = chunkInCell(space, ((segment << 5) + 31 - Math.clz32(bits & -bits)) | 0);
    const each = classOf(i32[chunk] >>> 4);
    if (each > left) {
      if (each >= sizeClass) return;
      left = each;
    }
  }
  let empty = sizeClass + 1;
  for (let each = sizeClass; each > left; each--) {
    const bits = i32[first + each] & ~bit;
    i32[first + each] = bits;
    if (bits === 0) empty = each;
  }
  if (empty <= sizeClass) clearAbove(space, segment >> NODE_SHIFT, sizeClass, empty);
}

/** A node of level 0 has no class from `empty` to `sizeClass` any more. */
function clearAbove(space: Space, node: number, sizeClass: number, from: number): void {
  const { i32, bitmapStart } = space;
  let index = node;
  let empty = from;
  for (let level = 1; level < bitmapStart.length; level++) {
    const mask = ~(1 << (index & (NODE - 1)));
    index >>= NODE_SHIFT;
    const first = (bitmapStart[level] + index * CLASSES) | 0;
    const last = empty;
    empty = sizeClass + 1;
    for (let each = sizeClass; each >= last; each--) {
      const bits = i32[first + each] & mask;
      i32[first + each] = bits;
      if (bits === 0) empty = each;
    }
    if (empty > sizeClass) return;
  }
}

/** @param what What the index promised and does not have. */
export function corruptIndex(space: Space, what: string): never {
  throw space.error("ERR_HEAP_CORRUPT", `index: ${what} does not have the chunk it says it has`, {
    hint: "something wrote over the heap's tables, which lie before its area, or over the header of a free chunk",
  });
}

/** The segments of a stretch that have the bit of a class, a bit each. */
export function segmentsIn(space: Space, stretch: number, sizeClass: number): number {
  const first = stretch * SEGMENTS;
  const at = space.bitmaps + (first >> NODE_SHIFT) * CLASSES + sizeClass;
  return (space.i32[at] >>> (first & (NODE - 1))) & ((1 << SEGMENTS) - 1);
}
