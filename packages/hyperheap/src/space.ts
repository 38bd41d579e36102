/**
 * Space: one agent's view of a hyperheap, and where its bytes are.
 *
 * Everything that matters is in the memory; a Space holds views, addresses and nothing else.
 *
 *     state (64 bytes)  live bitmap     free map       index          page table           area
 *     |last|boundary|…  |1 bit a 16 B   |1 bit a 32 B  |tree.ts       |1 + slots a page    |chunk|chunk|…|run|run|
 *
 * A chunk (header h = 16 bytes without plugins' slots, see core's layout):
 *
 *     0            4            8            12           16
 *     |next u32    |prev i32    |slot        |heap i32    |payload, at least 16 bytes …
 *
 * | word | invariant |
 * |---|---|
 * | next | distance to the next chunk; 0 in the last one, which ends at the boundary |
 * | prev | minus the distance to the previous chunk (0 in the first), bit 0 set while the chunk is used |
 * | heap | distance to the heap header: base - chunk |
 * | LAST | offset of the physically last chunk, 0 if page runs fill the whole area |
 * | BOUNDARY | offset where chunks end and the page runs at the top begin |
 * | FREE, USED | sums of the payloads of free and of used chunks (bridges not counted) |
 * | PAGES, PAGES_FREE | bytes of page runs in use, and freed |
 * | PAGE_FLOOR | 0, or one more than the first page whose table entry may be set |
 *
 * The free map holds every free chunk but a free last chunk: a bit for the 32-byte cell a chunk starts in (chunks are at least
 * 32 bytes, so no two start in one cell). Which half of the cell it is, the live bitmap tells: the bit at the payload of a free
 * chunk that starts in the first half is set as well, so a set bit means "a payload starts here", and the used bit in that chunk's
 * header decides whether it is live.
 *
 * A bridge is a used chunk without a bit in the live bitmap: never handed out, it spans page runs or a guest's pages.
 *
 * Price: 16 bytes a block; tables of 0.78 % + 0.39 % + 0.21 % of the region, and 0.1 % for pages.
 */
import type { Context, Region, StateSize } from "@heapwright/core";

export const GRANULE = 16;
export const PAGE = 4096;
export const PAGE_SHIFT = 12;
/** The largest request that rounds up to a 32-bit number. */
export const MAX_REQUEST = 0xfffffff0;

/** Words of the state, from `Space.state` on. */
export const LAST = 0;
export const BOUNDARY = 1;
export const FREE = 2;
export const USED = 3;
export const PAGES = 4;
export const PAGES_FREE = 5;
export const PAGE_FLOOR = 6;
const STATE_BYTES = 64;

/** Byte offsets of the header's first fields, which stand at the same place under every plugin. */
export const NEXT = 0;
export const PREV = 4;
export const USED_BIT = 1;

/** The index: bytes of a segment, and children of a node; see tree.ts. */
export const SEGMENT_SHIFT = 11;
export const SEGMENT_BYTES = 1 << SEGMENT_SHIFT;
export const FANOUT_SHIFT = 4;
export const FANOUT = 1 << FANOUT_SHIFT;

/** Where the tables are, as byte offsets from the state; the same for all agents. */
interface Tables {
  readonly live: number;
  readonly free: number;
  /** Byte offset and words of each level of the index. */
  readonly levelStart: readonly number[];
  readonly levels: readonly number[];
  readonly pages: number;
  /** Entries of the page table. */
  readonly entries: number;
  readonly bytes: number;
}

const align64 = (bytes: number): number => Math.ceil(bytes / 64) * 64;

/** Words of each level, leaves first, for an area of at most `bytes`; the last level has at most 16. */
export function levelSizes(bytes: number): number[] {
  const sizes = [Math.max(1, Math.ceil(bytes / SEGMENT_BYTES))];
  for (let words = sizes[0]; words > FANOUT; ) {
    words = Math.ceil(words / FANOUT);
    sizes.push(words);
  }
  return sizes;
}

/** @param regionBytes An upper bound of the area. */
export function planTables(regionBytes: number, sideWords: number): Tables {
  const live = STATE_BYTES;
  const free = live + align64(regionBytes / GRANULE / 8);
  const index = free + align64(regionBytes / 32 / 8);
  const levels = levelSizes(regionBytes);
  const levelStart: number[] = [];
  let pages = index;
  for (const words of levels) {
    levelStart.push(pages);
    pages += align64(words * 4);
  }
  const entries = Math.ceil(regionBytes / PAGE) + 2;
  return {
    live,
    free,
    levelStart,
    levels,
    pages,
    entries,
    bytes: pages + align64(entries * (1 + sideWords) * 4),
  };
}

export function stateBytes({ regionBytes, layout }: StateSize): number {
  return planTables(regionBytes, layout.sideWords).bytes;
}

/** Views and addresses. Field order is fixed in the constructor: all spaces have one hidden class. */
export class Space {
  i32: Int32Array;
  u32: Uint32Array;
  /** End of the area. */
  areaEnd: number;
  readonly base: number;
  readonly areaStart: number;
  /** Bytes of a chunk header. */
  readonly header: number;
  /** Smallest chunk: a header and a granule. */
  readonly least: number;
  /** Byte offset of the `heap` field in a header. */
  readonly heapField: number;
  /** Word indexes: state, live bitmap, free map, page table. */
  readonly state: number;
  readonly live: number;
  readonly free: number;
  readonly pages: number;
  /** First word and number of words of each level of the index, leaves first. */
  readonly levelStart: readonly number[];
  readonly levelWords: readonly number[];
  /** Words of a page-table entry, and how many entries there are. */
  readonly entryWords: number;
  readonly entries: number;
  /** First byte of page 0 of the page table. */
  readonly pageBase: number;
  readonly error: Context["error"];

  constructor(ctx: Context) {
    const { memory, region, layout, state } = ctx;
    const tables = planTables(region.areaMax - region.base, layout.sideWords);
    this.i32 = memory.i32;
    this.u32 = memory.u32;
    this.areaEnd = region.areaEnd;
    this.base = region.base;
    this.areaStart = region.areaStart;
    this.header = layout.headerBytes;
    this.least = layout.headerBytes + GRANULE;
    this.heapField = layout.field("heap");
    this.state = state >>> 2;
    this.live = (state + tables.live) >>> 2;
    this.free = (state + tables.free) >>> 2;
    this.pages = (state + tables.pages) >>> 2;
    this.levelStart = tables.levelStart.map((offset) => (state + offset) >>> 2);
    this.levelWords = tables.levels;
    this.entryWords = 1 + layout.sideWords;
    this.entries = tables.entries;
    this.pageBase = region.areaStart - (region.areaStart % PAGE);
    this.error = ctx.error;
    ctx.onRefresh(() => this.refresh(ctx.memory, region));
  }

  private refresh(memory: Context["memory"], region: Region): void {
    this.i32 = memory.i32;
    this.u32 = memory.u32;
    this.areaEnd = region.areaEnd;
  }
}

// ---- words -------------------------------------------------------------------------------------------------------

export function getState(space: Space, word: number): number {
  return space.u32[space.state + word];
}

export function setState(space: Space, word: number, value: number): void {
  space.u32[space.state + word] = value;
}

/** Address of the last chunk; 0 if there is none. */
export function lastChunk(space: Space): number {
  const offset = space.u32[space.state + LAST];
  return offset === 0 ? 0 : space.base + offset;
}

/** Address where chunks end. */
export function boundaryOf(space: Space): number {
  return space.base + space.u32[space.state + BOUNDARY];
}

/** `size` rounded up to the granule, at least one; only for sizes up to `MAX_REQUEST`. */
export function roundRequest(size: number): number {
  return size <= GRANULE ? GRANULE : ((size + 15) & -16) >>> 0;
}
