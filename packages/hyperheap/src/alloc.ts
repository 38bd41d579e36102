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
 * has the whole inlining budget for its helpers, whoever calls it.
 */
import { clearMissed, LARGE, setBits } from "./bitmaps.js";
import { broken } from "./chain.js";
import { allocAligned } from "./chunks.js";
import { findBeyond, firstIn, learn, MISLED } from "./fit.js";
import { NONE, raiseHints } from "./hints.js";
import { markGranule } from "./maps.js";
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
    let missed = 0;
    let chunk = 0;
    if (need <= LARGE) {
      node = i32[space.hints + need - 2];
      if (node !== NONE) {
        for (
          let bits = i32[space.bitmaps + Math.imul(node, CLASSES) + need - 2];
          bits !== 0;
          bits &= bits - 1
        ) {
          chunk = firstIn(space, (node << NODE_SHIFT) + 31 - Math.clz32(bits & -bits), need);
          if (chunk !== 0) break;
          missed |= bits & -bits;
        }
      }
    }
    let beyond = 0;
    if (chunk === 0) {
      if (node !== NONE || need > LARGE) beyond = findBeyond(space, node, need);
      if (beyond === 0 || beyond === MISLED) return allocLast(space, need, node, missed, beyond);
      chunk = beyond < 0 ? (0 - beyond) | 0 : beyond;
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
    const map = space.free + segment;
    const rest = (span - need) | 0;
    if (rest <= headerGranules) {
      i32[chunk + 1] = prev | USED_BIT;
      i32[map] &= ~(1 << (granule >> 1));
      lower(space, granule, span);
      const payload = (span - headerGranules) << 4;
      i32[state + FREE] -= payload;
      i32[state + USED] += payload;
    } else {
      const taken = need << 4;
      const at = (chunk + (need << 2)) | 0;
      const restGranule = (granule + need) | 0;
      const restSegment = restGranule >> SEGMENT_SHIFT;
      i32[at] = rest << 4;
      i32[at + 1] = 0 - taken;
      i32[at + space.heapWord] = (space.baseWord - at) << 2;
      i32[right + 1] = rightPrev + taken;
      i32[chunk] = taken;
      i32[chunk + 1] = prev | USED_BIT;
      markGranule(space, (restGranule + headerGranules) | 0);
      i32[map] &= ~(1 << (granule >> 1));
      i32[space.free + restSegment] |= 1 << (restGranule >> 1);
      if (restSegment !== segment) {
        setBits(space, restSegment, rest);
        raise(space, restGranule, rest);
      }
      lower(space, granule, span);
      i32[state + FREE] -= taken;
      i32[state + USED] += (need - headerGranules) << 4;
    }
    if (missed !== 0) clearMissed(space, node, missed, need);
    if (beyond !== 0) {
      if (beyond < 0) learn(space, node, granule, need);
      if (need <= LARGE) raiseHints(space, granule >> (NODE_SHIFT + SEGMENT_SHIFT), need - 2);
    }
    return ((chunk + (headerGranules << 2)) << 2) >>> 0;
  };
}

/** A block of the last chunk, if that is free and has `need` granules; else 0. What is in the index does not fit. */
function allocLast(space: Space, need: number, node: number, missed: number, found: number): number {
  const { i32, baseWord, headerGranules, state } = space;
  const offset = i32[state + LAST];
  if (offset === 0) return 0;
  const chunk = (baseWord + (offset >>> 2)) | 0;
  const prev = i32[chunk + 1];
  if ((prev & USED_BIT) !== 0) return 0;
  const span = (i32[state + BOUNDARY] >>> 4) - (offset >>> 4);
  if (span < need) return 0;
  const rest = (span - need) | 0;
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
  if (missed !== 0) clearMissed(space, node, missed, need);
  if (found < 0) learn(space, node, NONE, need);
  if (node !== NONE) raiseHints(space, NONE, need - 2);
  return ((chunk + (headerGranules << 2)) << 2) >>> 0;
}

/** Page runs and larger alignments. */
function allocRare(space: Space, size: number, align: number): number {
  if (align === PAGE) return allocRun(space, pagesFor(size));
  return size > MAX_REQUEST ? 0 : allocAligned(space, roundRequest(size), align);
}
