/** The table of traces replayed by several threads: workloads and stacks by one thread and all of them. */
import type { ThreadsCell, ThreadsCost } from "../threads/run.js";
import { layOut, nanoseconds, times, wrap } from "./layout.js";
import { type Repeats, repeatsText } from "./time.js";

function row(cell: ThreadsCell): string[] {
  const place = [cell.trace, cell.stack, String(cell.threads)];
  if (cell.status === "not run") return [...place, cell.reason, "-", "-", "-", "-", "-"];
  const { median, min, max, ratio, entered, contended } = cell;
  return [
    ...place,
    nanoseconds(median),
    `${nanoseconds(min)} … ${nanoseconds(max)}`,
    times(ratio?.value),
    ratio === undefined ? "-" : `${times(ratio.low)} … ${times(ratio.high)}`,
    entered.toFixed(3),
    `${(100 * contended).toFixed(0)}%`,
  ];
}

export function threadsTable(cost: ThreadsCost, repeats: Repeats): string {
  const { cells, stacks, complete } = cost;
  const head = [
    "workload",
    "stack",
    "threads",
    "M ops/s",
    "min … max",
    "to 1",
    "95 %",
    "lock per op",
    "waits",
  ];
  const aligns = head.map((_, column) => (column < 2 ? "left" : "right"));
  const rules = cells.flatMap(({ trace }, index) =>
    index > 0 && cells[index - 1].trace !== trace ? [index] : [],
  );
  const notes = [
    `Million operations per second of all threads together: median over ${repeatsText(repeats)}, slowest and fastest round; to 1: in what one ` +
      "thread gets done that does everything, the median paired ratio with its 95 % confidence interval. Operations on one block keep " +
      "their order, so a trace whose threads wait for each other cannot gain.",
    "lock per op: enterings of the shared lock per operation; waits: those of them that did not get it at once.",
    ...stacks.map(({ name, about }) => `${name}: ${about}`),
  ];
  for (const cell of cells) {
    if (cell.status !== "not run" || cell.detail === cell.reason) continue;
    notes.push(`${cell.trace}, ${cell.stack} with ${cell.threads}: ${cell.reason}: ${cell.detail}`);
  }
  if (!complete) notes.push("Interrupted: what is missing was not measured.");
  return `Threads of a trace on one shared heap\n${layOut(head, aligns, cells.map(row), rules)}\n\n${notes.map(wrap).join("\n")}`;
}
