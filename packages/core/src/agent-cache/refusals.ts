/** What is thrown for a pointer that is no live cell, and for a span that cannot be what it says. None of it on the good path. */
import { type Cache, startOf } from "./cache.js";
import { BITS, CLASS, GRANULE } from "./state.js";

const hex = (ptr: number): string => `0x${ptr.toString(16)}`;

export function twice(cache: Cache, ptr: number): Error {
  return cache.ctx.error("ERR_DOUBLE_FREE", `the block at ${hex(ptr)} is free`, { ptr });
}

/** Between the cells' beginnings: in a free cell it is freed memory, else nobody's block. */
export function refusal(cache: Cache, record: number, ptr: number): Error {
  const { words, header } = cache;
  const sizeClass = words[record + CLASS];
  const from = ptr - startOf(cache, record);
  const stride = cache.strides[sizeClass];
  const cell = Math.floor(from / stride);
  const at = record + BITS + (cell >>> 5);
  const isFree = (((words[at] | words[at + cache.bitWords]) >>> (cell & 31)) & 1) !== 0;
  if (ptr % GRANULE === 0 && cell < cache.cells[sizeClass] && isFree && from - cell * stride >= header) {
    return cache.ctx.error("ERR_DOUBLE_FREE", `${hex(ptr)} lies in free memory`, { ptr });
  }
  return cache.ctx.error("ERR_INVALID_POINTER", `${hex(ptr)} is not a block`, { ptr });
}

export function broken(cache: Cache, record: number, what: string): Error {
  const start = startOf(cache, record);
  return cache.ctx.error("ERR_HEAP_CORRUPT", `agentCache: the span at ${hex(start)} ${what}`, { ptr: start });
}
