/**
 * hyperheap against an independent model of its placement rules: every address, every byte count, every chunk, and the words
 * of every header, for headers of 16, 32 and 48 bytes, with page runs, alignments and resizes, until memory is short.
 */
import type { Align, Heap } from "@heapwright/core";
import { describe, expect, it } from "vitest";
import { type Random, randomOf } from "../../../testing/random.js";
import { slots } from "../../../testing/slots.js";
import { headerBytes } from "./fixtures/header-bytes.js";
import { CASES, type Case, Model } from "./fixtures/model.js";
import { chunksOf, heapOf, PAGE } from "./fixtures/places.js";

/** What a program is made of; weights are relative. */
interface Mix {
  readonly name: string;
  readonly areaBytes: number;
  readonly startsAt: number;
  readonly sizes: readonly number[];
  readonly aligns: readonly Align[];
  /** Of 100 operations so many resize. */
  readonly resizes: number;
}

const SMALL = [1, 15, 16, 17, 24, 32, 33, 48, 64, 100, 128, 200, 256, 500];
const LARGE = [...SMALL, 1000, 2000, 4000, 4096, 5000, 9000];
const PAGES = [1, 4096, 4097, 8192, 12_000];

const EVERYTHING: Mix = {
  name: "everything",
  areaBytes: 24 * PAGE,
  startsAt: 0,
  sizes: [...LARGE, ...PAGES],
  aligns: [0, 16, 16, 16, 32, 64, 256, 2048, 4096, 4096],
  resizes: 25,
};

const MIXES: readonly Mix[] = [
  { name: "small blocks", areaBytes: 2 * PAGE, startsAt: 1024, sizes: SMALL, aligns: [0], resizes: 0 },
  { name: "resizes", areaBytes: 4 * PAGE, startsAt: 0, sizes: LARGE, aligns: [0, 16], resizes: 40 },
  {
    name: "alignments",
    areaBytes: 4 * PAGE,
    startsAt: 64,
    sizes: LARGE,
    aligns: [16, 32, 64, 128, 256, 512, 1024, 2048],
    resizes: 20,
  },
  { name: "page runs", areaBytes: 24 * PAGE, startsAt: 0, sizes: PAGES, aligns: [4096], resizes: 20 },
  EVERYTHING,
  {
    name: "everything, from the middle of a page",
    areaBytes: 23 * PAGE + 960,
    startsAt: 4096 - 960,
    sizes: [...SMALL, ...LARGE, ...PAGES],
    aligns: [0, 16, 16, 16, 64, 512, 4096, 4096],
    resizes: 25,
  },
  {
    name: "everything, an end that is no page's",
    areaBytes: 16 * PAGE + 64,
    startsAt: 0,
    sizes: LARGE,
    aligns: [0, 16, 128, 4096],
    resizes: 25,
  },
];

const SEEDS = 4;
const OPERATIONS = 450;
/** Of 100 sizes so many are made so that the tail has whole pages behind them, or just a header more. */
const TAILORED = 6;
/** Words no header word has by chance; index and address make each slot's own. */
const mark = (ptr: number, index: number): number => (Math.imul(ptr, 0x9e3779b1) ^ (0x5107 + index)) >>> 0;

const met = new Set<Case>();

describe.each([0, 1, 2, 5, 6])("the placement model, %i plugin slots", (count) => {
  describe.each(MIXES)("$name", (mix) => {
    it.each(Array.from({ length: SEEDS }, (_, seed) => seed + 1))("seed %i", (seed) => {
      run(mix, count, seed);
    });
  });
});

/** Where numbers that are taken for signed ones turn negative, and the last bytes a heap may have. */
describe.each([
  ["across 2 GiB", 2 ** 31 - 8 * PAGE],
  ["up to 4 GiB", 2 ** 32 - 25 * PAGE],
])("the placement model, %s", (_, at) => {
  // One buffer for all: its pages are only there once they are written.
  const memory = new ArrayBuffer(at + 24 * PAGE);
  it.each([0, 5].flatMap((count) => [1, 2].map((seed) => [count, seed] as const)))(
    "%i plugin slots, seed %i",
    (count, seed) => {
      run(EVERYTHING, count, seed, { memory, at });
    },
  );
});

it("met every case of the rules", () => {
  expect(CASES.filter((each) => !met.has(each))).toEqual([]);
});

interface Place {
  readonly memory?: ArrayBuffer;
  readonly at?: number;
}

function run(mix: Mix, count: number, seed: number, place: Place = {}): void {
  const h = headerBytes(count);
  const plugins = count === 0 ? [] : [slots(count, count > 2 ? 1 : 0)];
  const heap = heapOf({ areaBytes: mix.areaBytes, startsAt: mix.startsAt, plugins, ...place });
  const api = heap.slots;
  const { areaStart, areaEnd } = heap.region;
  const model = new Model(areaStart, areaEnd, h);
  const random = randomOf(seed * 7919 + count);
  const live: number[] = [];
  const log: string[] = [];

  const begin = (ptr: number): void => {
    live.push(ptr);
    for (let index = 0; index < count; index++) api?.write(ptr, index, mark(ptr, index));
  };
  const end = (ptr: number): void => {
    live.splice(live.indexOf(ptr), 1);
  };
  // Phases in which more is freed than allocated and the other way round, so that memory is short and empty in turns.
  for (let step = 0; step < OPERATIONS; step++) {
    const isFreeing = live.length > 0 && random.below(100) < (Math.floor(step / 60) % 2 === 0 ? 30 : 65);
    const size = tailored(mix, model, h, random) ?? random.pick(mix.sizes);
    const align = random.pick(mix.aligns);
    const ptr = live.length > 0 ? random.pick(live) : 0;
    if (random.below(100) < mix.resizes) {
      log.push(`realloc(${ptr}, ${size}, ${align})`);
      const expected = model.realloc(ptr, size, align);
      expect(heap.reallocUnsafe(ptr, size, align), log.slice(-3).join("; ")).toBe(expected);
      if (expected !== 0) {
        if (ptr !== 0) end(ptr);
        begin(expected);
      }
    } else if (isFreeing) {
      log.push(`free(${ptr})`);
      model.free(ptr);
      heap.free(ptr);
      end(ptr);
    } else {
      log.push(`alloc(${size}, ${align})`);
      const expected = model.alloc(size, align);
      expect(heap.allocUnsafe(size, align), log.slice(-3).join("; ")).toBe(expected);
      if (expected !== 0) begin(expected);
    }
    const counts = [heap.freeBytes, heap.pageBytes, heap.pageFreeBytes];
    expect(counts, log.slice(-3).join("; ")).toEqual([model.freeBytes, model.pageBytes, model.pageFreeBytes]);
    if (step % 20 === 0) compare(heap, model, h);
  }
  compare(heap, model, h);
  heap.check();
  for (const ptr of live) {
    expect(heap.usableSize(ptr)).toBe(model.usableSize(ptr));
    for (let index = 0; index < count; index++) {
      const has = api?.address(ptr, index) !== 0;
      expect(api?.read(ptr, index), `slot ${index} of the block at ${ptr}`).toBe(has ? mark(ptr, index) : 0);
    }
  }
  for (const ptr of [...live]) {
    model.free(ptr);
    heap.free(ptr);
  }
  expect(heap.freeBytes).toBe(areaEnd - areaStart - h);
  compare(heap, model, h);
  heap.check();
  for (const each of model.met.keys()) met.add(each);
}

/** Bytes that leave the last chunk with whole pages, and perhaps a granule or a header: where page runs just fit or just do not. */
function tailored(mix: Mix, model: Model, h: number, random: Random): number | undefined {
  const tail = model.chunks.at(-1);
  if (!mix.aligns.includes(PAGE) || tail === undefined || random.below(100) >= TAILORED) return undefined;
  const bytes = tail.bytes - h - (1 + random.below(3)) * PAGE - random.pick([0, 0, 16, h]);
  return bytes > 0 ? bytes : undefined;
}

/** The chain and the words of its headers, read from memory; the runs as the heap lists them. */
function compare(heap: Heap, model: Model, h: number): void {
  const tiles = model.tiles();
  const { u32, i32 } = heap.memory;
  const { base } = heap.region;
  const isRun = ({ state }: { state: string }): boolean => state === "page" || state === "freed page";
  const chunks = tiles.filter((tile) => !isRun(tile));
  expect(chunksOf(heap, model.boundary)).toEqual(chunks);
  for (const [index, { at, bytes, state }] of chunks.entries()) {
    const before = chunks[index - 1];
    const back = before === undefined ? 0 : at - before.at;
    const words = { next: u32[at >>> 2], prev: i32[(at + 4) >>> 2], heap: i32[(at + 12) >>> 2] };
    expect(words, `header at ${at}`).toEqual({
      next: index === chunks.length - 1 ? 0 : bytes,
      prev: -back + (state === "used" ? 1 : 0),
      heap: base - at,
    });
  }
  const listed = [...heap.blocks()].map(({ ptr, usable, state }) => ({ ptr, usable, state }));
  const expected = tiles.map((tile) => ({
    ptr: isRun(tile) ? tile.at : tile.at + h,
    usable: isRun(tile) ? tile.bytes : tile.bytes - h,
    state: tile.state === "freed page" ? "free" : tile.state,
  }));
  expect(listed).toEqual(expected);
}
