/** The table of what plugins cost: traces by stacks. */
import type { Cell, Comparison } from "../compare.js";
import { type RatioPair, ratioOf } from "../figures.js";
import { measuredCell, summarize } from "../summary.js";
import { STACK_PREFIX } from "../targets/index.js";
import { layOut, nanoseconds, numbers, times, wrap } from "./layout.js";
import { type Repeats, repeatsText } from "./time.js";

/** Beside the bare column; more are further tables. */
const MOST_STACKS = 4;

function ratiosText({ ofMedians, ofMinima }: RatioPair): string {
  return [ofMedians, ofMinima].map((ratio) => times(ratio).padStart(5)).join(" ");
}

/** `86.2 ±6% 5.01× 4.98×`: of the medians, of the minima; the bare heap's own are left out. */
function cellText(cell: Cell | undefined, base: Cell | undefined): string {
  if (cell === undefined) return "-";
  if (cell.status === "not run") return cell.reason;
  const spread = `±${cell.spreadPercent.toFixed(0)}%`;
  const text = `${nanoseconds(cell.median)} ${spread.padStart(4)}`;
  if (cell === base) return text;
  return `${text} ${base?.status === "measured" ? ratiosText(ratioOf(cell, base)) : times(undefined)}`;
}

/** Runs of about the same length, none longer than a table is wide. */
function inTables(names: readonly string[]): string[][] {
  const count = Math.max(1, Math.ceil(names.length / MOST_STACKS));
  const length = Math.ceil(names.length / count);
  return Array.from({ length: count }, (_, k) => names.slice(k * length, (k + 1) * length));
}

export function stacksTable(stacks: Comparison, repeats: Repeats): string {
  const { allocators, traces, cells } = stacks;
  const { reference, shared, common } = summarize(stacks);
  const plain = (name: string): string => name.replace(STACK_PREFIX, "");
  const others = allocators.map(({ name }) => name).filter((name) => name !== reference);

  const tables = inTables(others).map((names) => {
    const columns = [reference, ...names];
    const rows = traces.map(({ name: trace }) => [
      trace,
      ...columns.map((name) =>
        cellText(
          cells.find((cell) => cell.allocator === name && cell.trace === trace),
          measuredCell(cells, reference, trace),
        ),
      ),
    ]);
    const means = columns.map((name) => common.find(({ allocator }) => allocator === name));
    rows.push([
      `mean of ${shared.length}`,
      ...means.map((mean) => (mean === undefined || mean.allocator === reference ? "" : ratiosText(mean))),
    ]);
    const head = ["trace", ...columns.map(plain)];
    return layOut(head, numbers(head), rows, [traces.length]);
  });

  const notes = [
    `ns per operation: median over ${repeatsText(repeats)} ± half the interquartile range, and × as long as with no plugin, ` +
      "of the medians and of the fastest rounds. Below the rule: geometric means over the traces every stack can run.",
    ...allocators.map(({ name, about }) => `${plain(name)}: ${about}`),
  ];
  for (const cell of cells) {
    if (cell.status !== "not run" || cell.detail === cell.reason) continue;
    notes.push(`${plain(cell.allocator)} on ${cell.trace}: ${cell.reason}: ${cell.detail}`);
  }
  if (!stacks.complete)
    notes.push("Interrupted: what is missing was not measured, and the last trace had fewer rounds.");
  return `What plugins cost\n${tables.join("\n\n")}\n\n${notes.map(wrap).join("\n")}`;
}
