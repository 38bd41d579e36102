/** Free bits of a span's cells: counting them, and taking in what other agents have freed. */
import type { Cache } from "./cache.js";
import { BITS, CELLS_USED, TWICE } from "./state.js";

export function countBits(bits: number): number {
  let count = bits - ((bits >>> 1) & 0x55555555);
  count = (count & 0x33333333) + ((count >>> 2) & 0x33333333);
  return Math.imul((count + (count >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** What others have freed of a span is free. By its owner, or with the lock held of what is nobody's. */
export function collect(cache: Cache, record: number): void {
  const { words, bitWords } = cache;
  let freed = 0;
  let wrong = 0;
  for (let at = record + BITS; at < record + BITS + bitWords; at++) {
    if (words[at + bitWords] === 0) continue;
    const bits = Atomics.load(words, at + bitWords);
    wrong |= bits & words[at];
    freed += countBits(bits & ~words[at]);
    // First there, then not here: should this agent end in between, none is lost.
    words[at] |= bits;
    Atomics.and(words, at + bitWords, ~bits);
  }
  words[record + CELLS_USED] -= freed;
  // Two agents freed one block at the same moment, and neither saw the other: check() tells.
  if (wrong !== 0) Atomics.add(words, cache.shared + TWICE, 1);
}
