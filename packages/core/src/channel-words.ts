/**
 * The words of a channel: where they are in its block, and what the state of a slot says.
 *
 *     0       4        8       12      16 … 63       (bytes from the block's address; words of 32 bits)
 *     |"HWCH" |version |slots  |closed | 0
 *     64      68       72      76 … 127
 *     |tail   |full    |room   | 0                   the senders' line
 *     128     132      136     140 … 191
 *     |head   |empty   |items  | 0                   the receivers' line
 *     192 + 32 · slot
 *     |state  |stamp   |offset |length |tag    |from   | 0    | 0
 *
 * | word | invariant |
 * |---|---|
 * | slots | how many, a power of two in 1 … 2^20; never changes |
 * | closed | 0, then 1 for ever |
 * | tail, head | the position sent to, received from next, modulo 2^30. Hints that may lag: whoever finds one behind moves it on |
 * | full, empty | not 0 if a sender, a receiver may be asleep |
 * | room, items | what they sleep on; counts the calls to wake them |
 * | state | one of the four below |
 * | stamp | `full(position)` once the four words behind it are those of this position |
 * | offset, length, tag, from | the entry: the block's offset from the heap's base, bytes, the user's number, the sender's agent id |
 *
 * Position p is slot p mod slots in lap p / slots. The state, bits from the top:
 *
 *     31 30  29 … 26  25 … 0
 *     FREE   position p              waits for the sender of p
 *     SENDING  lap mod 16  agent     claimed by that sender
 *     FULL   position p              waits for the receiver of p
 *     RECEIVING  lap mod 16  agent   claimed by that receiver; after it FREE for p + slots
 */

/** Word indices from the channel's block. */
export const CHANNEL = {
  magic: 0,
  version: 1,
  slots: 2,
  closed: 3,
  tail: 16,
  full: 17,
  room: 18,
  head: 32,
  empty: 33,
  items: 34,
  table: 48,
} as const;

/** Word indices from a slot's first word. */
export const SLOT = { state: 0, stamp: 1, offset: 2, length: 3, tag: 4, from: 5, words: 8 } as const;

/** "HWCH" */
export const MAGIC = 0x48435748;
export const VERSION = 1;
export const MAX_SLOTS = 1 << 20;
/** Largest agent id that a claim can name. */
export const MAX_AGENT = 0x3ffffff;
/** Positions are counted modulo this plus one. */
export const POSITIONS = 0x3fffffff;

export const FREE = 0;
export const SENDING = 1;
export const FULL = 2;
export const RECEIVING = 3;

const LAPS = 15;

/** Bytes of a channel's block. */
export function channelBytes(slots: number): number {
  return 4 * (CHANNEL.table + slots * SLOT.words);
}

/** FREE, SENDING, FULL or RECEIVING. */
export function kindOf(state: number): number {
  return state >>> 30;
}

export function freeAt(position: number): number {
  return position & POSITIONS;
}

export function fullAt(position: number): number {
  return (FULL << 30) | (position & POSITIONS);
}

/** @param shift Bits of a position below its lap. */
export function claimAt(kind: number, position: number, shift: number, agent: number): number {
  return (kind << 30) | (lapOf(position, shift) << 26) | agent;
}

/** The agent that has claimed a slot; 0 if nobody has. */
export function claimant(state: number): number {
  return (kindOf(state) & 1) === 0 ? 0 : state & MAX_AGENT;
}

function lapOf(position: number, shift: number): number {
  return (position >>> shift) & LAPS;
}

/**
 * How many laps the state of a position's slot is ahead of the position: 0 the same lap, below 0 the slot is still busy with one before.
 * Of the four low bits of the lap: right as long as they are less than eight apart, and they are at most one apart where `position` is
 * what tail or head says now.
 */
export function lapsAhead(state: number, position: number, shift: number): number {
  const lap = (kindOf(state) & 1) === 0 ? lapOf(state & POSITIONS, shift) : (state >>> 26) & LAPS;
  return ((lap - lapOf(position, shift)) << 28) >> 28;
}
