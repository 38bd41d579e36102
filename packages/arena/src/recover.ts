/**
 * Recovery: after an agent has died inside an operation, everything that can be derived is derived anew from what operations commit.
 *
 *     committed    the top, the end, the codes below the top, gaps below the end
 *     derived      codes of pieces above the top, gaps above the end: none; LIMIT, REGION, BEYOND, GAPS, WASTE
 *
 * A block that was committed but handed out to nobody is ended: the word at `space.made` says which. With the lock held. Cost: O(codes).
 */
import { clearPieces, codeAt, wasteIn } from "./codes.js";
import { end as endBlockAt } from "./free.js";
import { mendMarks } from "./marks.js";
import { countGaps, settleRegion } from "./regions.js";
import { END, GAPS, getState, LIVE, type Space, setState, TOP, WASTE } from "./space.js";

/** @param made What was written at `space.made` before a block was made that nobody was given; 0 if there is none. */
export function recover(space: Space, made: number): void {
  const top = getState(space, TOP);
  const end = getState(space, END);
  if (top < 0 || top > end || end > space.areaGranules)
    throw space.error("ERR_HEAP_CORRUPT", `the top ${top} or the end ${end} cannot be true`, {});
  clearPieces(space, top, end);
  clearBehind(space, end);
  settleRegion(space);
  setState(space, GAPS, countGaps(space));
  setState(space, WASTE, wasteIn(space, 0, top));
  mendMarks(space);
  const block = made - 1;
  if (made > 0 && block < top && codeAt(space, block) === LIVE) endBlockAt(space, block);
}

function clearBehind(space: Space, end: number): void {
  const { i32, codes, codesEnd } = space;
  const word = codes + (end >>> 4);
  if (word >= codesEnd) return;
  i32[word] &= ~(-1 << ((end & 15) << 1));
  i32.fill(0, word + 1, codesEnd);
}
