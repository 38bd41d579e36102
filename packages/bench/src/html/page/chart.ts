/** What all plots with two axes have in common. */
import uPlot from "uplot";
import type { Line } from "../page-data.js";
import { colour } from "./theme.js";

export type Drawn = uPlot;

const FONT = "12px system-ui, sans-serif";

function heightFor(place: HTMLElement): number {
  return place.classList.contains("plot") && place.closest(".three") !== null ? 260 : 320;
}

function boxOf(place: HTMLElement): HTMLElement {
  return place.querySelector<HTMLElement>(".canvas") ?? place;
}

/** An axis in the page's colours. */
export function axis(label: string, size: number, options: uPlot.Axis = {}): uPlot.Axis {
  const ink = colour("muted");
  const lines = { stroke: colour("grid"), width: 1 };
  return {
    label,
    labelSize: 18,
    labelFont: FONT,
    labelGap: 2,
    font: FONT,
    gap: 4,
    size,
    stroke: ink,
    grid: lines,
    ticks: { ...lines, size: 4 },
    ...options,
  };
}

/** Peers are dashed, so that colour is not all there is to tell lines by. */
export function series({ allocator }: Line, value: (value: number) => string): uPlot.Series {
  return {
    label: allocator.name,
    stroke: colour(`c${allocator.colour}`),
    width: 2,
    ...(allocator.ours ? {} : { dash: [7, 4] }),
    value: (_, each) => (each === null || each === undefined ? "–" : value(each)),
    spanGaps: false,
  };
}

export function chart(
  place: HTMLElement,
  options: Omit<uPlot.Options, "width" | "height">,
  data: uPlot.AlignedData,
): Drawn {
  const box = boxOf(place);
  const size = { width: box.clientWidth, height: heightFor(place) };
  const strokes = options.series.map(({ stroke }) => (typeof stroke === "string" ? stroke : ""));
  const dashes = options.series.map(({ dash }) => (dash === undefined ? "solid" : "dashed"));
  const legend = { markers: { width: 3, dash: (_: uPlot, i: number) => dashes[i] } };
  const cursor = { points: { size: 8, fill: (_: uPlot, i: number) => strokes[i] } };
  return new uPlot({ ...size, padding: [10, 14, 0, 0], legend, cursor, ...options }, data, box);
}

/** Keeps plots as wide as their places. */
export function fit(drawn: ReadonlyMap<HTMLElement, Drawn>): void {
  new ResizeObserver(() => {
    for (const [place, plot] of drawn) {
      const width = boxOf(place).clientWidth;
      if (width !== plot.width) plot.setSize({ width, height: heightFor(place) });
    }
  }).observe(document.body);
}

/** Round values on a logarithmic axis: 1, 2, 5 of each power of ten, or the powers alone where there are many. */
export function logSplits(min: number, max: number): number[] {
  const steps = max / min > 3000 ? [1] : [1, 2, 5];
  const splits: number[] = [];
  for (let power = Math.floor(Math.log10(min)); power <= Math.log10(max); power++) {
    for (const step of steps) {
      const value = step * 10 ** power;
      if (value >= min && value <= max) splits.push(value);
    }
  }
  return splits;
}

/** 0.5, 12, 1.5k, 20M: thousands by letters. */
export function short(value: number): string {
  for (const [unit, letter] of [
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ] as const) {
    if (value >= unit) return `${Number((value / unit).toPrecision(3))}${letter}`;
  }
  return String(Number(value.toPrecision(3)));
}

export function nanoseconds(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toPrecision(3)} ms`;
  if (value >= 1e4) return `${(value / 1e3).toPrecision(3)} µs`;
  return `${value >= 100 ? value.toFixed(0) : value.toPrecision(3)} ns`;
}

export function mebibytes(value: number): string {
  const mib = value / 2 ** 20;
  return `${mib >= 100 ? mib.toFixed(0) : mib.toFixed(2)} MiB`;
}

/** Operations, thousands apart. */
export const whole = (value: number): string => Math.round(value).toLocaleString("en");
