/**
 * No false report: long random runs of the conformance kit under each of the eight combinations, over each strategy of the workspace,
 * on every kind of memory. 100,000 operations each over hyperheap and cells, times `HEAPWRIGHT_SOAK`: with 10 it is the million.
 */
import { heapSubject, property, type SoakReport, soak } from "@heapwright/conformance";
import { createHeap, failEvery, type Heap, limit, type PluginInput } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { delayedFree, strict } from "@heapwright/strict";
import { describe, expect, it } from "vitest";
import { cells } from "../../../docs/examples/cells.js";
import { operations, programs } from "../../../testing/soak.js";
import { COMBINATIONS } from "./fixtures/combinations.js";

const KIB = 1024;
const MIB = 1024 * KIB;
const OPERATIONS = operations(100_000);
const growth = { max: 4 * MIB, step: 64 * KIB } as const;

type Make = (plugins: readonly PluginInput[]) => Heap;

/** With the bytes of a heap for long programs, and for short ones. */
const STRATEGIES: readonly (readonly [string, number, number, (bytes: number) => Make])[] = [
  [
    "hyperheap",
    256 * KIB,
    64 * KIB,
    (memory) => (plugins) => createHeap({ memory, strategy: hyperheap(), plugins }),
  ],
  [
    "cells",
    128 * KIB,
    32 * KIB,
    (memory) => (plugins) => createHeap({ memory, strategy: cells({ bytes: 512 }), plugins }),
  ],
];

const MEMORIES: readonly (readonly [string, boolean, Make])[] = [
  [
    "SharedArrayBuffer",
    false,
    (plugins) => createHeap({ memory: new SharedArrayBuffer(256 * KIB), strategy: hyperheap(), plugins }),
  ],
  [
    "a resizable ArrayBuffer",
    true,
    (plugins) => createHeap({ memory: 128 * KIB, growth, strategy: hyperheap(), plugins }),
  ],
  [
    "a growable SharedArrayBuffer",
    true,
    (plugins) =>
      createHeap({
        memory: new SharedArrayBuffer(128 * KIB, { maxByteLength: growth.max }),
        growth,
        strategy: hyperheap(),
        plugins,
      }),
  ],
  [
    "WebAssembly.Memory",
    true,
    (plugins) =>
      createHeap({
        memory: new WebAssembly.Memory({ initial: 2, maximum: 64 }),
        growth,
        strategy: hyperheap(),
        plugins,
      }),
  ],
  [
    "WebAssembly.Memory, cells",
    true,
    (plugins) =>
      createHeap({
        memory: new WebAssembly.Memory({ initial: 2, maximum: 64, shared: true }),
        growth,
        strategy: cells({ bytes: 256 }),
        plugins,
      }),
  ],
];

function expectTried({ operations, checks, audits, refused, reallocations, frees }: SoakReport): void {
  expect(operations).toBe(OPERATIONS);
  expect(Math.min(checks, audits, refused, reallocations, frees)).toBeGreaterThan(0);
}

describe.each(STRATEGIES)("over %s", (_strategy, long, short, makeWith) => {
  describe.each(COMBINATIONS)("$name", ({ alone, recorded }) => {
    it(`${OPERATIONS} random operations are no bug`, () => {
      expectTried(soak(() => makeWith(long)(recorded()), { operations: OPERATIONS, seed: 31 }));
    });

    it("short programs break no promise, everything verified after every operation", () => {
      property(() => makeWith(short)(alone()), { numRuns: programs(15), seed: 8 });
      property(() => makeWith(short)(recorded({ stacks: "all" })), { numRuns: programs(15), seed: 9 });
    });
  });
});

describe.each(MEMORIES)("on %s", (_memory, grows, make) => {
  it(`${OPERATIONS} random operations are no bug`, () => {
    const report = soak(() => make(strict()), { operations: OPERATIONS, seed: 77 });
    expectTried(report);
    if (grows) expect(Math.min(report.growths, report.foreignGrowths)).toBeGreaterThan(0);
  });

  it("short programs break no promise", () => {
    property(() => make(strict()), { numRuns: programs(20), seed: 10 });
  });
});

describe("with other plugins", () => {
  it.each([
    ["a quarantine of one", [strict({ delayedFree: { slots: 1 } })]],
    ["a quarantine of 4 KiB", [strict({ delayedFree: { slots: 1000, bytes: 4096 } })]],
    ["everything verified at each free", [strict({ delayedFree: { verify: "every-free" } })]],
    ["odd fences", [strict({ fence: { bytes: 7, before: 4 } })]],
    ["only a quarantine", [delayedFree({ slots: 3 })]],
    ["limit", [limit({ bytes: 400 * KIB }), strict()]],
  ] as const)("%s", (_name, plugins) => {
    soak(() => createHeap({ memory: MIB, strategy: hyperheap(), plugins }), {
      operations: Math.round(OPERATIONS / 5),
      seed: 3,
      reusable: plugins.length === 1,
    });
  });

  it("requests that are made to fail", () => {
    const make = () => createHeap({ memory: MIB, strategy: hyperheap(), plugins: [failEvery(7), strict()] });
    // The count of failEvery, in the header, goes on when a call fails.
    soak(() => heapSubject(make(), { volatile: "header" }), {
      operations: Math.round(OPERATIONS / 5),
      seed: 3,
    });
  });
});

describe("across 2 GiB", () => {
  it("addresses, fences and the quarantine are as anywhere else", () => {
    const memory = new ArrayBuffer(2 ** 31 + 2 ** 19);
    const make = () =>
      createHeap({
        memory,
        base: 2 ** 31 - 2 ** 17,
        bytes: 2 ** 18,
        strategy: hyperheap(),
        plugins: [strict()],
      });
    soak(make, { operations: Math.round(OPERATIONS / 20), seed: 4 });
    const heap = make();
    const bad =
      Array.from({ length: 400 }, () => heap.alloc(300))
        .filter((ptr) => ptr > 2 ** 31)
        .at(-1) ?? 0;
    const { u8 } = heap.memory;
    u8[bad + 300] ^= 1;
    expect(() => heap.free(bad)).toThrowError(
      expect.objectContaining({ code: "ERR_HEAP_OVERFLOW", ptr: bad, offset: 0 }),
    );
    heap.free(bad);
    u8[bad + 299] = 1;
    expect(() => heap.check()).toThrowError(
      expect.objectContaining({ code: "ERR_USE_AFTER_FREE", ptr: bad, offset: 299 }),
    );
    expect(heap.strict.view(heap.alloc(64), Uint32Array).length).toBe(16);
  });
});
