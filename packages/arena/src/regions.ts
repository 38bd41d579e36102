/**
 * Regions: where the top can go. Without guests there is one, the area. Where somebody else has added pages to the memory, they are a gap, and
 * the arena goes on behind it:
 *
 *     |piece|piece|piece|rest   |gap: guest's pages      |piece|piece|            ······|
 *                               ^2                     ^2             ^TOP              ^LIMIT = END
 *
 * A gap's first and last granule have the code 2, which nothing else has; so the guest's bytes are neither read nor needed. When a request does
 * not fit into what is left of a region, that becomes a piece that is no block, and the top moves on; when everything behind has ended, it
 * moves back.
 */
import { lastGap, nextGap } from "./codes.js";
import { BEYOND, END, getState, LIMIT, REGION, type Space, setState, TOP } from "./space.js";

/** First granule behind the gap that begins at `gap`. */
export function behindGap(space: Space, gap: number): number {
  return nextGap(space, gap + 1, getState(space, END)) + 1;
}

/** Granules of payload that the largest block of a free stretch can have. */
export function roomIn(space: Space, from: number, to: number): number {
  return Math.max(0, to - from - space.header);
}

/** The words that follow from the top and the gaps. */
export function settleRegion(space: Space): void {
  const top = getState(space, TOP);
  const end = getState(space, END);
  const limit = nextGap(space, top, end);
  setState(space, LIMIT, limit);
  setState(space, REGION, lastGap(space, top) + 1);
  let beyond = 0;
  eachRegionBehind(space, limit, (from, to) => {
    beyond += roomIn(space, from, to);
  });
  setState(space, BEYOND, beyond);
}

/** O(codes). */
export function countGaps(space: Space): number {
  const end = getState(space, END);
  let count = 0;
  for (let gap = nextGap(space, 0, end); gap < end; gap = nextGap(space, behindGap(space, gap), end)) count++;
  return count;
}

/** Regions behind the one that ends at `limit`, in order. */
export function eachRegionBehind(
  space: Space,
  limit: number,
  visit: (from: number, to: number) => void,
): void {
  const end = getState(space, END);
  for (let gap = limit; gap < end; ) {
    const from = behindGap(space, gap);
    gap = nextGap(space, from, end);
    visit(from, gap);
  }
}
