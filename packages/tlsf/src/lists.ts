/**
 * The lists of free chunks, one a class, and the two levels of bits that say which are not empty.
 *
 *     class     1 … 63 granules      64, 65   66, 67 … 126, 127      128 … 131   132 … 135 …
 *     a list of one size each        32 lists a power of two, whose sizes differ by 1/32 at most
 *
 * Last in, first out. Links lie in the free memory itself, where whoever uses a block after its end writes: each is range-checked and
 * compared with its other end before anything is changed. The `prev` of a list's first chunk is not kept: popping one writes nothing
 * into the next.
 */
import { isAfterFree, isLive } from "./maps.js";
import { classOf, FIRST_LEVEL, HEADS, SECOND_LEVEL, type Space, sizeAt } from "./space.js";
import { broken } from "./validate.js";

/** Enters a free chunk, whose size is in its header, into its list. */
export function push(space: Space, granule: number, size: number): void {
  const { i32, areaWord, state } = space;
  const list = classOf(size);
  const head = (state + HEADS + list) | 0;
  const first = i32[head];
  i32[(areaWord + (granule << 2)) | 0] = first;
  if (first !== 0) i32[(areaWord + (first << 2) + 1) | 0] = granule;
  else {
    i32[(state + SECOND_LEVEL + (list >>> 5)) | 0] |= 1 << (list & 31);
    i32[(state + FIRST_LEVEL) | 0] |= 1 << (list >>> 5);
  }
  i32[head] = granule;
}

/** Takes a free chunk out of its list. Throws, and nothing has changed, if a link cannot be true. */
export function unlink(space: Space, granule: number, size: number): void {
  const { i32, areaWord, state, granules } = space;
  const word = (areaWord + (granule << 2)) | 0;
  const next = i32[word];
  const nextWord = (areaWord + (next << 2)) | 0;
  // Unsigned: a negative number is out of range, too.
  if (next !== 0 && (next >>> 0 >= granules || i32[nextWord + 1] !== granule)) broken(space, granule);
  const list = classOf(size);
  const head = (state + HEADS + list) | 0;
  if (i32[head] === granule) {
    i32[head] = next;
    if (next === 0) emptied(space, list);
    return;
  }
  const prev = i32[word + 1];
  const prevWord = (areaWord + (prev << 2)) | 0;
  if (prev === 0 || prev >>> 0 >= granules || i32[prevWord] !== granule) broken(space, granule);
  i32[prevWord] = next;
  if (next !== 0) i32[nextWord + 1] = prev;
}

/** Would `unlink` throw? Then this does. */
export function verifyLinks(space: Space, granule: number, size: number): void {
  const { i32, areaWord, state, granules } = space;
  const word = areaWord + (granule << 2);
  const next = i32[word];
  if (next !== 0 && (next >>> 0 >= granules || i32[areaWord + (next << 2) + 1] !== granule))
    broken(space, granule);
  if (i32[state + HEADS + classOf(size)] === granule) return;
  const prev = i32[word + 1];
  if (prev === 0 || prev >>> 0 >= granules || i32[areaWord + (prev << 2)] !== granule) broken(space, granule);
}

/** The list of a class is empty now. */
export function emptied(space: Space, list: number): void {
  const { i32, state } = space;
  const word = (state + SECOND_LEVEL + (list >>> 5)) | 0;
  const bits = i32[word] & ~(1 << (list & 31));
  i32[word] = bits;
  if (bits === 0) i32[state + FIRST_LEVEL] &= ~(1 << (list >>> 5));
}

/** The lowest class from `list` on whose list is not empty; 0 if there is none. */
export function findList(space: Space, list: number): number {
  const { i32, state } = space;
  const level = list >>> 5;
  const bits = i32[(state + SECOND_LEVEL + level) | 0] & (-1 << (list & 31));
  if (bits !== 0) return ((level << 5) + 31 - Math.clz32(bits & -bits)) | 0;
  const levels = i32[state + FIRST_LEVEL] & (-2 << level);
  if (levels === 0) return 0;
  const next = 31 - Math.clz32(levels & -levels);
  const lists = i32[(state + SECOND_LEVEL + next) | 0];
  return ((next << 5) + 31 - Math.clz32(lists & -lists)) | 0;
}

/**
 * The first chunk of a list that is not empty. Throws if it cannot be a free chunk of that class, or `next` cannot be true: then it
 * can be taken by `shift`.
 */
export function firstOf(space: Space, list: number): number {
  const granule = space.i32[space.state + HEADS + list];
  verifyFree(space, granule, list);
  return granule;
}

/** Is it a free chunk of that class, with sound edges, as far as can be seen? Throws if not. */
export function verifyFree(space: Space, granule: number, list: number): void {
  const { i32, areaWord, chunkWord, granules, first } = space;
  if (granule < first || granule >= granules) broken(space, granule);
  const size = sizeAt(space, granule);
  if (size < space.least || size > granules - granule || classOf(size) !== list) broken(space, granule);
  const end = granule + size;
  const isSound =
    i32[chunkWord + (end << 2) - 1] === size && isAfterFree(space, end) && !isLive(space, granule);
  const next = i32[areaWord + (granule << 2)];
  if (!isSound || (next !== 0 && (next >>> 0 >= granules || i32[areaWord + (next << 2) + 1] !== granule)))
    broken(space, granule);
}

/** Takes the first chunk, verified, out of its list. */
export function shift(space: Space, granule: number, list: number): void {
  const { i32, areaWord, state } = space;
  const next = i32[(areaWord + (granule << 2)) | 0];
  i32[(state + HEADS + list) | 0] = next;
  if (next === 0) emptied(space, list);
}

/** Chunks of a list that are looked at where its sizes differ. */
const TRIES = 8;

/** One of the first chunks of a list, verified, that suits; 0 if none of them does. */
export function scanList(
  space: Space,
  list: number,
  suits: (granule: number, size: number) => boolean,
): number {
  let granule = space.i32[space.state + HEADS + list];
  for (let tries = 0; granule !== 0 && tries < TRIES; tries++) {
    verifyFree(space, granule, list);
    if (suits(granule, sizeAt(space, granule))) return granule;
    granule = space.i32[space.areaWord + (granule << 2)];
  }
  return 0;
}
