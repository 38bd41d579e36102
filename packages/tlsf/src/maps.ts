/**
 * The two maps, out of reach of whoever writes past a block, word by word side by side: a look at both is one cache line.
 *
 *     |live, granules 0 … 31|after free, 0 … 31|live, 32 … 63|after free, 32 … 63|…
 *
 * | bit | is set |
 * |---|---|
 * | live | while the payload of a live block begins in the granule |
 * | after free | while the chunk whose payload would begin in the granule has a free chunk before it |
 *
 * "After free" stays as it is when a free chunk is cut from its front, and when it is joined to what is before it: it marks ends.
 */
import type { Space } from "./space.js";

export function isLive(space: Space, granule: number): boolean {
  return ((space.i32[space.maps + ((granule >>> 4) & -2)] >>> (granule & 31)) & 1) !== 0;
}

export function setLive(space: Space, granule: number): void {
  space.i32[space.maps + ((granule >>> 4) & -2)] |= 1 << (granule & 31);
}

export function isAfterFree(space: Space, granule: number): boolean {
  return ((space.i32[space.maps + ((granule >>> 4) & -2) + 1] >>> (granule & 31)) & 1) !== 0;
}

export function setAfterFree(space: Space, granule: number): void {
  space.i32[space.maps + ((granule >>> 4) & -2) + 1] |= 1 << (granule & 31);
}

export function clearAfterFree(space: Space, granule: number): void {
  space.i32[space.maps + ((granule >>> 4) & -2) + 1] &= ~(1 << (granule & 31));
}

/** Granule of a live block's payload; -1 if `ptr`, any unsigned integer, is none. */
export function liveGranule(space: Space, ptr: number): number {
  const granule = (ptr >>> 4) - space.areaGranule;
  if ((ptr & 15) !== 0 || granule >>> 0 >= space.granules) return -1;
  return isLive(space, granule) ? granule : -1;
}
