/**
 * The alloc path: a search for the lowest free chunk that fits, and the stores that make a block of its front.
 *
 *     U____________U   the rest is too small    UAAAAAAAAAAAAU
 *     U____________U   a rest                   UAAAAAAA_____U
 *
 * Order of stores: the rest's header is written while nothing reaches it, `next` makes it part of the chain, the used bit commits.
 * Bitmaps and sums follow, which can be derived from the chain.
 *
 * The function handed to the heap is the whole path, not a wrapper around it: one call less (3 ns). It is longer than what V8
 * inlines (460 bytecodes), on purpose: compiled on its own it has the whole inlining budget for its helpers, whoever calls it;
 * inlined into a layer it left half of them as calls (5 to 10 ns).
 */
import { checkBack, setBack, spanBefore } from "./chain.js";
import { allocAligned } from "./chunks.js";
import { findFit } from "./fit.js";
import { enterFree, removeFree } from "./free-chunks.js";
import { markPayload } from "./maps.js";
import { allocRun, pagesFor } from "./pages.js";
import {
  FREE,
  GRANULE,
  LAST,
  lastChunk,
  MAX_REQUEST,
  NEXT,
  PAGE,
  PREV,
  roundRequest,
  type Space,
  USED,
  USED_BIT,
} from "./space.js";

/** The `alloc` primitive of one agent: a block of at least `size` bytes at the lowest address that fits, or 0. */
export function createAlloc(space: Space): (size: number, align: number) => number {
  return (size, align) => {
    if (size > MAX_REQUEST || align !== GRANULE) return allocRare(space, size, align);
    const need = roundRequest(size);
    const chunk = findFit(space, need);
    if (chunk === 0) return 0;
    const { i32, header, state } = space;
    const last = lastChunk(space);
    const span = spanBefore(space, chunk, last);
    const isLast = chunk === last;
    const blockSpan = header + need;
    const restSpan = span - blockSpan;
    const ptr = chunk + header;
    if (!isLast) checkBack(space, chunk + span, span);
    if (restSpan < space.least) {
      i32[(chunk + PREV) >>> 2] |= USED_BIT;
      if (!isLast) removeFree(space, chunk, span);
      markPayload(space, ptr);
      i32[state + FREE] -= span - header;
      i32[state + USED] += span - header;
      return ptr;
    }
    const rest = chunk + blockSpan;
    i32[(rest + NEXT) >>> 2] = isLast ? 0 : restSpan;
    i32[(rest + PREV) >>> 2] = -blockSpan;
    i32[(rest + space.heapField) >>> 2] = space.base - rest;
    if (!isLast) setBack(space, chunk + span, restSpan);
    i32[(chunk + NEXT) >>> 2] = blockSpan;
    i32[(chunk + PREV) >>> 2] |= USED_BIT;
    if (isLast) {
      i32[state + LAST] = rest - space.base;
    } else {
      enterFree(space, rest, restSpan);
      removeFree(space, chunk, span);
    }
    markPayload(space, ptr);
    i32[state + FREE] -= blockSpan;
    i32[state + USED] += need;
    return ptr;
  };
}

/** Page runs, larger alignments, and sizes that no heap can have. */
function allocRare(space: Space, size: number, align: number): number {
  if (align === PAGE) return allocRun(space, pagesFor(size));
  return size > MAX_REQUEST ? 0 : allocAligned(space, roundRequest(size), align);
}
