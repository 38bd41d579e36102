/**
 * Growth of the area: what happens to `[gapEnd, end)`, and how much of it a request would need.
 *
 *     no gap, no runs at the top     …|last______|            →  …|last____________|            (or a new free chunk)
 *     gap or runs, last chunk free   …|last______|runs, gap|  →  …|last____|B runs, gap|______|  B: the bridge, a used chunk
 *     gap or runs, last chunk used   …|last======|runs, gap|  →  …|last======|runs, gap|pages|   the new space serves pages only
 *
 * A bridge is a header in the top bytes of the last chunk whose payload spans what must stay where it is. Where the last chunk
 * is too small to keep a payload beside it, all of it becomes the bridge.
 *
 * The core grows a memory to the end of a page. A last chunk that ends inside one has somebody else's bytes behind it, and no page
 * run is cut from it: for those, too, the area grows behind a bridge.
 */
import { isUsed, setNext, spanOf, writeHeader } from "./chain.js";
import { appendFree } from "./chunks.js";
import { slackFor } from "./fit.js";
import { enterFree } from "./free-chunks.js";
import { adoptPages, pagesFor } from "./pages.js";
import {
  BOUNDARY,
  BRIDGE_BIT,
  boundaryOf,
  FREE,
  GRANULE,
  getState,
  LAST,
  lastChunk,
  MAX_REQUEST,
  PAGE,
  PREV,
  roundRequest,
  type Space,
  setState,
  USED_BIT,
} from "./space.js";

/** Takes over `[gapEnd, end)`; `[area end, gapEnd)` is somebody else's. */
export function extend(space: Space, gapEnd: number, end: number): void {
  const boundary = boundaryOf(space);
  if (gapEnd === space.areaEnd && boundary === space.areaEnd) {
    appendFree(space, boundary, end);
  } else if (canBridge(space)) {
    bridge(space, gapEnd);
    appendFree(space, gapEnd, end);
  } else {
    adoptPages(space, gapEnd, end);
  }
}

function canBridge(space: Space): boolean {
  const last = lastChunk(space);
  return last !== 0 && !isUsed(space, last);
}

/** `U______|runs` to `U____BBBBBB`; the bridge is the last chunk then, and used. */
function bridge(space: Space, gapEnd: number): void {
  const { header, least, base } = space;
  const last = lastChunk(space);
  const span = spanOf(space, last);
  if (span < least + header) {
    space.i32[(last + space.heapField) >>> 2] |= BRIDGE_BIT;
    space.i32[(last + PREV) >>> 2] |= USED_BIT;
    setState(space, FREE, getState(space, FREE) - (span - header));
  } else {
    const chunk = last + span - header;
    writeHeader(space, chunk, 0, span - header, USED_BIT);
    space.i32[(chunk + space.heapField) >>> 2] |= BRIDGE_BIT;
    setNext(space, last, span - header);
    setState(space, LAST, chunk - base);
    enterFree(space, last, span - header);
    setState(space, FREE, getState(space, FREE) - header);
  }
  setState(space, BOUNDARY, gapEnd - base);
}

/** Bytes by which the area must grow behind `gap` bytes of somebody else for the request to succeed; -1: in no case. */
export function growthFor(space: Space, size: number, align: number, gap: number): number {
  const last = lastChunk(space);
  const lastFree = canBridge(space);
  const isClear = gap === 0 && boundaryOf(space) === space.areaEnd;
  const isPages = align === PAGE;
  if (!isPages && size > MAX_REQUEST) return -1;
  if (!isClear && !lastFree) return isPages ? pagesFor(size) * PAGE + padding(space, gap) : -1;
  // Where the chunk begins that the request would be served from, and how much of it there is already.
  const from = Math.ceil((space.areaEnd + gap) / GRANULE) * GRANULE;
  const chunk = isClear && lastFree ? last : from;
  const have = from - chunk;
  // The run is cut from the top, a page's end; what stays of the chunk is nothing at all, or at least the smallest chunk.
  if (isPages) {
    const stays = chunk % PAGE === 0 ? 0 : space.least;
    return Math.max(1, stays + pagesFor(size) * PAGE - have);
  }
  return Math.max(1, space.header + slackFor(space, chunk, align) + roundRequest(size) - have);
}

/** Bytes up to the next page, which page runs cannot use. */
function padding(space: Space, gap: number): number {
  const end = space.areaEnd + gap;
  return Math.ceil(end / PAGE) * PAGE - end;
}
