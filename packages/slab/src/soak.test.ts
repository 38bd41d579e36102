/** The whole kit over slabs: every memory, with and without slots in front of the cells. */
import { heapSubject, property, soak } from "@heapwright/conformance";
import {
  createHeap,
  failEvery,
  type Heap,
  limit,
  type MemorySource,
  type PluginInput,
} from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { strict } from "@heapwright/strict";
import { tlsf } from "@heapwright/tlsf";
import { describe, expect, it } from "vitest";
import { operations, programs } from "../../../testing/soak.js";
import { slab } from "./slab.js";

const OPERATIONS = operations(12_000, 0.5);

const LARGE = { hyperheap, tlsf } as const;

const make = (
  memory: MemorySource,
  plugins: readonly PluginInput[] = [],
  large: keyof typeof LARGE = "hyperheap",
  upTo = 512,
): Heap => createHeap({ memory, strategy: slab({ large: LARGE[large](), upTo }), plugins }) as Heap;

const STACKS: Readonly<Record<string, () => readonly PluginInput[]>> = {
  "no plugin": () => [],
  limit: () => [limit({ bytes: 300_000 })],
  failEvery: () => [failEvery(7)],
  strict: () => [strict({ stacks: "off" })],
};

const MEMORIES: Readonly<Record<string, (bytes: number) => MemorySource>> = {
  "an ArrayBuffer": (bytes) => new ArrayBuffer(bytes),
  "a SharedArrayBuffer": (bytes) => new SharedArrayBuffer(bytes),
  "a WebAssembly.Memory": (bytes) =>
    new WebAssembly.Memory({ initial: Math.ceil(bytes / 65536), maximum: 64 }),
};

const COMBINATIONS = (["hyperheap", "tlsf"] as const).flatMap((large) =>
  Object.entries(STACKS).map(([name, plugins]) => ({ large, name, plugins })),
);

describe.each(COMBINATIONS)("$name, over $large", ({ large, plugins }) => {
  it.each(Object.entries(MEMORIES))("on %s every promise is kept", (_memory, source) => {
    const target = (bytes: number) => () =>
      heapSubject(make(source(bytes), plugins(), large), { volatile: "header", growForeign: false });
    const report = soak(target(1 << 20), { operations: OPERATIONS, seed: 1 });
    expect(Math.min(report.frees, report.refused, report.reallocations, report.exhausted)).toBeGreaterThan(0);
    property(target(64 << 10), { numRuns: programs(30), seed: 2 });
  });

  it("in a memory that grows, a guest's pages are left alone", () => {
    const report = soak(
      () => {
        const memory = new WebAssembly.Memory({ initial: 4, maximum: 64 });
        const strategy = slab({ large: LARGE[large]() });
        const heap = createHeap({ memory, strategy, plugins: plugins(), growth: { max: 4 << 20 } });
        return heapSubject(heap as Heap, { volatile: "header" });
      },
      { operations: OPERATIONS, seed: 3 },
    );
    expect(Math.min(report.growths, report.foreignGrowths)).toBeGreaterThan(0);
  });
});

it.each([16, 128, 512])("with cells up to %i, a failed call changes no byte", (upTo) => {
  for (const large of ["hyperheap", "tlsf"] as const) {
    soak(() => make(1 << 18, [], large, upTo), { operations: OPERATIONS, seed: 4 });
    property(() => make(32 << 10, [], large, upTo), { numRuns: programs(60), seed: 5 });
  }
});
