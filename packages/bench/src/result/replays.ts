/** The shapes of the measures over traces and live blocks. */
import * as v from "valibot";
import {
  allocators,
  ascending,
  cellsOf,
  count,
  failure,
  figures,
  finite,
  list,
  name,
  number,
  ratioPair,
  text,
} from "./parts.js";

export const comparison = v.object({
  allocators,
  traces: list(
    v.object({
      name,
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

export const pattern = v.picklist(["learned", "random"]);
export const liveShape = { allocator: text, blocks: count, pattern };
export const live = v.object({
  allocators,
  left: list(text),
  reference: v.optional(text, ""),
  counts: v.pipe(
    ascending,
    v.check(([first]) => first >= 1, "counts from 1"),
  ),
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

export const percentileShape = { p50: number, p99: number, p999: number, p9999: number, max: number };
export const percentiles = v.object(percentileShape);
export const histogram = v.pipe(
  v.object({ values: list(count), counts: list(count) }),
  v.check(({ values, counts }) => values.length === counts.length, "as many values as counts"),
);
export const latency = v.object({
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

export const space = v.object({
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

export const column = v.pipe(v.string(), v.regex(/^[0-9A-Za-z_-]{1,1024}$/));
export const digits = v.pipe(v.string(), v.regex(/^[0-6]{1,1024}$/));
export const heapMap = v.pipe(
  v.object({
    bytes: v.pipe(finite, v.minValue(1)),
    bins: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1024)),
    at: v.pipe(ascending, v.maxLength(2000)),
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
export const samples = v.pipe(list(count), v.minLength(1));
export const timeline = v.pipe(
  v.object({
    allocators,
    traces: list(v.object({ name: text, at: ascending, live: samples })),
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
