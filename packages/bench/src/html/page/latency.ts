/** Latencies as percentile curves: to the right, each step is a tenth of the operations of the one before. */
import type { LatencyPlot } from "../page-data.js";
import { axis, chart, type Drawn, logSplits, nanoseconds, series } from "./chart.js";
import { colour } from "./theme.js";

/** 0 → 0 %, 1 → 90 %, 3 → 99.9 %; between them no more digits than that. */
function percent(x: number): string {
  const share = 100 * (1 - 10 ** -x);
  return `${Number(share.toFixed(Math.max(0, Math.ceil(x) - 1)))} %`;
}

/** 50 ns, 1 µs, 20 ms: only round values come. */
function tick(value: number): string {
  if (value >= 1e6) return `${value / 1e6} ms`;
  return value >= 1e3 ? `${value / 1e3} µs` : `${value} ns`;
}

export function drawLatency(place: HTMLElement, plot: LatencyPlot, repeatable: boolean): Drawn {
  const lines = repeatable ? plot.repeatable : plot.all;
  const { x, clock } = plot;
  const seen = [...lines.map(({ values }) => values), clock].flat().filter((value) => value !== null);
  const range: [number, number] = [Math.min(...seen) / 1.2, Math.max(...seen) * 1.3];
  const last = x[x.length - 1];
  return chart(
    place,
    {
      scales: { x: { time: false, range: () => [0, last] }, y: { distr: 3, range: () => range } },
      axes: [
        axis("share of the operations that take no longer", 28, {
          splits: () => Array.from({ length: Math.floor(last) + 1 }, (_, i) => i),
          // Every second one where there is no room for all.
          values: ({ width }, splits) => splits.map((x) => (width < 560 && x % 2 === 1 ? "" : percent(x))),
        }),
        axis("one operation", 58, {
          splits: () => logSplits(...range),
          filter: (_, splits) => splits,
          values: (_, splits) => splits.map(tick),
        }),
      ],
      series: [
        { label: "share", value: (_, value) => (value === null ? "–" : percent(value)) },
        ...lines.map((line) => ({ ...series(line, nanoseconds), points: { show: false } })),
        {
          label: "clock alone",
          stroke: colour("muted"),
          width: 1.5,
          dash: [2, 3],
          points: { show: false },
          value: (_, value) => (value === null ? "–" : nanoseconds(value)),
        },
      ],
    },
    [[...x], ...lines.map(({ values }) => [...values]), [...clock]],
  );
}
