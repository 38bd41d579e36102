/** The tables a person reads, at most 120 columns wide with the bundled allocators. */
import Table from "cli-table3";
import type { Cell, Comparison } from "./compare.js";
import type { Composition, CompositionRow } from "./composition/run.js";
import type { Environment } from "./environment.js";
import { summarize } from "./summary.js";

const LINES = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: "  ",
};

type Align = "left" | "right";

/** Rows in columns, a rule under the head and before each row that asks for it. */
function layOut(
  head: readonly string[],
  aligns: readonly Align[],
  rows: readonly (readonly string[])[],
  ruleAt: number[],
): string {
  const table = new Table({
    chars: LINES,
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0, compact: true },
    colAligns: [...aligns],
  });
  table.push([...head], ...rows.map((row) => [...row]));
  const lines = table.toString().split("\n");
  const width = Math.max(...lines.map((line) => line.length));
  for (const at of [...ruleAt, 0].sort((a, b) => b - a)) lines.splice(at + 1, 0, "─".repeat(width));
  return lines.map((line) => line.trimEnd()).join("\n");
}

/** Three digits that matter: 4.21, 17.6, 254, 39472. */
export function nanoseconds(value: number): string {
  return value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0);
}

function times(ratio: number | undefined): string {
  if (ratio === undefined || Number.isNaN(ratio)) return "-";
  return `${ratio < 100 ? ratio.toFixed(2) : ratio.toFixed(0)}×`;
}

/** `  17.6 ±2%   0.92×`; a slow allocator's few rounds stand in place of the spread. */
function cellText(cell: Cell | undefined, ratio: number | undefined): string {
  if (cell === undefined) return "-";
  if (cell.status === "not run") return cell.reason;
  const spread = cell.slow ? `(${cell.rounds.length})` : `±${cell.spreadPercent.toFixed(0)}%`;
  return `${nanoseconds(cell.median)} ${spread.padStart(4)} ${times(ratio).padStart(6)}`;
}

export function comparisonTable(comparison: Comparison, roundCount: number): string {
  const { allocators, traces, cells } = comparison;
  const { reference, ratios, common, own } = summarize(comparison);
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
  const shared = common[0]?.traces ?? [];
  rows.push([`geomean, all ${shared.length}`, ...common.map(({ ofMedians }) => times(ofMedians))]);
  rows.push(["geomean, own", ...own.map((mean) => `${times(mean.ofMedians)} (${mean.traces.length})`)]);

  const head = ["trace", ...allocators.map(({ name }) => name)];
  const aligns: Align[] = head.map((_, column) => (column === 0 ? "left" : "right"));
  const notes = [
    `ns per operation: median of ${roundCount} rounds ± half the interquartile range, and × as long as ${reference}.`,
    `geomean, all ${shared.length}: geometric mean of the ratios over the traces every allocator here ran` +
      `${shared.length === 0 ? "" : ` (${shared.join(", ")})`}; own: over all it ran, how many in brackets.`,
  ];
  if (cells.some((cell) => cell.status === "measured" && cell.slow))
    notes.push("(n) in place of ±: slow, only n rounds.");
  for (const cell of cells) {
    if (cell.status !== "not run" || cell.detail === cell.reason) continue;
    notes.push(`${cell.allocator} on ${cell.trace}: ${cell.reason}: ${cell.detail}`);
  }
  for (const { name, notes: own } of allocators) for (const note of own) notes.push(`${name}: ${note}`);
  if (!comparison.complete)
    notes.push("Interrupted: what is missing was not measured, and the last trace had fewer rounds.");
  return `${layOut(head, aligns, rows, [traces.length])}\n\n${notes.map(wrap).join("\n")}`;
}

function signed(value: number): string {
  return `${value < 0 ? "-" : "+"}${Math.abs(value).toFixed(2)}`;
}

const WORDS = { within: "within", over: "OVER", unsure: "unsure" } as const satisfies Record<
  CompositionRow["verdict"],
  string
>;

export function compositionTable({ rows, failure, complete }: Composition): string {
  const title =
    "What composing costs (interleaved rounds; median paired difference, 95 % confidence interval)";
  if (failure !== undefined) return `${title}\nnot measured: ${failure}`;
  const head = [
    "ns per",
    "what",
    "workload",
    "process",
    "without",
    "with",
    "difference",
    "95 %",
    "limit",
    "",
  ];
  const table = layOut(
    head,
    ["left", "left", "left", "left", "right", "right", "right", "right", "right", "left"],
    rows.map((row) => [
      row.unit === "operation" ? "call" : "pair",
      row.what,
      row.workload,
      row.crowded ? "after 5 stacks" : "fresh",
      row.base.toFixed(1),
      row.other.toFixed(1),
      signed(row.difference.value),
      `${signed(row.difference.low)} … ${signed(row.difference.high)}`,
      `+${row.limit}`,
      WORDS[row.verdict],
    ]),
    [],
  );
  return `${title}\n${table}${complete ? "" : "\nInterrupted: fewer sets than asked for."}`;
}

export function heading(environment: Environment, allocators: Comparison["allocators"]): string {
  const { bench, node, platform, cores, cpu, date } = environment;
  const versions = allocators.map(({ name, version }) => `${name}: ${version}`).join("; ");
  return [
    `Heapwright bench ${bench}: Node ${node}, ${platform}, ${cores} cores (${cpu}), ${date}`,
    wrap(versions),
  ].join("\n");
}

/** Breaks a note at words, to the width the tables keep. */
function wrap(text: string): string {
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines[lines.length - 1];
    if (last !== "" && last.length + word.length >= 118) lines.push(`  ${word}`);
    else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
  }
  return lines.join("\n");
}
