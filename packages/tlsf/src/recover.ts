/**
 * Recovery: after an agent has died inside an operation, everything that can be derived is derived anew from what operations commit.
 *
 *     committed    sizes of chunks, the live bits, TOP, TOP_END, CURSOR, CURSOR_END, END
 *     derived      after-free bits, feet, lists and their bits, sums; which free chunk is the top, that there is a cursor
 *
 * What a death can leave in between, and what is made of it:
 *
 *     free chunks in a row                                one
 *     a cursor or a top that the chain does not come to   none
 *     a chunk whose live bit was not set any more         free
 *
 * A block that was committed but handed out to nobody is freed: the word at `space.made` has its granule, until it has been. With the lock
 * held. Cost: O(chunks + maps).
 */
import { AT_CURSOR, AT_TOP, BRIDGED_OVER, eachChunk, LISTED, LIVE } from "./chain.js";
import { dropCursor, dropTop } from "./ends.js";
import { push } from "./lists.js";
import { isLive, setAfterFree } from "./maps.js";
import {
  BRIDGED,
  CHUNKS,
  CURSOR,
  END,
  FIRST_LEVEL,
  getState,
  HEADS,
  ptrOf,
  SECOND_LEVEL,
  type Space,
  setFoot,
  setSize,
  setState,
  TOP,
  USED,
  usableOf,
} from "./space.js";

/** @param made What was written at `space.made` before a block was made that nobody was given; 0 if there is none. */
export function recover(space: Space, made: number, free: (ptr: number) => void): void {
  rebuild(space);
  if (made >= space.first && made < getState(space, END) && isLive(space, made)) free(ptrOf(space, made));
}

/** Ends every block: no live bit is set, and the rest follows. */
export function reset(space: Space): void {
  eachChunk(space, () => {});
  const { i32, maps } = space;
  for (let word = 0; word <= getState(space, END) >>> 5; word++) i32[maps + word * 2] = 0;
  rebuild(space);
}

/** Throws, and nothing has changed, if the chain cannot be followed. */
function rebuild(space: Space): void {
  let topSize = 0;
  let cursorSize = 0;
  eachChunk(space, (_granule, size, kind) => {
    if (kind === AT_TOP) topSize = size;
    else if (kind === AT_CURSOR) cursorSize = size;
  });
  // Their sizes go where all others' are before the words that say so do.
  if (topSize !== 0) setSize(space, getState(space, TOP), topSize);
  if (cursorSize !== 0) setSize(space, getState(space, CURSOR), cursorSize);
  dropTop(space);
  dropCursor(space);
  mergeFree(space);
  wipeIndex(space);
  const end = getState(space, END);
  let used = 0;
  let chunks = 0;
  let bridged = 0;
  eachChunk(space, (granule, size, kind) => {
    if (kind === BRIDGED_OVER) bridged += size;
    else chunks++;
    if (kind === LIVE) used += usableOf(space, size);
    if (kind !== LISTED) return;
    if (granule + size === end) {
      // The last one: nothing is read after it.
      setState(space, TOP, granule);
      chunks--;
    } else {
      setFoot(space, granule + size, size);
      setAfterFree(space, granule + size);
      push(space, granule, size);
    }
  });
  setState(space, USED, used);
  setState(space, CHUNKS, chunks);
  setState(space, BRIDGED, bridged);
}

function mergeFree(space: Space): void {
  let start = 0;
  let whole = 0;
  eachChunk(space, (granule, size, kind) => {
    if (kind !== LISTED) start = 0;
    else if (start === 0) {
      start = granule;
      whole = size;
    } else {
      whole += size;
      setSize(space, start, whole);
    }
  });
}

function wipeIndex(space: Space): void {
  const { i32, state, maps, levels } = space;
  i32[state + FIRST_LEVEL] = 0;
  i32.fill(0, state + SECOND_LEVEL, state + SECOND_LEVEL + levels);
  i32.fill(0, state + HEADS, state + HEADS + levels * 32);
  for (let word = 0; word <= getState(space, END) >>> 5; word++) i32[maps + word * 2 + 1] = 0;
}
