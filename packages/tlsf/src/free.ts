/**
 * The free path: one bit says whether the pointer is a block, its neighbour in the next word whether a free chunk ends there, one bit at
 * the chunk's end whether a block follows. Headers of live neighbours are not looked at.
 *
 *     UAAAU  U___U      UAAA__U  U_____U      U__AAAU  U_____U      U__AAA__U  U_______U
 *
 * Order of stores: clearing the live bit commits, each merge is one size, or one word of the cursor or the top.
 *
 * Spelled out where join.ts and lists.ts have functions: with those, which are too many for V8 to inline, it took a fifth longer.
 */
import { join, verifyBeside } from "./join.js";
import {
  CHUNKS,
  CURSOR,
  CURSOR_END,
  EXACT,
  FIRST_LEVEL,
  HEADS,
  SECOND_LEVEL,
  type Space,
  TOP,
  TOP_END,
  USED,
} from "./space.js";
import { broken, refusal } from "./validate.js";

/** The `free` primitive of one agent: ends the block at `ptr`. */
export function createFree(space: Space): (ptr: number) => void {
  return (ptr) => {
    const { i32, state, maps, linkEnd } = space;
    const granule = ((ptr >>> 4) - space.areaGranule) | 0;
    if ((ptr & 15) !== 0 || granule >>> 0 >= space.granules) throw refusal(space, ptr);
    const map = (maps + ((granule >>> 4) & -2)) | 0;
    const bit = 1 << (granule & 31);
    const live = i32[map];
    if ((live & bit) === 0) throw refusal(space, ptr);
    const word = ptr >>> 2;
    const header = (word - space.headerWords) | 0;
    const size = i32[header];
    const right = (granule + size) | 0;
    if (size < space.least || right > space.granules || right < 0) broken(space, granule);
    const after = i32[(map + 1) | 0];
    const rightMap = (maps + ((right >>> 4) & -2)) | 0;
    const rightBit = 1 << (right & 31);

    if ((after & bit) === 0 && (i32[rightMap] & rightBit) !== 0) {
      // Between two blocks.
      let shift = 26 - Math.clz32(size);
      shift &= ~(shift >> 31);
      const list = ((shift << 5) + (size >>> shift)) | 0;
      const head = (state + HEADS + list) | 0;
      const link = (word - state) | 0;
      const next = i32[head];
      i32[map] = live & ~bit;
      i32[(header + (size << 2) - 1) | 0] = size;
      i32[(rightMap + 1) | 0] |= rightBit;
      i32[word] = next;
      i32[(word + 1) | 0] = (HEADS + list) | 0;
      i32[(state + next + 1) | 0] = link;
      i32[head] = link;
      i32[(state + SECOND_LEVEL + (list >>> 5)) | 0] |= 1 << (list & 31);
      if (list > EXACT) i32[state + FIRST_LEVEL] |= 1 << (list >>> 5);
      i32[state + USED] -= (size << 4) - space.header;
      return;
    }

    // The left neighbour is verified here, and taken out of its list behind the right one.
    let before = 0;
    if ((after & bit) !== 0) {
      if (granule === i32[state + CURSOR_END] || granule === i32[state + TOP_END])
        return freeBeside(space, granule, size);
      before = i32[(header - 1) | 0];
      const left = (granule - before) | 0;
      if (before < space.least || left < space.first || i32[(header - (before << 2)) | 0] !== before)
        broken(space, granule);
      const at = (word - (before << 2)) | 0;
      const link = (at - state) | 0;
      const next = i32[at];
      const prev = i32[(at + 1) | 0];
      if (next >>> 0 >= linkEnd || prev >>> 0 >= linkEnd) broken(space, left);
      const ends = (i32[(state + prev) | 0] ^ link) | ((i32[(state + next + 1) | 0] ^ link) & (-next >> 31));
      if (ends !== 0) broken(space, left);
    }

    let end = right;
    // The word that says where the free chunk behind begins, if that is the top or the cursor.
    let begin = 0;
    if ((i32[rightMap] & rightBit) === 0) {
      if (right === i32[state + TOP]) begin = TOP;
      else if (right === i32[state + CURSOR]) begin = CURSOR;
      else {
        const behind = i32[(header + (size << 2)) | 0];
        // The end of the chunks, or a bridge.
        if (behind < space.least || behind > ((space.granules - right) | 0))
          return freeBeside(space, granule, size);
        end = (right + behind) | 0;
        const at = (word + (size << 2)) | 0;
        const link = (at - state) | 0;
        const next = i32[at];
        const prev = i32[(at + 1) | 0];
        if (next >>> 0 >= linkEnd || prev >>> 0 >= linkEnd) broken(space, right);
        const ends =
          (i32[(state + prev) | 0] ^ link) |
          ((i32[(state + next + 1) | 0] ^ link) & (-next >> 31)) |
          (i32[(header + ((size + behind) << 2) - 1) | 0] ^ behind);
        if (ends !== 0 || (i32[(maps + ((end >>> 4) & -2) + 1) | 0] & (1 << (end & 31))) === 0)
          broken(space, right);
        i32[(state + prev) | 0] = next;
        i32[(state + next + 1) | 0] = prev;
        let shift = 26 - Math.clz32(behind);
        shift &= ~(shift >> 31);
        const list = ((shift << 5) + (behind >>> shift)) | 0;
        const isEmpty = 1 + (-i32[(state + HEADS + list) | 0] >> 31);
        i32[(state + SECOND_LEVEL + (list >>> 5)) | 0] &= ~(isEmpty << (list & 31));
        i32[state + CHUNKS]--;
      }
    }
    const first = (word - (before << 2)) | 0;
    if (before !== 0) {
      const next = i32[first];
      const prev = i32[(first + 1) | 0];
      i32[(state + prev) | 0] = next;
      i32[(state + next + 1) | 0] = prev;
      let shift = 26 - Math.clz32(before);
      shift &= ~(shift >> 31);
      const list = ((shift << 5) + (before >>> shift)) | 0;
      const isEmpty = 1 + (-i32[(state + HEADS + list) | 0] >> 31);
      i32[(state + SECOND_LEVEL + (list >>> 5)) | 0] &= ~(isEmpty << (list & 31));
      i32[state + CHUNKS]--;
    }

    i32[map] = live & ~bit;
    i32[(map + 1) | 0] = after & ~bit;
    i32[state + USED] -= (size << 4) - space.header;
    if (begin !== 0) {
      i32[(state + begin) | 0] = granule - before;
      i32[state + CHUNKS]--;
      return;
    }
    const whole = (end - granule + before) | 0;
    i32[(header - (before << 2)) | 0] = whole;
    i32[(header + ((end - granule) << 2) - 1) | 0] = whole;
    i32[(maps + ((end >>> 4) & -2) + 1) | 0] |= 1 << (end & 31);
    let shift = 26 - Math.clz32(whole);
    shift &= ~(shift >> 31);
    const list = ((shift << 5) + (whole >>> shift)) | 0;
    const head = (state + HEADS + list) | 0;
    const link = (first - state) | 0;
    const next = i32[head];
    i32[first] = next;
    i32[(first + 1) | 0] = (HEADS + list) | 0;
    i32[(state + next + 1) | 0] = link;
    i32[head] = link;
    i32[(state + SECOND_LEVEL + (list >>> 5)) | 0] |= 1 << (list & 31);
    if (list > EXACT) i32[state + FIRST_LEVEL] |= 1 << (list >>> 5);
  };
}

/** A block behind the cursor or the top, or before the end or a bridge. */
function freeBeside(space: Space, granule: number, size: number): void {
  const { i32, state } = space;
  verifyBeside(space, granule, size);
  i32[space.maps + ((granule >>> 4) & -2)] &= ~(1 << (granule & 31));
  i32[state + USED] -= (size << 4) - space.header;
  join(space, granule, size);
}
