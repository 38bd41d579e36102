/**
 * The journal: what whoever holds the lock is doing, for the agent that recovers the heap if he dies meanwhile.
 *
 *     |lock words, 32 bytes|op  |ptr |size|tag |made|0     |         (bytes from the lock's address: 32 … 63)
 *
 * | word | invariant |
 * |---|---|
 * | op | 0 while nothing is under way; else a number of `OPERATIONS`, which says what the next three are: see `GIVEN` |
 * | ptr | offset of the block it was asked for; 0 if it makes one |
 * | size, tag | as asked for |
 * | made | what the strategy (behind a gate: the front) wrote before it made a block, until that block is handed out; then 0. It is the last store of a call |
 *
 * One is enough where one agent at a time is inside. Written by the lock's layer (locked.ts), plain stores: nobody else reads it before the
 * agent has ended. With a front each agent has one of its own, at its gate (gates.ts, gated.ts), and the lock's says what was handed to fronts.
 *
 * Price: three to five stores an operation.
 */
import { LOCK_OFFSET } from "./header.js";
import type { Memory } from "./memory.js";
import type { Interrupted, Operation } from "./types.js";

/** Bytes from the heap's base. */
const JOURNAL_OFFSET = LOCK_OFFSET + 32;

/** Words from the journal's first. */
export const OP = 0;
export const PTR = 1;
export const SIZE = 2;
export const TAG = 3;
export const MADE = 4;

const OPERATIONS: readonly Operation[] = ["none", "alloc", "free", "resize", "realloc", "other"];
export const ALLOC = 1;
export const FREE = 2;
export const RESIZE = 3;
export const REALLOC = 4;
export const OTHER = 5;

/** The words that each operation writes before it begins. */
const GIVEN: Readonly<Record<Operation, readonly number[]>> = {
  none: [],
  alloc: [PTR, SIZE, TAG],
  free: [PTR],
  resize: [PTR, SIZE],
  realloc: [PTR, SIZE, TAG],
  other: [],
};

/** Index of the journal's first word. */
export function journalAt(base: number): number {
  return (base + JOURNAL_OFFSET) >>> 2;
}

/** What the journal says, whose first word is `at`. Of words that the call has not written, which are of one before it: 0. */
export function readJournal(memory: Memory, base: number, at: number): Interrupted {
  const word = (index: number): number => memory.u32[at + index] as number;
  const operation = OPERATIONS[word(OP)] ?? "other";
  const given = GIVEN[operation];
  const offset = given.includes(PTR) ? word(PTR) : 0;
  return {
    operation,
    ptr: offset === 0 ? 0 : base + offset,
    size: given.includes(SIZE) ? word(SIZE) : 0,
    tag: given.includes(TAG) ? word(TAG) : 0,
    made: word(MADE),
  };
}

/** Nothing is under way, and all that was made was handed out. */
export function clearJournal(memory: Memory, at: number): void {
  memory.u32.fill(0, at, at + MADE + 1);
}
