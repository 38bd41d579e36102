/**
 * Marks of two parts as one number. A mark can have 53 bits, so a pair of them is kept in the heap, and found by its place and a serial number:
 *
 *     mark = serial * 256 + place            place    |serial|first's, 2 words|second's, 2 words|
 *
 * | word | invariant |
 * |---|---|
 * | MARKS | how many places are taken; those above the one that was released last are spent |
 * | SERIAL | number of the latest pair |
 *
 * Where all places are taken, each pair replaces the one before: marks nest, and the outer ones are kept.
 *
 * Price: 5 KiB.
 */
import type { Allocator, Context } from "../types.js";

const PLACES = 256;
const PLACE_WORDS = 5;
export const MARK_BYTES = PLACES * PLACE_WORDS * 4;
const WORD = 2 ** 32;

/**
 * `mark` and `release` of both, if both have them.
 * @param state Index of the words MARKS and SERIAL.
 * @param table Index of the first place.
 */
export function combineMarks(
  first: Allocator,
  second: Allocator,
  ctx: Context,
  state: number,
  table: number,
): Partial<Allocator> {
  const { mark: markFirst, release: releaseFirst } = first;
  const { mark: markSecond, release: releaseSecond } = second;
  if (!markFirst || !releaseFirst || !markSecond || !releaseSecond) return {};
  let words = ctx.memory.u32;
  ctx.onRefresh(() => {
    words = ctx.memory.u32;
  });
  const markAt = (at: number): number => (words[at] as number) + (words[at + 1] as number) * WORD;
  const write = (at: number, mark: number): void => {
    words[at] = mark % WORD;
    words[at + 1] = Math.floor(mark / WORD);
  };

  /** Place of a mark; throws unless it can be released. */
  function find(mark: number): number {
    const place = mark % PLACES;
    const at = table + place * PLACE_WORDS;
    const isMark =
      Number.isInteger(mark) &&
      mark >= PLACES &&
      place < words[state] &&
      words[at] === Math.floor(mark / PLACES);
    if (!isMark) {
      throw ctx.error(
        "ERR_INVALID_OPTION",
        `${String(mark)} cannot be released: it is no mark of this heap, or it is spent`,
        { hint: `an earlier mark was released since, or more than ${PLACES} are nested` },
      );
    }
    first.releasable?.(markAt(at + 1));
    second.releasable?.(markAt(at + 3));
    return place;
  }

  return {
    mark() {
      const [a, b] = [markFirst(), markSecond()];
      const count = words[state] as number;
      const latest = table + (count - 1) * PLACE_WORDS;
      if (count > 0 && markAt(latest + 1) === a && markAt(latest + 3) === b)
        return (words[latest] as number) * PLACES + count - 1;
      const place = Math.min(count, PLACES - 1);
      const at = table + place * PLACE_WORDS;
      const serial = ((words[state + 1] as number) + 1) % WORD || 1;
      words[at] = 0;
      write(at + 1, a);
      write(at + 3, b);
      words[at] = serial;
      words[state + 1] = serial;
      words[state] = place + 1;
      return serial * PLACES + place;
    },
    release(mark) {
      const at = table + find(mark) * PLACE_WORDS;
      words[state] = (mark % PLACES) + 1;
      releaseFirst(markAt(at + 1));
      releaseSecond(markAt(at + 3));
    },
    releasable(mark) {
      find(mark);
    },
  };
}
