/**
 * Resizing in place, and the size queries.
 *
 *     grow    UAAA____U  UAAAAA__U  or all of it  UAAAAAAAU
 *     shrink  UAAAAAU    UAAA__U                  UAAAA__U  UAA____U
 *
 * Order of stores: the header of what is left is written while nothing reaches it, the block's size commits.
 */
import { dropCursor, dropTop } from "./ends.js";
import { join, listedBehind } from "./join.js";
import { push, unlink, verifyLinks } from "./lists.js";
import { clearAfterFree, liveGranule } from "./maps.js";
import {
  CHUNKS,
  CURSOR,
  CURSOR_END,
  GRANULE,
  type Space,
  setFoot,
  setSize,
  setState,
  TOP,
  TOP_END,
  USED,
} from "./space.js";
import { corrupt, refusal } from "./validate.js";

/** The `resize` primitive of one agent: in place, or false and nothing has changed. */
export function createResize(space: Space): (ptr: number, bytes: number) => boolean {
  return (ptr, bytes) => {
    const granule = liveGranule(space, ptr) | 0;
    return resizeLive(space, granule, liveSize(space, granule, ptr) | 0, bytes);
  };
}

/** As `resize`, of a live block whose size is known. */
export function resizeLive(space: Space, granule: number, size: number, bytes: number): boolean {
  if (bytes > space.maxBytes) return false;
  let need = (bytes + space.rounding) >>> 4;
  if (need < space.least) need = space.least;
  if (need === size) return true;
  if (need < size) return shrink(space, granule, size, need);
  // Most blocks have a block behind them.
  const right = (granule + size) | 0;
  const live = space.i32[(space.maps + ((right >>> 4) & -2)) | 0];
  return (live & (1 << (right & 31))) === 0 && grow(space, granule, size, need);
}

/** The `usableSize` primitive of one agent; with a header's bytes as `extra`, `takenSize`. */
export function createSize(space: Space, extra: number): (ptr: number) => number {
  return (ptr) => {
    const granule = ((ptr >>> 4) - space.areaGranule) | 0;
    if ((ptr & 15) !== 0 || granule >>> 0 >= space.granules) throw refusal(space, ptr);
    const { i32 } = space;
    if ((i32[(space.maps + ((granule >>> 4) & -2)) | 0] & (1 << (granule & 31))) === 0)
      throw refusal(space, ptr);
    const size = i32[(space.chunkWord + (granule << 2)) | 0];
    if (size < space.least || size > ((space.granules - granule) | 0)) corrupt(space, granule, size);
    return size * GRANULE - space.header + extra;
  };
}

/** Size of a live block's chunk, range-checked; `granule` is negative where there is none. */
export function liveSize(space: Space, granule: number, ptr: number): number {
  if (granule < 0) throw refusal(space, ptr);
  const size = space.i32[(space.chunkWord + (granule << 2)) | 0];
  if (size < space.least || size > ((space.granules - granule) | 0)) corrupt(space, granule, size);
  return size;
}

function shrink(space: Space, granule: number, size: number, need: number): boolean {
  const { i32, state } = space;
  const rest = size - need;
  if (rest < space.least) return true;
  const behind = listedBehind(space, granule + size);
  if (behind !== 0) verifyLinks(space, granule + size);
  setSize(space, granule + need, rest);
  setSize(space, granule, need);
  i32[state + USED] -= rest << 4;
  i32[state + CHUNKS]++;
  join(space, granule + need, rest);
  return true;
}

function grow(space: Space, granule: number, size: number, need: number): boolean {
  const { i32, state, least } = space;
  const right = granule + size;
  const isTop = right === i32[state + TOP];
  const isCursor = right === i32[state + CURSOR];
  const end = isTop
    ? i32[state + TOP_END]
    : isCursor
      ? i32[state + CURSOR_END]
      : right + listedBehind(space, right);
  const rest = end - granule - need;
  if (rest < 0) return false;
  const isListed = !isTop && !isCursor;
  if (isListed) unlink(space, right, end - right);
  const taken = rest < least ? end - granule : need;
  const next = granule + taken;
  // Also for the top and the cursor, whose words follow the size.
  if (next < end) setSize(space, next, end - next);
  setSize(space, granule, taken);
  i32[state + USED] += (taken - size) << 4;
  if (next < end) {
    if (isTop) setState(space, TOP, next);
    else if (isCursor) setState(space, CURSOR, next);
    else {
      setFoot(space, end, end - next);
      push(space, next, end - next);
    }
    return true;
  }
  if (isTop) dropTop(space);
  else if (isCursor) dropCursor(space);
  else i32[state + CHUNKS]--;
  clearAfterFree(space, end);
  return true;
}
