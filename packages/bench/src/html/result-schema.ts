/**
 * The shape of a result's file, as far as anything is made of it. JSON has no NaN: it is null where a number is looked for. What
 * is not named here is dropped; no list may be longer, no text longer than any real one.
 */
import * as v from "valibot";

const MOST_ITEMS = 20_000;
const MOST_CHARACTERS = 10_000;

const text = v.pipe(v.string(), v.maxLength(MOST_CHARACTERS));
const number = v.pipe(
  v.nullable(v.number()),
  v.transform((value) => value ?? Number.NaN),
);
const count = v.pipe(v.number(), v.minValue(0));
const list = <const Item extends v.GenericSchema>(item: Item) =>
  v.pipe(v.array(item), v.maxLength(MOST_ITEMS), v.readonly());

const rounds = v.pipe(list(v.pipe(list(v.number()), v.minLength(1))), v.minLength(1));
const figures = { processes: rounds, median: v.number(), min: v.number(), spreadPercent: number };
const ratioPair = v.object({ ofMedians: number, ofMinima: number });
const interval = v.object({ value: number, low: number, high: number });
const verdict = v.picklist(["within", "over", "unsure"]);

const allocator = v.object({ name: text, about: text, version: text, notes: list(text) });
const allocators = list(allocator);
const failure = { reason: text, detail: text };
const place = { allocator: text, trace: text };
const notRun = v.object({ ...place, status: v.literal("not run"), ...failure });
/** What was measured, or why it was not. */
const cellsOf = <const Measured extends v.ObjectEntries>(measured: Measured) =>
  list(v.variant("status", [v.object({ ...place, status: v.literal("measured"), ...measured }), notRun]));

const comparison = v.object({
  allocators,
  traces: list(
    v.object({
      name: text,
      stats: v.object({
        operations: count,
        maxLiveBlocks: count,
        peakLiveBytes: count,
        requestedBytes: count,
        requests: count,
        medianSize: count,
        p99Size: count,
        maxAlign: count,
      }),
    }),
  ),
  cells: cellsOf({ ...figures, replays: count, slow: v.boolean() }),
  complete: v.boolean(),
});

const pattern = v.picklist(["learned", "random"]);
const liveShape = { allocator: text, blocks: count, pattern };
const live = v.object({
  allocators,
  left: list(text),
  reference: v.optional(text, ""),
  counts: v.pipe(list(v.pipe(v.number(), v.minValue(1))), v.minLength(1)),
  cells: list(
    v.variant("status", [
      v.object({
        ...liveShape,
        status: v.literal("measured"),
        ...figures,
        slow: v.boolean(),
        note: v.exactOptional(text),
        ratio: v.exactOptional(ratioPair),
      }),
      v.object({ ...liveShape, status: v.literal("not run"), ...failure }),
    ]),
  ),
  growth: list(
    v.object({ allocator: text, pattern, from: count, to: count, ofMedians: number, ofMinima: number }),
  ),
  complete: v.boolean(),
});

const percentileShape = { p50: number, p99: number, p999: number, p9999: number, max: number };
const percentiles = v.object(percentileShape);
const histogram = v.pipe(
  v.object({ values: list(count), counts: list(count) }),
  v.check(({ values, counts }) => values.length === counts.length, "as many values as counts"),
);
const latency = v.object({
  allocators,
  shared: list(text),
  pooled: list(
    v.object({
      allocator: text,
      traces: list(text),
      samples: count,
      all: percentiles,
      repeatable: percentiles,
      collections: count,
      histograms: v.object({ all: histogram, repeatable: histogram }),
    }),
  ),
  clock: v.object({ ...percentileShape, samples: count, grainNs: number, histogram }),
  cells: cellsOf({
    replays: count,
    samples: count,
    all: percentiles,
    repeatable: percentiles,
    collections: count,
  }),
  complete: v.boolean(),
});

const space = v.object({
  allocators,
  traces: list(v.object({ name: text, peakLive: count })),
  cells: cellsOf({
    peakLive: count,
    extent: count,
    peakTaken: v.optional(count),
    smallest: v.exactOptional(count),
    area: v.optional(count),
    why: v.exactOptional(text),
  }),
  complete: v.boolean(),
});

const column = v.pipe(v.string(), v.regex(/^[0-9A-Za-z_-]{1,1024}$/));
const digits = v.pipe(v.string(), v.regex(/^[0-6]{1,1024}$/));
const heapMap = v.pipe(
  v.object({
    bytes: v.pipe(v.number(), v.minValue(1)),
    bins: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1024)),
    at: v.pipe(list(count), v.minLength(1)),
    state: list(column),
    sizes: list(digits),
  }),
  v.check(
    ({ bins, at, state, sizes }) =>
      state.length === at.length &&
      sizes.length === at.length &&
      [...state, ...sizes].every((each) => each.length === bins),
    "a cell for each bin of each column",
  ),
);
const samples = v.pipe(list(count), v.minLength(1));
const timeline = v.pipe(
  v.object({
    allocators,
    traces: list(v.object({ name: text, at: samples, live: samples })),
    cells: cellsOf({ extent: samples, map: v.exactOptional(heapMap) }),
    complete: v.boolean(),
  }),
  v.check(
    ({ traces, cells }) =>
      traces.every(({ at, live: bytes }) => at.length === bytes.length) &&
      cells.every(
        (cell) =>
          cell.status !== "measured" ||
          traces.some(({ name, at }) => name === cell.trace && at.length === cell.extent.length),
      ),
    "as many bytes as points in time",
  ),
);

const composition = v.object({
  rows: list(
    v.object({
      what: text,
      workload: text,
      crowded: v.boolean(),
      unit: v.picklist(["operation", "alloc+free pair"]),
      base: number,
      other: number,
      difference: interval,
      limit: v.number(),
      verdict,
    }),
  ),
  failure: v.exactOptional(text),
  complete: v.boolean(),
});

const viewType = v.picklist(["Uint8Array", "Uint32Array", "Float64Array"]);
const views = v.object({
  rows: list(
    v.variant("status", [
      v.object({
        type: viewType,
        status: v.literal("measured"),
        plain: v.object(figures),
        checked: v.object(figures),
        ratio: ratioPair,
      }),
      v.object({ type: viewType, status: v.literal("not run"), ...failure }),
    ]),
  ),
  complete: v.boolean(),
});

const larsonPlace = { stack: text, workers: count };
const agents = v.object({
  stacks: list(v.object({ name: text, about: text, front: v.boolean() })),
  workers: list(count),
  cells: list(
    v.variant("status", [
      v.object({
        ...larsonPlace,
        status: v.literal("measured"),
        processes: rounds,
        rounds: v.optional(
          v.pipe(
            v.unknown(),
            v.transform(() => [] as const),
          ),
          [],
        ),
        median: v.number(),
        min: v.number(),
        max: v.number(),
        ratio: v.exactOptional(interval),
        ratioVerdict: v.exactOptional(verdict),
        entered: interval,
        enteredVerdict: v.exactOptional(verdict),
        contended: number,
      }),
      v.object({ ...larsonPlace, status: v.literal("not run"), ...failure }),
    ]),
  ),
  lock: list(
    v.object({
      workload: v.picklist(["replace", "pattern"]),
      without: v.object(figures),
      with: v.object(figures),
      difference: interval,
      ofMinima: number,
      limit: v.number(),
      verdict,
    }),
  ),
  lockFailure: v.exactOptional(v.object(failure)),
  complete: v.boolean(),
});

/** A measure, or null where there was none. */
const measure = <const Schema extends v.GenericSchema>(schema: Schema) => v.nullable(schema);

const effortNumbers = [
  "processes",
  "rounds",
  "roundMs",
  "warmMs",
  "limitMs",
  "slowMs",
  "liveProcesses",
  "liveRoundMs",
  "liveSteadyMs",
  "latencyReplays",
  "spaceMs",
  "sets",
  "setRounds",
  "setRoundMs",
  "setsMs",
  "agentsMs",
] as const;

/** Summaries are made anew of what they summarize. */
export const resultSchema = v.object({
  environment: v.object({
    bench: text,
    node: text,
    v8: text,
    platform: text,
    cores: count,
    cpu: text,
    date: text,
  }),
  effort: v.object({
    ...v.entriesFromList(effortNumbers, number),
    liveCounts: list(count),
  }),
  comparison: measure(comparison),
  live: measure(live),
  latency: measure(latency),
  space: measure(space),
  timeline: measure(timeline),
  composition: measure(composition),
  stacks: measure(comparison),
  views: measure(views),
  agents: measure(agents),
});
