/**
 * Joining a chunk that became free with what is free beside it: the general way, with the cursor and the top. The frequent cases are spelled
 * out in free.ts.
 *
 *     UAAAU  U___U      UAAA__U  U_____U      U__AAAU  U_____U      U__AAA__U  U_______U
 *
 * Sizes and links in free memory are verified before anything changes: a size against the foot, the foot against the map, each link
 * against its other end.
 */
import { dropCursor } from "./ends.js";
import { push, unlink, verifyLinks } from "./lists.js";
import { clearAfterFree, isAfterFree, isLive, setAfterFree } from "./maps.js";
import {
  BRIDGE,
  CHUNKS,
  CURSOR,
  CURSOR_END,
  END,
  footBefore,
  getState,
  type Space,
  setFoot,
  setSize,
  setState,
  sizeAt,
  TOP,
  TOP_END,
} from "./space.js";
import { broken } from "./validate.js";

/** Size of the list's chunk that ends where this chunk begins, of which the map says that it is free; cursor and top are no such. */
export function sizeBefore(space: Space, granule: number): number {
  const size = footBefore(space, granule);
  if (size < space.least || size > granule - space.first || sizeAt(space, granule - size) !== size)
    broken(space, granule);
  return size;
}

/** Size of the list's chunk that begins where no block does; 0 where no chunk does. Cursor and top are no such. */
export function sizeBehind(space: Space, granule: number): number {
  const size = sizeAt(space, granule);
  if (size < space.least || size > space.granules - granule) {
    isNothing(space, granule);
    return 0;
  }
  const end = granule + size;
  if (footBefore(space, end) !== size || !isAfterFree(space, end)) broken(space, granule);
  return size;
}

/** Throws if where no block and no free chunk begins there is neither the end of the chunks nor a bridge. */
export function isNothing(space: Space, granule: number): void {
  if (granule === getState(space, END)) return;
  const size = sizeAt(space, granule) ^ BRIDGE;
  if (size < 1 || granule + size > space.granules) broken(space, granule);
}

/** Throws, and nothing has changed, if `join` would find something that cannot be true. */
export function verifyBeside(space: Space, granule: number, size: number): void {
  if (isAfterFree(space, granule)) {
    const { i32, state } = space;
    if (granule !== i32[state + CURSOR_END] && granule !== i32[state + TOP_END]) {
      const before = sizeBefore(space, granule);
      verifyLinks(space, granule - before);
    }
  }
  const behind = listedBehind(space, granule + size);
  if (behind !== 0) verifyLinks(space, granule + size);
}

/** Size of the free chunk of a list that begins there, 0 if none does. */
export function listedBehind(space: Space, granule: number): number {
  const { i32, state } = space;
  if (granule === i32[state + TOP] || granule === i32[state + CURSOR] || isLive(space, granule)) return 0;
  return sizeBehind(space, granule);
}

/** The chunk, which is no block any more and whose size is in its header, becomes part of what is free. */
export function join(space: Space, granule: number, size: number): void {
  const { i32, state } = space;
  const right = granule + size;
  const behind = listedBehind(space, right);
  let end = right;
  if (behind !== 0) {
    unlink(space, right, behind);
    i32[state + CHUNKS]--;
    end += behind;
  }
  if (!isAfterFree(space, granule)) joinRight(space, granule, end);
  else if (granule === i32[state + CURSOR_END]) joinCursor(space, granule, end);
  else if (granule === i32[state + TOP_END]) joinTop(space, granule, end);
  else {
    const before = sizeBefore(space, granule);
    unlink(space, granule - before, before);
    i32[state + CHUNKS]--;
    joinRight(space, granule - before, end);
    clearAfterFree(space, granule);
  }
}

/** What begins at `start` begins no later than the top or the cursor, or is a list's chunk. */
function joinRight(space: Space, start: number, end: number): void {
  const { i32, state } = space;
  if (end === i32[state + TOP]) i32[state + TOP] = start;
  else if (end === i32[state + CURSOR]) i32[state + CURSOR] = start;
  else {
    setSize(space, start, end - start);
    setFoot(space, end, end - start);
    setAfterFree(space, end);
    push(space, start, end - start);
    return;
  }
  i32[state + CHUNKS]--;
}

/** The cursor grows up to `end`, or is part of the top. */
function joinCursor(space: Space, granule: number, end: number): void {
  if (end === getState(space, TOP)) {
    setState(space, TOP, getState(space, CURSOR));
    dropCursor(space);
  } else {
    setState(space, CURSOR_END, end);
    setAfterFree(space, end);
  }
  clearAfterFree(space, granule);
  space.i32[space.state + CHUNKS]--;
}

/** The top, bounded by an aligned block up to now, grows up to `end`, and over the cursor if that begins there. */
function joinTop(space: Space, granule: number, end: number): void {
  if (end === getState(space, CURSOR)) {
    setState(space, TOP_END, getState(space, CURSOR_END));
    dropCursor(space);
  } else {
    setState(space, TOP_END, end);
    setAfterFree(space, end);
  }
  clearAfterFree(space, granule);
  space.i32[space.state + CHUNKS]--;
}
