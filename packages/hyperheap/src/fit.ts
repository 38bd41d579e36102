/**
 * First fit by address: which free chunk serves a request, and how far its payload moves up for the alignment.
 *
 * Cost: O(free chunks before the fit) reads, and one free-map word a KiB. The last chunk, if free, is outside the map and
 * tried last, which is where it stands.
 */
import { isUsed, spanOf } from "./chain.js";
import { chunkInCell } from "./maps.js";
import { HINT, lastChunk, type Space } from "./space.js";

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

/** Does a request fit into `span` bytes of chunk? Written so that nothing wraps: all terms are at most 2^32. */
function fits(space: Space, span: number, slack: number, need: number): boolean {
  const payload = span - space.header;
  return slack <= payload && need <= payload - slack;
}

/** The free chunk with the lowest address that fits; 0, and no byte has changed, if none does. */
export function findFit(space: Space, need: number, align: number): number {
  const { i32 } = space;
  const last = lastChunk(space);
  if (last === 0) return 0;
  const words = ((last - space.areaStart) >>> 10) + 1;
  let word = space.u32[space.state + HINT];
  while (word < words && i32[space.free + word] === 0) word++;
  const first = word;
  for (; word < words; word++) {
    for (let bits = i32[space.free + word]; bits !== 0; bits &= bits - 1) {
      const chunk = chunkInCell(space, word * 32 + 31 - Math.clz32(bits & -bits));
      if (!fits(space, spanOf(space, chunk), align > 16 ? slackFor(space, chunk, align) : 0, need)) continue;
      space.u32[space.state + HINT] = first;
      return chunk;
    }
  }
  if (isUsed(space, last)) return 0;
  return fits(space, spanOf(space, last), align > 16 ? slackFor(space, last, align) : 0, need) ? last : 0;
}
