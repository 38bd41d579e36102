/**
 * The free path: two bits say whether the pointer is a block, a look at both neighbours, and the stores that merge.
 *
 *     UAAAU  U___U      UAAA__U  U_____U      U__AAAU  U_____U      U__AAA__U  U_______U
 *
 * Order of stores: clearing the used bit commits, each merge is one `next`; what follows can be derived from the chain.
 */
import { forget, LARGE, setBits } from "./bitmaps.js";
import { broken, wipeWords } from "./chain.js";
import { shrunk } from "./free-chunks.js";
import { lowerHints } from "./hints.js";
import { unmapGranule, unmarkGranule } from "./maps.js";
import { freeRun, isRun } from "./pages.js";
import { BOUNDARY, FREE, LAST, NODE_SHIFT, SEGMENT_SHIFT, type Space, USED, USED_BIT } from "./space.js";
import { lower, raise } from "./tree.js";
import { refusal } from "./validate.js";

/** The `free` primitive of one agent: ends the block at `ptr`. */
export function createFree(space: Space): (ptr: number) => void {
  return (ptr) => {
    const { i32, header, headerGranules, state, areaWord } = space;
    const payload = (ptr >>> 4) - (areaWord >>> 2);
    if (
      (ptr & 15) !== 0 ||
      payload >>> 0 >= space.areaGranules ||
      ((i32[space.payloads + (payload >>> 5)] >>> (payload & 31)) & 1) === 0
    ) {
      return freeRare(space, ptr);
    }
    const granule = payload - headerGranules;
    const map = space.free + (granule >> SEGMENT_SHIFT);
    const cell = 1 << ((granule >> 1) & 31);
    if ((i32[map] & cell) !== 0) return freeRare(space, ptr);

    // Both neighbours first. A link is range-checked, then compared with its other end, before it is followed.
    const chunk = (areaWord + (granule << 2)) | 0;
    const end = (areaWord + (space.areaGranules << 2)) | 0;
    const next = i32[chunk];
    const prev = i32[chunk + 1];
    const back = prev & -16;
    const left = (chunk - ((0 - back) >>> 2)) | 0;
    if ((prev & USED_BIT) === 0 || left < areaWord) broken(space, chunk);
    let start = chunk;
    const leftGranule = (left - areaWord) >> 2;
    if (((i32[space.free + (leftGranule >> SEGMENT_SHIFT)] >>> (leftGranule >> 1)) & 1) !== 0) {
      if (((i32[left] + back) | 0) !== 0) broken(space, chunk);
      start = left;
    }
    if (next === 0) return freeTail(space, chunk, start, 0);
    let after = (chunk + (next >>> 2)) | 0;
    if (after >= end || after < 0) broken(space, chunk);
    let afterPrev = i32[after + 1];
    if ((((afterPrev & -16) + next) | 0) !== 0) broken(space, chunk);
    let right = 0;
    let rightNext = 0;
    // The free map is at hand where the neighbour's header may not be. A free last chunk is not in it.
    const rightGranule = (after - areaWord) >> 2;
    if (((i32[space.free + (rightGranule >> SEGMENT_SHIFT)] >>> (rightGranule >> 1)) & 1) !== 0) {
      right = after;
      rightNext = i32[right];
      after = (right + (rightNext >>> 2)) | 0;
      if ((afterPrev & USED_BIT) !== 0 || after >= end || after <= right) broken(space, right);
      afterPrev = i32[after + 1];
      if ((((afterPrev & -16) + rightNext) | 0) !== 0) broken(space, right);
    } else if ((afterPrev & USED_BIT) === 0) return freeTail(space, chunk, start, after);

    const size = (next - header) | 0;
    let whole = (next + rightNext) | 0;
    let gained = size;
    i32[chunk + 1] = prev & ~USED_BIT;
    if (right !== 0) {
      i32[chunk] = whole;
      wipeWords(space, right);
      unmarkGranule(space, (rightGranule + headerGranules) | 0);
      unmapGranule(space, rightGranule);
      gained = (gained + header) | 0;
    }
    if (start === chunk) i32[map] |= cell;
    else {
      whole = (whole - back) | 0;
      i32[left] = whole;
      wipeWords(space, chunk);
      unmarkGranule(space, payload);
      gained = (gained + header) | 0;
    }
    if (gained !== size) i32[after + 1] = (afterPrev & USED_BIT) - whole;

    const span = whole >>> 4;
    const first = (start - areaWord) >> 2;
    const segment = first >> SEGMENT_SHIFT;
    setBits(space, segment, span);
    lowerHints(space, segment >> NODE_SHIFT, span);
    if (span > LARGE) raise(space, first, span);
    if (right !== 0) {
      if (rightGranule >> SEGMENT_SHIFT !== segment)
        forget(space, rightGranule >> SEGMENT_SHIFT, rightNext >>> 4);
      if (rightNext >>> 4 > LARGE) lower(space, rightGranule, rightNext >>> 4);
    }
    i32[state + USED] -= size;
    i32[state + FREE] += gained;
  };
}

/** The last chunk, or the one before a free last chunk, becomes the free last chunk, which is in no map and no index. */
function freeTail(space: Space, chunk: number, start: number, right: number): void {
  const { i32, header, headerGranules, areaWord, baseWord, state } = space;
  const last = right === 0 ? chunk : right;
  if (last !== baseWord + (i32[state + LAST] >>> 2)) broken(space, last);
  const end = baseWord + (i32[state + BOUNDARY] >>> 2);
  const size = (((right === 0 ? end : right) - chunk) << 2) - header;
  let gained = size;
  i32[chunk + 1] &= ~USED_BIT;
  if (right !== 0) {
    i32[chunk] = 0;
    wipeWords(space, right);
    gained += header;
  }
  unmarkGranule(space, ((chunk - areaWord) >> 2) + headerGranules);
  if (start !== chunk) {
    const span = i32[start] >>> 4;
    const granule = (start - areaWord) >> 2;
    i32[start] = 0;
    wipeWords(space, chunk);
    unmarkGranule(space, granule + headerGranules);
    unmapGranule(space, granule);
    shrunk(space, granule, span);
    gained += header;
  }
  i32[state + LAST] = (start - baseWord) << 2;
  i32[state + USED] -= size;
  i32[state + FREE] += gained;
}

/** Page runs, and what is no block. */
function freeRare(space: Space, ptr: number): void {
  if (!isRun(space, ptr)) throw refusal(space, ptr);
  freeRun(space, ptr);
}
