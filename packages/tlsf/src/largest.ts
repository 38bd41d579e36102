/** The largest free chunk: the top, the cursor, or one of the highest list, which is all read. Cost: O(its chunks), mostly one. */
import { headOf, nextOf, verifyFree } from "./lists.js";
import {
  CHUNKS,
  CURSOR,
  CURSOR_END,
  getState,
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
  let largest = 0;
  let seen = 0;
  const list = highestList(space);
  for (let granule = headOf(space, list); granule !== 0; granule = nextOf(space, granule)) {
    verifyFree(space, granule, list);
    largest = Math.max(largest, sizeAt(space, granule));
    if (++seen > getState(space, CHUNKS)) broken(space, granule);
  }
  return largest;
}

/** The highest class whose list is not empty; 0, whose list always is, if there is none. */
function highestList(space: Space): number {
  for (let level = space.levels - 1; level >= 0; level--) {
    const bits = getState(space, SECOND_LEVEL + level);
    if (bits !== 0) return level * 32 + 31 - Math.clz32(bits);
  }
  return 0;
}
