/**
 * The paths of `resize` and of the size queries. Like alloc and free each is one function, with what is common in front.
 */
import { broken, spanOf } from "./chain.js";
import { resizeChunk } from "./chunks.js";
import { isLive } from "./maps.js";
import { isRun, resizeRun, runBytes } from "./pages.js";
import { MAX_REQUEST, roundRequest, type Space, USED_BIT } from "./space.js";
import { refusal } from "./validate.js";

/** The `resize` primitive of one agent: in place, or false and nothing has changed. */
export function createResize(space: Space): (ptr: number, size: number) => boolean {
  return (ptr, size) => {
    if (!isLive(space, ptr)) return resizeRare(space, ptr, size);
    if (size > MAX_REQUEST) return false;
    const { i32, areaWord, headerWords } = space;
    const chunk = ((ptr >>> 2) - headerWords) | 0;
    const next = i32[chunk];
    const need = roundRequest(size);
    if (next !== 0) {
      const right = (chunk + (next >>> 2)) | 0;
      if (right >= ((areaWord + (space.areaGranules << 2)) | 0) || right < 0) broken(space, chunk);
      const rightPrev = i32[right + 1];
      if ((((rightPrev & -16) + next) | 0) !== 0) broken(space, chunk);
      const room = (next >>> 0) - space.header;
      if (need === room) return true;
      // A used neighbour leaves nothing to decide, unless the block gives back a whole chunk.
      if ((rightPrev & USED_BIT) !== 0 && room - need < space.least) return need < room;
    }
    return resizeChunk(space, ptr, need);
  };
}

function resizeRare(space: Space, ptr: number, size: number): boolean {
  if (!isRun(space, ptr)) throw refusal(space, ptr);
  return resizeRun(space, ptr, size);
}

/** The `usableSize` primitive of one agent; with `extra` bytes a chunk, `takenSize`. */
export function createSize(space: Space, extra: number): (ptr: number) => number {
  return (ptr) => {
    if (!isLive(space, ptr)) return sizeRare(space, ptr);
    const chunk = ((ptr >>> 2) - space.headerWords) | 0;
    const next = space.i32[chunk];
    const right = (chunk + (next >>> 2)) | 0;
    // The last chunk ends at the boundary; what cannot be true is found there too.
    const isPlain =
      next > 0 && (next & 15) === 0 && right < ((space.areaWord + (space.areaGranules << 2)) | 0);
    return (isPlain ? next : spanOf(space, ptr - space.header)) - space.header + extra;
  };
}

function sizeRare(space: Space, ptr: number): number {
  if (!isRun(space, ptr)) throw refusal(space, ptr);
  return runBytes(space, ptr);
}
