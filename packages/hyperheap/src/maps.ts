/**
 * The payload map and the free map: single bits, out of reach of whoever writes past a block. See space.ts.
 */
import { SEGMENT_SHIFT, type Space } from "./space.js";

/** Does a payload begin at `ptr`? `ptr` must be a multiple of 16 inside the area. */
export function isPayloadStart(space: Space, ptr: number): boolean {
  const granule = (ptr - space.areaStart) >>> 4;
  return ((space.i32[space.payloads + (granule >>> 5)] >>> (granule & 31)) & 1) !== 0;
}

export function markPayload(space: Space, ptr: number): void {
  markGranule(space, (ptr - space.areaStart) >>> 4);
}

export function unmarkPayload(space: Space, ptr: number): void {
  unmarkGranule(space, (ptr - space.areaStart) >>> 4);
}

/** As `markPayload`, for the payload that begins in a granule of the area. */
export function markGranule(space: Space, granule: number): void {
  space.i32[space.payloads + (granule >>> 5)] |= 1 << (granule & 31);
}

export function unmarkGranule(space: Space, granule: number): void {
  space.i32[space.payloads + (granule >>> 5)] &= ~(1 << (granule & 31));
}

/** Enters the free chunk that begins in a granule of the area into the free map. */
export function mapGranule(space: Space, granule: number): void {
  space.i32[space.free + (granule >>> SEGMENT_SHIFT)] |= 1 << ((granule >>> 1) & 31);
}

/** Takes the free chunk that begins in a granule of the area out of the free map. */
export function unmapGranule(space: Space, granule: number): void {
  space.i32[space.free + (granule >>> SEGMENT_SHIFT)] &= ~(1 << ((granule >>> 1) & 31));
}

/** Is `chunk` in the free map? */
export function isMapped(space: Space, chunk: number): boolean {
  const cell = (chunk - space.areaStart) >>> 5;
  return ((space.i32[space.free + (cell >>> 5)] >>> (cell & 31)) & 1) !== 0;
}

/** Is `ptr` the payload of a used chunk that was handed out? Any unsigned integer may be asked for. */
export function isLive(space: Space, ptr: number): boolean {
  if ((ptr & 15) !== 0 || ptr <= space.areaStart || ptr >= space.areaEnd) return false;
  return isPayloadStart(space, ptr) && !isMapped(space, ptr - space.header);
}

/** Word index of the free chunk that begins in a cell whose bit is set. */
export function chunkInCell(space: Space, cell: number): number {
  const payload = cell * 2 + space.headerGranules;
  const isFirstHalf = (space.i32[space.payloads + (payload >>> 5)] >>> (payload & 31)) & 1;
  return space.areaWord + ((cell * 2 + 1 - isFirstHalf) << 2);
}
