/**
 * What an agent that joins a heap looks at once, since no later call does: the words of the state that lead into the area. From then on they
 * hold nothing but what was verified.
 *
 * Each word alone, never one against another: it may have come from a file, and an agent may be, or have died, between two stores.
 */
import { NONE } from "./hints.js";
import { BOUNDARY, GRANULE, getState, HINTS, LAST, type Space } from "./space.js";

/** Throws `ERR_HEAP_CORRUPT` if a word leads out of the area, or out of the tables. */
export function verifyState(space: Space): void {
  const { areaStart, areaEnd, base, bitmapNodes, hints, i32 } = space;
  const isInArea = (offset: number): boolean =>
    offset % GRANULE === 0 && offset >= areaStart - base && offset <= areaEnd - base;
  const last = getState(space, LAST);
  const boundary = getState(space, BOUNDARY);
  if (last !== 0 && !isInArea(last)) throw wrong(space, `the last chunk is at ${last}`);
  if (!isInArea(boundary)) throw wrong(space, `the boundary is at ${boundary}`);
  for (let at = 0; at < HINTS; at++) {
    const node = i32[hints + at];
    if (node !== NONE && (node < 0 || node >= bitmapNodes[0])) throw wrong(space, `hint ${at} is ${node}`);
  }
}

function wrong(space: Space, what: string): Error {
  return space.error("ERR_HEAP_CORRUPT", `hyperheap's state: ${what}, which leads out of the area`, {
    hint: "the bytes are damaged, or no heap's",
  });
}
