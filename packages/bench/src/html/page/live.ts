/** Cost against live blocks: lines on two logarithmic axes. */
import type { LivePlot } from "../page-data.js";
import { axis, chart, type Drawn, logSplits, nanoseconds, series, short, whole } from "./chart.js";
import { colour } from "./theme.js";

/** All patterns have the same axis, so that they can be held side by side. */
function extremes(plots: readonly LivePlot[]): [number, number] {
  const values = plots.flatMap(({ lines }) =>
    lines.flatMap((line) => line.values.filter((value) => value !== null)),
  );
  return [Math.min(...values) / 1.2, Math.max(...values) * 1.2];
}

export function drawLive(place: HTMLElement, { counts, lines }: LivePlot, plots: readonly LivePlot[]): Drawn {
  const y = extremes(plots);
  const x: [number, number] = [counts[0] / 1.15, counts[counts.length - 1] * 1.15];
  return chart(
    place,
    {
      scales: { x: { time: false, distr: 3, range: () => x }, y: { distr: 3, range: () => y } },
      axes: [
        axis("live blocks", 28, {
          splits: () => [...counts],
          filter: (_, splits) => splits,
          values: (_, splits) => splits.map(short),
        }),
        axis("ns per operation", 44, {
          splits: () => logSplits(...y),
          filter: (_, splits) => splits,
          values: (_, splits) => splits.map(short),
        }),
      ],
      series: [
        { label: "live blocks", value: (_, value) => (value === null ? "–" : whole(value)) },
        ...lines.map((line) => ({
          ...series(line, nanoseconds),
          points: { show: true, size: 7, fill: colour("ground") },
        })),
      ],
    },
    [[...counts], ...lines.map(({ values }) => [...values])],
  );
}
