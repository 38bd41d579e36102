/** The largest free chunk: the top, the cursor, or one of the highest list, which is all read. Cost: O(its chunks), mostly one. */
import { verifyFree } from "./lists.js";
import {
  CHUNKS,
  CURSOR,
  CURSOR_END,
  FIRST_LEVEL,
  getState,
  HEADS,
  SECOND_LEVEL,
  type Space,
  sizeAt,
  TOP,
  TOP_END,
  usableOf,
} from "./space.js";
import { broken } from "./validate.js";

/** Payload bytes of the largest free chunk, 0 if there is none. */
export function largestFree(space: Space): number {
  const largest = Math.max(
    getState(space, TOP_END) - getState(space, TOP),
    getState(space, CURSOR_END) - getState(space, CURSOR),
    largestListed(space),
  );
  return largest === 0 ? 0 : usableOf(space, largest);
}

function largestListed(space: Space): number {
  const levels = getState(space, FIRST_LEVEL);
  if (levels === 0) return 0;
  const level = 31 - Math.clz32(levels);
  const list = level * 32 + 31 - Math.clz32(getState(space, SECOND_LEVEL + level));
  let largest = 0;
  let seen = 0;
  for (let granule = getState(space, HEADS + list); granule !== 0; ) {
    verifyFree(space, granule, list);
    largest = Math.max(largest, sizeAt(space, granule));
    if (++seen > getState(space, CHUNKS)) broken(space, granule);
    granule = space.i32[space.areaWord + granule * 4];
  }
  return largest;
}
