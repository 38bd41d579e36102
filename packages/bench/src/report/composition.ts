/** The table of what composing costs. */
import type { Composition, CompositionRow } from "../composition/run.js";
import { layOut, nanoseconds } from "./layout.js";

/** `+2.50`, `-0.31`. */
export function signed(value: number): string {
  return `${value < 0 ? "-" : "+"}${nanoseconds(Math.abs(value))}`;
}

export const WORDS = { within: "within", over: "OVER", unsure: "unsure" } as const satisfies Record<
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
