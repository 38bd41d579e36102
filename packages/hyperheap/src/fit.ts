/**
 * First fit by address: which free chunk serves a request, and how far its payload moves up for the alignment.
 *
 * Cost: O(log region), see tree.ts; with an alignment above 16, that for each segment whose largest chunk fails only for its
 * slack. The last chunk, if free, is outside the index and tried last, which is where it stands.
 */
import { isUsed, spanBefore } from "./chain.js";
import { chunkInCell } from "./maps.js";
import { boundaryOf, lastChunk, type Space } from "./space.js";
import { corruptIndex, findSegment, SEGMENT_WORDS } from "./tree.js";

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

/** The free chunk with the lowest address whose payload has `need` bytes; 0, and no byte has changed, if none has. */
export function findFit(space: Space, need: number): number {
  const { i32, header } = space;
  const last = lastChunk(space);
  const span = (need >>> 4) + (header >>> 4);
  const segment = findSegment(space, 0, span);
  if (segment >= 0) {
    for (let word = segment * SEGMENT_WORDS; word < (segment + 1) * SEGMENT_WORDS; word++) {
      for (let bits = i32[space.free + word]; bits !== 0; bits &= bits - 1) {
        const chunk = chunkInCell(space, word * 32 + 31 - Math.clz32(bits & -bits));
        if (spanBefore(space, chunk, last) - header >= need) return chunk;
      }
    }
    corruptIndex(space, `the largest chunk of segment ${segment}`);
  }
  return last === 0 || isUsed(space, last) || boundaryOf(space) - last - header < need ? 0 : last;
}

/** As `findFit`, for an alignment above 16: segments that are large enough may still have no chunk that fits. */
export function findAligned(space: Space, need: number, align: number): number {
  const { i32, header } = space;
  const last = lastChunk(space);
  const span = (need >>> 4) + (header >>> 4);
  for (
    let segment = findSegment(space, 0, span);
    segment >= 0;
    segment = findSegment(space, segment + 1, span)
  ) {
    for (let word = segment * SEGMENT_WORDS; word < (segment + 1) * SEGMENT_WORDS; word++) {
      for (let bits = i32[space.free + word]; bits !== 0; bits &= bits - 1) {
        const chunk = chunkInCell(space, word * 32 + 31 - Math.clz32(bits & -bits));
        if (fits(space, chunk, spanBefore(space, chunk, last), need, align)) return chunk;
      }
    }
  }
  if (last === 0 || isUsed(space, last)) return 0;
  return fits(space, last, boundaryOf(space) - last, need, align) ? last : 0;
}
