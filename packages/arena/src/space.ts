/**
 * Space: one agent's view of an arena, and where its bytes are.
 *
 * Everything that matters is in the memory; a Space holds views, addresses and nothing else. Positions are counted in granules of 16 bytes
 * from the area's start: below 2^28, so that all arithmetic is that of 32-bit integers wherever the region lies.
 *
 * Price: a granule's code has 2 bits, 1.56 % of the region.
 */
import type { Context, Region, StateSize } from "@heapwright/core";

export const GRANULE = 16;
export const PAGE = 4096;

/** Words of the state, from `Space.state` on; the invariants are in arena.ts. */
export const TOP = 0;
export const LIMIT = 1;
export const END = 2;
export const REGION = 3;
export const BEYOND = 4;
export const WASTE = 5;
export const GENERATION = 6;
export const HIGH = 7;
export const EVENTS = 8;
export const GAPS = 9;
/** Two words each, see marks.ts. */
export const FIRST_EVENT = 16;
export const MOST_EVENTS = 24;
const STATE_BYTES = (FIRST_EVENT + 2 * MOST_EVENTS) * 4;

/** Codes of granules: no piece begins here; a piece that is no block, or no more; a live block; the first or last granule of a gap. */
export const DEAD = 1;
export const GAP = 2;
export const LIVE = 3;
/** Codes a word. */
export const CODES = 16;

/** @returns Bytes of the state and the codes for a region. */
export function stateBytes({ regionBytes }: Pick<StateSize, "regionBytes">): number {
  return STATE_BYTES + 4 * Math.ceil(regionBytes / GRANULE / CODES);
}

/** Views and addresses. Fields are only declared, as in hyperheap: all spaces have one hidden class. */
export class Space {
  declare i32: Int32Array;
  /** End of the area as the heap has it, in granules; what the arena has taken over of it ends at `END`. */
  declare areaGranules: number;
  declare readonly areaStart: number;
  /** Word index of the area's start. */
  declare readonly areaWord: number;
  /** Granules, and bytes, of a block's header. */
  declare readonly header: number;
  declare readonly headerBytes: number;
  /** Word indexes: state, codes, the first word behind the codes, and the one that says what is being made (`Context.made`). */
  declare readonly state: number;
  declare readonly codes: number;
  declare readonly codesEnd: number;
  declare readonly made: number;
  declare readonly error: Context["error"];

  constructor(ctx: Context) {
    const { memory, region, layout } = ctx;
    this.i32 = memory.i32;
    this.areaGranules = (region.areaEnd - region.areaStart) >>> 4;
    this.areaStart = region.areaStart;
    this.areaWord = region.areaStart >>> 2;
    this.header = layout.headerBytes >>> 4;
    this.headerBytes = layout.headerBytes;
    this.state = ctx.state >>> 2;
    this.codes = (ctx.state + STATE_BYTES) >>> 2;
    this.codesEnd = this.codes + Math.ceil((region.areaMax - region.areaStart) / GRANULE / CODES);
    this.made = ctx.made;
    this.error = ctx.error;
    ctx.onRefresh(() => this.refresh(ctx.memory, region));
  }

  private refresh(memory: Context["memory"], region: Region): void {
    this.i32 = memory.i32;
    this.areaGranules = (region.areaEnd - region.areaStart) >>> 4;
  }
}

export function getState(space: Space, word: number): number {
  return space.i32[space.state + word];
}

export function setState(space: Space, word: number, value: number): void {
  space.i32[space.state + word] = value;
}

/** Address of a granule. */
export function addressOf(space: Space, granule: number): number {
  return space.areaStart + granule * GRANULE;
}

/** Granules a request takes, its header included. At most 2^28 and a header: sizes near 2^32 need no test of their own. */
export function granulesFor(space: Space, size: number): number {
  return (((size - 1) >>> 4) + 1 + space.header) | 0;
}
