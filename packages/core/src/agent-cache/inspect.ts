/** What is in the spans: blocks and byte counts for who asks about all of the heap, and every invariant of state.ts. While the heap stands still. */
import type { Finding, Inner, WalkedBlock } from "../types.js";
import { countBits } from "./bits.js";
import {
  type Cache,
  eachSpan,
  hasStrayBits,
  isFull,
  orphanList,
  recordOf,
  spanAt,
  startOf,
} from "./cache.js";
import {
  BEFORE,
  BITS,
  CELLS_USED,
  CLASS,
  IDLE,
  INBOX,
  LISTS,
  MAIL,
  NEXT,
  NOTES,
  OWNER,
  PAGE,
  RECORDS_USED,
  RUNS,
  SHARD_WORDS,
  SPARE,
  SPARES,
  START,
  TWICE,
} from "./state.js";

/** Is the cell free, or freed by another agent and not collected yet? */
function isFreeCell({ words, bitWords }: Cache, record: number, cell: number): boolean {
  const at = record + BITS + (cell >>> 5);
  return (((words[at] | words[at + bitWords]) >>> (cell & 31)) & 1) !== 0;
}

/** Spans are the strategy's blocks; who asks is shown the cells in them. */
export function createWalk(cache: Cache, walk: NonNullable<Inner["walk"]>): Inner["walk"] {
  return (visit) =>
    walk((block) => {
      const id = block.ptr % PAGE === 0 && block.state !== "free" ? spanAt(cache, block.ptr) : 0;
      const record = recordOf(cache, id);
      if (id === 0 || startOf(cache, record) !== block.ptr) visit(block);
      else walkSpan(cache, record, visit);
    });
}

function walkSpan(cache: Cache, record: number, visit: (block: WalkedBlock) => void): void {
  const sizeClass = cache.words[record + CLASS];
  const usable = cache.payloads[sizeClass];
  for (let cell = 0; cell < cache.cells[sizeClass]; cell++) {
    const ptr = startOf(cache, record) + cell * cache.strides[sizeClass] + cache.header;
    const state = isFreeCell(cache, record, cell) ? "free" : "used";
    visit({ ptr, size: usable, usable, state, tag: 0 });
  }
}

/** The strategy's counts, with each span taken out of what it is there and put in as its cells. O(spans). */
export function createTotals(cache: Cache, totals: NonNullable<Inner["totals"]>): Inner["totals"] {
  return (into) => {
    totals(into);
    const { words, inner } = cache;
    const runs = words[cache.shared + RUNS] >>> 0;
    into.page -= runs;
    into.used += runs;
    eachSpan(cache, (record) => {
      const sizeClass = words[record + CLASS];
      const bytes = inner.usableSize(startOf(cache, record));
      const live = liveCells(cache, record);
      into.used += live * cache.payloads[sizeClass] - bytes;
      into.free += (cache.cells[sizeClass] - live) * cache.payloads[sizeClass];
      into.overhead += bytes - cache.cells[sizeClass] * cache.payloads[sizeClass];
    });
  };
}

/** Also without a note there can be cells that others have freed: of a span that was nobody's just then. */
function liveCells({ words, bitWords }: Cache, record: number): number {
  let used = words[record + CELLS_USED];
  for (let at = record + BITS + bitWords; at < record + BITS + 2 * bitWords; at++)
    used -= countBits(words[at]);
  return used;
}

// ---- check ---------------------------------------------------------------------------------------------------------

export function checkCache(cache: Cache, report: (finding: Finding) => void): void {
  const { words, shared, plan } = cache;
  const say = (message: string, ptr?: number): void =>
    report({ message: `agentCache: ${message}`, ...(ptr === undefined ? {} : { ptr }) });
  const count = words[shared + RECORDS_USED] >>> 0;
  if (count > plan.maxSpans) say(`${count} records are in use, of ${plan.maxSpans}`);
  if (words[shared + TWICE] !== 0)
    say(`${words[shared + TWICE]} blocks were freed by two agents at the same moment`);
  let isSound = true;
  const mapped = new Set<number>();
  eachSpan(cache, (record, id) => {
    const start = startOf(cache, record);
    for (const what of brokenSpan(cache, record, id, mapped)) {
      isSound = false;
      say(`the span at 0x${start.toString(16)} ${what}`, start);
    }
  });
  checkMap(cache, mapped, say);
  if (!isSound) return;
  checkRuns(cache, say);
  checkLists(cache, say);
}

/** What of a span contradicts itself. Pages that are its own go into `mapped`. */
function brokenSpan(cache: Cache, record: number, id: number, mapped: Set<number>): string[] {
  const { words, inner, ctx, bitWords, spanBytes } = cache;
  const start = startOf(cache, record);
  const { areaStart, areaEnd } = ctx.region;
  if (start % PAGE !== 0 || start < areaStart || start + spanBytes > areaEnd) return ["cannot be there"];
  const wrong: string[] = [];
  for (let page = start; page < start + spanBytes; page += PAGE) {
    if (spanAt(cache, page) !== id) wrong.push(`is record ${id}, its pages say ${spanAt(cache, page)}`);
    mapped.add(page);
  }
  try {
    if (inner.usableSize(start) < spanBytes) wrong.push("is larger than its block");
  } catch {
    wrong.push("is no block of the strategy");
  }
  const owner = words[record + OWNER];
  if (owner < 0 || owner > ctx.shards) wrong.push(`is owned by ${owner}`);
  const sizeClass = words[record + CLASS];
  if (sizeClass < 0 || sizeClass >= cache.cells.length) return [...wrong, `has cells of class ${sizeClass}`];
  if (hasStrayBits(cache, record)) wrong.push("has bits of cells it has not");
  const cells = cache.cells[sizeClass];
  let free = 0;
  for (let index = 0; index < bitWords; index++) {
    const at = record + BITS + index;
    free += countBits(words[at]);
    if ((words[at] & words[at + bitWords]) !== 0) wrong.push("has cells that are free and were freed");
  }
  if (words[record + CELLS_USED] !== cells - free)
    wrong.push(`has ${words[record + CELLS_USED]} used cells, ${cells - free} by its bits`);
  return wrong;
}

function checkMap(
  cache: Cache,
  mapped: ReadonlySet<number>,
  say: (message: string, ptr?: number) => void,
): void {
  const { region } = cache.ctx;
  for (let page = Math.floor(region.areaStart / PAGE) * PAGE; page < region.areaEnd; page += PAGE) {
    if (mapped.has(page) || spanAt(cache, page) === 0) continue;
    say(
      `the page at 0x${page.toString(16)} leads to record ${spanAt(cache, page)}, which has no such page`,
      page,
    );
  }
}

/** Bytes of spans that are page runs, as the strategy's blocks say; undefined where it cannot list them, or does not count. */
export function runBytes(cache: Cache): number | undefined {
  const { walk, totals } = cache.inner;
  if (walk === undefined || totals === undefined) return undefined;
  let bytes = 0;
  walk(({ ptr, usable, state }) => {
    if (state !== "page") return;
    const id = spanAt(cache, ptr);
    if (id !== 0 && startOf(cache, recordOf(cache, id)) === ptr) bytes += usable;
  });
  return bytes;
}

/** Are spans what they are counted as? Where the strategy's blocks cannot be gone through, it has said so itself. */
function checkRuns(cache: Cache, say: (message: string) => void): void {
  const counted = cache.words[cache.shared + RUNS] >>> 0;
  let bytes: number | undefined;
  try {
    bytes = runBytes(cache);
  } catch {
    return;
  }
  if (bytes !== undefined && bytes !== counted)
    say(`${counted} bytes of spans are counted as page runs, ${bytes} are in some`);
}

/** Every span with free cells is in the one list it belongs in, and nothing else is. */
function checkLists(cache: Cache, say: (message: string) => void): void {
  const { words, shared, plan, ctx } = cache;
  const found = new Map<number, string>();
  const count = Math.min(words[shared + RECORDS_USED] >>> 0, plan.maxSpans);
  /** Goes through a list; `back`: its links lead back, too. */
  const follow = (name: string, list: number, back: boolean): number => {
    let before = 0;
    let length = 0;
    for (let id = words[list]; id !== 0; id = words[recordOf(cache, id) + NEXT]) {
      if (id < 0 || id > count || found.has(id)) {
        say(`${name} leads to record ${id}${found.has(id) ? `, which is in ${found.get(id)}` : ""}`);
        return length;
      }
      found.set(id, name);
      if (back && words[recordOf(cache, id) + BEFORE] !== before)
        say(`${name} does not lead back from record ${id}`);
      before = id;
      length++;
    }
    return length;
  };
  for (let sizeClass = 0; sizeClass < cache.cells.length; sizeClass++)
    follow(`orphans of class ${sizeClass}`, orphanList(cache, sizeClass), true);
  for (let number = 0; number < ctx.shards; number++) {
    const shard = shared + plan.shards + number * SHARD_WORDS;
    for (let sizeClass = 0; sizeClass < cache.cells.length; sizeClass++)
      follow(`shard ${number}, class ${sizeClass}`, shard + LISTS + sizeClass, true);
    const spares = follow(`shard ${number}, spares`, shard + SPARE, false);
    if (spares !== words[shard + SPARES])
      say(`shard ${number} has ${spares} spares, not ${words[shard + SPARES]}`);
  }
  follow("idle", shared + IDLE, false);
  const noted = checkInboxes(cache, count, say);
  for (let id = 1; id <= count; id++) {
    const record = recordOf(cache, id);
    if (words[record + NOTES] !== 0 && !noted.has(id)) say(`record ${id} has a note, and is in no inbox`);
    if (words[record + NOTES] === 0 && noted.has(id)) say(`record ${id} is in an inbox, and has no note`);
    const expected = listOf(cache, record);
    const actual = found.get(id) ?? "no list";
    if (!expected.includes(actual)) say(`record ${id} is in ${actual}, not in ${expected.join(" or ")}`);
  }
}

/** Records in inboxes: each in one. */
function checkInboxes(cache: Cache, count: number, say: (message: string) => void): ReadonlySet<number> {
  const { words, shared, plan, ctx } = cache;
  const noted = new Set<number>();
  for (let number = 0; number < ctx.shards; number++) {
    const inbox = shared + plan.shards + number * SHARD_WORDS + INBOX;
    for (let id = words[inbox]; id !== 0; id = words[recordOf(cache, id) + MAIL]) {
      if (id < 0 || id > count || noted.has(id)) {
        say(`shard ${number}, inbox leads to record ${id}${noted.has(id) ? ", which is in one" : ""}`);
        break;
      }
      noted.add(id);
    }
  }
  return noted;
}

function listOf(cache: Cache, record: number): string[] {
  const { words } = cache;
  if (words[record + START] === 0) return ["idle"];
  const sizeClass = words[record + CLASS];
  if (isFull(cache, record)) return ["no list"];
  const owner = words[record + OWNER];
  if (owner === 0) return [`orphans of class ${sizeClass}`];
  const own = `shard ${owner - 1}, class ${sizeClass}`;
  return words[record + CELLS_USED] === 0 ? [own, `shard ${owner - 1}, spares`] : [own];
}
