/**
 * The way of a small request: from a bit of a span of one's own, and back to it. No lock, and no store that another agent makes.
 *
 *     alloc   |..UU.U.U|  lowest free bit of the first span of the class      clearing it commits
 *     free    |..UU...U|  setting it commits; in another agent's span a bit beside it, which that agent collects
 *
 * A pointer is tested against the page map, the class's grid and both bits, all out of band, before anything changes.
 */
import type { Inner } from "../types.js";
import { type Cache, ownList, recordOf, roundSize, spanAt, startOf } from "./cache.js";
import { refill, takeBlock } from "./demand.js";
import { link, unlink } from "./lists.js";
import { post } from "./mail.js";
import { broken, refusal, twice } from "./refusals.js";
import { emptied, freeOrphan } from "./spans.js";
import { BITS, CELLS_USED, CLASS, GRANULE, LISTS, OWNER, START } from "./state.js";

export function createAlloc(cache: Cache): Inner["alloc"] {
  return (size, align, tag) => {
    if (align > GRANULE || size > cache.most) return takeBlock(cache, size, align, tag);
    const sizeClass = cache.classOf[(size + 15) >>> 4];
    let id = cache.words[cache.shard + LISTS + sizeClass];
    if (id === 0) {
      id = refill(cache, sizeClass);
      if (id === 0) return takeBlock(cache, size, align, tag);
    }
    const { words, base, strides } = cache;
    const record = recordOf(cache, id);
    const first = record + BITS;
    const end = first + cache.bitWords;
    let at = first;
    while (words[at] === 0 && at < end) at++;
    const bits = words[at];
    if (at === end) throw broken(cache, record, "is in a list of those with free cells, and has none");
    const low = bits & -bits;
    const cell = ((at - first) << 5) + 31 - Math.clz32(low);
    const offset = (words[record + START] >>> 0) + Math.imul(cell, strides[sizeClass]) + cache.header;
    words[cache.made] = offset;
    words[at] = bits ^ low;
    const used = words[record + CELLS_USED] + 1;
    words[record + CELLS_USED] = used;
    if (used === cache.cells[sizeClass]) unlink(cache, ownList(cache, sizeClass), id);
    return base + offset;
  };
}

export function createFree(cache: Cache): Inner["free"] {
  const { inner } = cache;
  const { region } = cache.ctx;
  const { free } = inner;
  return (ptr) => {
    if (ptr < region.areaStart || ptr >= region.areaEnd) return free(ptr);
    const id = spanAt(cache, ptr);
    if (id === 0) return free(ptr);
    const { words, bitWords, me } = cache;
    const record = recordOf(cache, id);
    const cell = liveCell(cache, record, ptr);
    const at = record + BITS + (cell >>> 5);
    const bit = 1 << (cell & 31);
    const owner = words[record + OWNER];
    if (owner !== me) {
      if (owner === 0 && freeOrphan(cache, id, record, at, bit, ptr)) return;
      if ((Atomics.or(words, at + bitWords, bit) & bit) !== 0) throw twice(cache, ptr);
      post(cache, id, record);
      return;
    }
    words[at] |= bit;
    const used = words[record + CELLS_USED] - 1;
    words[record + CELLS_USED] = used;
    const sizeClass = words[record + CLASS];
    if (used === 0) emptied(cache, id, record);
    else if (used === cache.cells[sizeClass] - 1) link(cache, ownList(cache, sizeClass), id);
  };
}

/** Number of the live cell whose payload begins at `ptr`, which lies in the span. Throws for everything else. */
export function liveCell(cache: Cache, record: number, ptr: number): number {
  const { words } = cache;
  const sizeClass = words[record + CLASS];
  const from = ptr - startOf(cache, record) - cache.header;
  const cell = Math.imul(from >> 4, cache.reciprocals[sizeClass]) >>> 20;
  if (from < 0 || Math.imul(cell, cache.strides[sizeClass]) !== from || cell >= cache.cells[sizeClass])
    throw refusal(cache, record, ptr);
  const at = record + BITS + (cell >>> 5);
  if ((((words[at] | words[at + cache.bitWords]) >>> (cell & 31)) & 1) !== 0) throw twice(cache, ptr);
  return cell;
}

/** A cell has the size of its class, from the beginning to the end. */
export function createResize(cache: Cache): Inner["resize"] {
  const { resize } = cache.inner;
  const { region } = cache.ctx;
  return (ptr, size) => {
    if (ptr < region.areaStart || ptr >= region.areaEnd) return resize(ptr, size);
    const id = spanAt(cache, ptr);
    if (id === 0) return resize(ptr, roundSize(cache, size));
    const record = recordOf(cache, id);
    liveCell(cache, record, ptr);
    return size <= cache.payloads[cache.words[record + CLASS]];
  };
}

/** Payload bytes, or all bytes, of a block. */
export function createSize(cache: Cache, size: Inner["usableSize"], whole: boolean): Inner["usableSize"] {
  const { region } = cache.ctx;
  const bytes = whole ? cache.strides : cache.payloads;
  return (ptr) => {
    if (ptr < region.areaStart || ptr >= region.areaEnd) return size(ptr);
    const id = spanAt(cache, ptr);
    if (id === 0) return size(ptr);
    const record = recordOf(cache, id);
    liveCell(cache, record, ptr);
    return bytes[cache.words[record + CLASS]];
  };
}
