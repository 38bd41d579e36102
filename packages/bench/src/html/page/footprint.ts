/** Footprint over time: what the program has alive as an area, and over it how far each allocator's blocks extend. */
import type { FootprintPlot } from "../page-data.js";
import { axis, chart, type Drawn, mebibytes, series, short, whole } from "./chart.js";
import { colour } from "./theme.js";

export function drawFootprint(place: HTMLElement, { at, live, lines, top }: FootprintPlot): Drawn {
  const end = top * 1.08;
  return chart(
    place,
    {
      scales: {
        x: { time: false, range: () => [0, at[at.length - 1]] },
        y: { range: () => [0, end] },
      },
      axes: [
        axis("operations", 28, { values: (_, splits) => splits.map(short) }),
        axis("MiB", 40, {
          splits: () => mibSplits(end),
          values: (_, splits) => splits.map((value) => String(value / 2 ** 20)),
        }),
      ],
      series: [
        { label: "operation", value: (_, value) => (value === null ? "–" : whole(value)) },
        {
          label: "live",
          stroke: colour("muted"),
          fill: colour("area"),
          width: 1,
          points: { show: false },
          value: (_, value) => (value === null ? "–" : mebibytes(value)),
        },
        ...lines.map((line) => ({ ...series(line, mebibytes), points: { show: false } })),
      ],
    },
    [[...at], [...live], ...lines.map(({ values }) => [...values])],
  );
}

/** Round numbers of MiB, some five of them. */
export function mibSplits(end: number): number[] {
  const rough = end / 2 ** 20 / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((each) => each * power >= rough) ?? 10) * 2 ** 20;
  return Array.from({ length: Math.floor(end / step) + 1 }, (_, i) => i * step);
}
