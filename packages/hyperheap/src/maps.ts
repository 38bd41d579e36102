/**
 * The live bitmap and the free map: single bits, out of reach of whoever writes past a block. See space.ts.
 */
import { PREV, type Space, USED_BIT } from "./space.js";

/** Does a payload start at `ptr`? `ptr` must be a multiple of 16 inside the area. */
export function isPayloadStart(space: Space, ptr: number): boolean {
  const granule = (ptr - space.areaStart) >>> 4;
  return ((space.i32[space.live + (granule >>> 5)] >>> (granule & 31)) & 1) !== 0;
}

export function markPayload(space: Space, ptr: number): void {
  const granule = (ptr - space.areaStart) >>> 4;
  space.i32[space.live + (granule >>> 5)] |= 1 << (granule & 31);
}

export function unmarkPayload(space: Space, ptr: number): void {
  const granule = (ptr - space.areaStart) >>> 4;
  space.i32[space.live + (granule >>> 5)] &= ~(1 << (granule & 31));
}

/** Is `ptr` the payload of a used chunk that was handed out? Any unsigned integer may be asked for. */
export function isLive(space: Space, ptr: number): boolean {
  if ((ptr & 15) !== 0 || ptr <= space.areaStart || ptr >= space.areaEnd) return false;
  return isPayloadStart(space, ptr) && (space.i32[(ptr - space.header + PREV) >>> 2] & USED_BIT) !== 0;
}

/** The free chunk that starts in a cell whose bit is set. */
export function chunkInCell(space: Space, cell: number): number {
  const first = space.areaStart + cell * 32;
  return isPayloadStart(space, first + space.header) ? first : first + 16;
}

/** Does the chunk start in the first half of its cell? */
export function inFirstHalf(space: Space, chunk: number): boolean {
  return ((chunk - space.areaStart) & 16) === 0;
}
