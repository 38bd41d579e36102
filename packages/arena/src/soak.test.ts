/** Random runs of the conformance kit on every memory, with and without slots in headers, the heap and guests growing it in between. */
import { heapSubject, property, type SoakReport, soak } from "@heapwright/conformance";
import { createHeap, failEvery, type Heap, limit, type PluginInput } from "@heapwright/core";
import { describe, expect, it } from "vitest";
import { slots } from "../../../testing/slots.js";
import { operations, programs } from "../../../testing/soak.js";
import { arena } from "./arena.js";

const KIB = 1024;
const OPERATIONS = operations(40_000, 0.25);
const growth = { max: 2048 * KIB, step: 8 * KIB } as const;

const MEMORIES: readonly (readonly [string, boolean, (plugins: readonly PluginInput[]) => Heap])[] = [
  ["ArrayBuffer", false, (plugins) => createHeap({ memory: 64 * KIB, strategy: arena(), plugins })],
  [
    "SharedArrayBuffer",
    false,
    (plugins) => createHeap({ memory: new SharedArrayBuffer(64 * KIB), strategy: arena(), plugins }),
  ],
  [
    "resizable ArrayBuffer",
    true,
    (plugins) => createHeap({ memory: 64 * KIB, growth, strategy: arena(), plugins }),
  ],
  [
    "growable SharedArrayBuffer",
    true,
    (plugins) =>
      createHeap({
        memory: new SharedArrayBuffer(64 * KIB, { maxByteLength: growth.max }),
        growth,
        strategy: arena(),
        plugins,
      }),
  ],
  [
    "WebAssembly.Memory",
    true,
    (plugins) =>
      createHeap({
        memory: new WebAssembly.Memory({ initial: 1, maximum: 32 }),
        growth,
        strategy: arena(),
        plugins,
      }),
  ],
  [
    "shared WebAssembly.Memory",
    true,
    (plugins) =>
      createHeap({
        memory: new WebAssembly.Memory({ initial: 1, maximum: 32, shared: true }),
        growth,
        strategy: arena(),
        plugins,
      }),
  ],
];

function expectTried(report: SoakReport, grows: boolean): void {
  const { operations, checks, audits, exhausted, refused, compared, frees, growths, foreignGrowths } = report;
  expect(operations).toBe(OPERATIONS);
  expect(Math.min(checks, audits, exhausted, refused, compared, frees)).toBeGreaterThan(0);
  if (grows) expect(Math.min(growths, foreignGrowths)).toBeGreaterThan(0);
}

const profile = { weights: { free: 30, reset: 1 } };

describe.each(MEMORIES)("on %s", (_kind, grows, make) => {
  it.each([0, 1, 5])(`${OPERATIONS} random operations with %i slots break no promise`, (count) => {
    expectTried(
      soak(() => make([slots(count)]), { operations: OPERATIONS, seed: 20_261 + count, profile }),
      grows,
    );
  });

  it("short programs break none, everything verified after every operation", () => {
    property(() => make([]), { numRuns: programs(20), seed: 7 });
    property(() => make([slots(2)]), { numRuns: programs(10), seed: 8 });
  });
});

it("limit and failEvery break none", () => {
  const [, , make] = MEMORIES[0] as (typeof MEMORIES)[0];
  const plugins = [limit({ bytes: 40 * KIB }), failEvery(7)];
  property(() => heapSubject(make(plugins), { volatile: "header" }), { numRuns: programs(50), seed: 3 });
});
