/**
 * Growth of the area: what happens to `[gapEnd, end)`, and how much of it a request would need.
 *
 *     no gap    …|piece|______|            →  …|piece|_______________|           the region's limit moves
 *     gap       …|piece|______|guest's|    →  …|piece|______|gap     |_______|   another region
 *
 * Order of stores: the gap's marks, which mean nothing behind `END`, then `END`, which commits.
 */

import { startIn } from "./alloc.js";
import { addCode, lastGap } from "./codes.js";
import { settleRegion } from "./regions.js";
import {
  addressOf,
  END,
  GAP,
  GAPS,
  GRANULE,
  getState,
  granulesFor,
  LIMIT,
  type Space,
  setState,
  TOP,
} from "./space.js";

/** First and last granule are marked, so a gap has two. */
const LEAST_GAP = 2;

/** Takes over `[gapEnd, end)`; whatever lies between it and what the arena has is somebody else's. */
export function extend(space: Space, gapEnd: number, end: number): void {
  const before = getState(space, END);
  const from = Math.max(granuleOf(space, gapEnd), before);
  const to = Math.floor((end - space.areaStart) / GRANULE);
  if (from > before) {
    const behind = Math.max(from, before + LEAST_GAP);
    if (behind >= to) return;
    addCode(space, before, GAP);
    addCode(space, behind - 1, GAP);
  }
  setState(space, END, to);
  if (from > before) setState(space, GAPS, getState(space, GAPS) + 1);
  settleRegion(space);
}

function granuleOf(space: Space, address: number): number {
  return Math.ceil((address - space.areaStart) / GRANULE);
}

/** Bytes by which the area must grow behind `gap` bytes of somebody else for the request to succeed; -1: in no case. */
export function growthFor(space: Space, size: number, align: number, gap: number): number {
  const end = getState(space, END);
  const begin = addressOf(space, space.areaGranules) + gap;
  const isClear = gap === 0 && end === space.areaGranules;
  // Where the last region goes on, or a new one begins.
  const last = getState(space, LIMIT) === end ? getState(space, TOP) : lastGap(space, end) + 1;
  const from = isClear ? last : Math.max(granuleOf(space, begin), end + LEAST_GAP);
  const need = addressOf(space, startIn(space, from, align) + granulesFor(space, size)) - begin;
  return need > 2 ** 32 ? -1 : Math.max(1, need);
}
