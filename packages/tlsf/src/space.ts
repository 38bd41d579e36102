/**
 * Space: one agent's view of a TLSF heap, and where its bytes are.
 *
 * Everything that matters is in the memory; a Space holds views, numbers and nothing else. The picture of the bytes, and the invariant
 * of each word, are at the head of tlsf.ts.
 *
 * Units: a granule is 16 bytes, counted from the area's start; a chunk is named by the granule its payload begins in, and sizes count
 * granules. Names that end in `Word` are indexes of 32-bit words. Granules stay at or below 2^28 and words below 2^30, so that the hot
 * paths compute in 32-bit integers wherever the region lies.
 */
import type { Context, Region, StateSize } from "@heapwright/core";

export const GRANULE = 16;
export const MAX_ALIGN = 4096;

/**
 * Words of the state, from `Space.state` on. What every operation touches is in one cache line. The first two stand for the chunk that a
 * link of 0 leads to, which is none: nothing is written to the first, and nobody reads the second.
 */
export const TOP = 2;
export const TOP_END = 3;
export const CURSOR = 4;
export const CURSOR_END = 5;
export const USED = 6;
export const CHUNKS = 7;
export const END = 8;
export const BRIDGED = 9;
/** A bit for each word of the second level that may not be 0; the second level, a bit for each list that is not empty. */
export const FIRST_LEVEL = 10;
export const SECOND_LEVEL = 16;
/** First chunk of each list, by class. */
export const HEADS = 48;

/** In a chunk's size: it spans what is somebody else's. The sign, so that no other chunk's size looks like one. */
export const BRIDGE = -0x80000000;
/** Bytes of a free chunk that are needed: two links and the foot. */
const LINKS_BYTES = 12;
/** Up to here a class is a size; above, each power of two has 32 classes. */
export const EXACT = 63;

/** Class of a size: the list it goes into. Without a branch, which would be mispredicted. */
export function classOf(size: number): number {
  let shift = 26 - Math.clz32(size);
  shift &= ~(shift >> 31);
  return ((shift << 5) + (size >>> shift)) | 0;
}

/** The lowest class of which every chunk has `size` granules. */
export function classFor(size: number): number {
  let shift = 26 - Math.clz32(size);
  shift &= ~(shift >> 31);
  return classOf(size + (1 << shift) - 1);
}

interface Tables {
  /** Words of the second level; one more than chunks can need, for requests rounded up to a class that none has. */
  readonly levels: number;
  /** Byte offset of the maps from the state. */
  readonly maps: number;
  /** Pairs of words in the maps. */
  readonly pairs: number;
  readonly bytes: number;
}

const align64 = (bytes: number): number => Math.ceil(bytes / 64) * 64;

/** @param regionBytes An upper bound of the area. */
export function planTables(regionBytes: number): Tables {
  const granules = Math.ceil(regionBytes / GRANULE) + 1;
  const levels = (classOf(granules) >>> 5) + 2;
  const maps = align64((HEADS + levels * 32) * 4);
  return { levels, maps, pairs: (granules >>> 5) + 1, bytes: maps + align64((granules / 32 + 1) * 8) };
}

export function stateBytes({ regionBytes }: StateSize): number {
  return planTables(regionBytes).bytes;
}

/**
 * Views and numbers. Field order is fixed in the constructor: all spaces have one hidden class. Fields are only declared: defined ones
 * would be `undefined` first, and V8 would test each of them for being a small integer at every use.
 */
export class Space {
  declare i32: Int32Array;
  /** Granules of the area; the payload of a chunk never begins at this one or behind. */
  declare granules: number;
  declare areaEnd: number;
  declare readonly base: number;
  declare readonly areaStart: number;
  /** Word of the payload of granule 0, and of its chunk's header. */
  declare readonly areaWord: number;
  declare readonly chunkWord: number;
  /** Words from the state to the payload of granule 0, and to the area's end: what links count. */
  declare readonly areaLink: number;
  declare linkEnd: number;
  /** Granules between address 0 and the area. */
  declare readonly areaGranule: number;
  /** Bytes and words of a chunk header. */
  declare readonly header: number;
  declare readonly headerWords: number;
  /** Granules of the smallest chunk. */
  declare readonly least: number;
  /** What is added to a size before it is divided by 16, rounding up. */
  declare readonly rounding: number;
  /** The largest request whose class is a size, and the largest there is. */
  declare readonly exactBytes: number;
  declare readonly maxBytes: number;
  /** Where the first chunk's payload begins. */
  declare readonly first: number;
  /** Word indexes: state, heads of the lists, maps. */
  declare readonly state: number;
  declare readonly maps: number;
  /** Pairs of words in the maps: for all that the area may grow to. */
  declare readonly pairs: number;
  declare readonly levels: number;
  /** Word that says which block is being made, until it is handed out (`Context.made`). */
  declare readonly made: number;
  declare readonly error: Context["error"];

  constructor(ctx: Context) {
    const { memory, region, layout, state } = ctx;
    const tables = planTables(region.areaMax - region.base);
    const header = layout.headerBytes;
    this.i32 = memory.i32;
    this.granules = (region.areaEnd - region.areaStart) >>> 4;
    this.areaEnd = region.areaEnd;
    this.base = region.base;
    this.areaStart = region.areaStart;
    this.areaWord = region.areaStart >>> 2;
    this.chunkWord = (region.areaStart >>> 2) - (header >>> 2);
    this.areaLink = (region.areaStart - state) >>> 2;
    this.linkEnd = this.areaLink + this.granules * 4;
    this.areaGranule = region.areaStart >>> 4;
    this.header = header;
    this.headerWords = header >>> 2;
    this.least = Math.ceil((header + LINKS_BYTES) / GRANULE);
    this.rounding = header + GRANULE - 1;
    this.exactBytes = EXACT * GRANULE - header;
    this.maxBytes = 0xfffffff0 - header;
    this.first = Math.ceil(header / GRANULE);
    this.state = state >>> 2;
    this.maps = (state + tables.maps) >>> 2;
    this.pairs = tables.pairs;
    this.levels = tables.levels;
    this.made = ctx.made;
    this.error = ctx.error;
    ctx.onRefresh(() => this.refresh(memory, region));
  }

  private refresh(memory: Context["memory"], region: Region): void {
    this.i32 = memory.i32;
    this.granules = (region.areaEnd - region.areaStart) >>> 4;
    this.areaEnd = region.areaEnd;
    this.linkEnd = this.areaLink + this.granules * 4;
  }
}

// ---- words -------------------------------------------------------------------------------------------------------

export function getState(space: Space, word: number): number {
  return space.i32[space.state + word];
}

export function setState(space: Space, word: number, value: number): void {
  space.i32[space.state + word] = value;
}

/** Size of a chunk as its header says: not verified. */
export function sizeAt(space: Space, granule: number): number {
  return space.i32[space.chunkWord + (granule << 2)];
}

export function setSize(space: Space, granule: number, size: number): void {
  space.i32[space.chunkWord + (granule << 2)] = size;
}

/** The last word of a free chunk in a list, which says its size again: the word before the next chunk's header. */
export function footBefore(space: Space, end: number): number {
  return space.i32[space.chunkWord + (end << 2) - 1];
}

export function setFoot(space: Space, end: number, size: number): void {
  space.i32[space.chunkWord + (end << 2) - 1] = size;
}

/** A chunk as links name it, and back. */
export function linkOf(space: Space, granule: number): number {
  return space.areaLink + (granule << 2);
}

export function granuleOf(space: Space, link: number): number {
  return (link - space.areaLink) >> 2;
}

export function ptrOf(space: Space, granule: number): number {
  return space.areaStart + granule * GRANULE;
}

/** Granules of the chunk for a request, at most `maxBytes`. */
export function sizeFor(space: Space, bytes: number): number {
  return Math.max(space.least, (bytes + space.rounding) >>> 4);
}

/** Payload bytes of a chunk. */
export function usableOf(space: Space, size: number): number {
  return size * GRANULE - space.header;
}
