/** One agent's view of the state: where everything is, and the tables that follow from the options. All of it can be dropped and made anew. */
import type { Context, Inner } from "../types.js";
import {
  BITS,
  CELLS_USED,
  CLASS,
  GRANULE,
  LISTS,
  ORPHANS,
  PAGE,
  type Plan,
  payloadsOf,
  planState,
  RECORDS_USED,
  SHARD_WORDS,
  START,
} from "./state.js";

/** Fields are only declared, as hot paths like them. */
export class Cache {
  declare readonly ctx: Context;
  declare readonly inner: Inner;
  declare readonly plan: Plan;
  declare words: Int32Array;
  /** Byte address offsets count from. */
  declare readonly base: number;
  /** Bytes in front of a cell's payload, a multiple of 16, which a packed strategy's own header need not be: the plugins' slots, where they have any. */
  declare readonly header: number;
  declare readonly spanBytes: number;
  declare readonly bitWords: number;
  declare readonly recordWords: number;
  /** Word indices of the shared part, this agent's shard, record 1, and the page map, whose first word is of page `firstPage`. */
  declare readonly shared: number;
  declare readonly shard: number;
  declare readonly records: number;
  declare readonly map: number;
  declare readonly firstPage: number;
  /** Where the offset of a block goes that is being made: the journal's word. */
  declare readonly made: number;
  /** What `owner` says of this agent's spans. */
  declare readonly me: number;
  /** Largest payload of a cell. */
  declare readonly most: number;
  /** By granules of a request: the class. By class: payload, bytes from cell to cell, and their reciprocal, and how many cells a span has. */
  declare readonly classOf: Uint8Array;
  declare readonly payloads: Int32Array;
  declare readonly strides: Int32Array;
  declare readonly reciprocals: Int32Array;
  declare readonly cells: Int32Array;

  constructor(inner: Inner, ctx: Context) {
    const { memory, region, layout, options, shards, shard } = ctx;
    const plan = planState({ regionBytes: region.areaMax - region.base, options, shards });
    const state = ctx.state >>> 2;
    this.ctx = ctx;
    this.inner = inner;
    this.plan = plan;
    this.words = memory.i32;
    ctx.onRefresh(() => {
      this.words = memory.i32;
    });
    this.base = region.base;
    this.header = layout.sideWords === 0 ? 0 : Math.ceil(layout.headerBytes / GRANULE) * GRANULE;
    this.spanBytes = plan.spanBytes;
    this.bitWords = plan.bitWords;
    this.recordWords = plan.recordWords;
    this.shared = state;
    this.shard = state + plan.shards + shard * SHARD_WORDS;
    this.records = state + plan.records;
    this.map = state + plan.map;
    this.firstPage = region.areaStart >>> 12;
    this.made = ctx.made;
    this.me = shard + 1;
    const payloads = payloadsOf(plan.spanBytes, this.header);
    this.most = payloads[payloads.length - 1] ?? 0;
    this.payloads = Int32Array.from(payloads);
    this.strides = this.payloads.map((payload) => payload + this.header);
    // Exact for the offsets in a span of up to 32 KiB: tested for all of them.
    this.reciprocals = this.strides.map((stride) => Math.ceil(2 ** 20 / (stride / 16)));
    this.cells = this.strides.map((stride) => Math.floor(plan.spanBytes / stride));
    this.classOf = new Uint8Array(this.most / 16 + 1);
    for (let granules = 1; granules < this.classOf.length; granules++)
      this.classOf[granules] = payloads.findIndex((payload) => payload >= granules * 16);
  }
}

/** Bytes a request is asked for with, of a cell or of the strategy: small ones are rounded up to their class, whoever serves them. */
export function roundSize(cache: Cache, size: number): number {
  return size > cache.most ? size : cache.payloads[cache.classOf[(size + 15) >>> 4]];
}

/** Word index of a record, by its number from 1 on. */
export function recordOf(cache: Cache, id: number): number {
  return cache.records + Math.imul(id - 1, cache.recordWords);
}

/** Number of the span at an address, 0 if there is none. The address lies in the area. */
export function spanAt(cache: Cache, ptr: number): number {
  return cache.words[cache.map + (ptr >>> 12) - cache.firstPage];
}

/** Byte address of a span. */
export function startOf(cache: Cache, record: number): number {
  return cache.base + (cache.words[record + START] >>> 0);
}

export function isFull(cache: Cache, record: number): boolean {
  const { words, cells } = cache;
  return words[record + CELLS_USED] === cells[words[record + CLASS]];
}

/** Bits of cells that a span of its class has not. */
export function hasStrayBits(cache: Cache, record: number): boolean {
  const { words, bitWords } = cache;
  const cells = cache.cells[words[record + CLASS]];
  for (let index = 0; index < bitWords; index++) {
    const at = record + BITS + index;
    const left = cells - 32 * index;
    const beyond = left >= 32 ? 0 : left <= 0 ? -1 : -1 << left;
    if (((words[at] | words[at + bitWords]) & beyond) !== 0) return true;
  }
  return false;
}

/** Word that a list begins with: of this agent's spans of a class, or of those that are nobody's. */
export const ownList = (cache: Cache, sizeClass: number): number => cache.shard + LISTS + sizeClass;
export const orphanList = (cache: Cache, sizeClass: number): number => cache.shared + ORPHANS + sizeClass;

/** Every record in use. */
export function eachSpan(cache: Cache, visit: (record: number, id: number) => void): void {
  const count = Math.min(cache.words[cache.shared + RECORDS_USED] >>> 0, cache.plan.maxSpans);
  for (let id = 1; id <= count; id++) {
    const record = recordOf(cache, id);
    if (cache.words[record + START] !== 0) visit(record, id);
  }
}

/** The span's pages lead to it, or, with 0, to none. */
export function mapSpan(cache: Cache, start: number, id: number): void {
  const first = cache.map + (start >>> 12) - cache.firstPage;
  cache.words.fill(id, first, first + cache.spanBytes / PAGE);
}
