/**
 * Spans: where they come from, and where they go.
 *
 *     strategy ──take──► ours ──used up──► in no list, until a cell is freed
 *        ▲                │ ▲
 *        │              empty: a spare, for whichever class needs one next
 *        └──give──────────┴─┴── given up by an agent that leaves: an orphan, whose next user of that class adopts it
 *
 *     freed by another agent   a bit, and once per collection a note in the owner's inbox
 *
 * What concerns the strategy, the orphans or records not in use is done with the heap's lock held, and the shard says what (`asking`), so
 * that it can be brought to an end if the agent ends meanwhile (recover.ts).
 */

import { collect } from "./bits.js";
import { type Cache, eachSpan, isFull, mapSpan, orphanList, ownList, recordOf, startOf } from "./cache.js";
import { link, pop, push, unlink } from "./lists.js";
import { openMail } from "./mail.js";
import { twice } from "./refusals.js";
import {
  ASKING,
  BITS,
  CELLS_USED,
  CLASS,
  GIVES_SPAN,
  IDLE,
  INBOX,
  NEXT,
  NOTES,
  NOTHING,
  OWNER,
  PAGE,
  RECORDS_USED,
  RUNS,
  SHARD_WORDS,
  SPAN,
  SPARE,
  SPARES,
  START,
  TAKES_SPAN,
} from "./state.js";

/** No cell of a span of ours, which is in its class's list, is used. */
export function emptied(cache: Cache, id: number, record: number): void {
  const { words, shard } = cache;
  const list = ownList(cache, words[record + CLASS]);
  // The only one of its class stays: the next request would take it again.
  if (words[list] === id && words[record + NEXT] === 0) return;
  unlink(cache, list, id);
  if (words[shard + SPARES] < (cache.ctx.options.spares as number)) {
    words[shard + SPARES] += 1;
    push(cache, shard + SPARE, id);
  } else giveSpan(cache, id, record);
}

/** All cells of the class are free. Of an empty span of ours. */
export function furnish(cache: Cache, record: number, sizeClass: number): void {
  const { words, bitWords } = cache;
  const cells = cache.cells[sizeClass];
  words[record + CLASS] = sizeClass;
  words[record + CELLS_USED] = 0;
  const first = record + BITS;
  words.fill(0, first, first + bitWords);
  words.fill(-1, first, first + (cells >>> 5));
  if ((cells & 31) !== 0) words[first + (cells >>> 5)] = (1 << (cells & 31)) - 1;
}

/** A span that an agent has left behind; 0 if there is none. With the lock held. */
export function adopt(cache: Cache, sizeClass: number): number {
  const { words } = cache;
  const id = words[orphanList(cache, sizeClass)];
  if (id === 0) return 0;
  const record = recordOf(cache, id);
  unlink(cache, orphanList(cache, sizeClass), id);
  // Before it looks: who has freed a cell meanwhile either finds the new owner, or has set the bit.
  Atomics.store(words, record + OWNER, cache.me);
  collect(cache, record);
  return id;
}

/** With the lock held. */
export function takeSpan(cache: Cache, sizeClass: number): number {
  const { shard, shared, inner } = cache;
  const id = cache.words[shared + IDLE] || cache.words[shared + RECORDS_USED] + 1;
  if (id > cache.plan.maxSpans) return 0;
  const record = recordOf(cache, id);
  cache.words[shard + SPAN] = id;
  cache.words[shard + ASKING] = TAKES_SPAN;
  const before = pageBytes(cache);
  const start = inner.alloc(cache.spanBytes, PAGE, 0);
  if (start === 0) {
    cache.words[shard + ASKING] = NOTHING;
    return 0;
  }
  // The heap may have grown: not the views from before.
  const { words } = cache;
  words[shared + RUNS] += pageBytes(cache) - before;
  furnish(cache, record, sizeClass);
  words.fill(0, record + BITS + cache.bitWords, record + BITS + 2 * cache.bitWords);
  words[record + OWNER] = cache.me;
  words[record + START] = start - cache.base;
  mapSpan(cache, start, id);
  if (words[shared + IDLE] === id) pop(cache, shared + IDLE);
  else words[shared + RECORDS_USED] = id;
  cache.ctx.front?.handedOut();
  return id;
}

/** How a block is counted only the sums tell, without a walk. */
function pageBytes({ inner }: Cache): number {
  const sums = { capacity: 0, used: 0, free: 0, quarantined: 0, overhead: 0, page: 0, pageFree: 0 };
  inner.totals?.(sums);
  return sums.page;
}

/** An empty span, which is in no list, goes back to the strategy. */
export function giveSpan(cache: Cache, id: number, record: number): void {
  const { words, shard, shared, inner } = cache;
  const { front } = cache.ctx;
  front?.enter();
  try {
    words[shard + SPAN] = id;
    words[shard + ASKING] = GIVES_SPAN;
    const before = pageBytes(cache);
    inner.free(startOf(cache, record));
    words[shared + RUNS] += pageBytes(cache) - before;
    dropRecord(cache, id, record);
    // It may be in our inbox still, where nobody would note its next owner's cells.
    if (Atomics.load(words, record + NOTES) !== 0) openMail(cache);
  } finally {
    words[shard + ASKING] = NOTHING;
    front?.leave();
  }
}

/** With the lock held. */
function dropRecord(cache: Cache, id: number, record: number): void {
  const { words, shared } = cache;
  mapSpan(cache, startOf(cache, record), 0);
  words[record + OWNER] = 0;
  words[record + START] = 0;
  push(cache, shared + IDLE, id);
}

export function collectOwn(cache: Cache, id: number, record: number): void {
  const { words } = cache;
  const wasFull = isFull(cache, record);
  const before = words[record + CELLS_USED];
  collect(cache, record);
  const used = words[record + CELLS_USED];
  if (used === before) return;
  if (wasFull) link(cache, ownList(cache, words[record + CLASS]), id);
  if (used === 0) emptied(cache, id, record);
}

export function popSpare(cache: Cache): number {
  const { words, shard } = cache;
  const id = pop(cache, shard + SPARE);
  if (id !== 0) words[shard + SPARES] -= 1;
  return id;
}

/** A cell of a span that is nobody's becomes free; false if the span is somebody's by now. */
export function freeOrphan(
  cache: Cache,
  id: number,
  record: number,
  at: number,
  bit: number,
  ptr: number,
): boolean {
  const { words } = cache;
  const { front } = cache.ctx;
  front?.enter();
  try {
    if (Atomics.load(words, record + OWNER) !== 0) return false;
    if (((words[at] | words[at + cache.bitWords]) & bit) !== 0) throw twice(cache, ptr);
    const wasFull = isFull(cache, record);
    words[at] |= bit;
    words[record + CELLS_USED] -= 1;
    if (wasFull) link(cache, orphanList(cache, words[record + CLASS]), id);
    collectOrphan(cache, id, record);
    return true;
  } finally {
    front?.leave();
  }
}

/** With the lock held. */
export function collectOrphan(cache: Cache, id: number, record: number): void {
  const { words } = cache;
  const list = orphanList(cache, words[record + CLASS]);
  const wasFull = isFull(cache, record);
  collect(cache, record);
  if (wasFull && !isFull(cache, record)) link(cache, list, id);
  if (words[record + CELLS_USED] !== 0) return;
  unlink(cache, list, id);
  giveSpan(cache, id, record);
}

/** A span of an agent that is no more: back to the strategy if it is empty, else whoever needs one adopts it. With the lock held. */
function orphan(cache: Cache, id: number, record: number): void {
  const { words } = cache;
  collect(cache, record);
  Atomics.store(words, record + OWNER, 0);
  if (words[record + CELLS_USED] === 0) giveSpan(cache, id, record);
  else if (!isFull(cache, record)) link(cache, orphanList(cache, words[record + CLASS]), id);
}

/** This agent leaves. */
export function leave(cache: Cache): void {
  const { words, shard, me } = cache;
  const { front } = cache.ctx;
  front?.enter();
  try {
    openMail(cache);
    eachSpan(cache, (record, id) => {
      if (words[record + OWNER] === me) orphan(cache, id, record);
    });
    // Once more, now that none is ours. What is pushed later its pusher hands on (mail.ts).
    openMail(cache);
    words.fill(0, shard + INBOX + 1, shard + SHARD_WORDS);
  } finally {
    front?.leave();
  }
}
