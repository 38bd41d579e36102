/**
 * Recovery: after an agent has died inside an operation, everything that can be derived is derived anew from what operations commit.
 *
 *     committed    next of each chunk, its used bit, the bridge's bit; the boundary; first entries of page runs
 *     derived      prev, heap, the last chunk; payload map, free map, index; ends of freed runs, the floor; sums
 *
 * What a death can leave in between, and what is made of it:
 *
 *     two free chunks in a row                          one
 *     a link to where the boundary is                   the last chunk ends there: its neighbour has become pages, or is none yet
 *     a bridge at the boundary, over nothing            undone
 *     table entries where no run is                     erased
 *     freed runs in a row, or at the boundary           one; given back to the chunks
 *
 * A block that was committed but handed out to nobody is freed: the word at `space.made` says which, until it has been. With the lock held. Cost: O(chunks + tables).
 */
import { corrupt, setNext, wipeHeader } from "./chain.js";
import { rebuildIndex } from "./free-chunks.js";
import { isLive, markPayload } from "./maps.js";
import { isRun, rebuildRuns } from "./pages.js";
import {
  BRIDGE_BIT,
  boundaryOf,
  FREE,
  LAST,
  NEXT,
  PAGE,
  PREV,
  type Space,
  setState,
  USED,
  USED_BIT,
} from "./space.js";

/** @param made What was written at `space.made` before a block was made that nobody was given; 0 if there is none. */
export function recover(space: Space, made: number, free: (ptr: number) => void): void {
  const boundary = boundaryOf(space);
  if (boundary < space.areaStart || boundary > space.areaEnd || boundary % 16 !== 0)
    throw space.error("ERR_HEAP_CORRUPT", `boundary 0x${boundary.toString(16)} cannot be true`, {});
  space.i32.fill(0, space.payloads, space.free);
  const bridges = mendChain(space, boundary);
  rebuildIndex(space);
  rebuildRuns(space, bridges);
  if (made === 0) return;
  const block = madeBlock(space, made | 0);
  if (isLive(space, block) || isRun(space, block)) free(block);
}

/** Address of the block that was made, if it was committed: words from base to its chunk, or -1 less the page of a run, say which. */
function madeBlock(space: Space, made: number): number {
  if (made < 0) return space.pageBase + (-1 - made) * PAGE;
  return space.base + made * 4 + space.header;
}

/** What bridges span. Links, sums, and the payload map of used chunks are right afterwards. */
function mendChain(space: Space, boundary: number): { readonly from: number; readonly to: number }[] {
  const { i32, header, areaStart, base } = space;
  const bridges: { from: number; to: number }[] = [];
  let last = 0;
  let lastFree = false;
  let freeSum = 0;
  let usedSum = 0;
  for (let chunk = areaStart; chunk < boundary; ) {
    const next = mendNext(space, chunk, boundary);
    const end = next === 0 ? boundary : chunk + next;
    const isFree = (i32[(chunk + PREV) >>> 2] & USED_BIT) === 0;
    if (isFree && lastFree) {
      setNext(space, last, next === 0 ? 0 : end - last);
      wipeHeader(space, chunk);
      freeSum += end - chunk;
    } else {
      i32[(chunk + PREV) >>> 2] = -(last === 0 ? 0 : chunk - last) | (isFree ? 0 : USED_BIT);
      const heapWord = (chunk + space.heapField) >>> 2;
      const isBridge = !isFree && (i32[heapWord] & BRIDGE_BIT) !== 0;
      i32[heapWord] = (base - chunk) | (isBridge ? BRIDGE_BIT : 0);
      if (isFree) freeSum += end - chunk - header;
      else if (isBridge) bridges.push({ from: chunk + header, to: end });
      else {
        usedSum += end - chunk - header;
        markPayload(space, chunk + header);
      }
      last = chunk;
      lastFree = isFree;
    }
    chunk = end;
  }
  setState(space, LAST, last === 0 ? 0 : last - base);
  setState(space, FREE, freeSum);
  setState(space, USED, usedSum);
  return bridges;
}

/** Distance to the next chunk; 0, and the chunk says so, if there is none below the boundary. */
function mendNext(space: Space, chunk: number, boundary: number): number {
  const next = space.i32[(chunk + NEXT) >>> 2] >>> 0;
  const right = chunk + next;
  if (next === 0) {
    if (boundary - chunk < space.least) corrupt(space, chunk, "next", next);
    return 0;
  }
  if (next < space.least || next % 16 !== 0 || right > boundary) corrupt(space, chunk, "next", next);
  if (right < boundary && !(right + space.header === boundary && isBridgeAt(space, right))) return next;
  setNext(space, chunk, 0);
  return 0;
}

function isBridgeAt(space: Space, chunk: number): boolean {
  return (space.i32[(chunk + space.heapField) >>> 2] & BRIDGE_BIT) !== 0;
}
