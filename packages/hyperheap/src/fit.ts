/**
 * First fit by address: which free chunk serves a request, and how far its payload moves up for the alignment.
 *
 *     up to LARGE granules    the node the hint names > the next segment by the bitmaps > the last chunk
 *     larger                  stretches by the tree > the last chunk
 *
 * Most requests end with the first, which alloc.ts does itself. Cost: O(log region), see bitmaps.ts and tree.ts; with
 * an alignment above 16, that for each place whose largest chunk fails only for its slack. The last chunk, if free, is outside the
 * index and tried last, which is where it stands.
 *
 * Searches change nothing, since a failed request must not.
 */
import { corruptIndex, LARGE, nextSegment, segmentsIn } from "./bitmaps.js";
import { isUsed, spanBefore } from "./chain.js";
import { hintClass, NONE } from "./hints.js";
import { chunkInCell } from "./maps.js";
import { boundaryOf, CLASSES, lastChunk, NODE_SHIFT, type Space, STRETCH_SHIFT } from "./space.js";
import { findStretch, isPending } from "./tree.js";

/** Word index of the first free chunk of `span` granules in a segment; 0 if there is none. What its header says is not verified yet. */
export function firstIn(space: Space, segment: number, span: number): number {
  const { i32 } = space;
  for (let bits = i32[space.free + segment]; bits !== 0; bits &= bits - 1) {
    const chunk = chunkInCell(space, ((segment << 5) + 31 - Math.clz32(bits & -bits)) | 0);
    if (i32[chunk] >>> 4 >= span) return chunk;
  }
  return 0;
}

/** As `firstIn`, in a segment that has the bit of the request's class: where there is no such chunk, the index or a header is wrong. */
export function promised(space: Space, segment: number, span: number): number {
  return firstIn(space, segment, span) || corruptIndex(space, `segment ${segment}`);
}

/**
 * The indexed free chunk with the lowest address that has `span` granules, where the hint's `node` has none (requests above `LARGE`
 * have no node); 0 if there is none.
 */
export function findBeyond(space: Space, node: number, span: number): number {
  if (span > LARGE) {
    const first = space.i32[space.hints + hintClass(span)];
    return first === NONE ? 0 : findInTree(space, first << (NODE_SHIFT - STRETCH_SHIFT), span);
  }
  const segment = nextSegment(space, (node + 1) << NODE_SHIFT, span - 2);
  return segment < 0 ? 0 : promised(space, segment, span);
}

/** The first free chunk of `span` granules, more than `LARGE`, from a stretch on; 0 if there is none. */
function findInTree(space: Space, from: number, span: number): number {
  let stretch = findStretch(space, from, span);
  while (stretch >= 0) {
    for (let bits = segmentsIn(space, stretch, CLASSES - 1); bits !== 0; bits &= bits - 1) {
      const chunk = firstIn(space, (stretch << STRETCH_SHIFT) + 31 - Math.clz32(bits & -bits), span);
      if (chunk !== 0) return chunk;
    }
    if (!isPending(space, stretch)) corruptIndex(space, `stretch ${stretch}`);
    stretch = findStretch(space, stretch + 1, span);
  }
  return 0;
}

/**
 * Bytes between a free chunk's payload and the aligned one, of which a free chunk of its own is made: 0, or at least a
 * header and a granule.
 */
export function slackFor(space: Space, chunk: number, align: number): number {
  const payload = chunk + space.header;
  let slack = (align - (payload & (align - 1))) & (align - 1);
  while (slack !== 0 && slack < space.least) slack += align;
  return slack;
}

/** Does an aligned request fit? Written so that nothing wraps: all terms are at most 2^32. */
function fits(space: Space, chunk: number, span: number, need: number, align: number): boolean {
  const payload = span - space.header;
  const slack = slackFor(space, chunk, align);
  return slack <= payload && need <= payload - slack;
}

/**
 * Address of the free chunk that serves an alignment above 16; 0, and no byte has changed, if none does. The tree says where chunks
 * are long enough, but not whether one has room for its slack.
 */
export function findAligned(space: Space, need: number, align: number): number {
  const { i32, header } = space;
  const last = lastChunk(space);
  const span = (need >>> 4) + (header >>> 4);
  const node = i32[space.hints + hintClass(span)];
  let segment = node === NONE ? -1 : candidate(space, node << NODE_SHIFT, span);
  for (; segment >= 0; segment = candidate(space, segment + 1, span)) {
    for (let bits = i32[space.free + segment]; bits !== 0; bits &= bits - 1) {
      const word = chunkInCell(space, ((segment << 5) + 31 - Math.clz32(bits & -bits)) | 0);
      if (i32[word] >>> 4 < span) continue;
      const chunk = (word << 2) >>> 0;
      if (fits(space, chunk, spanBefore(space, chunk, last), need, align)) return chunk;
    }
  }
  if (last === 0 || isUsed(space, last)) return 0;
  return fits(space, last, boundaryOf(space) - last, need, align) ? last : 0;
}

/** The first segment from `from` on in which, or in whose stretch, a free chunk of `span` granules may begin; -1 if there is none. */
function candidate(space: Space, from: number, span: number): number {
  if (from >= space.segments) return -1;
  if (span <= LARGE) return nextSegment(space, from, span - 2);
  const stretch = findStretch(space, from >> STRETCH_SHIFT, span);
  return stretch < 0 ? -1 : Math.max(from, stretch << STRETCH_SHIFT);
}
