/**
 * What is wrong with a pointer that is no live block. Slow on purpose: the good path has one test of one word (free.ts), and this searches.
 */
import { codeAt, nextCode, nextGap } from "./codes.js";
import { behindGap } from "./regions.js";
import { addressOf, END, GRANULE, getState, LIVE, type Space, TOP } from "./space.js";

const hex = (address: number): string => `0x${address.toString(16)}`;

/** The error for a pointer that is not the payload of a live block. */
export function refusal(space: Space, ptr: number): Error {
  const invalid = (why: string): Error =>
    space.error("ERR_INVALID_POINTER", `${hex(ptr)} is not a block: ${why}`, { ptr });
  const granule = Math.floor((ptr - space.areaStart) / GRANULE);
  if (granule < 0 || granule >= space.areaGranules) return invalid("it lies outside the heap");
  if (ptr % GRANULE !== 0) return invalid("it is not a multiple of 16");
  const end = getState(space, END);
  if (granule >= end) return invalid("it lies in memory that can be given to no one");
  for (let gap = nextGap(space, 0, end); gap < end; ) {
    const behind = behindGap(space, gap);
    if (granule >= gap && granule < behind)
      return invalid("it lies between regions, in memory that belongs to somebody else");
    gap = nextGap(space, behind, end);
  }
  const top = getState(space, TOP);
  if (granule >= top)
    return space.error("ERR_DOUBLE_FREE", `${hex(ptr)} is not a block any more: it lies above the top`, {
      ptr,
    });
  let start = granule;
  while (start > 0 && codeAt(space, start) === 0) start--;
  const from = addressOf(space, start) + space.headerBytes;
  const size = addressOf(space, nextCode(space, start + 1, top)) - from;
  if (codeAt(space, start) === LIVE) {
    if (ptr < from) return invalid("it lies in a block's header");
    return space.error("ERR_INVALID_POINTER", `${hex(ptr)} is not a block: it lies inside a live block`, {
      ptr,
      block: { ptr: from, size, state: "used" },
      offset: ptr - from,
      relativeTo: "block",
    });
  }
  return space.error("ERR_DOUBLE_FREE", `${hex(ptr)} is not a block any more: it lies in ended memory`, {
    ptr,
    block: { ptr: from, size, state: "free" },
    offset: ptr - from,
    relativeTo: "free block",
  });
}
