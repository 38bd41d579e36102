/**
 * The set of free chunks but the last one: a bit in the free map (space.ts), and the index above (bitmaps.ts, tree.ts).
 */
import { forget, LARGE, setBits } from "./bitmaps.js";
import { isUsed, spanOf } from "./chain.js";
import { lowerHints } from "./hints.js";
import { mapGranule, markGranule, unmapGranule } from "./maps.js";
import { DEFERRED, lastChunk, NODE_SHIFT, SEGMENT_SHIFT, type Space, setState } from "./space.js";
import { lower, raise } from "./tree.js";

/** Enters a free chunk of `span` bytes that is not the last one. Its header is written already. */
export function enterFree(space: Space, chunk: number, span: number): void {
  const granule = (chunk - space.areaStart) >>> 4;
  mapGranule(space, granule);
  markGranule(space, granule + space.headerGranules);
  grown(space, granule, span >>> 4);
}

/** Takes out a free chunk that had `span` bytes. Its payload stays marked: it is a block now, or whoever ends it unmarks it. */
export function removeFree(space: Space, chunk: number, span: number): void {
  const granule = (chunk - space.areaStart) >>> 4;
  unmapGranule(space, granule);
  shrunk(space, granule, span >>> 4);
}

/** A free chunk that stays where it is has another length now, which its header says already. */
export function resizeFree(space: Space, chunk: number, before: number, after: number): void {
  const granule = (chunk - space.areaStart) >>> 4;
  if (after > before) grown(space, granule, after >>> 4);
  else shrunk(space, granule, before >>> 4);
}

/** A free chunk of `span` granules begins at this granule of the area now, or has become that long; the free map has it already. */
function grown(space: Space, granule: number, span: number): void {
  setBits(space, granule >> SEGMENT_SHIFT, span);
  lowerHints(space, granule >> (NODE_SHIFT + SEGMENT_SHIFT), span);
  if (span > LARGE) raise(space, granule, span);
}

/** The free chunk of `span` granules that began at this granule of the area is gone or shorter; map and headers say so already. */
export function shrunk(space: Space, granule: number, span: number): void {
  forget(space, granule >> SEGMENT_SHIFT, span);
  if (span > LARGE) lower(space, granule, span);
}

/** The free map and the index made anew from the chunks alone. */
export function rebuildIndex(space: Space): void {
  space.i32.fill(0, space.hints, space.payloads);
  space.i32.fill(0, space.free, space.pages);
  setState(space, DEFERRED, 0);
  const last = lastChunk(space);
  for (let chunk = space.areaStart; chunk < last; ) {
    const span = spanOf(space, chunk);
    if (!isUsed(space, chunk)) enterFree(space, chunk, span);
    chunk += span;
  }
}
