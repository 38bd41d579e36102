/**
 * The physical chain: chunk headers, read with suspicion. A link is range-checked before it is followed, and both ends of it
 * must agree before anything is changed.
 */
import { boundaryOf, lastChunk, NEXT, PREV, type Space, USED_BIT } from "./space.js";

export function isUsed(space: Space, chunk: number): boolean {
  return (space.i32[(chunk + PREV) >>> 2] & USED_BIT) !== 0;
}

/** Bytes of a chunk, header included. Throws `ERR_HEAP_CORRUPT` if its `next` cannot be true. */
export function spanOf(space: Space, chunk: number): number {
  return spanBefore(space, chunk, lastChunk(space));
}

/** As `spanOf`, for who knows the last chunk. */
export function spanBefore(space: Space, chunk: number, last: number): number {
  const next = space.i32[(chunk + NEXT) >>> 2] >>> 0;
  if (chunk === last) return next === 0 ? boundaryOf(space) - chunk : corrupt(space, chunk, "next", next);
  if (next < space.least || (next & 15) !== 0 || next > last - chunk) corrupt(space, chunk, "next", next);
  return next;
}

/** The chunk after this one, 0 if it is the last. Throws `ERR_HEAP_CORRUPT` if the two do not point at each other. */
export function nextChunk(space: Space, chunk: number): number {
  const last = lastChunk(space);
  if (chunk === last) return 0;
  const span = spanBefore(space, chunk, last);
  const right = chunk + span;
  const back = distanceBack(space, right);
  if (back !== span) corrupt(space, right, "prev", back);
  return right;
}

/** The chunk before this one, 0 if it is the first. Throws `ERR_HEAP_CORRUPT` if the two do not point at each other. */
export function previousChunk(space: Space, chunk: number): number {
  const back = distanceBack(space, chunk);
  if (back === 0 && chunk === space.areaStart) return 0;
  if (back < space.least || back > chunk - space.areaStart) corrupt(space, chunk, "prev", back);
  const left = chunk - back;
  const ahead = space.i32[(left + NEXT) >>> 2] >>> 0;
  if (ahead !== back) corrupt(space, left, "next", ahead);
  return left;
}

/** Distance to the previous chunk as the header says. */
export function distanceBack(space: Space, chunk: number): number {
  return -(space.i32[(chunk + PREV) >>> 2] & -16) >>> 0;
}

/** Writes a header; plugin slots stay as they are. */
export function writeHeader(space: Space, chunk: number, next: number, back: number, used: number): void {
  const { i32 } = space;
  i32[(chunk + NEXT) >>> 2] = next;
  i32[(chunk + PREV) >>> 2] = -back | used;
  i32[(chunk + space.heapField) >>> 2] = space.base - chunk;
}

export function setNext(space: Space, chunk: number, next: number): void {
  space.i32[(chunk + NEXT) >>> 2] = next;
}

/** Changes how far back the previous chunk is; the used bit stays. */
export function setBack(space: Space, chunk: number, back: number): void {
  const index = (chunk + PREV) >>> 2;
  space.i32[index] = -back | (space.i32[index] & USED_BIT);
}

/** A header that is no chunk's any more is wiped, so that nothing takes it for one. */
export function wipeHeader(space: Space, chunk: number): void {
  wipe(space, chunk, chunk + space.header);
}

/** Wipes a header, but for what a new header at `kept` has taken of it. */
export function wipeAround(space: Space, chunk: number, kept: number): void {
  const end = chunk + space.header;
  wipe(space, chunk, Math.min(end, Math.max(chunk, kept)));
  wipe(space, Math.max(chunk, Math.min(end, kept + space.header)), end);
}

/** As `wipeHeader`, for the hot paths: four words need no loop. */
export function wipeWords(space: Space, word: number): void {
  const { i32 } = space;
  i32[word] = 0;
  i32[word + 1] = 0;
  i32[word + 2] = 0;
  i32[word + 3] = 0;
  const end = word + space.headerWords;
  for (let at = word + 4; at < end; at++) i32[at] = 0;
}

function wipe(space: Space, from: number, to: number): void {
  for (let index = from >>> 2; index < to >>> 2; index++) space.i32[index] = 0;
}

export function corrupt(space: Space, chunk: number, field: string, value: number): never {
  const at = `0x${chunk.toString(16)}`;
  throw space.error("ERR_HEAP_CORRUPT", `chunk header at ${at}: ${field} ${value} cannot be true`, {
    ptr: chunk + space.header,
    hint: "something wrote outside its block, most likely past the end of the block before",
  });
}

/**
 * Says which word of a chunk (named by the index of its first word) or of its neighbours is wrong. The hot paths only know that
 * one is.
 */
export function broken(space: Space, word: number): never {
  const chunk = (word << 2) >>> 0;
  previousChunk(space, chunk);
  nextChunk(space, chunk);
  corrupt(space, chunk, "prev", space.i32[word + 1]);
}
