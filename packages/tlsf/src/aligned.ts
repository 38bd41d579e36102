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
 * Looked at in this order: chunks of the request's own class, since one that had such a block before is just right; a class of which
 * any chunk will do; the top; the cursor; a few chunks of each class between. Cost: O(1), the last step up to some hundred lists.
 */
import { dropCursor, dropTop } from "./ends.js";
import { findList, firstOf, push, scanList, unlink } from "./lists.js";
import { clearAfterFree, setAfterFree, setLive } from "./maps.js";
import {
  CHUNKS,
  CURSOR,
  CURSOR_END,
  classFor,
  classOf,
  getState,
  ptrOf,
  type Space,
  setFoot,
  setSize,
  setState,
  sizeAt,
  TOP,
  TOP_END,
  USED,
  usableOf,
} from "./space.js";

/** Where the block goes in the free chunk `[start, end)`; -1 if nowhere. */
function placeIn(space: Space, start: number, end: number, size: number, step: number): number {
  const { areaGranule, least } = space;
  if (end - start < size) return -1;
  const place = ((end - size + areaGranule) & -step) - areaGranule;
  const front = place - start;
  if (front === 0 || front >= least) return place;
  // Further down only the very start is left.
  return front > 0 && front % step === 0 ? start : -1;
}

/** A block of `size` granules whose payload is a multiple of `step` granules; 0 if there is no room. */
export function allocAligned(space: Space, size: number, step: number): number {
  const suits = (granule: number, whole: number): boolean =>
    placeIn(space, granule, granule + whole, size, step) >= 0;
  const own = classOf(size);
  const same = scanList(space, own, suits);
  if (same !== 0) return takeListed(space, same, size, step);
  const sure = classFor(size + step - 1 + (space.least > 1 ? space.least : 0));
  const list = findList(space, sure);
  if (list !== 0) return takeListed(space, firstOf(space, list), size, step);

  const top = getState(space, TOP);
  const topEnd = getState(space, TOP_END);
  const inTop = placeIn(space, top, topEnd, size, step);
  if (inTop >= 0) {
    const front = inTop > top;
    return carve(space, inTop, topEnd, size, front, () => {
      if (front) setState(space, TOP_END, inTop);
      else dropTop(space);
    });
  }
  const cursor = getState(space, CURSOR);
  const cursorEnd = getState(space, CURSOR_END);
  const atCursor = cursor === 0 ? -1 : placeIn(space, cursor, cursorEnd, size, step);
  if (atCursor >= 0) {
    const front = atCursor > cursor;
    return carve(space, atCursor, cursorEnd, size, front, () => {
      if (front) setState(space, CURSOR_END, atCursor);
      else dropCursor(space);
    });
  }
  for (let between = findList(space, own + 1); between !== 0 && between < sure; ) {
    const granule = scanList(space, between, suits);
    if (granule !== 0) return takeListed(space, granule, size, step);
    between = findList(space, between + 1);
  }
  return 0;
}

/** Of a list's chunk that is verified and has room. */
function takeListed(space: Space, granule: number, size: number, step: number): number {
  const whole = sizeAt(space, granule);
  const end = granule + whole;
  const place = placeIn(space, granule, end, size, step);
  const front = place - granule;
  unlink(space, granule, whole);
  space.i32[space.state + CHUNKS]--;
  const ptr = carve(space, place, end, size, front > 0, () => {
    if (front > 0) setSize(space, granule, front);
  });
  if (front > 0) {
    setFoot(space, place, front);
    push(space, granule, front);
    space.i32[space.state + CHUNKS]++;
  }
  return ptr;
}

/**
 * Makes the block at `place`, and a chunk of what is left up to `end`. `shorten` takes both from the free chunk they are in, with one
 * store that commits, since the new headers are written by then.
 */
function carve(
  space: Space,
  place: number,
  end: number,
  size: number,
  hasFront: boolean,
  shorten: () => void,
): number {
  const tail = end - place - size;
  const hasTail = tail >= space.least;
  const taken = hasTail ? size : size + tail;
  if (hasTail) setSize(space, place + size, tail);
  setSize(space, place, taken);
  space.i32[space.made] = place;
  shorten();
  setLive(space, place);
  space.i32[space.state + USED] += usableOf(space, taken);
  space.i32[space.state + CHUNKS] += hasTail ? 2 : 1;
  if (hasFront) setAfterFree(space, place);
  if (hasTail) {
    setFoot(space, end, tail);
    setAfterFree(space, end);
    push(space, place + size, tail);
  } else clearAfterFree(space, end);
  return ptrOf(space, place);
}
