/**
 * Space: one agent's view of a hyperheap, and where its bytes are.
 *
 * Everything that matters is in the memory; a Space holds views, addresses and nothing else.
 *
 *     state     hints     payload map    free map       bitmaps     tree      page table        area
 *     |64 bytes |28 words |1 bit a 16 B  |1 bit a 32 B  |bitmaps.ts |tree.ts  |1 + slots a page |chunk|chunk|…|run|run|
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
 * | heap | distance to the heap header: base - chunk; bit 0 is set in a bridge |
 * | LAST | offset of the physically last chunk, 0 if page runs fill the whole area |
 * | BOUNDARY | offset where chunks end and the page runs at the top begin |
 * | FREE, USED | sums of the payloads of free and of used chunks (bridges not counted) |
 * | PAGES, PAGES_FREE | bytes of page runs in use, and freed |
 * | PAGE_FLOOR | 0, or one more than the first page whose table entry may be set |
 * | DEFERRED | 0, or one more than the stretch whose maximum in the tree may be too high (tree.ts) |
 *
 * Two bitmaps say what a chunk is, out of reach of whoever writes past a block:
 *
 * | bitmap | a bit is set for |
 * |---|---|
 * | payload map | the granule in which the payload of a block, or of a free chunk that is not the last one, begins |
 * | free map | the 32-byte cell in which a free chunk that is not the last one begins (chunks have 32 bytes, so one at most) |
 *
 * A pointer is a live block if its payload bit is set and its free bit is not. Which half of its cell a free chunk begins in, the
 * payload map says. A free **last** chunk is in neither map, and outside the index: most blocks of a growing heap are cut from it.
 *
 * A bridge is a used chunk without a bit in the payload map: never handed out, it spans page runs or a guest's pages. Bit 0 of its `heap`
 * is set, which no other chunk's is: the maps can be made anew from the chunks alone (recover.ts).
 *
 * Units: names that end in `Word` are indexes of 32-bit words and those in `Granules` count 16 bytes; both stay below 2^30, so that
 * the hot paths compute in 32-bit integers wherever the region lies. All else is in bytes.
 *
 * Price: 16 bytes a block; tables of 0.78 % + 0.39 % + 0.18 % + 0.1 % of the region, and 0.1 % for pages.
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
export const DEFERRED = 7;
const STATE_BYTES = 64;

/** Byte offsets of the header's first fields, which stand at the same place under every plugin. */
export const NEXT = 0;
export const PREV = 4;
export const USED_BIT = 1;
/** In a header's `heap`. */
export const BRIDGE_BIT = 1;

/** The index: a segment is 64 granules (1 KiB), which is one word of the free map; see bitmaps.ts. */
export const SEGMENT_SHIFT = 6;
const SEGMENT_BYTES = GRANULE << SEGMENT_SHIFT;
/** Size classes of the bitmaps, of the hints, and bits of a node. */
export const CLASSES = 14;
export const HINTS = 28;
export const NODE_SHIFT = 5;
export const NODE = 1 << NODE_SHIFT;
/** The highest level of the bitmaps has at most so many nodes. */
const TOP_NODES = 4;
/** A stretch is 4 KiB, that many segments; children of a node; see tree.ts. */
export const STRETCH_SHIFT = 2;
export const SEGMENTS = 1 << STRETCH_SHIFT;
export const FANOUT_SHIFT = 4;
export const FANOUT = 1 << FANOUT_SHIFT;

/** Where the tables are, as byte offsets from the state; the same for all agents. */
interface Tables {
  readonly hints: number;
  readonly payloads: number;
  readonly free: number;
  readonly segments: number;
  /** Byte offset and nodes of each level of the bitmaps, byte offset and words of each level of the tree; lowest first. */
  readonly bitmapStart: readonly number[];
  readonly bitmapNodes: readonly number[];
  readonly treeStart: readonly number[];
  readonly treeWords: readonly number[];
  readonly pages: number;
  /** Entries of the page table. */
  readonly entries: number;
  readonly bytes: number;
}

const align64 = (bytes: number): number => Math.ceil(bytes / 64) * 64;

/** Sizes of the levels from one of `lowest` nodes up, `fanout` of them a node above, to one of at most `top` nodes. */
export function levelSizes(lowest: number, fanout: number, top: number): number[] {
  const sizes = [lowest];
  while (sizes[sizes.length - 1] > top) sizes.push(Math.ceil(sizes[sizes.length - 1] / fanout));
  return sizes;
}

/** @param regionBytes An upper bound of the area. */
export function planTables(regionBytes: number, sideWords: number): Tables {
  const hints = STATE_BYTES;
  const payloads = align64(hints + HINTS * 4);
  const free = payloads + align64(regionBytes / GRANULE / 8);
  const segments = Math.max(1, Math.ceil(regionBytes / SEGMENT_BYTES));
  let end = free + align64(regionBytes / 32 / 8);
  const place = (bytes: number): number => {
    const start = end;
    end += align64(bytes);
    return start;
  };
  const bitmapNodes = levelSizes(Math.ceil(segments / NODE), NODE, TOP_NODES);
  const bitmapStart = bitmapNodes.map((nodes) => place(nodes * CLASSES * 4));
  const treeWords = levelSizes(Math.ceil(segments / SEGMENTS), FANOUT, FANOUT);
  const treeStart = treeWords.map((words) => place(words * 4));
  const entries = Math.ceil(regionBytes / PAGE) + 2;
  const pages = place(entries * (1 + sideWords) * 4);
  return {
    hints,
    payloads,
    free,
    segments,
    bitmapStart,
    bitmapNodes,
    treeStart,
    treeWords,
    pages,
    entries,
    bytes: end,
  };
}

export function stateBytes({ regionBytes, layout }: StateSize): number {
  return planTables(regionBytes, layout.sideWords).bytes;
}

/**
 * Views and addresses. Field order is fixed in the constructor: all spaces have one hidden class. Fields are only declared: defined ones
 * would be `undefined` first, and V8 would test each of them for being a small integer at every use.
 */
export class Space {
  declare i32: Int32Array;
  declare u32: Uint32Array;
  /** End of the area. */
  declare areaEnd: number;
  /** Granules of the area. */
  declare areaGranules: number;
  declare readonly base: number;
  declare readonly areaStart: number;
  declare readonly baseWord: number;
  declare readonly areaWord: number;
  /** Bytes, words and granules of a chunk header. */
  declare readonly header: number;
  declare readonly headerWords: number;
  declare readonly headerGranules: number;
  /** Smallest chunk: a header and a granule. */
  declare readonly least: number;
  /** Byte offset of the `heap` field in a header, and its word. */
  declare readonly heapField: number;
  declare readonly heapWord: number;
  /** Word indexes: state, hints, payload map, free map, page table. */
  declare readonly state: number;
  /** Word that says which block is being made, until it is handed out (`Context.made`). */
  declare readonly made: number;
  declare readonly hints: number;
  declare readonly payloads: number;
  declare readonly free: number;
  declare readonly pages: number;
  declare readonly segments: number;
  /** First word and number of nodes of each level of the bitmaps, lowest first; first word of the lowest. */
  declare readonly bitmapStart: readonly number[];
  declare readonly bitmaps: number;
  declare readonly bitmapNodes: readonly number[];
  /** First word and number of words of each level of the tree, lowest first. */
  declare readonly treeStart: readonly number[];
  declare readonly treeWords: readonly number[];
  /** Words of a page-table entry, and how many entries there are. */
  declare readonly entryWords: number;
  declare readonly entries: number;
  /** First byte of page 0 of the page table. */
  declare readonly pageBase: number;
  declare readonly error: Context["error"];

  constructor(ctx: Context) {
    const { memory, region, layout, state } = ctx;
    const tables = planTables(region.areaMax - region.base, layout.sideWords);
    this.i32 = memory.i32;
    this.u32 = memory.u32;
    this.areaEnd = region.areaEnd;
    this.areaGranules = (region.areaEnd - region.areaStart) >>> 4;
    this.base = region.base;
    this.areaStart = region.areaStart;
    this.baseWord = region.base >>> 2;
    this.areaWord = region.areaStart >>> 2;
    this.header = layout.headerBytes;
    this.headerWords = layout.headerBytes >>> 2;
    this.headerGranules = layout.headerBytes >>> 4;
    this.least = layout.headerBytes + GRANULE;
    this.heapField = layout.field("heap");
    this.heapWord = this.heapField >>> 2;
    this.state = state >>> 2;
    this.made = ctx.made;
    this.hints = (state + tables.hints) >>> 2;
    this.payloads = (state + tables.payloads) >>> 2;
    this.free = (state + tables.free) >>> 2;
    this.pages = (state + tables.pages) >>> 2;
    this.segments = tables.segments;
    this.bitmapStart = tables.bitmapStart.map((offset) => (state + offset) >>> 2);
    this.bitmaps = this.bitmapStart[0];
    this.bitmapNodes = tables.bitmapNodes;
    this.treeStart = tables.treeStart.map((offset) => (state + offset) >>> 2);
    this.treeWords = tables.treeWords;
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
    this.areaGranules = (region.areaEnd - region.areaStart) >>> 4;
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
