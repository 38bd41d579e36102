/**
 * The set of free chunks but the last one: a bit in the free map (space.ts), and the index above (tree.ts).
 */
import { inFirstHalf, markPayload, unmarkPayload } from "./maps.js";
import type { Space } from "./space.js";
import { lower, raise, segmentOf } from "./tree.js";

/** Enters a free chunk of `span` bytes that is not the last one. Its header is written already. */
export function enterFree(space: Space, chunk: number, span: number): void {
  const cell = (chunk - space.areaStart) >>> 5;
  space.i32[space.free + (cell >>> 5)] |= 1 << (cell & 31);
  if (inFirstHalf(space, chunk)) markPayload(space, chunk + space.header);
  raise(space, segmentOf(space, chunk), span >>> 4);
}

/** Takes out a free chunk that had `span` bytes. */
export function removeFree(space: Space, chunk: number, span: number): void {
  const cell = (chunk - space.areaStart) >>> 5;
  space.i32[space.free + (cell >>> 5)] &= ~(1 << (cell & 31));
  if (inFirstHalf(space, chunk)) unmarkPayload(space, chunk + space.header);
  lower(space, segmentOf(space, chunk), span >>> 4);
}

/** A free chunk that stays where it is has another length now, which its header says already. */
export function resizeFree(space: Space, chunk: number, before: number, after: number): void {
  const segment = segmentOf(space, chunk);
  if (after > before) raise(space, segment, after >>> 4);
  else lower(space, segment, before >>> 4);
}
