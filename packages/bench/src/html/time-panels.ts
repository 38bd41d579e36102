/** Panels of nanoseconds per operation over traces: of allocators, and of stacks of plugins. */
import type { Cell, Comparison, Measured } from "../compare.js";
import { nanoseconds, times } from "../report/layout.js";
import { type Mean, type Summary, summarize } from "../summary.js";
import { STACK_PREFIX } from "../targets/index.js";
import { inPalette, type Palette } from "./allocators.js";
import type { Bar, Panel } from "./bars.js";

const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;

/** ±4 %, or how few rounds a slow one had. */
export function spreadText({ slow, processes, spreadPercent }: Measured): string {
  return slow ? `(${plural(processes[0].length, "round")})` : `±${spreadPercent.toFixed(0)} %`;
}

/** Half the interquartile range, on both sides. */
function whisker({ median, spreadPercent, slow }: Measured): { low?: number; high?: number } {
  if (slow || !Number.isFinite(spreadPercent)) return {};
  const spread = (median * spreadPercent) / 100;
  return { low: median - spread, high: median + spread };
}

interface Look {
  readonly label: (name: string) => string;
  readonly colour: (name: string) => number;
}

function bar(cell: Cell, ratio: number | undefined, reference: string, { label, colour }: Look): Bar {
  const name = label(cell.allocator);
  const place = { name, colour: colour(cell.allocator) };
  if (cell.status === "not run") {
    const tip = `${name} on ${cell.trace}: not run: ${cell.reason}${cell.detail === cell.reason ? "" : `: ${cell.detail}`}`;
    return { ...place, figures: [cell.reason], tip };
  }
  const rounds = cell.processes.flat();
  const of = cell.processes.length === 1 ? "1 process" : `${cell.processes.length} processes`;
  const tip =
    `${name} on ${cell.trace}: median ${nanoseconds(cell.median)} ns per operation ${spreadText(cell)}, ` +
    `rounds ${nanoseconds(Math.min(...rounds))} … ${nanoseconds(Math.max(...rounds))} ns in ${of}` +
    `${ratio === undefined ? "" : `; ${times(ratio)} as long as ${reference}`}`;
  const figures = [`${nanoseconds(cell.median)} ${spreadText(cell)}`, times(ratio)];
  return { ...place, value: cell.median, ...whisker(cell), figures, tip };
}

function meanBar(mean: Mean, reference: string, { label, colour }: Look): Bar {
  const name = label(mean.allocator);
  const place = { name, colour: colour(mean.allocator) };
  if (!Number.isFinite(mean.ofMedians))
    return { ...place, figures: ["too slow for one"], tip: `${name}: too slow for one of them` };
  return {
    ...place,
    value: mean.ofMedians,
    figures: [times(mean.ofMedians)],
    tip: `${name}: ${times(mean.ofMedians)} as long as ${reference}, of the medians; ${times(mean.ofMinima)} of the fastest rounds`,
  };
}

function panels(comparison: Comparison, { reference, ratios, shared, common }: Summary, look: Look): Panel[] {
  const { allocators, traces, cells } = comparison;
  const made: Panel[] = [];
  if (shared.length > 0 && common.some(({ ofMedians }) => Number.isFinite(ofMedians))) {
    made.push({
      title: `All ${shared.length}`,
      unit: `geometric mean of the ratios to ${look.label(reference)}, over ${shared.join(", ")}`,
      bars: common.map((mean) => meanBar(mean, look.label(reference), look)),
      mark: 1,
    });
  }
  for (const { name: trace } of traces) {
    const bars = allocators.flatMap(({ name }) => {
      const cell = cells.find((each) => each.allocator === name && each.trace === trace);
      const ratio = ratios.find((each) => each.allocator === name && each.trace === trace)?.ofMedians;
      return cell === undefined ? [] : [bar(cell, ratio, look.label(reference), look)];
    });
    if (bars.some(({ value }) => value !== undefined))
      made.push({ title: trace, unit: "ns per operation", bars });
  }
  return made;
}

export function timePanels(comparison: Comparison, palette: Palette): Panel[] {
  const look = { label: (name: string) => name, colour: (name: string) => inPalette(palette, name).colour };
  return panels(comparison, summarize(comparison), look);
}

/** Bars of one strategy are all in its colour. */
export function stackPanels(stacks: Comparison): Panel[] {
  const label = (name: string): string =>
    name.startsWith(STACK_PREFIX) ? name.slice(STACK_PREFIX.length) : name;
  return panels(stacks, summarize(stacks), { label, colour: () => 0 });
}
