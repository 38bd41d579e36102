/**
 * What is wrong with a pointer that is no live block, or with a chunk. Slow on purpose: the good path has one bit test, and this walks.
 */
import { AT_CURSOR, AT_TOP, eachChunk, LISTED, LIVE } from "./chain.js";
import { isAfterFree, isLive } from "./maps.js";
import { footBefore, GRANULE, ptrOf, type Space, sizeAt, usableOf } from "./space.js";

const hex = (address: number): string => `0x${address.toString(16)}`;
const HINT = "something wrote outside its block, or into a block after its end";

interface Told {
  readonly ptr: number;
  readonly size: number;
  readonly state: string;
}

/** The error for a pointer that is no live block. */
export function refusal(space: Space, ptr: number): Error {
  const invalid = (why: string, block?: Told): Error =>
    space.error("ERR_INVALID_POINTER", `${hex(ptr)} is not a block: ${why}`, {
      ptr,
      ...(block && { block, offset: ptr - block.ptr, relativeTo: "block" }),
    });

  if (ptr < space.areaStart || ptr >= space.areaEnd) return invalid("it lies outside the heap");
  if (ptr % GRANULE !== 0) return invalid("it is not a multiple of 16");
  let error: Error | undefined;
  eachChunk(space, (granule, size, kind) => {
    const payload = ptrOf(space, granule);
    if (ptr >= payload + usableOf(space, size)) return true;
    const isFree = kind === LISTED || kind === AT_CURSOR || kind === AT_TOP;
    const block = { ptr: payload, size: usableOf(space, size), state: isFree ? "free" : "used" };
    if (ptr < payload) error = invalid("it lies in a chunk header");
    else if (isFree) {
      error = space.error("ERR_DOUBLE_FREE", `${hex(ptr)} is not a block any more: it lies in free memory`, {
        ptr,
        block,
        offset: ptr - payload,
        relativeTo: "free block",
      });
    } else if (kind === LIVE) error = invalid("it lies inside a live block", block);
    else error = invalid("it lies in memory that can be given to no one");
    return false;
  });
  return error ?? invalid("it lies behind the last chunk");
}

export function corrupt(space: Space, granule: number, size: number): never {
  const at = hex(ptrOf(space, granule) - space.header);
  throw space.error("ERR_HEAP_CORRUPT", `chunk header at ${at}: size ${size} cannot be true`, {
    ptr: ptrOf(space, granule),
    hint: HINT,
  });
}

/** Says which word of a chunk, or beside it, is wrong. The hot paths only know that one is. */
export function broken(space: Space, granule: number): never {
  const size = sizeAt(space, granule);
  if (size < space.least || size > space.granules - granule) corrupt(space, granule, size);
  const ptr = ptrOf(space, granule);
  let what = "a link of the free chunk";
  if (isLive(space, granule))
    what = isAfterFree(space, granule)
      ? `the size ${footBefore(space, granule)} before the chunk, or its own,`
      : "the size of the chunk, or of the one behind it,";
  throw space.error("ERR_HEAP_CORRUPT", `${what} at ${hex(ptr)} cannot be true`, { ptr, hint: HINT });
}
