/** A small result with every measure, for tests. */
import type { Cell, ComparedAllocator, Comparison, Measured } from "../compare.js";
import type { Environment } from "../environment.js";
import { figuresOf, ratioOf } from "../figures.js";
import { type BenchResult, type Results, toJson } from "../json.js";
import { Counts, type Histogram } from "../latency/counts.js";
import type { Latency } from "../latency/run.js";
import type { LiveCost } from "../live/run.js";
import { EFFORTS } from "../schedule.js";
import { BINS, HeapMapper } from "../timeline/heap-map.js";

export const WHERE: Environment = {
  bench: "1.2.3",
  node: "v20.0.0",
  v8: "11.3",
  platform: "linux x64",
  cores: 2,
  cpu: "a processor",
  date: "2026-01-02T03:04:05.678Z",
};

export const WHO = ["hyperheap", "dlmalloc", "thi.ng", "./mine.mjs"] as const;

const allocators: readonly ComparedAllocator[] = WHO.map((name) => ({
  name,
  about: `about ${name}`,
  version: `${name} 1.0.0`,
  notes: name === "dlmalloc" ? ["a note"] : [],
}));

const stats = {
  operations: 1000,
  maxLiveBlocks: 10,
  peakLiveBytes: 1000,
  requestedBytes: 9000,
  requests: 600,
  medianSize: 40,
  p99Size: 900,
  maxAlign: 0,
};

/** Two processes of two rounds about `ns`. */
const figures = (ns: number) =>
  figuresOf([
    [ns, ns * 1.1],
    [ns * 0.9, ns],
  ]);

const measured = (allocator: string, trace: string, ns: number): Measured => ({
  allocator,
  trace,
  status: "measured",
  ...figures(ns),
  replays: 3,
  slow: false,
});

const missing = (allocator: string, trace: string): Cell => ({
  allocator,
  trace,
  status: "not run",
  reason: "too slow (>1 s)",
  detail: "90 % done after 1000 ms",
});

function comparisonOf(names: readonly string[], traces: readonly string[]): Comparison {
  return {
    allocators: names.map(
      (name) => allocators.find((each) => each.name === name) ?? { ...allocators[0], name },
    ),
    traces: traces.map((name) => ({ name, stats })),
    cells: traces.flatMap((trace) =>
      names.map((name, i) =>
        name === "thi.ng" ? missing(name, trace) : measured(name, trace, 20 * (i + 1)),
      ),
    ),
    complete: true,
  };
}

function liveCost(): LiveCost {
  const counts = [100, 1000];
  const names = WHO.slice(0, 2);
  return {
    allocators: allocators.slice(0, 2),
    left: ["bump"],
    reference: "dlmalloc",
    counts,
    cells: (["learned", "random"] as const).flatMap((pattern) =>
      counts.flatMap((blocks) =>
        names.map((allocator, i) => ({
          ...{ allocator, blocks, pattern, status: "measured" as const, slow: false },
          ...figures(10 * (i + 1) * Math.log10(blocks)),
          ratio: ratioOf(figures(i + 1), figures(1)),
        })),
      ),
    ),
    growth: [],
    complete: true,
  };
}

function samples(scale: number): Counts {
  const counts = new Counts();
  for (let i = 1; i <= 2000; i++) counts.add(Math.round(scale * (1 + 40 / i)));
  return counts;
}

function latency(): Latency {
  const histogram: Histogram = samples(40).histogram();
  return {
    allocators,
    shared: ["lua"],
    pooled: WHO.slice(0, 2).map((allocator, i) => {
      const counts = samples(50 * (i + 1));
      const all = counts.summary();
      const histograms = { all: counts.histogram(), repeatable: histogram };
      return { allocator, traces: ["lua"], samples: 2000, all, repeatable: all, collections: 0, histograms };
    }),
    clock: { ...samples(40).summary(), samples: 2000, grainNs: 10, histogram },
    cells: [],
    complete: true,
  };
}

function heapMap() {
  const mapper = new HeapMapper(BINS * 1000);
  for (let at = 1; at <= 4; at++) {
    mapper.add(at, [
      { ptr: 0, usable: 20_000 * at, state: "used" },
      { ptr: 100_000, usable: 8192, state: "page" },
    ]);
  }
  return mapper.map;
}

/** All of them; tests take away what is not to be there. */
export function exampleResults(): Required<Results> {
  const at = [250, 500, 750, 1000];
  const interval = { value: 0.5, low: -0.5, high: 1.5 };
  return {
    comparison: comparisonOf(WHO, ["lua", "mine"]),
    live: liveCost(),
    latency: latency(),
    space: {
      allocators,
      traces: [{ name: "lua", peakLive: 1000 }],
      cells: [
        {
          allocator: "hyperheap",
          trace: "lua",
          status: "measured",
          peakLive: 1000,
          extent: 1200,
          smallest: 1250,
          area: 1100,
          peakTaken: 1050,
        },
        {
          allocator: "dlmalloc",
          trace: "lua",
          status: "measured",
          peakLive: 1000,
          extent: 1300,
          why: "too slow (>2 s)",
        },
        {
          allocator: "thi.ng",
          trace: "lua",
          status: "not run",
          reason: "no memalign",
          detail: "no memalign",
        },
      ],
      complete: true,
    },
    timeline: {
      allocators,
      traces: [{ name: "lua", at, live: [500, 900, 700, 1000] }],
      cells: [
        {
          allocator: "hyperheap",
          trace: "lua",
          status: "measured",
          extent: [600, 1000, 1100, 1200],
          map: heapMap(),
        },
        { allocator: "dlmalloc", trace: "lua", status: "measured", extent: [700, 1300, 1300, 9000] },
      ],
      complete: true,
    },
    composition: {
      rows: [
        {
          what: "plain heap - bare strategy",
          workload: "pattern",
          crowded: false,
          unit: "operation",
          base: 10,
          other: 11,
          difference: interval,
          limit: 1,
          verdict: "unsure",
        },
      ],
      complete: true,
    },
    stacks: comparisonOf(["hyperheap+bare", "hyperheap+fence"], ["lua"]),
    views: {
      rows: [
        {
          type: "Uint8Array",
          status: "measured",
          plain: figures(1),
          checked: figures(2),
          ratio: ratioOf(figures(2), figures(1)),
        },
        { type: "Float64Array", status: "not run", reason: "failed", detail: "it broke" },
      ],
      complete: true,
    },
    agents: {
      stacks: [{ name: "hyperheap", about: "no plugin", front: false }],
      workers: [1, 2],
      cells: [1, 2].map((workers) => ({
        ...{ stack: "hyperheap", workers, status: "measured" as const, processes: [[5, 6]], rounds: [] },
        ...{ median: 5.5, min: 5, max: 6, entered: interval, contended: 0 },
      })),
      lock: [
        {
          workload: "replace",
          without: figures(100),
          with: figures(130),
          difference: { value: 30, low: 20, high: 50 },
          ofMinima: 28,
          limit: 40,
          verdict: "unsure",
        },
      ],
      complete: true,
    },
    threads: {
      stacks: [{ name: "tlsf", about: "no plugin" }],
      traces: [{ name: "mstress", threads: 2, operations: 1000 }],
      cells: [1, 2].map((threads) => ({
        ...{ trace: "mstress", stack: "tlsf", threads, status: "measured" as const, processes: [[5, 6]] },
        ...{ median: 5.5, min: 5, max: 6, entered: 1, contended: 0.1 },
        ...(threads > 1 && { ratio: interval }),
      })),
      complete: true,
    },
  };
}

export function exampleResult(results: Results = exampleResults()): BenchResult {
  return toJson(WHERE, EFFORTS.quick, results);
}
