/**
 * What a recorder writes down: addresses, not ids, so that a call costs four stores; ids are given out when parts are merged (merge.ts).
 *
 *     word 0                      word 1      word 2      word 3
 *     | kind | log2 al << 8 |     | address | size      | stamp |        one entry, 16 bytes
 *     | MARK, RELEASE, TIME |     | low 32  | high bits | stamp |
 *
 * The stamp orders entries of several agents. It comes from one word in the heap's memory:
 *
 * | stamp | kinds | |
 * |---|---|---|
 * | the word, after adding 1, when the call is done | ALLOC, RESIZED, TO, RESET, RELEASE | no other entry of these has the same |
 * | the word as it is, before the call | FREE, FROM, MARK | comes after what has this very stamp, before what has the next |
 *
 * So what makes a block has a later stamp than what freed its address, whoever did either, and a call that is refused has changed no byte. A
 * `realloc` that moves is two entries, since its old address can be somebody else's before it returns.
 */

export const ALLOC = 1;
export const FREE = 2;
export const RESIZED = 3;
export const FROM = 4;
export const TO = 5;
export const RESET = 6;
export const MARK = 7;
export const RELEASE = 8;
/** Microseconds since 1970; holds for the entries that follow. */
export const TIME = 9;

export const ENTRY_WORDS = 4;
export const KIND_MASK = 0xff;
export const ALIGN_SHIFT = 8;

const HIGH = 2 ** 32;

/** Two words of an entry as the number they hold, up to 2^53. */
export function numberOf(low: number, high: number): number {
  return (low >>> 0) + high * HIGH;
}

export function highOf(value: number): number {
  return Math.floor(value / HIGH);
}

/**
 * What one agent has recorded, as one piece: plain data that can be posted to another thread. Several, also of several agents of one heap,
 * make a trace: `mergeTraces`.
 */
export interface TracePart {
  /** Version of this shape. */
  readonly part: 1;
  /** Name of the heap. */
  readonly heap: string;
  readonly agent: number;
  /** 0, 1 …: the agent's parts in their order. */
  readonly number: number;
  /** Entries as `log.ts` lays them out. */
  readonly words: Int32Array;
  /** Tag of each entry's block, where they are recorded, and what each is called. */
  readonly tags?: Uint32Array;
  readonly names?: readonly (readonly [tag: number, name: string])[];
  /** Blocks are asked for with `heap.alloc`, which zeroes. */
  readonly zeroed: boolean;
  /** Operations that came after these and were not recorded. */
  readonly dropped: number;
}
