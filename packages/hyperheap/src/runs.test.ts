/**
 * Page runs where the area does not end with a page, where somebody else's memory follows, and where the tables were written to.
 */
import { property, soak } from "@heapwright/conformance";
import { type Align, createHeap, type Heap, isHeapError, type Ptr } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { describe, expect, it } from "vitest";
import { randomOf } from "../../../testing/random.js";
import { operations } from "../../../testing/soak.js";
import { findings, heapOf, outcome, PAGE } from "./fixtures/places.js";
import { type Watch, watched } from "./fixtures/watched.js";
import { Space } from "./space.js";

const OPERATIONS = operations(20_000, 0.5);

/** A region of `bytes` at the start of a memory, the rest of which is somebody else's. */
function oddHeap(bytes: number, kind: "wasm" | "buffer", step = 1): Heap {
  const memory =
    kind === "wasm"
      ? new WebAssembly.Memory({ initial: 1, maximum: 16 })
      : new ArrayBuffer(bytes, { maxByteLength: 1 << 20 });
  return createHeap({ memory, bytes, growth: { max: 1 << 20, step }, strategy: hyperheap() });
}

describe("an area that ends inside a page", () => {
  it("has page runs at pages only, once it has grown", () => {
    const heap = oddHeap(50_000, "wasm");
    const all = heap.allocUnsafe(heap.freeBytes);
    expect(heap.allocUnsafe(PAGE, PAGE) % PAGE).toBe(0);
    heap.free(all);
    // More than the first growth has: the free chunk ends inside a page, so what serves them lies behind it.
    for (let count = 0; count < 20; count++) {
      const run = heap.allocUnsafe(PAGE, PAGE);
      expect(run).toBeGreaterThan(0);
      expect(run % PAGE).toBe(0);
      expect(findings(heap)).toBe("");
    }
  });

  it("grows just by what a page request needs, and not for one that would fail", () => {
    for (const bytes of [50_000, 53_248, 57_360, 65_520]) {
      for (const pages of [1, 15, 16, 17, 100, 200, 239, 240, 241]) {
        const heap = oddHeap(bytes, "wasm");
        const all = heap.allocUnsafe(heap.freeBytes);
        heap.allocUnsafe(PAGE, PAGE);
        heap.free(all);
        const { areaEnd } = heap.region;
        const run = heap.allocUnsafe(pages * PAGE, PAGE);
        if (run === 0) expect(heap.region.areaEnd).toBe(areaEnd);
        else expect(heap.region.areaEnd - areaEnd).toBeLessThanOrEqual(Math.ceil(pages / 16) * 65536);
        expect(run === 0).toBe(pages * PAGE > (1 << 20) - areaEnd);
        expect(findings(heap)).toBe("");
      }
    }
  });

  it("grows enough for an alignment behind a memory that ends nowhere in particular", () => {
    for (let odd = 0; odd < 64; odd++) {
      for (const align of [32, 64, 256, 2048, PAGE]) {
        const memory = new ArrayBuffer(50_000, { maxByteLength: 1 << 20 });
        const heap = createHeap({ memory, growth: { max: 1 << 20, step: 1 }, strategy: hyperheap() });
        memory.resize(50_001 + odd);
        const { areaEnd } = heap.region;
        const before = memory.byteLength;
        // What just fits the growth, if all goes well.
        const size = 61_440 - Math.ceil(before / 16) * 16 - 16 - align - 48;
        const ptr = heap.allocUnsafe(Math.max(heap.freeBytes + 16, size), align as Align);
        expect(ptr, `${align} behind ${before}`).toBeGreaterThan(areaEnd);
        expect(findings(heap)).toBe("");
      }
    }
  });

  const places = [50_000, 49_168, 65_536 - 16, 40_976].flatMap((bytes) =>
    (["wasm", "buffer"] as const).map((kind) => [bytes, kind] as const),
  );

  it.each(places)("breaks no promise with %i bytes in a %s, grown by itself and by others", (bytes, kind) => {
    const sums = { growths: 0, foreignGrowths: 0, exhausted: 0 };
    for (let seed = 0; seed < 10; seed++) {
      const report = soak(() => oddHeap(bytes, kind, 4096), {
        operations: Math.ceil(OPERATIONS / 10),
        seed: bytes + seed,
        profile: { weights: { growForeign: 10 } },
        checkEvery: 50,
      });
      sums.growths += report.growths;
      sums.foreignGrowths += report.foreignGrowths;
      sums.exhausted += report.exhausted;
    }
    expect(Math.min(sums.growths, sums.foreignGrowths, sums.exhausted)).toBeGreaterThan(0);
    property(() => oddHeap(bytes, kind), { numRuns: 8, seed: bytes });
  });
});

/** Chunks, page runs and a bridge; the tables can grow further. */
function made(): { heap: Heap; space: Space; tables: { from: number; to: number }; run: Ptr } {
  const watch: Watch = { state: 0, called() {} };
  const strategy = watched(watch);
  let space: Space | undefined;
  const heap = createHeap({
    memory: 65_536,
    growth: { max: 1 << 18, step: 65_536 },
    strategy: {
      ...strategy,
      create(ctx) {
        const made = strategy.create(ctx);
        space = new Space(ctx);
        return made;
      },
    },
  });
  const under = [1, 2, 1].map((pages) => heap.alloc(pages * PAGE, PAGE));
  heap.grow(65_536);
  const blocks = [64, 64, 96, 64, 64].map((size) => heap.alloc(size));
  const [run, ...above] = [1, 2, 1, 1].map((pages) => heap.alloc(pages * PAGE, PAGE));
  for (const ptr of [blocks[1], blocks[3], under[1], above[0]]) heap.free(ptr as Ptr);
  expect(findings(heap)).toBe("");
  return {
    heap,
    space: space as Space,
    tables: { from: watch.state, to: heap.region.areaStart },
    run: run as Ptr,
  };
}

/** What a call threw that is no `HeapError`; undefined if it ended well, or with one. */
function unexpected(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    if (!isHeapError(error)) return error;
  }
  return undefined;
}

describe("tables that were written to", () => {
  it("end every walk, with nothing but HeapErrors, whatever bits are wrong", () => {
    const { heap, space, tables } = made();
    const { u8 } = heap.memory;
    const bytes = u8.slice();
    const random = randomOf(2);
    const entries = { from: space.pages * 4, to: (space.pages + 34 * space.entryWords) * 4 };
    for (let round = 0; round < 6000; round++) {
      u8.set(bytes);
      // Every other round in the page table, where most of it means something.
      const { from, to } =
        round % 4 === 0 ? tables : round % 4 === 1 ? { from: tables.from, to: tables.from + 32 } : entries;
      for (let flips = 1 + random.below(3); flips > 0; flips--) {
        u8[from + random.below(to - from)] ^= 1 << random.below(8);
      }
      for (const call of [() => [...heap.blocks()], () => heap.dump(() => {}), () => heap.check()]) {
        expect(unexpected(call), `round ${round}`).toBeUndefined();
      }
    }
  });

  it.each([0, 9999, 31, 2 ** 29 - 1])("a run of %i pages is refused before anything changes", (pages) => {
    const { heap, space, run } = made();
    const { u32 } = heap.memory;
    const at = space.pages + ((run - space.pageBase) / PAGE) * space.entryWords;
    u32[at] = ((pages << 3) | 1) >>> 0;
    for (const call of [
      () => heap.usableSize(run),
      () => heap.takenSize(run),
      () => heap.free(run),
      () => heap.realloc(run, PAGE, PAGE),
      () => heap.realloc(run, 3 * PAGE, PAGE),
    ]) {
      expect(outcome(heap, call)).toBe("ERR_HEAP_CORRUPT");
    }
  });

  it("a freed neighbour whose length is wrong is refused before anything changes", () => {
    // Four runs of two pages at the end of the area: used, freed, used, freed.
    const watch: Watch = { state: 0, called() {} };
    let space: Space | undefined;
    const strategy = watched(watch);
    const heap = heapOf({
      areaBytes: 16 * PAGE,
      strategy: {
        ...strategy,
        create(ctx) {
          space = new Space(ctx);
          return strategy.create(ctx);
        },
      },
    });
    const [d, c, b, a] = [2, 2, 2, 2].map((pages) => heap.alloc(pages * PAGE, PAGE)) as [Ptr, Ptr, Ptr, Ptr];
    heap.free(b);
    heap.free(d);
    const { pages, pageBase, entryWords } = space as unknown as Space;
    const entry = (ptr: number): number => pages + ((ptr - pageBase) / PAGE) * entryWords;
    const { u32 } = heap.memory;
    /** Words of a freed run that cannot be true, and who meets them. */
    const wrong: readonly (readonly [number, number, readonly (() => unknown)[]])[] = [
      [
        entry(b),
        9999,
        [() => heap.free(a), () => heap.realloc(a, 3 * PAGE, PAGE), () => heap.realloc(a, 1, PAGE)],
      ],
      [entry(b), 3, [() => heap.free(a)]],
      [entry(b + PAGE), 9999, [() => heap.free(c)]],
      [entry(b + PAGE), 0, [() => heap.free(c)]],
      [entry(b + PAGE), 3, [() => heap.free(c)]],
      [entry(d), 9999, [() => heap.free(c), () => heap.alloc(PAGE, PAGE)]],
      [entry(d), 3, [() => heap.free(c), () => heap.alloc(PAGE, PAGE)]],
    ];
    for (const [index, count, calls] of wrong) {
      const before = u32[index] as number;
      u32[index] = (count << 3) | (before & 7);
      for (const call of calls)
        expect(outcome(heap, call), `${index - pages} ${count}`).toBe("ERR_HEAP_CORRUPT");
      u32[index] = before;
    }
    expect(findings(heap)).toBe("");
    heap.free(a);
    heap.free(c);
    expect(findings(heap)).toBe("");
  });

  it("bits behind the area's end, which a growth would show, are found", () => {
    const { heap, space } = made();
    const { i32, u32 } = heap.memory;
    for (const index of [space.free - 1, space.bitmaps - 1]) {
      i32[index] = 1 << 31;
      expect(findings(heap)).toMatch(/behind the area/);
      i32[index] = 0;
    }
    const entry = space.pages + 40 * space.entryWords;
    u32[entry] = (1 << 3) | 1;
    expect(findings(heap)).toMatch(/behind the area/);
    u32[entry] = 0;
    expect(findings(heap)).toBe("");
  });
});

it("does not follow the prev of a last chunk that is to disappear before it has looked at it", () => {
  for (const wrong of [-64, -16, -(1 << 20), 1 << 20, -4096]) {
    const heap = heapOf({ areaBytes: 8 * PAGE });
    // The last chunk begins with the second page and is free.
    heap.alloc(PAGE - 16);
    const last = heap.region.areaStart + PAGE;
    const prev = (last + 4) >>> 2;
    expect(heap.memory.i32[prev]).toBe(-PAGE);
    heap.memory.i32[prev] = wrong === -4096 ? -2048 : wrong;
    expect(outcome(heap, () => heap.allocUnsafe(7 * PAGE, PAGE))).toBe("ERR_HEAP_CORRUPT");
    heap.memory.i32[prev] = -PAGE;
    expect(heap.allocUnsafe(7 * PAGE, PAGE)).toBe(last);
    expect(findings(heap)).toBe("");
  }
});
