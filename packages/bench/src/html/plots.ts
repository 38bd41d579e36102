/** Results as the plots need them. A plot that would show nothing is left out. */
import type { BenchResult } from "../json.js";
import type { Histogram } from "../latency/counts.js";
import { PATTERNS } from "../live/run.js";
import { inPalette, type Palette } from "./allocators.js";
import { shown } from "./markup.js";
import type { FootprintPlot, LatencyPlot, Line, LivePlot, MapPlot, PageData } from "./page-data.js";

const isDrawn = ({ values }: Line): boolean => values.some((value) => value !== null);

function livePlots({ live }: BenchResult, palette: Palette): LivePlot[] {
  if (live === null) return [];
  return PATTERNS.flatMap((pattern) => {
    const lines = live.allocators.map(({ name }) => ({
      allocator: inPalette(palette, name),
      values: live.counts.map((blocks) => {
        const cell = live.cells.find(
          (each) => each.allocator === name && each.blocks === blocks && each.pattern === pattern,
        );
        return cell?.status === "measured" ? cell.median : null;
      }),
    }));
    const drawn = lines.filter(isDrawn);
    return drawn.length === 0 ? [] : [{ pattern, counts: live.counts, lines: drawn }];
  });
}

/** Points of the percentile curve for each factor of ten. */
const STEPS = 8;

const total = ({ counts }: Histogram): number => counts.reduce((sum, count) => sum + count, 0);

/** The value at each share 1 - 10^-x, as far as there are samples beyond it. */
export function percentileCurve(histogram: Histogram, xs: readonly number[]): (number | null)[] {
  const samples = total(histogram);
  let seen = 0;
  let at = -1;
  return xs.map((x) => {
    const beyond = samples * 10 ** -x;
    if (samples === 0 || beyond < 1 - 1e-9) return null;
    while (at + 1 < histogram.values.length && (at < 0 || samples - seen > beyond + 1e-6)) {
      at++;
      seen += histogram.counts[at];
    }
    // A logarithmic axis has no 0.
    return Math.max(1, histogram.values[at]);
  });
}

function latencyPlots({ latency }: BenchResult, palette: Palette): LatencyPlot[] {
  if (latency === null) return [];
  const { pooled, clock } = latency;
  const most = Math.max(...pooled.map(({ histograms }) => total(histograms.all)), 10);
  const x = Array.from({ length: Math.floor(STEPS * Math.log10(most)) + 1 }, (_, i) => i / STEPS);
  const lines = (of: "all" | "repeatable"): Line[] =>
    pooled
      .map(({ allocator, histograms }) => ({
        allocator: inPalette(palette, allocator),
        values: percentileCurve(histograms[of], x),
      }))
      .filter(isDrawn);
  const all = lines("all");
  if (all.length === 0) return [];
  return [{ x, all, repeatable: lines("repeatable"), clock: percentileCurve(clock.histogram, x) }];
}

/** Who needs more than this, in peaks of live bytes, leaves the plot, so that the others can be told apart. */
const TALLEST = 2.5;

function footprintPlots({ timeline }: BenchResult, palette: Palette): FootprintPlot[] {
  if (timeline === null) return [];
  return timeline.traces.flatMap(({ name: trace, at, live }) => {
    const lines: Line[] = timeline.cells.flatMap((cell) =>
      cell.trace === trace && cell.status === "measured"
        ? [{ allocator: inPalette(palette, cell.allocator), values: cell.extent }]
        : [],
    );
    if (lines.length === 0) return [];
    const order = timeline.allocators.map(({ name }) => name);
    lines.sort((a, b) => order.indexOf(a.allocator.name) - order.indexOf(b.allocator.name));
    const peak = Math.max(...live);
    const ends = lines.map(({ values }) => Math.max(...values.map((value) => value ?? 0)));
    const top = Math.max(1, peak, ...ends.filter((end) => end <= TALLEST * peak));
    return [{ trace: shown(trace), at, live, lines, top }];
  });
}

function mapPlots({ timeline }: BenchResult): MapPlot[] {
  if (timeline === null) return [];
  return timeline.traces.flatMap(({ name: trace }) =>
    timeline.allocators.flatMap(({ name: allocator }) => {
      const cell = timeline.cells.find((each) => each.trace === trace && each.allocator === allocator);
      if (cell?.status !== "measured" || cell.map === undefined) return [];
      return [{ trace: shown(trace), allocator: shown(allocator), ...cell.map }];
    }),
  );
}

export function pageData(result: BenchResult, palette: Palette): PageData {
  return {
    live: livePlots(result, palette),
    latency: latencyPlots(result, palette),
    footprint: footprintPlots(result, palette),
    map: mapPlots(result),
  };
}
