/**
 * What an agent that has ended leaves behind.
 *
 *     it held the heap's lock    settle: what it was asking of the strategy is done, or undone, at once: others may be waiting for the lock
 *     then, all standing still   recover: from starts, owners, classes and bits everything else is made anew; its spans are orphans
 *
 * | it ended while it was | what is on record | done |
 * |---|---|---|
 * | taking a span | the strategy has handed it out | the span is its own, and becomes an orphan |
 * | | it has made one that it has not handed out | the strategy takes the block back; the record is dropped |
 * | giving a span | the strategy still has the block | it is freed |
 * | | it has not | the record is dropped |
 * | taking a block | the same | the strategy takes it back |
 *
 * A block that was made and given to nobody is freed: the agent's journal has it.
 */
import type { Interrupted } from "../types.js";
import { collect, countBits } from "./bits.js";
import {
  type Cache,
  eachSpan,
  hasStrayBits,
  isFull,
  mapSpan,
  orphanList,
  ownList,
  recordOf,
  spanAt,
  startOf,
} from "./cache.js";
import { runBytes } from "./inspect.js";
import { link, push } from "./lists.js";
import { broken } from "./refusals.js";
import { furnish, giveSpan } from "./spans.js";
import {
  ASKING,
  BITS,
  CELLS_USED,
  CLASS,
  FURNISHES,
  GIVES_SPAN,
  IDLE,
  NOTES,
  NOTHING,
  ORPHANS,
  OWNER,
  PAGE,
  RECORDS_USED,
  RESETTING,
  RUNS,
  SHARD_WORDS,
  SPAN,
  SPARE,
  SPARES,
  START,
  TAKES_BLOCK,
  TAKES_SPAN,
} from "./state.js";

/** @param shard -1: the agent had none. With the lock held that it had. */
export function settle(cache: Cache, shard: number, interrupted: Interrupted): void {
  const { words, inner, ctx, shared } = cache;
  const at = shard < 0 ? -1 : shardAt(cache, shard);
  const asking = shard < 0 ? NOTHING : words[at + ASKING];
  const record = shard < 0 ? -1 : recordOf(cache, words[at + SPAN]);
  // The strategy takes back what it has made and not handed out. First forgotten here: were this agent to end in between, it would be taken back
  // twice, the second time from somebody else.
  if (interrupted.made !== 0) {
    if (asking === TAKES_BLOCK) words[ctx.front?.madeBy(shard) ?? 0] = 0;
    if (asking === TAKES_SPAN) words[record + START] = 0;
  }
  inner.recover?.(interrupted);
  if (words[shared + RESETTING] !== 0) {
    inner.reset?.();
    dropAll(cache);
    words[shared + RESETTING] = 0;
  }
  if (shard < 0) return;
  if (asking === GIVES_SPAN && words[record + START] !== 0) {
    if (isBlock(cache, startOf(cache, record))) inner.free(startOf(cache, record));
    words[record + START] = 0;
  }
  words[at + ASKING] = NOTHING;
  remap(cache);
  recountRuns(cache);
  relinkShared(cache);
}

/** With the lock held, and the page map right. */
function recountRuns(cache: Cache): void {
  cache.words[cache.shared + RUNS] = runBytes(cache) ?? 0;
}

function isBlock({ inner }: Cache, ptr: number, least = 1): boolean {
  try {
    return inner.usableSize(ptr) >= least;
  } catch {
    return false;
  }
}

/** All agents standing still, the lock held. */
export function recover(cache: Cache, interrupted: Interrupted): void {
  const { words, inner } = cache;
  // Without gates nothing has settled it.
  if (interrupted.shard === undefined) inner.recover?.(interrupted);
  const dead = interrupted.shard ?? -1;
  if (dead >= 0 && words[shardAt(cache, dead) + ASKING] === FURNISHES)
    furnish(cache, recordOf(cache, words[shardAt(cache, dead) + SPAN]), 0);
  if (interrupted.made !== 0) {
    // First, as in `settle`.
    if (dead >= 0) words[cache.ctx.front?.madeBy(dead) ?? 0] = 0;
    endNobodys(cache, cache.base + interrupted.made);
  }
  eachSpan(cache, (record) => {
    if (words[record + OWNER] === dead + 1) words[record + OWNER] = 0;
  });
  rebuild(cache);
  recountRuns(cache);
}

/** A block that nobody was given, if it was made. */
function endNobodys(cache: Cache, ptr: number): void {
  const { words, inner } = cache;
  const id = spanAt(cache, ptr);
  if (id === 0) {
    if (isBlock(cache, ptr)) inner.free(ptr);
    return;
  }
  const record = recordOf(cache, id);
  const cell = Math.floor((ptr - startOf(cache, record)) / cache.strides[words[record + CLASS]]);
  words[record + BITS + (cell >>> 5)] |= 1 << (cell & 31);
}

/** From starts, owners, classes and bits everything else. Nobody is inside. */
export function rebuild(cache: Cache): void {
  const { words, shared, plan, ctx } = cache;
  verifySpans(cache);
  for (let number = 0; number < ctx.shards; number++)
    words.fill(0, shardAt(cache, number), shardAt(cache, number + 1));
  // Also of records not in use: no inbox has them any more.
  for (let id = 1; id <= plan.maxSpans; id++) words[recordOf(cache, id) + NOTES] = 0;
  remap(cache);
  eachSpan(cache, (record, id) => {
    const owner = words[record + OWNER];
    // Of shards that nobody has.
    if (owner !== 0 && ctx.front?.agentOf(owner - 1) === 0) words[record + OWNER] = 0;
    // Of an agent that ended in the midst of collecting.
    for (let at = record + BITS; at < record + BITS + cache.bitWords; at++)
      words[at + cache.bitWords] &= ~words[at];
    recount(cache, record);
    collect(cache, record);
    if (words[record + OWNER] === 0) return;
    const shard = shared + plan.shards + (words[record + OWNER] - 1) * SHARD_WORDS;
    if (words[record + CELLS_USED] === 0) {
      push(cache, shard + SPARE, id);
      words[shard + SPARES] += 1;
    } else if (!isFull(cache, record))
      link(cache, ownList(cache, words[record + CLASS]) - cache.shard + shard, id);
  });
  relinkShared(cache);
  eachSpan(cache, (record, id) => {
    if (words[record + OWNER] === 0 && words[record + CELLS_USED] === 0) giveSpan(cache, id, record);
  });
  relinkShared(cache);
}

/** Every record that says it has a span, and how many are in use, which may not say so yet. */
function verifySpans(cache: Cache): void {
  const { words, shared, plan } = cache;
  const pages = new Set<number>();
  let used = Math.min(words[shared + RECORDS_USED] >>> 0, plan.maxSpans);
  for (let id = 1; id <= plan.maxSpans; id++) {
    if (words[recordOf(cache, id) + START] === 0) continue;
    verify(cache, recordOf(cache, id), pages);
    used = Math.max(used, id);
  }
  words[shared + RECORDS_USED] = used;
}

/**
 * What is committed leads to where words are written: nothing is, if it cannot be true.
 * @param pages Those of the spans before.
 */
function verify(cache: Cache, record: number, pages: Set<number>): void {
  const { words, ctx, spanBytes } = cache;
  const { areaStart, areaEnd } = ctx.region;
  const start = startOf(cache, record);
  if (start % PAGE !== 0 || start < areaStart || start + spanBytes > areaEnd)
    throw broken(cache, record, "cannot be there");
  if (!isBlock(cache, start, spanBytes)) throw broken(cache, record, "is no block of the strategy");
  for (let page = start; page < start + spanBytes; page += PAGE) {
    if (pages.has(page)) throw broken(cache, record, "is also another's");
    pages.add(page);
  }
  const [owner, sizeClass] = [words[record + OWNER], words[record + CLASS]];
  if (owner < 0 || owner > ctx.shards) throw broken(cache, record, `is owned by ${owner}`);
  if (sizeClass < 0 || sizeClass >= cache.cells.length)
    throw broken(cache, record, `has cells of class ${sizeClass}`);
  if (hasStrayBits(cache, record)) throw broken(cache, record, "has bits of cells it has not");
}

const shardAt = ({ shared, plan }: Cache, shard: number): number =>
  shared + plan.shards + shard * SHARD_WORDS;

function recount(cache: Cache, record: number): void {
  const { words, bitWords } = cache;
  let free = 0;
  for (let at = record + BITS; at < record + BITS + bitWords; at++) free += countBits(words[at]);
  words[record + CELLS_USED] = cache.cells[words[record + CLASS]] - free;
}

/**
 * The page map, from the records. With the lock held. What leads to where it should is not touched: others read the map, who hold no lock.
 */
function remap(cache: Cache): void {
  const { words, ctx, map, firstPage, spanBytes } = cache;
  for (let page = firstPage; page <= ctx.region.areaMax >>> 12; page++) {
    const id = words[map + page - firstPage];
    if (id === 0) continue;
    const from = page * PAGE - startOf(cache, recordOf(cache, id));
    const isRight =
      id > 0 &&
      id <= cache.plan.maxSpans &&
      words[recordOf(cache, id) + START] !== 0 &&
      from >= 0 &&
      from < spanBytes;
    if (!isRight) words[map + page - firstPage] = 0;
  }
  eachSpan(cache, (record, id) => mapSpan(cache, startOf(cache, record), id));
}

/** Orphans and records not in use. With the lock held. */
function relinkShared(cache: Cache): void {
  const { words, shared, plan } = cache;
  words.fill(0, shared + ORPHANS, shared + ORPHANS + cache.cells.length);
  words[shared + IDLE] = 0;
  words[shared + RECORDS_USED] = Math.min(words[shared + RECORDS_USED] >>> 0, plan.maxSpans);
  for (let id = 1; id <= plan.maxSpans; id++) {
    const record = recordOf(cache, id);
    if (words[record + START] === 0) continue;
    if (id > words[shared + RECORDS_USED]) words[shared + RECORDS_USED] = id;
    if (words[record + OWNER] === 0 && words[record + CELLS_USED] > 0 && !isFull(cache, record))
      link(cache, orphanList(cache, words[record + CLASS]), id);
  }
  for (let id = words[shared + RECORDS_USED]; id > 0; id--)
    if (words[recordOf(cache, id) + START] === 0) push(cache, shared + IDLE, id);
}

/** Every block ends, and with them every span. All agents standing still. */
export function resetAll(cache: Cache, reset: () => void): void {
  const { words, shared } = cache;
  // Should this agent end before the records are gone, `settle` does the rest.
  words[shared + RESETTING] = 1;
  reset();
  dropAll(cache);
  rebuild(cache);
  words[shared + RESETTING] = 0;
}

function dropAll(cache: Cache): void {
  const { words, shared } = cache;
  words[shared + RUNS] = 0;
  eachSpan(cache, (record) => {
    words[record + START] = 0;
    words[record + OWNER] = 0;
    words.fill(0, record + BITS + cache.bitWords, record + BITS + 2 * cache.bitWords);
  });
}
