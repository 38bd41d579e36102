import { describe, expect, it } from "vitest";
import type { Cell, Comparison } from "./compare.js";
import type { Composition } from "./composition/run.js";
import { comparisonTable, compositionTable, nanoseconds } from "./report.js";
import { summarize } from "./summary.js";
import { targetNames } from "./targets/index.js";
import { randomTrace } from "./test-traces.js";
import { describeTrace } from "./trace-stats.js";
import { traceNames } from "./traces.js";

const measured = (allocator: string, trace: string, median: number, min = median): Cell => {
  return {
    allocator,
    trace,
    status: "measured",
    rounds: [min, median],
    median,
    min,
    spreadPercent: 3,
    replays: 2,
    slow: false,
  };
};
const notRun = (allocator: string, trace: string, reason: string): Cell => {
  return { allocator, trace, status: "not run", reason, detail: reason };
};
function comparison(
  allocators: readonly string[],
  traces: readonly string[],
  cells: readonly Cell[],
): Comparison {
  const stats = describeTrace(randomTrace(10, 0));
  return {
    allocators: allocators.map((name) => ({ name, about: "", version: "1", notes: [] })),
    traces: traces.map((name) => ({ name, stats })),
    cells,
    complete: true,
  };
}

describe("the summary", () => {
  const cells = [
    measured("mine", "a", 20, 18),
    measured("dlmalloc", "a", 10, 9),
    measured("mine", "b", 5),
    measured("dlmalloc", "b", 10),
    measured("mine", "c", 40),
    measured("dlmalloc", "c", 10),
    measured("other", "a", 30),
    measured("other", "b", 20),
    notRun("other", "c", "no memalign"),
  ];
  const { reference, common, own, ratios } = summarize(
    comparison(["mine", "dlmalloc", "other"], ["a", "b", "c"], cells),
  );

  it("divides by dlmalloc wherever it stands, by the first allocator where it is missing", () => {
    expect(reference).toBe("dlmalloc");
    expect(ratios.find(({ allocator, trace }) => allocator === "mine" && trace === "a")).toEqual({
      allocator: "mine",
      trace: "a",
      ofMedians: 2,
      ofMinima: 2,
    });
    expect(summarize(comparison(["mine", "other"], ["a"], cells)).reference).toBe("mine");
  });

  it("takes the common mean over the traces all ran, the own one over what each ran", () => {
    expect(common.map(({ traces }) => traces)).toEqual([
      ["a", "b"],
      ["a", "b"],
      ["a", "b"],
    ]);
    expect(common.map(({ ofMedians }) => ofMedians.toFixed(6))).toEqual([
      "1.000000",
      "1.000000",
      Math.sqrt(6).toFixed(6),
    ]);
    expect(own.map(({ traces }) => traces.length)).toEqual([3, 3, 2]);
    expect(own[0].ofMedians).toBeCloseTo(4 ** (1 / 3), 12);
  });
});

describe("the tables", () => {
  it("fit 120 columns with all bundled allocators, however slow they are", () => {
    const cells = targetNames.flatMap((name) => traceNames.map((trace) => measured(name, trace, 39_472)));
    cells[0] = notRun(targetNames[0], traceNames[0], "too slow (>30 s)");
    const text = comparisonTable(comparison(targetNames, traceNames, cells), 7);
    expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(120);
    for (const name of [...targetNames, ...traceNames]) expect(text).toContain(name);
    expect(text).toContain("too slow (>30 s)");
  });

  it("composition costs fit 120 columns and say whether the limit is kept", () => {
    const row = {
      what: "plain heap - bare strategy",
      workload: "pattern",
      crowded: true,
      unit: "alloc+free pair",
      base: 123.4,
      other: 125.6,
      difference: { value: 2.2, low: -11.1, high: 13.3 },
      limit: 1,
      verdict: "unsure",
    } as const;
    const composition: Composition = {
      rows: [row, { ...row, verdict: "over" }, { ...row, verdict: "within" }],
      complete: true,
    };
    const text = compositionTable(composition);
    expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(120);
    expect(text).toMatch(/after 5 .* 123\.4 +125\.6 +\+2\.20 +-11\.10 … \+13\.30 +\+1 +unsure/);
    expect(text).toMatch(/OVER[\s\S]*within/);
    expect(compositionTable({ rows: [], failure: "no heap", complete: false })).toContain(
      "not measured: no heap",
    );
  });

  it("nanoseconds have three digits that matter", () => {
    expect([4.214, 17.64, 254.4, 39_472.1].map(nanoseconds)).toEqual(["4.21", "17.6", "254", "39472"]);
  });
});
