/**
 * The two free chunks that are in no list: the **top**, of which a fresh heap consists, and the **cursor**, what a cut has left last.
 * Two words say where each begins and ends; they have no header, and cutting from their front writes none.
 *
 *     …|used|cursor______|used|…|used|top________________|aligned|aligned|
 *            CURSOR      ^CURSOR_END  TOP                ^TOP_END
 *
 * Where there is no cursor both its words are 0; where there is no top both its words are `END`, so that a block freed at the end of the
 * chunks becomes the top.
 */
import { push } from "./lists.js";
import { clearAfterFree, setAfterFree, setLive } from "./maps.js";
import {
  CHUNKS,
  CURSOR,
  CURSOR_END,
  END,
  getState,
  ptrOf,
  type Space,
  setFoot,
  setSize,
  setState,
  TOP,
  TOP_END,
  USED,
  usableOf,
} from "./space.js";

/** The cursor becomes a list's chunk. */
export function retireCursor(space: Space): void {
  const cursor = getState(space, CURSOR);
  const end = getState(space, CURSOR_END);
  setSize(space, cursor, end - cursor);
  setFoot(space, end, end - cursor);
  setState(space, CURSOR, 0);
  push(space, cursor, end - cursor);
  space.i32[space.state + CHUNKS]++;
}

/** The top becomes a list's chunk. */
export function retireTop(space: Space): void {
  const top = getState(space, TOP);
  const end = getState(space, TOP_END);
  if (top === end) return;
  setSize(space, top, end - top);
  setFoot(space, end, end - top);
  dropTop(space);
  setAfterFree(space, end);
  push(space, top, end - top);
  space.i32[space.state + CHUNKS]++;
}

/** There is no cursor any more. In this order: without its first word the second says nothing. */
export function dropCursor(space: Space): void {
  setState(space, CURSOR, 0);
  setState(space, CURSOR_END, 0);
}

export function dropTop(space: Space): void {
  const end = getState(space, END);
  setState(space, TOP, end);
  setState(space, TOP_END, end);
}

/** A block of the cursor, which has `size` granules. */
export function cutCursor(space: Space, size: number): number {
  const cursor = getState(space, CURSOR);
  const end = getState(space, CURSOR_END);
  const taken = end - cursor - size < space.least ? end - cursor : size;
  setSize(space, cursor, taken);
  space.i32[space.made] = cursor;
  if (cursor + taken < end) setState(space, CURSOR, cursor + taken);
  else {
    dropCursor(space);
    clearAfterFree(space, end);
  }
  return made(space, cursor, taken);
}

/** A block of the top; 0 if it is too small. */
export function cutTop(space: Space, size: number): number {
  const { i32, state } = space;
  const top = i32[state + TOP];
  const rest = (i32[state + TOP_END] - top - size) | 0;
  if (rest < space.least) return rest < 0 ? 0 : takeTop(space);
  i32[(space.chunkWord + (top << 2)) | 0] = size;
  i32[space.made] = top;
  i32[state + TOP] = top + size;
  setLive(space, top);
  i32[state + USED] += (size << 4) - space.header;
  i32[state + CHUNKS]++;
  return ((space.areaWord + (top << 2)) << 2) >>> 0;
}

/** All of the top. */
function takeTop(space: Space): number {
  const top = getState(space, TOP);
  const end = getState(space, TOP_END);
  setSize(space, top, end - top);
  space.i32[space.made] = top;
  dropTop(space);
  clearAfterFree(space, end);
  return made(space, top, end - top);
}

/** The live bit commits, and sums follow. */
export function made(space: Space, granule: number, size: number): number {
  setLive(space, granule);
  space.i32[space.state + USED] += usableOf(space, size);
  space.i32[space.state + CHUNKS]++;
  return ptrOf(space, granule);
}
