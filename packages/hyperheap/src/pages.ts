/**
 * Page runs: blocks of whole pages, without headers, at the top of the area; the page table says where they are.
 *
 *     areaStart                              boundary                                          areaEnd
 *     |chunk|chunk|…|last chunk              |run |freed |run         |run  |freed        |run |
 *
 * A run is cut from the top of the last chunk if that is free, so runs grow downward. Freed runs coalesce; a later request takes
 * the highest one that fits, from its top, before it cuts a new one. A freed run that touches the boundary goes back to the chunks.
 *
 * One table entry a page, `1 + slots` words, of which the first says:
 *
 *     31 … 3   2    1 0
 *     |pages  |end |state |     state: 0 no run begins here, 1 a run in use, 2 a freed run; end: last page of a longer freed run
 *
 * | word | invariant |
 * |---|---|
 * | pages | length of the run, in its first entry, and in the last one of a freed run |
 * | slots | the plugins' words of the run that begins here |
 *
 * A length is range-checked before it is followed, and a freed run's has to stand in both its ends: `usedLength`, `freedLength`.
 *
 * Cost: O(1) to cut, free and find; O(pages in runs) to search the freed runs, and only if there are any.
 */
import { isUsed, previousChunk, setNext, wipeHeader } from "./chain.js";
import { appendFree } from "./chunks.js";
import {
  BOUNDARY,
  boundaryOf,
  FREE,
  getState,
  LAST,
  lastChunk,
  PAGE,
  PAGE_FLOOR,
  PAGE_SHIFT,
  PAGES,
  PAGES_FREE,
  type Space,
  setState,
} from "./space.js";

const IN_USE = 1;
const FREED = 2;
const STATE_MASK = 3;
const END_MARK = 4;
const COUNT_SHIFT = 3;

/** What begins at a page. */
export interface Run {
  readonly ptr: number;
  readonly bytes: number;
  readonly used: boolean;
}

export function pageAt(space: Space, address: number): number {
  return (address - space.pageBase) >>> PAGE_SHIFT;
}

function addressOf(space: Space, page: number): number {
  return space.pageBase + page * PAGE;
}

function entry(space: Space, page: number): number {
  return space.pages + page * space.entryWords;
}

/** Whole pages of a request. */
export function pagesFor(size: number): number {
  return Math.ceil(size / PAGE);
}

/** Is `ptr` a page run in use? Any unsigned integer may be asked for. */
export function isRun(space: Space, ptr: number): boolean {
  if ((ptr & (PAGE - 1)) !== 0 || ptr < space.areaStart || ptr >= space.areaEnd) return false;
  return (space.u32[entry(space, pageAt(space, ptr))] & STATE_MASK) === IN_USE;
}

/** Bytes of the run in use at `ptr`. Throws `ERR_HEAP_CORRUPT` if its length cannot be true. */
export function runBytes(space: Space, ptr: number): number {
  return usedLength(space, pageAt(space, ptr)) * PAGE;
}

/** Pages of the run in use at a page. Throws `ERR_HEAP_CORRUPT` if they cannot be true. */
function usedLength(space: Space, page: number): number {
  const count = space.u32[entry(space, page)] >>> COUNT_SHIFT;
  if (count === 0 || page + count > pageAt(space, space.areaEnd))
    corruptRun(space, addressOf(space, page), count);
  return count;
}

/** Pages of the freed run that begins at a page, 0 if none does. Throws `ERR_HEAP_CORRUPT` if its ends do not agree. */
function freedLength(space: Space, page: number, top: number): number {
  if (page >= top) return 0;
  const word = space.u32[entry(space, page)];
  if ((word & STATE_MASK) !== FREED) return 0;
  const count = word >>> COUNT_SHIFT;
  if (count === 0 || page + count > top || addressOf(space, page) < space.areaStart)
    corruptRun(space, addressOf(space, page), count);
  if (count > 1 && space.u32[entry(space, page + count - 1)] !== ((count << COUNT_SHIFT) | END_MARK) >>> 0)
    corruptRun(space, addressOf(space, page), count);
  return count;
}

/** As `freedLength`, of the freed run that ends there. What lies below the boundary is under a bridge, or no run at all. */
function freedLengthBefore(space: Space, page: number): number {
  const word =
    page === 0 || addressOf(space, page) === boundaryOf(space) ? 0 : space.u32[entry(space, page - 1)];
  if ((word & STATE_MASK) !== FREED && (word & END_MARK) === 0) return 0;
  const count = word >>> COUNT_SHIFT;
  if (count === 0 || count > page || freedLength(space, page - count, page) !== count)
    corruptRun(space, addressOf(space, page - 1), count);
  return count;
}

export function corruptRun(space: Space, ptr: number, count: number): never {
  throw space.error(
    "ERR_HEAP_CORRUPT",
    `page table at 0x${ptr.toString(16)}: ${count} pages cannot be true`,
    { ptr, hint: "something wrote over the heap's tables, which lie before its area" },
  );
}

/** The run that begins at an address, if one does. */
export function runAt(space: Space, address: number): Run | undefined {
  if ((address & (PAGE - 1)) !== 0) return undefined;
  const word = space.u32[entry(space, pageAt(space, address))];
  const state = word & STATE_MASK;
  if (state !== IN_USE && state !== FREED) return undefined;
  return { ptr: address, bytes: (word >>> COUNT_SHIFT) * PAGE, used: state === IN_USE };
}

/** Are the entries of this run what they must be: nothing but length and state in the first, the end mark in a freed run's last? */
export function isMarked(space: Space, run: Run): boolean {
  const page = pageAt(space, run.ptr);
  const count = run.bytes / PAGE;
  if ((space.u32[entry(space, page)] & END_MARK) !== 0) return false;
  if (run.used || count < 2) return true;
  return space.u32[entry(space, page + count - 1)] === ((count << COUNT_SHIFT) | END_MARK) >>> 0;
}

/** Address of a slot word of the run that begins at `ptr`. */
export function runSlot(space: Space, ptr: number, index: number): number {
  return (entry(space, pageAt(space, ptr)) + 1 + index) * 4;
}

function writeUsed(space: Space, page: number, count: number): void {
  const at = entry(space, page);
  for (let word = 1; word < space.entryWords; word++) space.u32[at + word] = 0;
  space.i32[space.made] = -1 - page;
  space.u32[at] = (count << COUNT_SHIFT) | IN_USE;
}

function writeFreed(space: Space, page: number, count: number): void {
  space.u32[entry(space, page)] = (count << COUNT_SHIFT) | FREED;
  if (count > 1) space.u32[entry(space, page + count - 1)] = (count << COUNT_SHIFT) | END_MARK;
  lowerFloor(space, page);
}

/** First page that may have an entry. */
export function floorOf(space: Space): number {
  return Math.max(0, getState(space, PAGE_FLOOR) - 1);
}

function lowerFloor(space: Space, page: number): void {
  const floor = getState(space, PAGE_FLOOR);
  if (floor === 0 || page + 1 < floor) setState(space, PAGE_FLOOR, page + 1);
}

function erase(space: Space, page: number, count: number): void {
  space.u32[entry(space, page)] = 0;
  space.u32[entry(space, page + count - 1)] = 0;
}

function move(space: Space, from: number, to: number, bytes: number): void {
  setState(space, from, getState(space, from) - bytes);
  setState(space, to, getState(space, to) + bytes);
}

/** A run of `count` pages, or 0. */
export function allocRun(space: Space, count: number): number {
  return reuseRun(space, count) || cutRun(space, count);
}

/**
 * `[___]` to `[_UU]`, in the freed run with the highest address that fits.
 */
function reuseRun(space: Space, count: number): number {
  if (getState(space, PAGES_FREE) < count * PAGE) return 0;
  const floor = floorOf(space);
  const top = pageAt(space, space.areaEnd);
  for (let page = top - 1; page >= floor; page--) {
    const have = freedLength(space, page, top);
    if (have < count) continue;
    // Within the freed run nobody sees the new one; that it becomes shorter, or a run in use, commits.
    if (have > count) {
      writeUsed(space, page + have - count, count);
      writeFreed(space, page, have - count);
    } else {
      writeUsed(space, page, count);
    }
    if (count > 1) space.u32[entry(space, page + have - 1)] = 0;
    move(space, PAGES_FREE, PAGES, count * PAGE);
    return addressOf(space, page + have - count);
  }
  return 0;
}

/**
 * From the top of a free last chunk that ends with a page. The table entry is written first, the boundary commits.
 *
 *     U________|     U____|UUU     or, if nothing remains, the chunk disappears:     U|UUUUUUUU
 */
function cutRun(space: Space, count: number): number {
  const boundary = boundaryOf(space);
  const last = lastChunk(space);
  if (boundary % PAGE !== 0 || space.areaEnd % PAGE !== 0 || last === 0 || isUsed(space, last)) return 0;
  const ptr = boundary - count * PAGE;
  const remains = ptr - last;
  if (remains !== 0 && remains < space.least) return 0;
  const previous = remains === 0 ? previousChunk(space, last) : 0;
  const page = pageAt(space, ptr);
  writeUsed(space, page, count);
  lowerFloor(space, page);
  setState(space, BOUNDARY, ptr - space.base);
  if (remains === 0) {
    if (previous !== 0) setNext(space, previous, 0);
    setState(space, LAST, previous === 0 ? 0 : previous - space.base);
    wipeHeader(space, last);
    setState(space, FREE, getState(space, FREE) - (count * PAGE - space.header));
  } else {
    setState(space, FREE, getState(space, FREE) - count * PAGE);
  }
  setState(space, PAGES, getState(space, PAGES) + count * PAGE);
  return ptr;
}

/** Frees the run in use at `ptr`. */
export function freeRun(space: Space, ptr: number): void {
  const page = pageAt(space, ptr);
  const count = usedLength(space, page);
  const after = freedLength(space, page + count, pageAt(space, space.areaEnd));
  const before = freedLengthBefore(space, page);
  move(space, PAGES, PAGES_FREE, count * PAGE);
  release(space, page, count, before, after);
}

/** New pages that only page runs can use (growth where no chunk can follow). */
export function adoptPages(space: Space, from: number, to: number): void {
  const first = Math.ceil((from - space.pageBase) / PAGE);
  const count = pageAt(space, to) - first;
  if (count <= 0) return;
  const before = freedLengthBefore(space, first);
  setState(space, PAGES_FREE, getState(space, PAGES_FREE) + count * PAGE);
  release(space, first, count, before, 0);
}

/**
 * Pages that are free now: coalesced with the freed runs of `before` and `after` pages at their ends, which the caller has looked
 * at before it changed anything, and given back to the chunks if they touch the boundary.
 *
 *     |__UUU_|  |______|        boundary |UUU___UU  to  boundary moved up past both
 */
function release(space: Space, page: number, count: number, before: number, after: number): void {
  const first = page - before;
  const total = before + count + after;
  const from = addressOf(space, first);
  // The run alone is free first, which commits; that it is one with its neighbours is one store more, and what they have inside goes last.
  space.u32[entry(space, page)] = (count << COUNT_SHIFT) | FREED;
  if (from !== boundaryOf(space)) {
    writeFreed(space, first, total);
    if (before !== 0) eraseInside(space, first, total, page);
    eraseInside(space, first, total, page + count - 1);
    if (before > 1) eraseInside(space, first, total, page - 1);
    if (after !== 0) eraseInside(space, first, total, page + count);
    return;
  }
  setState(space, PAGES_FREE, getState(space, PAGES_FREE) - total * PAGE);
  appendFree(space, from, from + total * PAGE);
  if (before !== 0) erase(space, first, before);
  erase(space, page, count);
  if (after !== 0) erase(space, page + count, after);
}

/** The entry of a page inside of a freed run goes; those of its ends stay. */
function eraseInside(space: Space, first: number, count: number, page: number): void {
  if (page !== first && page !== first + count - 1) space.u32[entry(space, page)] = 0;
}

/**
 * Resizes a run in place: the pages behind it become free, or free pages behind it become its own.
 * @returns False, and nothing has changed, if there is no room.
 */
export function resizeRun(space: Space, ptr: number, size: number): boolean {
  const page = pageAt(space, ptr);
  const at = entry(space, page);
  const have = usedLength(space, page);
  const count = pagesFor(size);
  if (count === have) return true;
  const behind = page + have;
  const spare = freedLength(space, behind, pageAt(space, space.areaEnd));
  if (count < have) {
    space.u32[entry(space, page + count)] = ((have - count) << COUNT_SHIFT) | FREED;
    space.u32[at] = (count << COUNT_SHIFT) | IN_USE;
    move(space, PAGES, PAGES_FREE, (have - count) * PAGE);
    release(space, page + count, have - count, 0, spare);
    return true;
  }
  if (spare < count - have) return false;
  if (spare > count - have) writeFreed(space, page + count, spare - (count - have));
  space.u32[at] = (count << COUNT_SHIFT) | IN_USE;
  space.u32[entry(space, behind)] = 0;
  if (spare === count - have) space.u32[entry(space, page + count - 1)] = 0;
  move(space, PAGES_FREE, PAGES, (count - have) * PAGE);
  return true;
}

/**
 * The page table made anew from the first entries of its runs, which lie in bridges and above the boundary: freed runs in a row become
 * one, one at the boundary goes back to the chunks.
 */
export function rebuildRuns(
  space: Space,
  bridges: readonly { readonly from: number; readonly to: number }[],
): void {
  const { u32, pages, entries, entryWords } = space;
  const runs = [...bridges, { from: boundaryOf(space), to: space.areaEnd }].flatMap(({ from, to }) =>
    runsIn(space, from, to),
  );
  for (let page = 0; page < entries; page++) u32[pages + page * entryWords] = 0;
  setState(space, PAGE_FLOOR, 0);
  let used = 0;
  let freed = 0;
  for (const { ptr, bytes, used: inUse } of runs) {
    const page = pageAt(space, ptr);
    if (inUse) {
      u32[entry(space, page)] = ((bytes / PAGE) << COUNT_SHIFT) | IN_USE;
      lowerFloor(space, page);
      used += bytes;
    } else if (ptr === boundaryOf(space)) {
      appendFree(space, ptr, ptr + bytes);
    } else {
      writeFreed(space, page, bytes / PAGE);
      freed += bytes;
    }
  }
  setState(space, PAGES, used);
  setState(space, PAGES_FREE, freed);
}

/** Runs in `[from, to)`, freed ones that adjoin as one. */
function runsIn(space: Space, from: number, to: number): Run[] {
  const runs: Run[] = [];
  for (let at = from; at < to; ) {
    const run = runAt(space, at);
    if (run === undefined) {
      at += PAGE - (at % PAGE);
      continue;
    }
    const end = at + run.bytes;
    if (run.bytes === 0 || end > to) corruptRun(space, at, run.bytes / PAGE);
    const previous = runs[runs.length - 1];
    if (!run.used && previous !== undefined && !previous.used && previous.ptr + previous.bytes === at)
      runs[runs.length - 1] = { ...previous, bytes: previous.bytes + run.bytes };
    else runs.push(run);
    at = end;
  }
  return runs;
}
