/**
 * What is done when there is no free cell, or the request is no cell's: from what costs least to what costs others something.
 *
 *     the inbox ─► a spare ─► an orphan ─► the strategy ─► all that this agent holds in vain goes back to the strategy ─► all that others do
 */
import { type Cache, eachSpan, ownList, recordOf, roundSize } from "./cache.js";
import { link, unlink } from "./lists.js";
import { openMail } from "./mail.js";
import { rebuild } from "./recover.js";
import { adopt, collectOrphan, collectOwn, furnish, giveSpan, popSpare, takeSpan } from "./spans.js";
import {
  ASKING,
  CELLS_USED,
  CLASS,
  FURNISHES,
  IDLE,
  NOTES,
  NOTHING,
  OWNER,
  SPAN,
  TAKES_BLOCK,
} from "./state.js";

/** Number of a span of ours with free cells of the class, in its list; 0 if none can be had. */
export function refill(cache: Cache, sizeClass: number): number {
  const { shard } = cache;
  const list = ownList(cache, sizeClass);
  openMail(cache);
  if (cache.words[list] !== 0) return cache.words[list];
  const spare = popSpare(cache);
  if (spare !== 0) {
    const { words } = cache;
    // Until all of its bits are written it has none: should this agent end meanwhile, it is empty.
    words[shard + SPAN] = spare;
    words[shard + ASKING] = FURNISHES;
    furnish(cache, recordOf(cache, spare), sizeClass);
    words[shard + ASKING] = NOTHING;
    link(cache, list, spare);
    return spare;
  }
  const { front } = cache.ctx;
  front?.enter();
  try {
    let id = adopt(cache, sizeClass) || takeSpan(cache, sizeClass);
    if (id === 0) {
      giveEmpty(cache);
      // What was collected may have become part of this list, too.
      if (cache.words[list] !== 0) return cache.words[list];
      id = adopt(cache, sizeClass) || takeSpan(cache, sizeClass);
    }
    if (id === 0 && takeBack(cache)) {
      if (cache.words[list] !== 0) return cache.words[list];
      id = adopt(cache, sizeClass) || takeSpan(cache, sizeClass);
    }
    if (id !== 0) link(cache, list, id);
    return id;
  } finally {
    cache.words[shard + ASKING] = NOTHING;
    front?.leave();
  }
}

/** Blocks that are no cells are the strategy's; small ones are as good as cells. */
export function takeBlock(cache: Cache, asked: number, align: number, tag: number): number {
  const { shard, inner } = cache;
  const size = roundSize(cache, asked);
  const { front } = cache.ctx;
  front?.enter();
  try {
    cache.words[shard + ASKING] = TAKES_BLOCK;
    let ptr = inner.alloc(size, align, tag);
    for (const more of [giveEmpty, takeBack]) {
      if (ptr !== 0 || !more(cache)) continue;
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

/** What we hold and do not use goes back: the spares, the empty span of each class. True if there was any. */
function giveEmpty(cache: Cache): boolean {
  const { words, shared, me } = cache;
  const before = words[shared + IDLE];
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

/**
 * What the others hold and do not use goes back to the strategy, while they stand still. False if there seems to be none, without stopping
 * anybody for it. With the lock held.
 */
function takeBack(cache: Cache): boolean {
  const { words, me, shard, shared } = cache;
  let isWorthIt = false;
  eachSpan(cache, (record) => {
    const owner = words[record + OWNER];
    if (owner !== 0 && owner !== me && (words[record + CELLS_USED] === 0 || words[record + NOTES] !== 0))
      isWorthIt = true;
  });
  if (!isWorthIt) return false;
  words[shard + ASKING] = NOTHING;
  cache.ctx.front?.standStill();
  const before = words[shared + IDLE];
  rebuild(cache);
  eachSpan(cache, (record, id) => {
    if (words[record + CELLS_USED] !== 0) return;
    const owner = words[record + OWNER];
    if (owner === 0) return;
    // A span without a live cell is a spare, after `rebuild`.
    words[record + OWNER] = 0;
    giveSpan(cache, id, record);
  });
  rebuild(cache);
  return words[shared + IDLE] !== before;
}

function giveSpares(cache: Cache): void {
  for (let id = popSpare(cache); id !== 0; id = popSpare(cache)) giveSpan(cache, id, recordOf(cache, id));
}
