/**
 * What strict writes into memory that is nobody's: the fence pattern and the poison, filled and compared word by word.
 *
 *     address mod 64   0  1  2  3  4  5  …
 *     fence            9f bc d9 f6 94 b1 …      64 different bytes, none of them zero or ASCII
 *
 * The byte depends on where it stands, so a fence copied elsewhere by a `memmove` that is too long is no fence there, and bases
 * of copies of a heap are congruent modulo 64, so it is one in every copy. It begins and ends at any byte; the words at its ends
 * are masked.
 *
 * Price, on Node 20: a fence of 64 bytes 8 ns to fill and 8 to compare, poison 0.05 ns a byte
 * to fill and to compare.
 */

const PERIOD = 64;

/** The byte of a fence at an address. */
export function fenceByte(address: number): number {
  return 0x80 + ((31 + 29 * (address % PERIOD)) % 127);
}

/** The same as words (little-endian, as typed arrays are wherever JavaScript runs). Never written to. */
const WORDS = new Int32Array(PERIOD / 4);
for (let byte = 0; byte < PERIOD; byte++) WORDS[byte >>> 2] |= fenceByte(byte) << ((byte & 3) << 3);
const WORD_MASK = PERIOD / 4 - 1;

/** Bits of a word's bytes from byte `at` (0 … 3) on. */
const fromByte = (at: number): number => -1 << (at << 3);
/** Bits of a word's bytes before byte `at` (0 … 3); none for 0. */
const beforeByte = (at: number): number => ~(-1 << (at << 3));

/**
 * Writes the pattern to `[from, to)`. The words at the ends are read and written whole: only for memory nobody else writes to,
 * a block that is being made or resized.
 */
export function fillFence(words: Int32Array, from: number, to: number): void {
  let word = from >>> 2;
  const last = to >>> 2;
  const head = from & 3;
  if (head !== 0) {
    let mask = fromByte(head);
    if (word === last) mask &= beforeByte(to & 3);
    words[word] = (words[word] & ~mask) | (WORDS[word & WORD_MASK] & mask);
    word++;
  }
  for (; word < last; word++) words[word] = WORDS[word & WORD_MASK];
  if (word === last && (to & 3) !== 0) {
    const mask = beforeByte(to & 3);
    words[word] = (words[word] & ~mask) | (WORDS[word & WORD_MASK] & mask);
  }
}

/** Does `[from, to)` hold the pattern? */
export function isFence(words: Int32Array, from: number, to: number): boolean {
  let word = from >>> 2;
  const last = to >>> 2;
  const head = from & 3;
  // Differences are gathered and asked for once: a fence is mostly whole.
  let difference = 0;
  if (head !== 0) {
    let mask = fromByte(head);
    if (word === last) mask &= beforeByte(to & 3);
    difference = (words[word] ^ WORDS[word & WORD_MASK]) & mask;
    word++;
  }
  for (; word < last; word++) difference |= words[word] ^ WORDS[word & WORD_MASK];
  if (word === last && (to & 3) !== 0) {
    difference |= (words[word] ^ WORDS[word & WORD_MASK]) & beforeByte(to & 3);
  }
  return difference === 0;
}

/** From here on the built-in `fill` is faster than a loop over words. */
const FILL_FROM = 160;

/** Fills `[from, to)` with one byte. `from` is a multiple of 4. */
export function fillPoison(
  bytes: Uint8Array,
  words: Int32Array,
  from: number,
  to: number,
  value: number,
): void {
  if (to - from >= FILL_FROM || (to & 3) !== 0) {
    bytes.fill(value, from, to);
    return;
  }
  const pattern = Math.imul(value, 0x01010101);
  const last = to >>> 2;
  for (let word = from >>> 2; word < last; word++) words[word] = pattern;
}

/**
 * A byte eight times, as a double; NaN for the two bytes whose doubles tell nothing: 0 (equal to -0) and 255 (a NaN).
 * Eight bytes a comparison take half the time of four, and a block is looked at whole.
 */
export function poisonDouble(value: number): number {
  if (value === 0 || value === 255) return Number.NaN;
  return new Float64Array(new Uint8Array(8).fill(value).buffer)[0];
}

/**
 * The first address in `[from, to)` that does not hold `value`, or -1. `from` is a multiple of 8; `double` is `poisonDouble(value)`, or
 * anything: where a double differs the bytes decide.
 */
export function firstUnpoisoned(
  bytes: Uint8Array,
  doubles: Float64Array,
  from: number,
  to: number,
  value: number,
  double: number,
): number {
  let index = from / 8;
  const last = to >>> 3;
  while (
    index + 4 <= last &&
    doubles[index] === double &&
    doubles[index + 1] === double &&
    doubles[index + 2] === double &&
    doubles[index + 3] === double
  )
    index += 4;
  for (let at = index * 8; at < to; at++) if (bytes[at] !== value) return at;
  return -1;
}
