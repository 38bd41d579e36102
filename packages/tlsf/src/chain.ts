/**
 * The chain: all chunks in address order, from sizes alone, read with suspicion.
 *
 *     |chunk|chunk|…|cursor|…|bridge|chunk|…|top|…|
 *
 * This is what every store leaves whole, and from which all else can be made anew.
 */
import { isLive } from "./maps.js";
import { BRIDGE, CURSOR, CURSOR_END, END, getState, type Space, sizeAt, TOP, TOP_END } from "./space.js";
import { corrupt } from "./validate.js";

export const LIVE = 0;
/** In a list, or about to be. */
export const LISTED = 1;
export const AT_CURSOR = 2;
export const AT_TOP = 3;
export const BRIDGED_OVER = 4;
export type Kind = 0 | 1 | 2 | 3 | 4;

/** Visits every chunk until `visit` returns false. Throws `ERR_HEAP_CORRUPT` where the chain cannot be followed. */
export function eachChunk(
  space: Space,
  // biome-ignore lint/suspicious/noConfusingVoidType: most visitors go on to the end.
  visit: (granule: number, size: number, kind: Kind) => boolean | void,
): void {
  const end = getState(space, END);
  if (end < space.first || end > space.granules)
    throw space.error("ERR_HEAP_CORRUPT", `the end of the chunks, ${end}, cannot be true`, {});
  for (let granule = space.first; granule < end; ) {
    const kind = kindOf(space, granule);
    const size = spanOf(space, granule, kind);
    if (size < 1 || size > end - granule) corrupt(space, granule, size);
    if (kind < AT_CURSOR && size < space.least) corrupt(space, granule, size);
    if (visit(granule, size, kind) === false) return;
    granule += size;
  }
}

function kindOf(space: Space, granule: number): Kind {
  if (isLive(space, granule)) return LIVE;
  if (granule === getState(space, TOP)) return AT_TOP;
  if (granule === getState(space, CURSOR)) return AT_CURSOR;
  return sizeAt(space, granule) < 0 ? BRIDGED_OVER : LISTED;
}

function spanOf(space: Space, granule: number, kind: Kind): number {
  if (kind === AT_TOP) return getState(space, TOP_END) - granule;
  if (kind === AT_CURSOR) return getState(space, CURSOR_END) - granule;
  const size = sizeAt(space, granule);
  return kind === BRIDGED_OVER ? size ^ BRIDGE : size;
}
