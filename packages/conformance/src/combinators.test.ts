/** Strategies made of strategies keep every promise: on every memory, nested, under plugins, with guests' pages in between. */

import { arena } from "@heapwright/arena";
import {
  attachHeap,
  createHeap,
  defineStack,
  failEvery,
  fallback,
  type Heap,
  isHeapError,
  limit,
  type MemorySource,
  type PluginInput,
  restoreHeap,
  type Strategy,
  segregate,
} from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { stats } from "@heapwright/stats";
import { strict } from "@heapwright/strict";
import { describe, expect, it } from "vitest";
import { cells } from "../../../docs/examples/cells.js";
import { operations, programs } from "../../../testing/soak.js";
import { heapSubject, property, type SoakReport, soak } from "./index.js";
import { Random } from "./random.js";

const KIB = 1024;
const OPERATIONS = operations(20_000);
const growth = { max: 1024 * KIB, step: 16 * KIB } as const;

type Any = Strategy<string, unknown>;

const STRATEGIES: Readonly<Record<string, () => Any>> = {
  "small blocks in cells": () => segregate({ upTo: 64, small: cells({ bytes: 64 }), large: hyperheap() }),
  "cells, then hyperheap": () => fallback(cells({ bytes: 128 }), hyperheap(), { share: 0.25 }),
  "hyperheap, then cells": () => fallback(hyperheap(), cells({ bytes: 512 }), { share: 0.75 }),
  "two hyperheaps": () => segregate({ upTo: 200, small: hyperheap(), large: hyperheap(), share: 0.4 }),
  "three deep": () =>
    segregate({
      upTo: 256,
      small: fallback(
        cells({ bytes: 32 }),
        segregate({ upTo: 100, small: cells({ bytes: 128 }), large: hyperheap() }),
      ),
      large: fallback(hyperheap(), hyperheap()),
    }),
};

const MEMORIES: Readonly<Record<string, () => { memory: MemorySource; grows: boolean }>> = {
  ArrayBuffer: () => ({ memory: 192 * KIB, grows: false }),
  SharedArrayBuffer: () => ({ memory: new SharedArrayBuffer(192 * KIB), grows: false }),
  "resizable ArrayBuffer": () => ({
    memory: new ArrayBuffer(192 * KIB, { maxByteLength: growth.max }),
    grows: true,
  }),
  "WebAssembly.Memory": () => ({ memory: new WebAssembly.Memory({ initial: 3, maximum: 16 }), grows: true }),
};

const make = (
  strategy: Any,
  { memory, grows }: { memory: MemorySource; grows: boolean },
  plugins: readonly PluginInput[] = [],
): Heap => createHeap({ memory, strategy, plugins, ...(grows && { growth }) }) as Heap;

function expectTried(report: SoakReport, grows: boolean): void {
  const { operations, checks, audits, exhausted, refused, compared, moves, growths, foreignGrowths } = report;
  expect(operations).toBe(OPERATIONS);
  expect(Math.min(checks, audits, exhausted, refused, compared, moves)).toBeGreaterThan(0);
  if (grows) expect(Math.min(growths, foreignGrowths)).toBeGreaterThan(0);
}

describe.each(Object.entries(STRATEGIES))("%s", (_name, strategy) => {
  it.each(Object.entries(MEMORIES))("break no promise on %s", (_kind, source) => {
    const { grows } = source();
    expectTried(
      soak(() => make(strategy(), source()), {
        operations: OPERATIONS,
        seed: 77,
        profile: { weights: { grow: 3, growForeign: 3 } },
      }),
      grows,
    );
    property(() => make(strategy(), source()), { numRuns: programs(6), seed: 9 });
  });

  it.each<[string, () => readonly PluginInput[]]>([
    [
      "one slot",
      () => [
        {
          abi: 1,
          name: "slots",
          version: 1,
          phase: "guard",
          slots: ["word"],
          create: () => ({ api: undefined }),
        },
      ],
    ],
    ["limit and failEvery", () => [limit({ bytes: 60_000 }), failEvery(50)]],
    ["stats", () => [stats({ maxTags: 4 })]],
    ["strict", () => strict({ stacks: "off", delayedFree: { slots: 6 } })],
    ["stats and strict", () => [stats({ maxTags: 4 }), strict({ stacks: "off", delayedFree: { slots: 6 } })]],
  ])("break none under %s", (_stack, plugins) => {
    for (const kind of ["ArrayBuffer", "WebAssembly.Memory"] as const)
      property(
        () =>
          heapSubject(
            make(strategy(), (MEMORIES[kind] as () => { memory: MemorySource; grows: boolean })(), plugins()),
            { volatile: "header" },
          ),
        { numRuns: programs(8), seed: 10 },
      );
  });

  it("are joined and copied", () => {
    const stack = defineStack({
      strategy: strategy() as unknown as Strategy<"any">,
      plugins: [stats({ maxTags: 4 })],
    });
    const heap = createHeap({ memory: new SharedArrayBuffer(192 * KIB), ...stack });
    const blocks = [10, 60, 300, 5000].map((size) => heap.alloc(size));
    const page = heap.alloc(100, 4096);
    for (const each of [attachHeap(heap.descriptor(), stack), restoreHeap(heap.snapshot(), stack)]) {
      const offset = each.region.base - heap.region.base;
      for (const ptr of [...blocks, page]) expect(each.usableSize(ptr + offset)).toBe(heap.usableSize(ptr));
      each.check();
    }
    const other = attachHeap(heap.descriptor(), stack);
    for (const ptr of [...blocks, page]) other.free(ptr);
    heap.check();
    expect([heap.usedBytes, heap.pageBytes]).toEqual([0, 0]);
  });
});

describe("arenas as parts", () => {
  const strategies: Readonly<Record<string, () => Any>> = {
    "two of them": () => segregate({ upTo: 100, small: arena(), large: arena() }),
    "one and hyperheap": () => fallback(arena(), hyperheap()),
    "one behind cells": () => fallback(cells({ bytes: 64 }), arena()),
  };
  // The kit takes the block made last for the last one; here it is the one with the highest address.
  it.each(Object.entries(strategies))(
    "%s free the block with the highest address, and move any",
    (_name, strategy) => {
      for (const [kind, source] of Object.entries(MEMORIES)) {
        const heap = make(strategy(), source());
        const random = new Random(kind.length);
        const live = new Map<number, { readonly size: number; readonly byte: number }>();
        const write = (ptr: number, size: number): void => {
          const byte = random.below(256);
          heap.memory.u8.fill(byte, ptr, ptr + size);
          live.set(ptr, { size, byte });
        };
        const verify = (ptr: number, at: number, most: number): void => {
          const { size, byte } = live.get(ptr) as { size: number; byte: number };
          expect(heap.memory.u8.subarray(at, at + Math.min(size, most)).every((each) => each === byte)).toBe(
            true,
          );
        };
        let [frees, moves, refused] = [0, 0, 0];
        for (let step = 0; step < 4000; step++) {
          const dice = random.below(100);
          if (dice < 50) {
            const size = 1 + random.below(random.below(4) === 0 ? 2000 : 100);
            const ptr = heap.allocUnsafe(size, random.below(10) === 0 ? 64 : 16);
            if (ptr !== 0) write(ptr, size);
          } else if (dice < 75 && live.size > 0) {
            const [highest, other] = [...live.keys()].sort((a, b) => b - a) as [number, number?];
            if (other !== undefined) {
              expect(() => heap.free(other)).toThrowError(/not the last block/);
              refused++;
            }
            verify(highest, highest, 2 ** 32);
            heap.free(highest);
            live.delete(highest);
            frees++;
          } else if (dice < 99 && live.size > 0) {
            const ptr = random.pick([...live.keys()]);
            const size = 1 + random.below(300);
            const moved = heap.reallocUnsafe(ptr, size);
            if (moved === 0) continue;
            verify(ptr, moved, size);
            if (moved !== ptr) moves++;
            live.delete(ptr);
            write(moved, size);
          } else if (dice === 99 && random.below(20) === 0) {
            heap.reset?.();
            live.clear();
          }
          if (step % 100 !== 0) continue;
          heap.check();
          for (const ptr of live.keys()) verify(ptr, ptr, 2 ** 32);
          const { capacity, usedBytes, freeBytes, overheadBytes } = heap;
          expect(usedBytes + freeBytes + overheadBytes).toBe(capacity);
        }
        expect(Math.min(frees, moves, refused)).toBeGreaterThan(100);
      }
    },
  );
});

describe("a heap of other parts", () => {
  const made = () =>
    createHeap({
      memory: 64 * KIB,
      strategy: segregate({ upTo: 64, small: cells({ bytes: 64 }), large: hyperheap(), share: 0.25 }),
    });
  it.each<[string, () => Any, RegExp]>([
    [
      "other strategies",
      () => segregate({ upTo: 64, small: hyperheap(), large: hyperheap() }),
      /option small: .*"cells 2".*"hyperheap/,
    ],
    [
      "other sizes",
      () => segregate({ upTo: 80, small: cells(), large: hyperheap() }),
      /option upTo: .*64.*80/,
    ],
    [
      "other options of a part",
      () => segregate({ upTo: 64, small: cells({ bytes: 96 }), large: hyperheap() }),
      /option small.bytes: .*64.*96/,
    ],
    [
      "another share",
      () => segregate({ upTo: 64, small: cells(), large: hyperheap(), share: 0.5 }),
      /option share/,
    ],
    ["another combination", () => fallback(cells(), hyperheap()), /"segregate".*"fallback"/],
  ])("refuses %s", (_what, strategy, message) => {
    const heap = made();
    expect(() => attachHeap(heap.descriptor(), { strategy: strategy() })).toThrowError(message);
    attachHeap(heap.descriptor(), {
      strategy: segregate({ upTo: 64, small: cells(), large: hyperheap() }),
    }).check();
  });
});

describe("a combination", () => {
  const parts = { small: cells(), large: hyperheap() };
  it.each<[string, () => unknown, string]>([
    ["no size", () => segregate({ upTo: 0, ...parts }), "ERR_INVALID_OPTION"],
    ["a share of all", () => segregate({ upTo: 16, ...parts, share: 1 }), "ERR_INVALID_OPTION"],
    ["a share of nothing", () => fallback(cells(), hyperheap(), { share: 0 }), "ERR_INVALID_OPTION"],
    [
      "a share that is no number",
      () => fallback(cells(), hyperheap(), { share: "half" as never }),
      "ERR_INVALID_OPTION",
    ],
    ["an unknown option", () => segregate({ upTo: 16, ...parts, shares: 1 } as never), "ERR_INVALID_OPTION"],
    ["a function", () => fallback(cells as never, hyperheap()), "ERR_INVALID_OPTION"],
    ["nothing", () => fallback(undefined as never, hyperheap()), "ERR_INVALID_OPTION"],
    ["another ABI", () => fallback({ ...cells(), abi: 2 } as never, hyperheap()), "ERR_COMPOSITION"],
    [
      "no room",
      () =>
        createHeap({
          memory: 9000,
          strategy: fallback(cells({ bytes: 65536 }), hyperheap(), { share: 0.0001 }),
        }),
      "none",
    ],
  ])("of %s is refused", (_what, work, code) => {
    try {
      work();
      expect(code).toBe("none");
    } catch (error) {
      expect(isHeapError(error) && error.code).toBe(code);
    }
  });

  it("shows its parts' APIs, and what both can do", () => {
    const heap = createHeap({ memory: 64 * KIB, strategy: segregate({ upTo: 64, ...parts }) });
    expect(heap.segregate.small.freeCells).toBeGreaterThan(100);
    expect(heap.capabilities).toMatchObject({
      free: "any",
      maxAlign: 4096,
      grow: false,
      reset: true,
      marks: false,
    });
    const small = heap.alloc(64);
    const large = heap.alloc(65);
    const aligned = heap.alloc(10, 256);
    expect([small < large, aligned > large - 4096]).toEqual([true, true]);
    const moved = heap.realloc(small, 200);
    expect(moved).toBeGreaterThan(large - 4096);
    expect(heap.realloc(moved, 10)).toBe(moved);
    heap.reset?.();
    expect(heap.usedBytes).toBe(0);
  });

  it("gives what it grows by to the second part", () => {
    const heap = createHeap({
      memory: 64 * KIB,
      strategy: segregate({ upTo: 64, ...parts }),
      growth: { max: 1 << 20 },
    });
    const { freeCells } = heap.segregate.small;
    for (let count = 0; count < freeCells; count++) heap.alloc(64);
    expect(heap.alloc(64)).toBe(0);
    const { areaEnd } = heap.region;
    expect(heap.alloc(200_000)).toBeGreaterThan(0);
    expect(heap.region.areaEnd).toBeGreaterThan(areaEnd);
    expect(heap.alloc(64)).toBe(0);
    heap.check();
  });

  it("marks both parts at once", () => {
    const heap = createHeap({
      memory: 64 * KIB,
      strategy: segregate({ upTo: 64, small: arena(), large: arena() }),
    });
    const {
      arena: { mark, release },
    } = { arena: heap.segregate.small };
    const kept = [heap.alloc(10), heap.alloc(1000)];
    const before = mark();
    for (let round = 0; round < 600; round++) {
      heap.alloc(20);
      const inner = mark();
      heap.alloc(10);
      heap.alloc(100);
      release(inner);
      if (round % 10 === 9) expect(heap.usedBytes).toBe(1008 + 16 + 32 * (round + 1));
    }
    const spent = mark();
    release(before);
    expect(() => release(spent)).toThrowError(/no mark/);
    expect(kept.map((ptr) => heap.usableSize(ptr))).toEqual([16, 1008]);
    heap.alloc(10);
    const mixed = mark();
    heap.alloc(16);
    heap.free(kept[1] as number);
    const { usedBytes } = heap;
    expect(() => release(mixed)).toThrowError(/spent/);
    expect(heap.usedBytes).toBe(usedBytes);
    for (const wrong of [-1, 0, 1.5, 2 ** 53, Number.NaN])
      expect(() => release(wrong)).toThrowError(/no mark/);
    heap.check();
  });
});
