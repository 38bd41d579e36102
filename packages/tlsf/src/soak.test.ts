/**
 * Long random runs of the conformance kit, contents verified, `check()` at intervals, on every memory; where the memory can
 * grow, it is grown in between, by the heap and by somebody else. 100,000 operations each, times `HEAPWRIGHT_SOAK`.
 */
import { heapSubject, property, type SoakReport, soak } from "@heapwright/conformance";
import { createHeap, failEvery, type Heap, limit, type PluginInput } from "@heapwright/core";
import { tlsf } from "@heapwright/tlsf";
import { describe, expect, it } from "vitest";
import { slots } from "../../../testing/slots.js";
import { operations, programs } from "../../../testing/soak.js";

const KIB = 1024;
const MIB = 1024 * KIB;
const OPERATIONS = operations(100_000);
const growth = { max: 16 * MIB, step: 64 * KIB } as const;

const MEMORIES: readonly (readonly [string, boolean, (plugins: readonly PluginInput[]) => Heap])[] = [
  ["ArrayBuffer", false, (plugins) => createHeap({ memory: MIB, strategy: tlsf(), plugins })],
  [
    "SharedArrayBuffer",
    false,
    (plugins) => createHeap({ memory: new SharedArrayBuffer(MIB), strategy: tlsf(), plugins }),
  ],
  [
    "resizable ArrayBuffer",
    true,
    (plugins) => createHeap({ memory: 512 * KIB, growth, strategy: tlsf(), plugins }),
  ],
  [
    "growable SharedArrayBuffer",
    true,
    (plugins) =>
      createHeap({
        memory: new SharedArrayBuffer(512 * KIB, { maxByteLength: growth.max }),
        growth,
        strategy: tlsf(),
        plugins,
      }),
  ],
  [
    "WebAssembly.Memory",
    true,
    (plugins) =>
      createHeap({
        memory: new WebAssembly.Memory({ initial: 8, maximum: 256 }),
        growth,
        strategy: tlsf(),
        plugins,
      }),
  ],
  [
    "shared WebAssembly.Memory",
    true,
    (plugins) =>
      createHeap({
        memory: new WebAssembly.Memory({ initial: 8, maximum: 256, shared: true }),
        growth,
        strategy: tlsf(),
        plugins,
      }),
  ],
];

/** Everything was tried. */
function expectTried(report: SoakReport, grows: boolean): void {
  const { operations, checks, audits, exhausted, refused, compared, moves, growths, foreignGrowths } = report;
  expect(operations).toBe(OPERATIONS);
  expect(Math.min(checks, audits, exhausted, refused, compared, moves)).toBeGreaterThan(0);
  if (grows) expect(Math.min(growths, foreignGrowths)).toBeGreaterThan(0);
}

describe.each(MEMORIES)("on %s", (_kind, grows, make) => {
  it(`${OPERATIONS} random operations break no promise`, () => {
    expectTried(
      soak(() => make([]), { operations: OPERATIONS, seed: 20_261 }),
      grows,
    );
  });

  it("short programs break none, everything verified after every operation", () => {
    property(() => make([]), { numRuns: programs(20), seed: 7 });
  });
});

describe("under plugins", () => {
  const [, , make] = MEMORIES[0] as (typeof MEMORIES)[0];

  it.each([0, 1, 2, 5, 6])(
    `${OPERATIONS} operations with %i slots in every header break no promise`,
    (count) => {
      const report = soak(() => make([slots(count, count > 4 ? 4 : 0)]), {
        operations: OPERATIONS,
        seed: count,
      });
      expectTried(report, false);
    },
  );

  it("limit and failEvery break none", () => {
    const plugins = [limit({ bytes: 400 * KIB }), failEvery(7)];
    property(() => heapSubject(make(plugins), { volatile: "header" }), { numRuns: programs(50), seed: 3 });
  });
});
