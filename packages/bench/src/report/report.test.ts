import { describe, expect, it } from "vitest";
import type { AgentCost, LarsonCell } from "../agents/run.js";
import type { Cell, Comparison, NotRun } from "../compare.js";
import type { Composition } from "../composition/run.js";
import { type LiveCell, PATTERNS } from "../live/run.js";
import { summarize } from "../summary.js";
import { targetNames } from "../targets/index.js";
import { randomTrace } from "../test-traces.js";
import { describeTrace } from "../trace-stats.js";
import { traceNames } from "../traces.js";
import { agentsTable } from "./agents.js";
import { compositionTable } from "./composition.js";
import { latencyTable } from "./latency.js";
import { layOut, nanoseconds, numbers } from "./layout.js";
import { liveTable } from "./live.js";
import { spaceTable } from "./space.js";
import { stacksTable } from "./stacks.js";
import { comparisonTable } from "./time.js";

const measured = (allocator: string, trace: string, median: number, min = median): Cell => {
  return {
    allocator,
    trace,
    status: "measured",
    processes: [[min, median]],
    median,
    min,
    spreadPercent: 3,
    replays: 2,
    slow: false,
  };
};
const notRun = (allocator: string, trace: string, reason: string): NotRun => {
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

const widthOf = (text: string): number => Math.max(...text.split("\n").map((line) => line.length));

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

  it("takes the common mean over the traces all can run, the own one over what each ran", () => {
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
    const text = comparisonTable(comparison(targetNames, traceNames, cells), { processes: 5, rounds: 3 });
    expect(widthOf(text)).toBeLessThanOrEqual(120);
    expect(text).toContain("5 alternating processes of 3 rounds");
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
      difference: { value: 2.2, low: -11.1, high: 113.3 },
      limit: 1,
      verdict: "unsure",
    } as const;
    const composition: Composition = {
      rows: [row, { ...row, verdict: "over" }, { ...row, verdict: "within" }],
      complete: true,
    };
    const text = compositionTable(composition);
    expect(widthOf(text)).toBeLessThanOrEqual(120);
    expect(text).toMatch(/after 5 .* 123\.4 +125\.6 +\+2\.20 +-11\.1 … \+113 +\+1 +unsure/);
    expect(text).toMatch(/OVER[\s\S]*within/);
    expect(compositionTable({ rows: [], failure: "no heap", complete: false })).toContain(
      "not measured: no heap",
    );
  });

  it("of more columns than fit go on below, with the rows' names again", () => {
    const head = ["trace", ...Array.from({ length: 7 }, (_, k) => `column ${k}`)];
    const rows = ["first", "second"].map((name) => [name, ...head.slice(1).map((text) => text.padStart(30))]);
    const text = layOut(head, numbers(head), rows, [1]);
    expect(widthOf(text)).toBe(6 + 3 * 32);
    expect(text.match(/^(trace|first|second) .*$/gm)?.map((line) => line.split(/\s{2,}/))).toEqual(
      [[1, 2, 3], [4, 5, 6], [7]].flatMap((band) =>
        ["trace", "first", "second"].map((name) => [name, ...band.map((k) => head[k])]),
      ),
    );
    expect(text.match(/^─+$/gm)?.map(({ length }) => length)).toEqual([102, 102, 102, 102, 38, 38]);
  });

  it("live blocks: slow ones, ratios of medians and minima, growth", () => {
    const cells: LiveCell[] = PATTERNS.flatMap((pattern) =>
      [1000, 1_000_000].flatMap((blocks) =>
        targetNames.map((allocator) => ({
          ...{ allocator, blocks, pattern, status: "measured" },
          ...{ processes: [[39_000, 40_000]], median: 39_472, min: 39_000, spreadPercent: 12, slow: false },
          ratio: { ofMedians: 4562, ofMinima: 4935 },
        })),
      ),
    );
    cells[0] = {
      ...{ allocator: targetNames[0], blocks: 1000, pattern: "learned", status: "not run" },
      ...{ reason: "too slow (>30 s)", detail: "3 % of the blocks replaced after 30000 ms" },
    };
    const text = liveTable(
      {
        allocators: comparison(["hyperheap", "dlmalloc", "as-tlsf", "thi.ng"], [], []).allocators,
        left: ["bump"],
        reference: "dlmalloc",
        counts: [1000, 1_000_000],
        cells,
        growth: [
          {
            allocator: "dlmalloc",
            pattern: "random",
            from: 1000,
            to: 1_000_000,
            ofMedians: 7.1,
            ofMinima: 6.9,
          },
        ],
        complete: false,
      },
      { processes: 1, rounds: 1 },
    );
    expect(widthOf(text)).toBeLessThanOrEqual(120);
    expect(text).toMatch(/^learned 1e3 +too slow \(>30 s\) +39472 ±12% 4562× 4935×/m);
    expect(text).toMatch(/^random 1e6 : 1e3 +- +7\.10× 6\.90× +- +-$/m);
    expect(text).toMatch(/1 process of 1 round /);
    expect(text).toContain("Interrupted");
  });

  it("latency: traces left out are counted, collections told", () => {
    const all = { p50: 41, p99: 591, p999: 79_669, p9999: 1_731_220, max: 48_740_380 };
    const pooled = targetNames.map((allocator, index) => ({
      ...{ allocator, all, repeatable: all, samples: 73_613_452, collections: index },
      histograms: { all: { values: [], counts: [] }, repeatable: { values: [], counts: [] } },
      traces: index === 0 ? ["a"] : ["a", "b"],
    }));
    const text = latencyTable({
      allocators: comparison(targetNames, [], []).allocators,
      shared: ["a", "b"],
      pooled,
      clock: { ...all, samples: 173_613_452, grainNs: 10, histogram: { values: [], counts: [] } },
      cells: [],
      complete: true,
    });
    expect(widthOf(text)).toBeLessThanOrEqual(120);
    expect(text).toMatch(/^hyperheap .* 1 of 2$/m);
    expect(text).toMatch(/it moves by\s+10 ns/);
    expect(text).toContain("tlsf 1, slab 2, dlmalloc 3");
  });

  it("space: what there is of each, and the worst region for its chunks", () => {
    const cell = { peakLive: 1000, extent: 1_300, status: "measured" } as const;
    const text = spaceTable({
      allocators: comparison(["hyperheap", "dlmalloc", "as-tlsf", "thi.ng", "bump"], [], []).allocators,
      traces: traceNames.map((name) => ({ name, peakLive: 5_000_000 })),
      cells: traceNames.flatMap((trace) => [
        { ...cell, allocator: "hyperheap", trace, smallest: 1250, area: 1200, peakTaken: 1100 },
        { ...cell, allocator: "dlmalloc", trace, smallest: 2000 },
        { ...cell, allocator: "thi.ng", trace, why: "too slow (>2 s)" },
        { ...cell, allocator: "bump", trace, extent: 123_000, why: "cannot be limited" },
        { ...notRun("as-tlsf", trace, "no memalign"), status: "not run" },
      ]),
      complete: true,
    });
    expect(widthOf(text)).toBeLessThanOrEqual(120);
    expect(text).toMatch(/^cc1 +4883 +80\.0% 1\.30× +50\.0% 1\.30× +no memalign +too slow 1\.30× +- +123×$/m);
    expect(text).toMatch(/^largest +1\.1364$/m);
  });

  it("stacks: ratios to the bare one, more stacks than fit in further tables", () => {
    const names = ["bare", "limit", "stats", "fence", "poison", "delayed-free", "stats+strict"];
    const given = names.map((name) => `hyperheap+${name}`);
    const cells = given.flatMap((name, k) =>
      traceNames.map((trace) => measured(name, trace, 100 * 5 ** k, 90 * 5 ** k)),
    );
    cells[traceNames.length] = notRun(given[1], traceNames[0], "out of memory");
    const stacks = { ...comparison(given, traceNames, cells), complete: false };
    const text = stacksTable(stacks, { processes: 5, rounds: 3 });
    expect(widthOf(text)).toBeLessThanOrEqual(120);
    expect(text).toMatch(/^trace +bare +limit +stats +fence$/m);
    expect(text).toMatch(/^trace +bare +poison +delayed-free +stats\+strict$/m);
    expect(text).toMatch(/^cc1 +100 +±3% +out of memory +2500 +±3% +25\.00× +25\.00× /m);
    expect(text).toMatch(/^jq +100 +±3% +500 +±3% +5\.00× +5\.00× /m);
    expect(text).toMatch(/^mean of 7 +5\.00× +5\.00× +25\.00× +25\.00× +125× +125×$/m);
    expect(text).toContain("5 alternating processes of 3 rounds");
    expect(text).toContain("Interrupted");
    expect(text).not.toContain("hyperheap+");

    const bare = comparison(given.slice(0, 1), ["jq"], cells.slice(2, 3));
    expect(stacksTable(bare, { processes: 1, rounds: 1 })).toMatch(/^trace +bare\n─+\njq +100 +±3%$/m);
  });

  it("agents: aims for who has a front, one line each for who was not run, the lock's limit", () => {
    const interval = (value: number) => ({ value, low: value - 0.1, high: value + 0.1 });
    const place = (stack: string, workers: number) => ({ stack, workers });
    const figures = { processes: [[10]], rounds: [], median: 12.34, min: 9.5, max: 123.4, contended: 0.034 };
    const cells: LarsonCell[] = [
      { ...place("hyperheap", 1), ...figures, status: "measured", entered: interval(1) },
      { ...place("hyperheap", 2), status: "not run", reason: "wrong", detail: "byte 5 changed" },
      {
        ...{ ...place("hyperheap + front", 1), ...figures, status: "measured" },
        ...{ entered: interval(0.016), enteredVerdict: "unsure" },
      },
      {
        ...{ ...place("hyperheap + front", 2), ...figures, status: "measured", ratio: interval(1.25) },
        ...{ ratioVerdict: "over", entered: interval(0), enteredVerdict: "over" },
      },
    ];
    const lockFigures = { processes: [[1]], min: 1, spreadPercent: 12 };
    const cost: AgentCost = {
      stacks: ["hyperheap", "hyperheap + front"].map((name) => ({ name, about: "it", front: false })),
      workers: [1, 2],
      cells,
      lock: [
        {
          ...{ workload: "replace", limit: 40, verdict: "over" },
          ...{ without: { ...lockFigures, median: 287 }, with: { ...lockFigures, median: 355 } },
          ...{ difference: { value: 68.5, low: -17.8, high: 109 }, ofMinima: 55.5 },
        },
      ],
      complete: false,
    };
    const text = agentsTable(cost, { processes: 5, rounds: 3 });
    expect(widthOf(text)).toBeLessThanOrEqual(120);
    expect(text).toMatch(/^hyperheap +1 +12\.3 +9\.50 … 123 +- +- +1\.000 +1 +3%$/m);
    expect(text).toMatch(/^hyperheap +2 +wrong +- .*\n─+\nhyperheap \+ front/m);
    expect(text).toContain("hyperheap with 2: wrong: byte 5 changed");
    expect(text).toMatch(/^hyperheap \+ front +1 .* 0\.016 +63 +32 unsure +3%$/m);
    expect(text).toMatch(/ 1\.25× +1\.15× … 1\.35× +1\.6× UNDER +0\.000 +never +32 OVER +3%$/m);
    expect(text).toMatch(/^replace +287 ±12% +355 ±12% +\+68\.5 +-17\.8 … \+109 +\+55\.5 +\+40 +OVER$/m);
    expect(text).toContain("Interrupted");

    const failed = {
      ...cost,
      lock: [],
      lockFailure: { reason: "crashed", detail: "code 1" },
      complete: true,
    };
    expect(agentsTable(failed, { processes: 1, rounds: 1 })).toContain("not measured: crashed: code 1");
  });

  it("nanoseconds have three digits that matter", () => {
    expect([4.214, 17.64, 254.4, 39_472.1].map(nanoseconds)).toEqual(["4.21", "17.6", "254", "39472"]);
  });
});
