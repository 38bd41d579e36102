/**
 * Growth of the area: what happens to `[gapEnd, end)`, and how much of it a request would need.
 *
 *     no gap   …|top____|             →  …|top____________|
 *     gap      …|top____|guest's pages|  →  …|free____|B guest's pages|top______|       B: the bridge's header
 *
 * The area's last bytes have room for a header that no chunk has (see tlsf.ts): it becomes the header of the bridge, a chunk that spans what
 * is somebody else's and is never handed out. `END` commits: before it all that is new lies behind the last chunk.
 */
import { retireTop } from "./ends.js";
import { join } from "./join.js";
import { isAfterFree, setAfterFree } from "./maps.js";
import {
  BRIDGE,
  BRIDGED,
  CHUNKS,
  END,
  footBefore,
  GRANULE,
  getState,
  type Space,
  setSize,
  setState,
  sizeFor,
  TOP,
  TOP_END,
} from "./space.js";

/** The first granule at or behind an address whose chunk's header is not before it. */
function firstFrom(space: Space, address: number): number {
  return Math.ceil((address - space.areaStart + space.header) / GRANULE);
}

/** Takes over `[gapEnd, end)`; `[area end, gapEnd)` is somebody else's. */
export function extend(space: Space, gapEnd: number, end: number): void {
  const { areaStart, least } = space;
  const { i32, state } = space;
  const last = getState(space, END);
  const next = (end - areaStart) >>> 4;
  const isBeside = gapEnd === areaStart + last * GRANULE;
  const first = isBeside ? last : firstFrom(space, gapEnd);
  // Not even a chunk: nobody's, until more comes.
  if (next - first < least) return;
  if (!isBeside) {
    retireTop(space);
    setSize(space, last, (first - last) | BRIDGE);
    i32[state + BRIDGED] += first - last;
  } else if (getState(space, TOP_END) !== last) retireTop(space);
  // A top that ends where the new space begins grows; any other is no top any more.
  if (getState(space, TOP) === getState(space, TOP_END)) {
    setState(space, TOP, next);
    setState(space, TOP_END, next);
  } else setAfterFree(space, last);
  setSize(space, first, next - first);
  setState(space, END, next);
  i32[state + CHUNKS]++;
  join(space, first, next - first);
}

/** Bytes by which the area must grow behind `gap` bytes of somebody else for the request to succeed; -1: in no case. */
export function growthFor(space: Space, bytes: number, align: number, gap: number): number {
  if (bytes > space.maxBytes) return -1;
  const { areaStart, areaEnd, least } = space;
  const last = getState(space, END);
  const isBeside = gap === 0 && areaEnd === areaStart + last * GRANULE;
  const first = isBeside ? startOfFree(space, last) : firstFrom(space, areaEnd + gap);
  const slack = align > GRANULE ? align / GRANULE - 1 + (least > 1 ? least : 0) : 0;
  return Math.max(1, areaStart + (first + sizeFor(space, bytes) + slack) * GRANULE - (areaEnd + gap));
}

/** Where what is free at the end of the chunks begins; the end itself if nothing is. */
function startOfFree(space: Space, end: number): number {
  if (getState(space, TOP_END) === end) return getState(space, TOP);
  return isAfterFree(space, end) ? end - footBefore(space, end) : end;
}
