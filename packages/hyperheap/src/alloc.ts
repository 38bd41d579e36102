/**
 * The alloc path: a search for the lowest free chunk that fits, and the stores that make a block of its front.
 *
 *     U____________U   the rest is too small    UAAAAAAAAAAAAU
 *     U____________U   a rest                   UAAAAAAA_____U
 *
 * Order of stores: the rest's header is written while nothing reaches it, `next` makes it part of the chain, the used bit commits.
 * Bitmaps and sums follow, which can be derived from the chain.
 *
 * The function handed to the heap is the whole path, longer than what V8 inlines (460 bytecodes), on purpose: compiled on its own it
 * has the whole inlining budget for its helpers, whoever calls it. With all of them written out by hand it was no faster.
 */
import { forget, LARGE, setBits } from "./bitmaps.js";
import { broken } from "./chain.js";
import { allocAligned } from "./chunks.js";
import { findBeyond, promised } from "./fit.js";
import { NONE, raiseHints } from "./hints.js";
import { mapGranule, markGranule, unmapGranule } from "./maps.js";
import { allocRun, pagesFor } from "./pages.js";
import {
  BOUNDARY,
  CLASSES,
  FREE,
  GRANULE,
  LAST,
  MAX_REQUEST,
  NODE_SHIFT,
  PAGE,
  roundRequest,
  SEGMENT_SHIFT,
  type Space,
  USED,
  USED_BIT,
} from "./space.js";
import { lower, raise } from "./tree.js";

/** The `alloc` primitive of one agent: a block of at least `size` bytes at the lowest address that fits, or 0. */
export function createAlloc(space: Space): (size: number, align: number) => number {
  return (size, align) => {
    if (align !== GRANULE) return allocRare(space, size, align);
    const { i32, headerGranules, areaWord, state } = space;
    // At most 2^28, which no chunk has: sizes near 2^32 need no test of their own.
    const need = (((size - 1) >>> 4) + 1 + headerGranules) | 0;

    let node = NONE;
    let chunk = 0;
    if (need <= LARGE) {
      node = i32[space.hints + need - 2];
      if (node === NONE) return allocLast(space, need);
      const segments = i32[space.bitmaps + Math.imul(node, CLASSES) + need - 2];
      if (segments !== 0)
        chunk = promised(space, (node << NODE_SHIFT) + 31 - Math.clz32(segments & -segments), need);
    }
    const isBeyond = chunk === 0;
    if (isBeyond) {
      chunk = findBeyond(space, node, need);
      if (chunk === 0) return allocLast(space, need);
    }

    const next = i32[chunk];
    const prev = i32[chunk + 1];
    const span = next >>> 4;
    const right = (chunk + (span << 2)) | 0;
    if ((prev & USED_BIT) !== 0 || right >= ((areaWord + (space.areaGranules << 2)) | 0))
      broken(space, chunk);
    const rightPrev = i32[right + 1];
    if ((((rightPrev & -16) + next) | 0) !== 0) broken(space, chunk);
    const granule = (chunk - areaWord) >> 2;
    const segment = granule >> SEGMENT_SHIFT;
    const rest = (span - need) | 0;
    i32[space.made] = (chunk - space.baseWord) | 0;
    if (rest <= headerGranules) {
      i32[chunk + 1] = prev | USED_BIT;
      unmapGranule(space, granule);
      forget(space, segment, span);
      const payload = (span - headerGranules) << 4;
      i32[state + FREE] -= payload;
      i32[state + USED] += payload;
    } else {
      const taken = need << 4;
      const at = (chunk + (need << 2)) | 0;
      const start = (granule + need) | 0;
      i32[at] = rest << 4;
      i32[at + 1] = 0 - taken;
      i32[at + space.heapWord] = (space.baseWord - at) << 2;
      i32[right + 1] = rightPrev + taken;
      i32[chunk] = taken;
      i32[chunk + 1] = prev | USED_BIT;
      markGranule(space, (start + headerGranules) | 0);
      unmapGranule(space, granule);
      mapGranule(space, start);
      if (start >> SEGMENT_SHIFT !== segment) {
        setBits(space, start >> SEGMENT_SHIFT, rest);
        if (rest > LARGE) raise(space, start, rest);
        forget(space, segment, span);
      } else if (rest < LARGE) forget(space, segment, span);
      i32[state + FREE] -= taken;
      i32[state + USED] += (need - headerGranules) << 4;
    }
    if (span > LARGE) lower(space, granule, span);
    if (isBeyond) raiseHints(space, segment >> NODE_SHIFT, need);
    return ((chunk + (headerGranules << 2)) << 2) >>> 0;
  };
}

/** A block of the last chunk, if that is free and has `need` granules; else 0. What is in the index does not fit. */
function allocLast(space: Space, need: number): number {
  const { i32, baseWord, headerGranules, state } = space;
  const offset = i32[state + LAST];
  if (offset === 0) return 0;
  const chunk = (baseWord + (offset >>> 2)) | 0;
  const prev = i32[chunk + 1];
  if ((prev & USED_BIT) !== 0) return 0;
  const span = (i32[state + BOUNDARY] >>> 4) - (offset >>> 4);
  if (span < need) return 0;
  const rest = (span - need) | 0;
  i32[space.made] = offset >>> 2;
  if (rest <= headerGranules) {
    i32[chunk + 1] = prev | USED_BIT;
    const payload = (span - headerGranules) << 4;
    i32[state + FREE] -= payload;
    i32[state + USED] += payload;
  } else {
    const taken = need << 4;
    const at = (chunk + (need << 2)) | 0;
    i32[at] = 0;
    i32[at + 1] = 0 - taken;
    i32[at + space.heapWord] = (baseWord - at) << 2;
    i32[chunk] = taken;
    i32[chunk + 1] = prev | USED_BIT;
    i32[state + LAST] = offset + taken;
    i32[state + FREE] -= taken;
    i32[state + USED] += (need - headerGranules) << 4;
  }
  markGranule(space, (((chunk - space.areaWord) >> 2) + headerGranules) | 0);
  raiseHints(space, NONE, need);
  return ((chunk + (headerGranules << 2)) << 2) >>> 0;
}

/** Page runs and larger alignments. */
function allocRare(space: Space, size: number, align: number): number {
  if (align === PAGE) return allocRun(space, pagesFor(size));
  return size > MAX_REQUEST ? 0 : allocAligned(space, roundRequest(size), align);
}
