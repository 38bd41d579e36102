/**
 * The alloc path. What is cut is cut from the front.
 *
 *     U____________U   a list's chunk of just that size    UAAAAAAAAAAAAU
 *     U____________U   the cursor, the top                 UAAAAAAA_____U
 *     U____________U   a list's larger chunk               UAAAAAAA_____U   the rest is the new cursor, or goes into its list
 *
 * Order of stores: the chunk's header, while nothing reaches it or nothing reads it; the word that says what is being made; what makes
 * it part of the chain (`CURSOR`, `TOP`, or the size of the chunk it is cut from); the live bit commits. All else can be derived.
 */
import { allocAligned } from "./aligned.js";
import { cutCursor, cutTop, retireCursor } from "./ends.js";
import { findList, forgetLevels, push, scanList, shift, unlink } from "./lists.js";
import { clearAfterFree, setLive } from "./maps.js";
import {
  CHUNKS,
  CURSOR,
  CURSOR_END,
  classFor,
  classOf,
  GRANULE,
  HEADS,
  ptrOf,
  SECOND_LEVEL,
  type Space,
  sizeAt,
  TOP,
  TOP_END,
  USED,
} from "./space.js";
import { broken } from "./validate.js";

/** The `alloc` primitive of one agent: a block of at least `size` bytes, or 0. */
export function createAlloc(space: Space): (size: number, align: number) => number {
  return (bytes, align) => {
    if (align !== GRANULE || bytes > space.exactBytes) return allocRare(space, bytes, align);
    const { i32, state, areaWord, chunkWord } = space;
    let size = (bytes + space.rounding) >> 4;
    if (size < space.least) size = space.least;
    const head = (HEADS + size) | 0;
    const link = i32[(state + head) | 0];
    if (link !== 0) {
      const granule = (link - space.areaLink) >> 2;
      const word = (state + link) | 0;
      const next = i32[word];
      // Both ends of the link that is followed, and two bits nobody else can have set: it is free, and ends where it says.
      if (i32[(word - space.headerWords) | 0] !== size || next >>> 0 >= space.linkEnd) broken(space, granule);
      const ends = (i32[(state + next + 1) | 0] ^ link) & (-next >> 31);
      const map = (space.maps + ((granule >>> 4) & -2)) | 0;
      const live = i32[map];
      const end = (granule + size) | 0;
      const endMap = (space.maps + ((end >>> 4) & -2) + 1) | 0;
      const after = i32[endMap];
      const bit = 1 << (granule & 31);
      const endBit = 1 << (end & 31);
      if ((ends | (live & bit)) !== 0 || (after & endBit) === 0) broken(space, granule);
      i32[(state + head) | 0] = next;
      i32[(state + next + 1) | 0] = head;
      // As clearIfEmpty does.
      i32[(state + SECOND_LEVEL + (size >>> 5)) | 0] &= ~((1 + (-next >> 31)) << (size & 31));
      i32[endMap] = after & ~endBit;
      i32[space.made] = granule;
      i32[map] = live | bit;
      i32[state + USED] += (size << 4) - space.header;
      return (word << 2) >>> 0;
    }
    const cursor = i32[state + CURSOR];
    const rest = (i32[state + CURSOR_END] - cursor - size) | 0;
    if (rest < space.least) return allocElsewhere(space, size);
    i32[(chunkWord + (cursor << 2)) | 0] = size;
    i32[space.made] = cursor;
    i32[state + CURSOR] = cursor + size;
    i32[(space.maps + ((cursor >>> 4) & -2)) | 0] |= 1 << (cursor & 31);
    i32[state + USED] += (size << 4) - space.header;
    i32[state + CHUNKS]++;
    return ((areaWord + (cursor << 2)) << 2) >>> 0;
  };
}

/** A small request that no list has exactly and the cursor has not with a rest: all of the cursor, a larger chunk, the top. */
function allocElsewhere(space: Space, size: number): number {
  const { i32, state } = space;
  const cursor = i32[state + CURSOR];
  if (cursor !== 0 && i32[state + CURSOR_END] - cursor >= size) return cutCursor(space, size);
  const list = findList(space, size) | 0;
  if (list === 0) {
    const ptr = cutTop(space, size);
    if (ptr !== 0) forgetLevels(space, size);
    return ptr;
  }
  const granule = shift(space, list) | 0;
  const whole = i32[(space.chunkWord + (granule << 2)) | 0];
  const rest = (whole - size) | 0;
  if (rest < space.least) return takeWhole(space, granule, whole);
  // What the cursor had left becomes a list's chunk; what is left of this one is the cursor.
  if (cursor !== 0) retireCursor(space);
  i32[state + CURSOR_END] = granule + whole;
  i32[state + CURSOR] = granule + size;
  i32[space.made] = granule;
  i32[(space.chunkWord + (granule << 2)) | 0] = size;
  i32[(space.maps + ((granule >>> 4) & -2)) | 0] |= 1 << (granule & 31);
  i32[state + USED] += (size << 4) - space.header;
  return ((space.areaWord + (granule << 2)) << 2) >>> 0;
}

/** Large requests and larger alignments. */
function allocRare(space: Space, bytes: number, align: number): number {
  if (bytes > space.maxBytes) return 0;
  let size = (bytes + space.rounding) >>> 4;
  if (size > space.granules) return 0;
  if (size < space.least) size = space.least;
  if (align !== GRANULE) return allocAligned(space, size, align >>> 4);
  const { i32, state } = space;
  const least = classFor(size) | 0;
  const list = findList(space, least) | 0;
  if (list !== 0) return cutListed(space, shift(space, list) | 0, size);
  const isCursor = i32[state + CURSOR_END] - i32[state + CURSOR] >= size;
  if (isCursor || i32[state + TOP_END] - i32[state + TOP] >= size) {
    forgetLevels(space, least);
    return isCursor ? cutCursor(space, size) : cutTop(space, size);
  }
  const granule = scanList(space, classOf(size), size, 1);
  if (granule === 0) return 0;
  unlink(space, granule, sizeAt(space, granule));
  return cutListed(space, granule, size);
}

/** The front of a chunk that is verified and in no list any more; the rest goes into its own. */
function cutListed(space: Space, granule: number, size: number): number {
  const { i32, state, chunkWord } = space;
  const chunk = (chunkWord + (granule << 2)) | 0;
  const whole = i32[chunk];
  const rest = (whole - size) | 0;
  if (rest < space.least) return takeWhole(space, granule, whole);
  i32[(chunk + (size << 2)) | 0] = rest;
  i32[(chunk + (whole << 2) - 1) | 0] = rest;
  i32[space.made] = granule;
  i32[chunk] = size;
  i32[(space.maps + ((granule >>> 4) & -2)) | 0] |= 1 << (granule & 31);
  i32[state + USED] += (size << 4) - space.header;
  i32[state + CHUNKS]++;
  push(space, (granule + size) | 0, rest);
  return ((space.areaWord + (granule << 2)) << 2) >>> 0;
}

/** `U____________U` to `UAAAAAAAAAAAAU`; the chunk is in no list any more. */
function takeWhole(space: Space, granule: number, size: number): number {
  clearAfterFree(space, granule + size);
  space.i32[space.made] = granule;
  setLive(space, granule);
  space.i32[space.state + USED] += (size << 4) - space.header;
  return ptrOf(space, granule);
}
