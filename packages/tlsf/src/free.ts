/**
 * The free path: one bit says whether the pointer is a block, its neighbour in the next word whether a free chunk ends there, one bit at
 * the chunk's end whether a block follows. Headers of live neighbours are not looked at.
 *
 * Order of stores: clearing the live bit commits, each merge is one size, or one word of the cursor or the top.
 */
import { join, sizeBefore, sizeBehind, verifyBeside } from "./join.js";
import { push, unlink } from "./lists.js";
import { CHUNKS, CURSOR, CURSOR_END, type Space, TOP, TOP_END, USED } from "./space.js";
import { broken, refusal } from "./validate.js";

/** The `free` primitive of one agent: ends the block at `ptr`. */
export function createFree(space: Space): (ptr: number) => void {
  return (ptr) => {
    const { i32, state, maps, chunkWord } = space;
    const granule = ((ptr >>> 4) - space.areaGranule) | 0;
    if ((ptr & 15) !== 0 || granule >>> 0 >= space.granules) throw refusal(space, ptr);
    const map = (maps + ((granule >>> 4) & -2)) | 0;
    const bit = 1 << (granule & 31);
    const live = i32[map];
    if ((live & bit) === 0) throw refusal(space, ptr);
    const header = (chunkWord + (granule << 2)) | 0;
    const size = i32[header];
    if (size < space.least || size > ((space.granules - granule) | 0)) broken(space, granule);
    const right = (granule + size) | 0;
    const rightMap = (maps + ((right >>> 4) & -2)) | 0;
    const rightBit = 1 << (right & 31);
    const isAfter = (i32[map + 1] & bit) !== 0;

    let start = granule;
    let whole = size;
    if ((i32[rightMap] & rightBit) === 0) {
      if (right === i32[state + TOP]) {
        if (isAfter) return freeBeside(space, granule, size);
        i32[map] = live & ~bit;
        i32[state + TOP] = granule;
        i32[state + USED] -= (size << 4) - space.header;
        i32[state + CHUNKS]--;
        return;
      }
      if (right === i32[state + CURSOR]) return freeBeside(space, granule, size);
      const behind = sizeBehind(space, right);
      if (behind !== 0) {
        if (isAfter) return freeBeside(space, granule, size);
        unlink(space, right, behind);
        i32[state + CHUNKS]--;
        whole = (whole + behind) | 0;
      }
    }
    if (isAfter) {
      if (granule === i32[state + CURSOR_END] || granule === i32[state + TOP_END])
        return freeBeside(space, granule, size);
      const before = sizeBefore(space, granule);
      start = (granule - before) | 0;
      unlink(space, start, before);
      i32[state + CHUNKS]--;
      whole = (whole + before) | 0;
    }
    i32[map] = live & ~bit;
    if (isAfter) i32[map + 1] &= ~bit;
    i32[(chunkWord + (start << 2)) | 0] = whole;
    const end = (start + whole) | 0;
    i32[(chunkWord + (end << 2) - 1) | 0] = whole;
    i32[(maps + ((end >>> 4) & -2) + 1) | 0] |= 1 << (end & 31);
    push(space, start, whole);
    i32[state + USED] -= (size << 4) - space.header;
  };
}

/** A block beside the cursor or the top, or between two free chunks. */
function freeBeside(space: Space, granule: number, size: number): void {
  const { i32, state } = space;
  verifyBeside(space, granule, size);
  i32[space.maps + ((granule >>> 4) & -2)] &= ~(1 << (granule & 31));
  i32[state + USED] -= (size << 4) - space.header;
  join(space, granule, size);
}
