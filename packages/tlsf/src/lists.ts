/**
 * The lists of free chunks, one a class, and the two levels of bits that say which are not empty.
 *
 *     class     1 … 63 granules      64, 65   66, 67 … 126, 127      128 … 131   132 … 135 …
 *     a list of one size each        32 lists a power of two, whose sizes differ by 1/32 at most
 *
 * Last in, first out. A link counts words from the state, and leads to the word that links on: in a chunk the first of its payload, in a list's
 * head the head itself, so that the first chunk's `prev` is like any other's. `next` is 0 in the last chunk, and word 1 of the state
 * is there to be written to in place of the `prev` of none.
 *
 *     head|next|    chunk|next|prev| …    chunk|next|prev| …
 *
 * Thus entering and leaving a list is the same stores whatever else is in it, and has no branch a processor could mispredict (which costs
 * more than all of them): in JavaScript, lua's trace takes a third less than with `if`s. For the same reason the first level's bits are set but
 * not cleared when a word becomes 0; a search that finds nothing does.
 *
 * Links lie in free memory, where whoever uses a block after its end writes: each is range-checked and compared with its other end
 * before anything is changed.
 */
import { isAfterFree, isLive } from "./maps.js";
import {
  classOf,
  EXACT,
  FIRST_LEVEL,
  granuleOf,
  HEADS,
  linkOf,
  SECOND_LEVEL,
  type Space,
  sizeAt,
} from "./space.js";
import { broken } from "./validate.js";

/** Enters a free chunk into its list. */
export function push(space: Space, granule: number, size: number): void {
  const { i32, state } = space;
  const list = classOf(size) | 0;
  const head = (HEADS + list) | 0;
  const link = (space.areaLink + (granule << 2)) | 0;
  const first = i32[(state + head) | 0];
  i32[(state + link) | 0] = first;
  i32[(state + link + 1) | 0] = head;
  i32[(state + first + 1) | 0] = link;
  i32[(state + head) | 0] = link;
  i32[(state + SECOND_LEVEL + (list >>> 5)) | 0] |= 1 << (list & 31);
  if (list > EXACT) i32[state + FIRST_LEVEL] |= 1 << (list >>> 5);
}

/** Takes a free chunk out of its list. Throws, and nothing has changed, if a link cannot be true. */
export function unlink(space: Space, granule: number, size: number): void {
  verifyLinks(space, granule);
  const { i32, state } = space;
  const link = (space.areaLink + (granule << 2)) | 0;
  const next = i32[(state + link) | 0];
  const prev = i32[(state + link + 1) | 0];
  i32[(state + prev) | 0] = next;
  i32[(state + next + 1) | 0] = prev;
  clearIfEmpty(space, classOf(size));
}

/** Throws if a link of a free chunk cannot be true. */
export function verifyLinks(space: Space, granule: number): void {
  const { i32, state, linkEnd } = space;
  const link = (space.areaLink + (granule << 2)) | 0;
  const next = i32[(state + link) | 0];
  const prev = i32[(state + link + 1) | 0];
  // Unsigned: a negative number is out of range, too. Only where there is a next one, its other end counts.
  if (next >>> 0 >= linkEnd || prev >>> 0 >= linkEnd) broken(space, granule);
  const ends = (i32[(state + prev) | 0] ^ link) | ((i32[(state + next + 1) | 0] ^ link) & (-next >> 31));
  if (ends !== 0) broken(space, granule);
}

/** Clears the bit of a list that has just lost its last chunk. */
export function clearIfEmpty(space: Space, list: number): void {
  const { i32, state } = space;
  const isEmpty = 1 + (-i32[(state + HEADS + list) | 0] >> 31);
  i32[(state + SECOND_LEVEL + (list >>> 5)) | 0] &= ~(isEmpty << (list & 31));
}

/** The lowest class from `list` on whose list is not empty; 0 if there is none. */
export function findList(space: Space, list: number): number {
  const { i32, state } = space;
  let level = list >>> 5;
  let bits = i32[(state + SECOND_LEVEL + level) | 0] & (-1 << (list & 31));
  // The first two words, whose lists are exact, have no bits in the first level.
  if (bits === 0 && level === 0) {
    level = 1;
    bits = i32[(state + SECOND_LEVEL + 1) | 0];
  }
  if (bits === 0) {
    let levels = i32[state + FIRST_LEVEL] & (-2 << level);
    while (bits === 0) {
      if (levels === 0) return 0;
      level = 31 - Math.clz32(levels & -levels);
      bits = i32[(state + SECOND_LEVEL + level) | 0];
      levels &= levels - 1;
    }
  }
  return ((level << 5) + 31 - Math.clz32(bits & -bits)) | 0;
}

/** No list from `list` on has a chunk, so the words of higher levels are 0: without this a search would look at each again. */
export function forgetLevels(space: Space, list: number): void {
  space.i32[space.state + FIRST_LEVEL] &= (2 << (list >>> 5)) - 1;
}

/** First chunk of a list; 0 if it is empty. */
export function headOf(space: Space, list: number): number {
  const link = space.i32[space.state + HEADS + list];
  return link === 0 ? 0 : granuleOf(space, link);
}

/** The chunk after this one in its list; 0 if it is the last. */
export function nextOf(space: Space, granule: number): number {
  const link = space.i32[space.state + linkOf(space, granule)];
  return link === 0 ? 0 : granuleOf(space, link);
}

/** Takes the first chunk out of a list that is not empty. Throws, and nothing has changed, if it cannot be a free chunk of that class. */
export function shift(space: Space, list: number): number {
  const { i32, state } = space;
  const head = (HEADS + list) | 0;
  const link = i32[(state + head) | 0];
  const word = (state + link) | 0;
  const granule = (link - space.areaLink) >> 2;
  if (granule < space.first || granule >= space.granules) broken(space, granule);
  const size = i32[(word - space.headerWords) | 0];
  const next = i32[word];
  const end = (granule + size) | 0;
  if (size < space.least || end > space.granules || end < 0 || next >>> 0 >= space.linkEnd)
    broken(space, granule);
  const ends =
    (classOf(size) ^ list) |
    ((i32[(state + next + 1) | 0] ^ link) & (-next >> 31)) |
    (i32[(space.maps + ((granule >>> 4) & -2)) | 0] & (1 << (granule & 31)));
  const after = i32[(space.maps + ((end >>> 4) & -2) + 1) | 0] & (1 << (end & 31));
  if (ends !== 0 || after === 0) broken(space, granule);
  i32[(state + head) | 0] = next;
  i32[(state + next + 1) | 0] = head;
  i32[(state + SECOND_LEVEL + (list >>> 5)) | 0] &= ~((1 + (-next >> 31)) << (list & 31));
  return granule;
}

/** Is it a free chunk of that class, with sound edges and links, as far as can be seen? Throws if not. */
export function verifyFree(space: Space, granule: number, list: number): void {
  const { i32, chunkWord, granules } = space;
  if (granule < space.first || granule >= granules) broken(space, granule);
  const size = sizeAt(space, granule);
  if (size < space.least || size > granules - granule || classOf(size) !== list) broken(space, granule);
  const end = granule + size;
  if (i32[chunkWord + (end << 2) - 1] !== size || !isAfterFree(space, end) || isLive(space, granule))
    broken(space, granule);
  verifyLinks(space, granule);
}

/**
 * The highest place of a multiple of `step` granules for a block in the free chunk `[start, end)`; -1 if there is none. What would be left in
 * front is nothing, or a chunk.
 */
export function placeIn(space: Space, start: number, end: number, size: number, step: number): number {
  const { areaGranule, least } = space;
  if (end - start < size) return -1;
  const place = ((end - size + areaGranule) & -step) - areaGranule;
  const front = place - start;
  if (front === 0 || front >= least) return place;
  // Further down only the very start is left.
  return front > 0 && (front & (step - 1)) === 0 ? start : -1;
}

/** Chunks of a list that are looked at where its sizes differ. */
const TRIES = 8;

/** One of the first chunks of a list, verified, that has a place for the block; 0 if none of them does. */
export function scanList(space: Space, list: number, size: number, step: number): number {
  let granule = headOf(space, list);
  for (let tries = 0; granule !== 0 && tries < TRIES; tries++) {
    verifyFree(space, granule, list);
    if (placeIn(space, granule, granule + sizeAt(space, granule), size, step) >= 0) return granule;
    granule = nextOf(space, granule);
  }
  return 0;
}
