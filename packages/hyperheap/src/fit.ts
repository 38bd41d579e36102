/**
 * First fit by address: which free chunk serves a request, and how far its payload moves up for the alignment.
 *
 * Cost: O(free chunks before the fit) reads, and one free-map word a KiB. The last chunk, if free, is outside the map and
 * tried last, which is where it stands.
 */
import { isUsed, spanBefore } from "./chain.js";
import { chunkInCell } from "./maps.js";
import { boundaryOf, HINT, lastChunk, type Space } from "./space.js";

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
  const { i32, header, state, free: map } = space;
  const last = lastChunk(space);
  if (last === 0) return 0;
  const end = map + ((last - space.areaStart) >>> 10);
  let index = map + i32[state + HINT];
  while (index <= end && i32[index] === 0) index++;
  const first = index - map;
  for (; index <= end; index++) {
    for (let bits = i32[index]; bits !== 0; bits &= bits - 1) {
      const chunk = chunkInCell(space, (index - map) * 32 + 31 - Math.clz32(bits & -bits));
      if (spanBefore(space, chunk, last) - header < need) continue;
      i32[state + HINT] = first;
      return chunk;
    }
  }
  if (isUsed(space, last) || boundaryOf(space) - last - header < need) return 0;
  i32[state + HINT] = first;
  return last;
}

/** As `findFit`, for an alignment above 16. */
export function findAligned(space: Space, need: number, align: number): number {
  const { i32, state, free: map } = space;
  const last = lastChunk(space);
  if (last === 0) return 0;
  const end = map + ((last - space.areaStart) >>> 10);
  for (let index = map + i32[state + HINT]; index <= end; index++) {
    for (let bits = i32[index]; bits !== 0; bits &= bits - 1) {
      const chunk = chunkInCell(space, (index - map) * 32 + 31 - Math.clz32(bits & -bits));
      if (fits(space, chunk, spanBefore(space, chunk, last), need, align)) return chunk;
    }
  }
  return isUsed(space, last) || !fits(space, last, boundaryOf(space) - last, need, align) ? 0 : last;
}
