/**
 * Alignments above 16: a block is cut from a free chunk's **end**, at the highest place that has the alignment. So blocks of whole
 * multiples of their alignment (a slab's pages) pile up side by side from the top of the area, while others grow from the bottom, and
 * neither leaves slack between the other's.
 *
 *     U____________U      front, tail       U____AAAAAA__U
 *     U____________U      front alone       U______AAAAAAU
 *     U____________U      nothing else      UAAAAAAAAAAAAU
 *
 * What is too small for a chunk behind the block is the block's; what is too small in front makes the place none.
 *
 * Looked at in this order: for a multiple of its alignment a few chunks of its own class, since one that had such a block before is just
 * right; a class of which any chunk will do; the top; the cursor; a few chunks of each class between. Cost: O(1), the last step up to
 * some hundred lists.
 */
import { dropCursor, dropTop } from "./ends.js";
import { findList, placeIn, push, scanList, shift, unlink } from "./lists.js";
import { clearAfterFree, setAfterFree } from "./maps.js";
import {
  CHUNKS,
  CURSOR,
  CURSOR_END,
  classFor,
  classOf,
  type Space,
  setState,
  sizeAt,
  TOP,
  TOP_END,
  USED,
} from "./space.js";

/** A block of `size` granules whose payload is a multiple of `step` granules; 0 if there is no room. */
export function allocAligned(space: Space, size: number, step: number): number {
  const own = classOf(size) | 0;
  if ((size & (step - 1)) === 0) {
    const same = scanList(space, own, size, step) | 0;
    if (same !== 0) return takeListed(space, same, size, step);
  }
  const { i32, state } = space;
  const sure = classFor(size + step - 1 + (space.least > 1 ? space.least : 0)) | 0;
  const list = findList(space, sure) | 0;
  if (list !== 0) {
    const granule = shift(space, list) | 0;
    return carve(space, 0, granule, (granule + sizeAt(space, granule)) | 0, size, step);
  }
  const top = i32[state + TOP];
  const topEnd = i32[state + TOP_END];
  if (placeIn(space, top, topEnd, size, step) >= 0) return carve(space, TOP, top, topEnd, size, step);
  const cursor = i32[state + CURSOR];
  const cursorEnd = i32[state + CURSOR_END];
  if (cursor !== 0 && placeIn(space, cursor, cursorEnd, size, step) >= 0)
    return carve(space, CURSOR, cursor, cursorEnd, size, step);
  for (let between = own; between !== 0 && between < sure; between = findList(space, between + 1)) {
    const granule = scanList(space, between, size, step);
    if (granule !== 0) return takeListed(space, granule, size, step);
  }
  return 0;
}

/** Of a list's chunk that is verified and has room. */
function takeListed(space: Space, granule: number, size: number, step: number): number {
  const whole = sizeAt(space, granule);
  unlink(space, granule, whole);
  return carve(space, 0, granule, granule + whole, size, step);
}

/**
 * Makes the block in the free chunk `[start, end)`, which has a place for it, and chunks of what is left on both sides. `kind` is `TOP`,
 * `CURSOR`, or 0 for a chunk that was in a list. The store that makes the free chunk shorter commits block and tail, whose headers are
 * written by then.
 */
function carve(space: Space, kind: number, start: number, end: number, size: number, step: number): number {
  const { i32, state, chunkWord } = space;
  const place = placeIn(space, start, end, size, step) | 0;
  const front = (place - start) | 0;
  const tail = (end - place - size) | 0;
  const hasTail = tail >= space.least;
  const taken = hasTail ? size : (size + tail) | 0;
  const block = (chunkWord + (place << 2)) | 0;
  if (hasTail) i32[(block + (size << 2)) | 0] = tail;
  i32[block] = taken;
  i32[space.made] = place;
  if (kind === 0) {
    if (front !== 0) i32[(chunkWord + (start << 2)) | 0] = front;
  } else if (front !== 0) setState(space, kind === TOP ? TOP_END : CURSOR_END, place);
  else if (kind === TOP) dropTop(space);
  else dropCursor(space);
  i32[(space.maps + ((place >>> 4) & -2)) | 0] |= 1 << (place & 31);
  i32[state + USED] += (taken << 4) - space.header;
  i32[state + CHUNKS] += (kind !== 0 || front !== 0 ? 1 : 0) + (hasTail ? 1 : 0);
  if (front !== 0) setAfterFree(space, place);
  if (hasTail) {
    i32[(chunkWord + (end << 2) - 1) | 0] = tail;
    setAfterFree(space, end);
    push(space, (place + size) | 0, tail);
  } else clearAfterFree(space, end);
  if (kind === 0 && front !== 0) {
    i32[(block - 1) | 0] = front;
    push(space, start, front);
  }
  return ((space.areaWord + (place << 2)) << 2) >>> 0;
}
