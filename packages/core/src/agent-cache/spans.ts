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
import {
  type Cache,
  eachSpan,
  isFull,
  mapSpan,
  orphanList,
  ownList,
  recordOf,
  roundSize,
  startOf,
} from "./cache.js";
import { link, pop, push, unlink } from "./lists.js";
import { twice } from "./refusals.js";
import {
  ASKING,
  BITS,
  CELLS_USED,
  CLASS,
  GIVES_SPAN,
  IDLE,
  INBOX,
  MAIL,
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
  TAKES_BLOCK,
  TAKES_SPAN,
  TWICE,
} from "./state.js";

// ---- what others have freed ----------------------------------------------------------------------------------------

/** Another agent's cell has been freed: its owner is told, unless it has been since it last looked. */
export function post(cache: Cache, id: number, record: number): void {
  const { words, plan, shared } = cache;
  let owner = 0;
  do {
    if (Atomics.load(words, record + NOTES) !== 0) return;
    if (Atomics.compareExchange(words, record + NOTES, 0, 1) !== 0) return;
    owner = Atomics.load(words, record + OWNER);
    if (owner !== 0) break;
    // Nobody's: whoever adopts it looks. But if somebody has meanwhile, others may have taken this for a note to him.
    Atomics.store(words, record + NOTES, 0);
  } while (Atomics.load(words, record + OWNER) !== 0);
  if (owner === 0) return;
  const inbox = shared + plan.shards + (owner - 1) * SHARD_WORDS + INBOX;
  for (;;) {
    const first = Atomics.load(words, inbox);
    words[record + MAIL] = first;
    if (Atomics.compareExchange(words, inbox, first, id) === first) return;
  }
}

/** What others have freed of a span is free. By its owner, or with the lock held of what is nobody's. */
export function collect(cache: Cache, record: number): void {
  const { words, bitWords } = cache;
  let freed = 0;
  let wrong = 0;
  for (let at = record + BITS; at < record + BITS + bitWords; at++) {
    if (words[at + bitWords] === 0) continue;
    const bits = Atomics.exchange(words, at + bitWords, 0);
    wrong |= bits & words[at];
    freed += countBits(bits & ~words[at]);
    words[at] |= bits;
  }
  words[record + CELLS_USED] -= freed;
  // Two agents freed one block at the same moment, and neither saw the other: check() tells.
  if (wrong !== 0) Atomics.add(words, cache.shared + TWICE, 1);
}

export function countBits(bits: number): number {
  let count = bits - ((bits >>> 1) & 0x55555555);
  count = (count & 0x33333333) + ((count >>> 2) & 0x33333333);
  return Math.imul((count + (count >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Collects of every span somebody has left a note of. */
export function openMail(cache: Cache): void {
  const { words, shard, me } = cache;
  if (Atomics.load(words, shard + INBOX) === 0) return;
  let id = Atomics.exchange(words, shard + INBOX, 0);
  while (id !== 0) {
    const record = recordOf(cache, id);
    const next = words[record + MAIL];
    // Only who takes it out of an inbox may say so: it must never be in two. And first: what is freed from here on is noted again.
    Atomics.store(words, record + NOTES, 0);
    if (words[record + OWNER] === me) collectOwn(cache, id, record);
    // It has become another's since: that one is told.
    else post(cache, id, record);
    id = next;
  }
}

function collectOwn(cache: Cache, id: number, record: number): void {
  const { words } = cache;
  const wasFull = isFull(cache, record);
  const before = words[record + CELLS_USED];
  collect(cache, record);
  const used = words[record + CELLS_USED];
  if (used === before) return;
  if (wasFull) link(cache, ownList(cache, words[record + CLASS]), id);
  if (used === 0) emptied(cache, id, record);
}

// ---- in and out ----------------------------------------------------------------------------------------------------

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

/** Number of a span of ours with free cells of the class, in its list; 0 if none can be had. */
export function refill(cache: Cache, sizeClass: number): number {
  const { shard } = cache;
  const list = ownList(cache, sizeClass);
  openMail(cache);
  if (cache.words[list] !== 0) return cache.words[list];
  const spare = popSpare(cache);
  if (spare !== 0) {
    furnish(cache, recordOf(cache, spare), sizeClass);
    link(cache, list, spare);
    return spare;
  }
  const { front } = cache.ctx;
  front?.enter();
  try {
    let id = adopt(cache, sizeClass);
    if (id === 0) id = takeSpan(cache, sizeClass);
    if (id === 0 && giveEmpty(cache)) id = takeSpan(cache, sizeClass);
    if (id !== 0) link(cache, list, id);
    return id;
  } finally {
    cache.words[shard + ASKING] = NOTHING;
    front?.leave();
  }
}

function popSpare(cache: Cache): number {
  const { words, shard } = cache;
  const id = pop(cache, shard + SPARE);
  if (id !== 0) words[shard + SPARES] -= 1;
  return id;
}

/** All cells of the class are free. Of an empty span of ours. */
function furnish(cache: Cache, record: number, sizeClass: number): void {
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
function adopt(cache: Cache, sizeClass: number): number {
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
function takeSpan(cache: Cache, sizeClass: number): number {
  const { shard, shared, inner } = cache;
  const id = cache.words[shared + IDLE] || cache.words[shared + RECORDS_USED] + 1;
  if (id > cache.plan.maxSpans) return 0;
  const record = recordOf(cache, id);
  cache.words[shard + SPAN] = id;
  cache.words[shard + ASKING] = TAKES_SPAN;
  const isFirst = id === 1;
  const before = isFirst ? pageBytes(cache) : 0;
  const start = inner.alloc(cache.spanBytes, PAGE, 0);
  if (start === 0) return 0;
  // The heap may have grown: not the views from before.
  const { words } = cache;
  if (isFirst) words[shared + RUNS] = pageBytes(cache) > before ? 1 : 0;
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

/** Whether the strategy counts spans as pages is the same for all of them. */
function pageBytes({ inner }: Cache): number {
  const sums = { capacity: 0, used: 0, free: 0, quarantined: 0, overhead: 0, page: 0, pageFree: 0 };
  inner.totals?.(sums);
  return sums.page;
}

/** An empty span, which is in no list, goes back to the strategy. */
export function giveSpan(cache: Cache, id: number, record: number): void {
  const { words, shard, inner } = cache;
  const { front } = cache.ctx;
  front?.enter();
  try {
    words[shard + SPAN] = id;
    words[shard + ASKING] = GIVES_SPAN;
    inner.free(startOf(cache, record));
    dropRecord(cache, id, record);
  } finally {
    words[shard + ASKING] = NOTHING;
    front?.leave();
  }
}

/** With the lock held. */
export function dropRecord(cache: Cache, id: number, record: number): void {
  const { words, shared } = cache;
  mapSpan(cache, startOf(cache, record), 0);
  words[record + OWNER] = 0;
  words[record + START] = 0;
  push(cache, shared + IDLE, id);
}

/** What we hold and do not use goes back: the spares, the empty span of each class. True if there was any. */
function giveEmpty(cache: Cache): boolean {
  const { words, shared, me } = cache;
  const before = words[shared + IDLE];
  // A record that is given back with a note in our inbox would be noted to nobody else.
  openMail(cache);
  giveSpares(cache);
  eachSpan(cache, (record, id) => {
    if (words[record + OWNER] === 0) return collectOrphan(cache, id, record);
    if (words[record + OWNER] !== me) return;
    collectOwn(cache, id, record);
    const list = ownList(cache, words[record + CLASS]);
    if (words[record + CELLS_USED] !== 0 || words[list] !== id) return;
    unlink(cache, list, id);
    giveSpan(cache, id, record);
  });
  giveSpares(cache);
  return words[shared + IDLE] !== before;
}

function giveSpares(cache: Cache): void {
  for (let id = popSpare(cache); id !== 0; id = popSpare(cache)) giveSpan(cache, id, recordOf(cache, id));
}

// ---- larger blocks -------------------------------------------------------------------------------------------------

/** Blocks that are no cells are the strategy's; small ones are as good as cells. */
export function takeBlock(cache: Cache, asked: number, align: number, tag: number): number {
  const { shard, inner } = cache;
  const size = roundSize(cache, asked);
  const { front } = cache.ctx;
  front?.enter();
  try {
    cache.words[shard + ASKING] = TAKES_BLOCK;
    let ptr = inner.alloc(size, align, tag);
    if (ptr === 0 && giveEmpty(cache)) {
      cache.words[shard + ASKING] = TAKES_BLOCK;
      ptr = inner.alloc(size, align, tag);
    }
    if (ptr !== 0) {
      cache.words[cache.made] = ptr - cache.base;
      front?.handedOut();
    }
    return ptr;
  } finally {
    cache.words[shard + ASKING] = NOTHING;
    front?.leave();
  }
}

// ---- agents that leave ---------------------------------------------------------------------------------------------

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
function collectOrphan(cache: Cache, id: number, record: number): void {
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
export function orphan(cache: Cache, id: number, record: number): void {
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
    // The inbox stays: who has its number may still push. Whoever has the shard next opens it.
    words.fill(0, shard + INBOX + 1, shard + SHARD_WORDS);
  } finally {
    front?.leave();
  }
}
