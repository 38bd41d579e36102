/** All figures of a result in one list, and all that has none, each for a table that sorts. */
import type { Figures } from "../figures.js";
import type { BenchResult } from "../json.js";
import type { Percentiles } from "../latency/counts.js";

export interface FigureRow {
  readonly measure: string;
  readonly workload: string;
  readonly who: string;
  readonly figure: string;
  readonly value: number;
  readonly unit: string;
  /** Percent. */
  readonly spread?: number;
  readonly low?: number;
  readonly high?: number;
  /** To the measure's reference. */
  readonly ratio?: number;
}

export interface NotRunRow {
  readonly measure: string;
  readonly workload: string;
  readonly who: string;
  readonly reason: string;
  readonly detail: string;
}

type Place = Pick<FigureRow, "measure" | "workload" | "who">;

function spreadOf({
  median,
  spreadPercent,
  processes,
}: Figures): Pick<FigureRow, "value" | "spread" | "low" | "high"> {
  const rounds = processes.flat();
  return { value: median, spread: spreadPercent, low: Math.min(...rounds), high: Math.max(...rounds) };
}

const PERCENTILES: readonly (readonly [keyof Percentiles, string])[] = [
  ["p50", "p50"],
  ["p99", "p99"],
  ["p999", "p99.9"],
  ["p9999", "p99.99"],
  ["max", "max"],
];

function percentileRows(place: Place, of: string, percentiles: Percentiles): FigureRow[] {
  return PERCENTILES.map(([key, name]) => ({
    ...place,
    figure: `${of}${name}`,
    value: percentiles[key],
    unit: "ns",
  }));
}

function timeRows({ comparison, summary, stacks, stacksSummary }: BenchResult): FigureRow[] {
  const of = (
    measure: string,
    cells: BenchResult["comparison"],
    ratios: BenchResult["summary"],
  ): FigureRow[] =>
    (cells?.cells ?? []).flatMap((cell) => {
      if (cell.status !== "measured") return [];
      const ratio = ratios?.ratios.find(
        (each) => each.allocator === cell.allocator && each.trace === cell.trace,
      );
      const place = { measure, workload: cell.trace, who: cell.allocator };
      return [
        {
          ...place,
          figure: "median",
          unit: "ns/op",
          ...spreadOf(cell),
          ...(ratio === undefined ? {} : { ratio: ratio.ofMedians }),
        },
      ];
    });
  return [...of("time", comparison, summary), ...of("stacks", stacks, stacksSummary)];
}

function liveRows({ live }: BenchResult): FigureRow[] {
  return (live?.cells ?? []).flatMap((cell) => {
    if (cell.status !== "measured") return [];
    const place = { measure: "live", workload: `${cell.pattern} ${cell.blocks}`, who: cell.allocator };
    const ratio = cell.ratio === undefined ? {} : { ratio: cell.ratio.ofMedians };
    return [{ ...place, figure: "median", unit: "ns/op", ...spreadOf(cell), ...ratio }];
  });
}

function latencyRows({ latency }: BenchResult): FigureRow[] {
  if (latency === null) return [];
  const { pooled, clock, shared } = latency;
  const workload = shared.join(", ");
  const rows = pooled.flatMap(({ allocator, all, repeatable }) => {
    const place = { measure: "latency", workload, who: allocator };
    return [...percentileRows(place, "", all), ...percentileRows(place, "repeatable ", repeatable)];
  });
  return [...rows, ...percentileRows({ measure: "latency", workload, who: "clock alone" }, "", clock)];
}

function spaceRows({ space, timeline }: BenchResult): FigureRow[] {
  const rows = (space?.cells ?? []).flatMap((cell) => {
    if (cell.status !== "measured") return [];
    const place = { measure: "space", workload: cell.trace, who: cell.allocator };
    const { smallest, extent, peakLive, peakTaken } = cell;
    const made: FigureRow[] = [
      { ...place, figure: "extent", value: extent, unit: "bytes", ratio: extent / peakLive },
    ];
    if (smallest !== undefined) {
      made.unshift(
        { ...place, figure: "utilisation", value: (100 * peakLive) / smallest, unit: "%" },
        { ...place, figure: "smallest region", value: smallest, unit: "bytes", ratio: smallest / peakLive },
      );
    }
    if (peakTaken !== undefined)
      made.push({
        ...place,
        figure: "chunks at the peak",
        value: peakTaken,
        unit: "bytes",
        ratio: peakTaken / peakLive,
      });
    return made;
  });
  const ends = (timeline?.cells ?? []).flatMap((cell): FigureRow[] => {
    if (cell.status !== "measured") return [];
    const place = { measure: "timeline", workload: cell.trace, who: cell.allocator };
    return [
      { ...place, figure: "extent at the end", value: cell.extent[cell.extent.length - 1], unit: "bytes" },
    ];
  });
  return [...rows, ...ends];
}

function costRows({ composition, views, agents, threads }: BenchResult): FigureRow[] {
  const rows: FigureRow[] = [];
  for (const { what, workload, crowded, difference, unit } of composition?.rows ?? []) {
    const place = {
      measure: "composition",
      workload: `${workload}, ${crowded ? "after 5 stacks" : "fresh"}`,
      who: what,
    };
    rows.push({ ...place, figure: "difference", unit: `ns/${unit}`, ...difference });
  }
  for (const row of views?.rows ?? []) {
    if (row.status !== "measured") continue;
    const place = { measure: "views", workload: row.type, figure: "median", unit: "ns/read" };
    rows.push({ ...place, who: "typed array", ...spreadOf(row.plain), ratio: 1 });
    rows.push({ ...place, who: "checked view", ...spreadOf(row.checked), ratio: row.ratio.ofMedians });
  }
  for (const cell of agents?.cells ?? []) {
    if (cell.status !== "measured") continue;
    const place = { measure: "agents", workload: `${cell.workers} workers`, who: cell.stack };
    const { median: value, min: low, max: high, ratio } = cell;
    const gain = ratio === undefined ? {} : { ratio: ratio.value };
    rows.push({ ...place, figure: "throughput", unit: "M ops/s", value, low, high, ...gain });
    rows.push({ ...place, figure: "lock per op", unit: "enterings/op", ...cell.entered });
  }
  for (const { workload, difference } of agents?.lock ?? [])
    rows.push({
      measure: "agents",
      workload,
      who: "lock - no lock",
      figure: "difference",
      unit: "ns/op",
      ...difference,
    });
  for (const cell of threads?.cells ?? []) {
    if (cell.status !== "measured") continue;
    const { median: value, min: low, max: high, ratio, trace, stack } = cell;
    const gain = ratio === undefined ? {} : { ratio: ratio.value };
    const place = { measure: "threads", workload: `${trace}, ${cell.threads} threads`, who: stack };
    rows.push({ ...place, figure: "throughput", unit: "M ops/s", value, low, high, ...gain });
  }
  return rows;
}

/** Without those that are no numbers: nothing was measured for them. */
export function figureRows(result: BenchResult): FigureRow[] {
  const all = [timeRows, liveRows, latencyRows, spaceRows, costRows].flatMap((of) => of(result));
  return all.filter(({ value }) => Number.isFinite(value));
}

interface AnyCell {
  readonly allocator: string;
  readonly trace: string;
}

/** What was to be measured and was not. */
export function notRunRows(result: BenchResult): NotRunRow[] {
  const { comparison, live, latency, space, timeline, composition, stacks, views, agents, threads } = result;
  const rows: NotRunRow[] = [];
  const missed = (measure: string, cells: readonly (AnyCell & { readonly status: string })[] = []): void => {
    for (const cell of cells) {
      if (cell.status !== "not run") continue;
      const { reason, detail } = cell as unknown as NotRunRow;
      rows.push({ measure, workload: cell.trace, who: cell.allocator, reason, detail });
    }
  };
  missed("time", comparison?.cells);
  missed(
    "live",
    live?.cells.map((cell) => ({ ...cell, trace: `${cell.pattern} ${cell.blocks}` })),
  );
  for (const who of live?.left ?? [])
    rows.push({
      measure: "live",
      workload: "all",
      who,
      reason: "never reuses memory",
      detail: "nothing can be replaced for ever in it",
    });
  missed("latency", latency?.cells);
  missed("space", space?.cells);
  for (const cell of space?.cells ?? []) {
    if (cell.status !== "measured" || cell.smallest !== undefined) continue;
    const place = { measure: "space", workload: cell.trace, who: cell.allocator };
    rows.push({
      ...place,
      reason: cell.why ?? "not found",
      detail: "no smallest region; the extent was measured",
    });
  }
  missed("timeline", timeline?.cells);
  if (composition?.failure !== undefined)
    rows.push({
      measure: "composition",
      workload: "all",
      who: "all stacks",
      reason: "failed",
      detail: composition.failure,
    });
  missed("stacks", stacks?.cells);
  for (const row of views?.rows ?? [])
    if (row.status === "not run")
      rows.push({
        measure: "views",
        workload: row.type,
        who: "views",
        reason: row.reason,
        detail: row.detail,
      });
  missed(
    "agents",
    agents?.cells.map((cell) => ({ ...cell, allocator: cell.stack, trace: `${cell.workers} workers` })),
  );
  missed(
    "threads",
    threads?.cells.map((cell) => ({
      ...cell,
      allocator: cell.stack,
      trace: `${cell.trace}, ${cell.threads} threads`,
    })),
  );
  if (agents?.lockFailure !== undefined)
    rows.push({ measure: "agents", workload: "lock", who: "hyperheap", ...agents.lockFailure });
  return rows;
}
