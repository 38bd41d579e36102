/** The main table: traces by allocators. */
import type { Cell, Comparison } from "../compare.js";
import { summarize } from "../summary.js";
import { layOut, nanoseconds, numbers, times, wrap } from "./layout.js";

/** `  17.6 ±2%   0.92×`; a slow allocator's few rounds stand in place of the spread. */
function cellText(cell: Cell | undefined, ratio: number | undefined): string {
  if (cell === undefined) return "-";
  if (cell.status === "not run") return cell.reason;
  const spread = cell.slow ? `(${cell.processes[0].length})` : `±${cell.spreadPercent.toFixed(0)}%`;
  return `${nanoseconds(cell.median)} ${spread.padStart(4)} ${times(ratio).padStart(6)}`;
}

/** How many processes and rounds the figures are from, as asked for. */
export interface Repeats {
  readonly processes: number;
  readonly rounds: number;
}

export function repeatsText({ processes, rounds }: Repeats): string {
  return `${processes} ${processes === 1 ? "process" : "alternating processes"} of ${rounds} round${rounds === 1 ? "" : "s"}`;
}

export function comparisonTable(comparison: Comparison, repeats: Repeats): string {
  const { allocators, traces, cells } = comparison;
  const { reference, ratios, shared, common, own } = summarize(comparison);
  const ratioOf = (allocator: string, trace: string): number | undefined =>
    ratios.find((ratio) => ratio.allocator === allocator && ratio.trace === trace)?.ofMedians;

  const rows = traces.map(({ name: trace }) => [
    trace,
    ...allocators.map(({ name }) =>
      cellText(
        cells.find((cell) => cell.allocator === name && cell.trace === trace),
        ratioOf(name, trace),
      ),
    ),
  ]);
  rows.push(
    [`all ${shared.length}: medians`, ...common.map(({ ofMedians }) => times(ofMedians))],
    [`all ${shared.length}: minima`, ...common.map(({ ofMinima }) => times(ofMinima))],
    ["own: medians", ...own.map((mean) => `${times(mean.ofMedians)} (${mean.traces.length})`)],
    ["own: minima", ...own.map((mean) => `${times(mean.ofMinima)} (${mean.traces.length})`)],
  );

  const head = ["trace", ...allocators.map(({ name }) => name)];
  const notes = [
    `ns per operation: median over ${repeatsText(repeats)} ± half the interquartile range, and × as long as ${reference}.`,
    "Below the rule: geometric means of the ratios, of the medians and of the fastest rounds. " +
      `all ${shared.length}: over the traces every allocator here can run` +
      `${shared.length === 0 ? "" : ` (${shared.join(", ")})`}, a dash for who was too slow; own: over all it ran, how many in brackets.`,
  ];
  if (cells.some((cell) => cell.status === "measured" && cell.slow))
    notes.push("(n) in place of ±: slow, one process of n rounds.");
  for (const cell of cells) {
    if (cell.status !== "not run" || cell.detail === cell.reason) continue;
    notes.push(`${cell.allocator} on ${cell.trace}: ${cell.reason}: ${cell.detail}`);
  }
  for (const { name, notes: own } of allocators) for (const note of own) notes.push(`${name}: ${note}`);
  if (!comparison.complete)
    notes.push("Interrupted: what is missing was not measured, and the last trace had fewer rounds.");
  return `${layOut(head, numbers(head), rows, [traces.length])}\n\n${notes.map(wrap).join("\n")}`;
}
