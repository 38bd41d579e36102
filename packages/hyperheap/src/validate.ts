/**
 * What is wrong with a pointer that is no live block. Slow on purpose: the good path has one bit test (maps.ts), and this walks.
 */
import { isUsed, spanOf } from "./chain.js";
import { isPayloadStart } from "./maps.js";
import { type Run, runAt } from "./pages.js";
import { boundaryOf, GRANULE, lastChunk, PAGE, type Space } from "./space.js";

const hex = (address: number): string => `0x${address.toString(16)}`;

/** The error for a pointer that is neither a used chunk's payload nor a run in use. */
export function refusal(space: Space, ptr: number): Error {
  const invalid = (why: string, block?: { ptr: number; size: number; state: string }): Error =>
    space.error("ERR_INVALID_POINTER", `${hex(ptr)} is not a block: ${why}`, {
      ptr,
      ...(block && { block, offset: ptr - block.ptr, relativeTo: "block" }),
    });
  const freed = (what: string, block: { ptr: number; size: number; state: string }): Error =>
    space.error("ERR_DOUBLE_FREE", `${hex(ptr)} is not a block any more: it lies in ${what}`, {
      ptr,
      block,
      offset: ptr - block.ptr,
      relativeTo: "free block",
    });

  if (ptr < space.areaStart || ptr >= space.areaEnd) return invalid("it lies outside the heap");
  if (ptr % GRANULE !== 0) return invalid("it is not a multiple of 16");
  const run = runOver(space, ptr);
  if (run !== undefined) {
    const block = { ptr: run.ptr, size: run.bytes, state: run.used ? "page" : "free" };
    return run.used ? invalid("it lies inside a page run", block) : freed("a freed page run", block);
  }
  const boundary = boundaryOf(space);
  if (ptr >= boundary) return invalid("it lies between page runs, in memory that belongs to somebody else");
  const last = lastChunk(space);
  for (let chunk = space.areaStart; ; ) {
    const span = spanOf(space, chunk);
    if (ptr < chunk + span) {
      const payload = chunk + space.header;
      const used = isUsed(space, chunk);
      const block = { ptr: payload, size: span - space.header, state: used ? "used" : "free" };
      if (ptr < payload) return invalid("it lies in a chunk header");
      if (!used) return freed("free memory", block);
      if (!isPayloadStart(space, payload)) return invalid("it lies in memory that can be given to no one");
      return invalid("it lies inside a live block", block);
    }
    if (chunk === last) return invalid("it lies behind the last chunk");
    chunk += span;
  }
}

/** The run that covers an address. */
function runOver(space: Space, ptr: number): Run | undefined {
  for (let address = ptr - (ptr % PAGE); address >= space.areaStart; address -= PAGE) {
    const run = runAt(space, address);
    if (run !== undefined) return ptr < run.ptr + run.bytes ? run : undefined;
  }
  return undefined;
}
