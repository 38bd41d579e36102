/**
 * What `agentCache` keeps in the heap header, and where.
 *
 *     |shared, 64 words|shard 0|shard 1| … |record 1|record 2| … |page map: a word each 4 KiB of the area|
 *
 * Shared, changed with the lock held only:
 *
 *     0         1       2          3       4          5 … 31     32 …
 *     |records  |idle   |runs      |twice  |resetting |0         |orphans of class 0|of class 1| …
 *
 * | word | invariant |
 * |---|---|
 * | records | records in use so far, the rest were never; at most as many as spans fit |
 * | idle | first of those that are in use no more, linked by `next` |
 * | runs | bytes of the spans that the strategy counts as page runs. A strategy made of others has some in one part, and some in another |
 * | twice | cells that two agents freed at the same moment, seen when they were collected |
 * | resetting | 1 while all blocks are being ended |
 * | orphans | first span of a class that has no agent and free cells, linked by `next` and `before` |
 *
 * A shard is one agent's: what an agent that has the heap attached changes, and nobody else but through `inbox`:
 *
 *     0       1        2      3        4      5 … 15   16 …
 *     |inbox  |asking  |span  |spares  |spare |0       |spans of class 0|of class 1| …
 *
 * | word | invariant |
 * |---|---|
 * | inbox | first span with cells that others have freed, linked by `mail`; pushed by compare-exchange, taken whole by exchange |
 * | asking | what it is asking of the strategy, with the lock held, or doing to a spare; else 0 |
 * | span | record that is about |
 * | spares, spare | empty spans kept for the next that is needed: how many, and the first, linked by `next` |
 * | spans | first span of a class that has free cells, from which cells are taken; linked by `next` and `before` |
 *
 * A record is a span's:
 *
 *     0      1      2       3     4     5       6      7      8 … 8 + W - 1      8 + W … 8 + 2 W - 1
 *     |start |owner |class  |used |next |before |notes |mail  |free: a bit a cell|freed by others: a bit a cell|
 *
 * | word | invariant |
 * |---|---|
 * | start | offset of the span's first byte, 0 if the record is not in use |
 * | owner | shard + 1; 0: nobody's, and changed with the lock held |
 * | class | size class of its cells; of a spare the last |
 * | used | cells whose free bit is 0; a cell that another agent has freed counts until the owner has collected it |
 * | notes | bit 0: it is in an inbox, or about to be; set by compare-exchange |
 * | free | 1: the cell can be had. Owner only |
 * | freed by others | 1: to be collected by the owner; set by `Atomics.or`, only where the free bit is 0 |
 *
 * Price: 64 words, 64 words a shard, (8 + 2 W) words, rounded up to 16, for each span the heap can have
 * room for, W = span bytes / 1024, and a word a page: 1.3 % of the region with spans of 16 KiB, 1.7 % with smaller ones.
 */
import type { StateSize } from "../types.js";

export const PAGE = 4096;
export const GRANULE = 16;

/** Cells of a span are at least so many bytes apart. */
const LEAST_STRIDE = 32;
const MOST_CLASSES = 32;

/** Words of the shared part. */
export const RECORDS_USED = 0;
export const IDLE = 1;
export const RUNS = 2;
export const TWICE = 3;
export const RESETTING = 4;
export const ORPHANS = 32;
export const SHARED_WORDS = 64;

/** Words of a shard. */
export const INBOX = 0;
export const ASKING = 1;
export const SPAN = 2;
export const SPARES = 3;
export const SPARE = 4;
export const LISTS = 16;
/** Pairs of lines of 64 bytes, so that no two agents share one (gates.ts). */
export const SHARD_WORDS = 64;

/** What an agent asks the strategy for. */
export const NOTHING = 0;
export const TAKES_SPAN = 1;
export const GIVES_SPAN = 2;
export const TAKES_BLOCK = 3;
/** Not of the strategy: an empty span of its own gets cells of another class. Without the lock. */
export const FURNISHES = 4;

/** Words of a record. */
export const START = 0;
export const OWNER = 1;
export const CLASS = 2;
export const CELLS_USED = 3;
export const NEXT = 4;
export const BEFORE = 5;
export const NOTES = 6;
export const MAIL = 7;
export const BITS = 8;

/**
 * Payload bytes of the size classes: four to a doubling, as far as there are at least eight cells to a span.
 * @param header Bytes in front of each payload.
 */
export function payloadsOf(spanBytes: number, header: number): number[] {
  const payloads: number[] = [];
  for (let size = GRANULE; (size + header) * 8 <= spanBytes && payloads.length < MOST_CLASSES; ) {
    if (size + header >= LEAST_STRIDE) payloads.push(size);
    size += 2 ** Math.max(4, Math.floor(Math.log2(size)) - 2);
  }
  return payloads;
}

/** Bytes of a span where nobody said: small heaps have small ones. */
const spanBytesFor = (regionBytes: number): number => (regionBytes >= 1 << 20 ? 4 * PAGE : PAGE);

export interface Plan {
  readonly spanBytes: number;
  /** Words of each of the two bitmaps. */
  readonly bitWords: number;
  readonly recordWords: number;
  readonly maxSpans: number;
  /** Words from the state's start. */
  readonly shards: number;
  readonly records: number;
  readonly map: number;
  readonly words: number;
}

export function planState({
  regionBytes,
  options,
  shards,
}: Pick<StateSize, "regionBytes" | "options" | "shards">): Plan {
  const asked = options.spanBytes as number;
  const spanBytes = asked === 0 ? spanBytesFor(regionBytes) : asked;
  const bitWords = Math.ceil(spanBytes / LEAST_STRIDE / 32);
  // Whole lines of 64 bytes: neighbours belong to different agents.
  const recordWords = Math.ceil((BITS + 2 * bitWords) / 16) * 16;
  const maxSpans = Math.floor(regionBytes / spanBytes);
  const shardsAt = SHARED_WORDS;
  const records = shardsAt + shards * SHARD_WORDS;
  const map = records + maxSpans * recordWords;
  return {
    spanBytes,
    bitWords,
    recordWords,
    maxSpans,
    shards: shardsAt,
    records,
    map,
    words: map + Math.ceil(regionBytes / PAGE) + 1,
  };
}
