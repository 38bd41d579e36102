/**
 * Codes: two bits a granule, sixteen granules a word, out of reach of whoever writes past a block.
 *
 *     bit    31 30 … 5  4  3  2  1  0
 *            |15  | … |2   |1   |0   |     granule of the word; the lower bit: a piece begins here, the upper one: it is a live block
 *
 * One store of one word begins a block: both bits change at once. Searches look at sixteen granules, 256 bytes, a step.
 */
import { GAP, type Space } from "./space.js";

/** The lower bit of each code. */
const LOWER = 0x55555555;

export function codeAt(space: Space, granule: number): number {
  return (space.i32[space.codes + (granule >>> 4)] >>> ((granule & 15) << 1)) & 3;
}

/** Only where the code is 0, or the lower bit of it stays. */
export function addCode(space: Space, granule: number, code: number): void {
  space.i32[space.codes + (granule >>> 4)] |= code << ((granule & 15) << 1);
}

/** The block that begins here is one no more. */
export function endBlock(space: Space, granule: number): void {
  space.i32[space.codes + (granule >>> 4)] &= ~(GAP << ((granule & 15) << 1));
}

/** First granule in `[from, to)` that has a code, else `to`. */
export function nextCode(space: Space, from: number, to: number): number {
  const { i32, codes } = space;
  if (from >= to) return to;
  let word = from >>> 4;
  let bits = i32[codes + word] & (-1 << ((from & 15) << 1));
  while (bits === 0) {
    word++;
    if (word << 4 >= to) return to;
    bits = i32[codes + word];
  }
  const found = (word << 4) + ((31 - Math.clz32(bits & -bits)) >> 1);
  return Math.min(found, to);
}

/** First live block that begins in `[from, to)`, else `to`. */
export function nextLive(space: Space, from: number, to: number): number {
  for (let at = nextCode(space, from, to); at < to; at = nextCode(space, at + 1, to))
    if (codeAt(space, at) === 3) return at;
  return to;
}

/** Last live block that begins before a granule; -1 if there is none. */
export function lastLive(space: Space, before: number): number {
  const { i32, codes } = space;
  let word = (before - 1) >> 4;
  let mask = (before & 15) === 0 ? -1 : ~(-1 << ((before & 15) << 1));
  for (; word >= 0; word--) {
    const bits = i32[codes + word] & mask;
    const live = bits & (bits >>> 1) & LOWER;
    if (live !== 0) return (word << 4) + ((31 - Math.clz32(live)) >> 1);
    mask = -1;
  }
  return -1;
}

/** First mark of a gap in `[from, to)`, else `to`. */
export function nextGap(space: Space, from: number, to: number): number {
  const { i32, codes } = space;
  if (from >= to) return to;
  let word = from >>> 4;
  let bits = i32[codes + word] & (-1 << ((from & 15) << 1));
  for (;;) {
    const gaps = (bits >>> 1) & ~bits & LOWER;
    if (gaps !== 0) {
      const found = (word << 4) + ((31 - Math.clz32(gaps & -gaps)) >> 1);
      return Math.min(found, to);
    }
    word++;
    if (word << 4 >= to) return to;
    bits = i32[codes + word];
  }
}

/** Last mark of a gap before a granule; -1 if there is none. */
export function lastGap(space: Space, before: number): number {
  const { i32, codes } = space;
  let word = (before - 1) >> 4;
  let mask = (before & 15) === 0 ? -1 : ~(-1 << ((before & 15) << 1));
  for (; word >= 0; word--) {
    const bits = i32[codes + word] & mask;
    const gaps = (bits >>> 1) & ~bits & LOWER;
    if (gaps !== 0) return (word << 4) + ((31 - Math.clz32(gaps)) >> 1);
    mask = -1;
  }
  return -1;
}

/** Takes the pieces out that begin in `[from, to)`. Gaps stay. */
export function clearPieces(space: Space, from: number, to: number): void {
  const { i32, codes } = space;
  if (from >= to) return;
  const last = codes + ((to - 1) >>> 4);
  let keep = ~(-1 << ((from & 15) << 1));
  for (let word = codes + (from >>> 4); word <= last; word++) {
    const bits = i32[word];
    if (bits !== 0) {
      const begins = bits & LOWER;
      const past = word === last && (to & 15) !== 0 ? -1 << ((to & 15) << 1) : 0;
      i32[word] = bits & (~(begins | (begins << 1)) | keep | past);
    }
    keep = 0;
  }
}

/**
 * Granules of `[from, to)` that are nobody's payload: headers of live blocks, pieces that are none, gaps. A piece begins at `from`, and another
 * one, or none, at `to`.
 */
export function wasteIn(space: Space, from: number, to: number): number {
  const { i32, codes, header } = space;
  let waste = 0;
  if (from >= to) return 0;
  let mask = -1 << ((from & 15) << 1);
  for (let word = from >>> 4; word << 4 < to; word++) {
    let bits = i32[codes + word] & mask;
    mask = -1;
    if (word === to >>> 4) bits &= ~(-1 << ((to & 15) << 1));
    const live = bits & (bits >>> 1) & LOWER;
    if (header !== 0) waste += header * countBits(live);
    // Of most words all pieces are live, and nothing is left.
    let rest = bits & ~(live | (live << 1));
    while (rest !== 0) {
      const bit = 31 - Math.clz32(rest & -rest);
      const at = (word << 4) + (bit >> 1);
      rest &= rest - 1;
      if ((bit & 1) === 0) {
        waste += nextCode(space, at + 1, to) - at;
        continue;
      }
      const end = nextGap(space, at + 1, to) + 1;
      waste += end - at;
      const after = -1 << ((end & 15) << 1);
      if (end >>> 4 === word) rest &= after;
      else {
        word = (end >>> 4) - 1;
        mask = after;
        rest = 0;
      }
    }
  }
  return waste;
}

function countBits(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++;
  return count;
}
