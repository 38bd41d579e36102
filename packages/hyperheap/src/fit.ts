/**
 * First fit by address: which free chunk serves a request, and how far its payload moves up for the alignment.
 *
 *     the node the hint names > next segments by the bitmaps > stretches by the tree > the last chunk
 *
 * Each step looks no further than it must, and most requests end with the first. Cost: O(log region), see bitmaps.ts and tree.ts; with
 * an alignment above 16, that for each place whose largest chunk fails only for its slack. The last chunk, if free, is outside the
 * index and tried last, which is where it stands.
 *
 * Searches change nothing, since a failed request must not. What misled one, and where it ended, `learn` writes down once there is a block.
 */
import { classOf, clearBits, corruptIndex, LARGE, nextSegment, segmentsIn } from "./bitmaps.js";
import { isUsed, spanBefore } from "./chain.js";
import { NONE } from "./hints.js";
import { chunkInCell } from "./maps.js";
import { boundaryOf, lastChunk, NODE_SHIFT, SEGMENT_SHIFT, type Space, STRETCH_SHIFT } from "./space.js";
import { findStretch } from "./tree.js";

/** So many segments after the hint's node may disappoint before a search goes on in the tree. */
const PATIENCE = 4;

/** Word index of the first free chunk of `span` granules in a segment; 0 if there is none. What its header says is not verified yet. */
export function firstIn(space: Space, segment: number, span: number): number {
  const { i32 } = space;
  for (let bits = i32[space.free + segment]; bits !== 0; bits &= bits - 1) {
    const chunk = chunkInCell(space, ((segment << 5) + 31 - Math.clz32(bits & -bits)) | 0);
    if (i32[chunk] >>> 4 >= span) return chunk;
  }
  return 0;
}

/** No chunk, and the bitmaps misled. No chunk has this index. */
export const MISLED = -1;

/**
 * The indexed free chunk with the lowest address that has `span` granules, where the hint's `node` has none (requests above `LARGE`
 * have no node); 0 if there is none. Negative, or `MISLED`, if the bitmaps promised more than there was on the way.
 */
export function findBeyond(space: Space, node: number, span: number): number {
  if (span > LARGE) {
    const first = space.i32[space.hints + LARGE - 2];
    return first === NONE ? 0 : findInTree(space, first << (NODE_SHIFT - STRETCH_SHIFT), span);
  }
  let segment = nextSegment(space, (node + 1) << NODE_SHIFT, span - 2);
  let sign = 1;
  for (let patience = PATIENCE; segment >= 0; patience--) {
    const chunk = firstIn(space, segment, span);
    if (chunk !== 0) return Math.imul(sign, chunk);
    sign = -1;
    if (patience === 0) return findInTree(space, segment >> STRETCH_SHIFT, span) * sign || MISLED;
    segment = nextSegment(space, segment + 1, span - 2);
  }
  return sign < 0 ? MISLED : 0;
}

/** The first free chunk of `span` granules from a stretch on, before which in that stretch none fits; 0 if there is none. */
function findInTree(space: Space, from: number, span: number): number {
  const stretch = findStretch(space, from, span);
  if (stretch < 0) return 0;
  for (let bits = segmentsIn(space, stretch, classOf(span)); bits !== 0; bits &= bits - 1) {
    const chunk = firstIn(space, (stretch << STRETCH_SHIFT) + 31 - Math.clz32(bits & -bits), span);
    if (chunk !== 0) return chunk;
  }
  return corruptIndex(space, `stretch ${stretch}`);
}

/**
 * After a search for at most `LARGE` granules that `findBeyond` ended, misled, with the chunk at granule `found`, or `NONE` if that is
 * outside the index: clears the bits that misled it. The same way again, and no further.
 */
export function learn(space: Space, node: number, found: number, span: number): void {
  let segment = nextSegment(space, (node + 1) << NODE_SHIFT, span - 2);
  for (let patience = PATIENCE; patience >= 0; patience--) {
    if (segment < 0 || segment >= found >> SEGMENT_SHIFT) return;
    clearBits(space, segment, span - 2);
    segment = nextSegment(space, segment + 1, span - 2);
  }
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
  const node = i32[space.hints + classOf(span)];
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

/** The first segment from `from` on in whose stretch a free chunk of `span` granules begins; -1 if there is none. */
function candidate(space: Space, from: number, span: number): number {
  if (from >= space.segments) return -1;
  const stretch = findStretch(space, from >> STRETCH_SHIFT, span);
  return stretch < 0 ? -1 : Math.max(from, stretch << STRETCH_SHIFT);
}
