/** The tables of agents that share a heap: stacks by numbers of workers, and what the lock costs one agent. */
import { type AgentCost, ENTERED_AIM, type LarsonCell, RATIO_AIM } from "../agents/run.js";
import type { Verdict } from "../composition/run.js";
import type { Figures } from "../figures.js";
import { signed, WORDS } from "./composition.js";
import { layOut, nanoseconds, times, wrap } from "./layout.js";
import { type Repeats, repeatsText } from "./time.js";

/** The aim for a ratio is a least one. */
const REACHED = { ...WORDS, over: "UNDER" } as const satisfies Record<Verdict, string>;

/** Operations for one entering of the lock: 1, 1.5, 63. */
function operationsPer(entered: number): string {
  if (entered === 0) return "never";
  const operations = 1 / entered;
  return operations < 10 ? operations.toFixed(1).replace(/\.0$/, "") : operations.toFixed(0);
}

function larsonRow(cell: LarsonCell): string[] {
  const place = [cell.stack, String(cell.workers)];
  if (cell.status === "not run") return [...place, cell.reason, "-", "-", "-", "", "-", "-", "", "-"];
  const { median, min, max, ratio, entered } = cell;
  return [
    ...place,
    nanoseconds(median),
    `${nanoseconds(min)} … ${nanoseconds(max)}`,
    times(ratio?.value),
    ratio === undefined ? "-" : `${times(ratio.low)} … ${times(ratio.high)}`,
    cell.ratioVerdict === undefined ? "" : `${RATIO_AIM}× ${REACHED[cell.ratioVerdict]}`,
    entered.value.toFixed(3),
    operationsPer(entered.value),
    cell.enteredVerdict === undefined ? "" : `${operationsPer(ENTERED_AIM)} ${WORDS[cell.enteredVerdict]}`,
    `${(100 * cell.contended).toFixed(0)}%`,
  ];
}

const figures = ({ median, spreadPercent }: Figures): string =>
  `${nanoseconds(median)} ${`±${spreadPercent.toFixed(0)}%`.padStart(4)}`;

function lockTable({ lock, lockFailure }: AgentCost): string {
  const title =
    "What the lock costs where nobody is in the way (median paired difference, 95 % confidence interval)";
  if (lockFailure !== undefined)
    return `${title}\nnot measured: ${lockFailure.reason}: ${lockFailure.detail}`;
  const head = ["ns per operation", "no lock", "lock", "difference", "95 %", "of minima", "limit", ""];
  const rows = lock.map((row) => [
    row.workload,
    figures(row.without),
    figures(row.with),
    signed(row.difference.value),
    `${signed(row.difference.low)} … ${signed(row.difference.high)}`,
    signed(row.ofMinima),
    `+${row.limit}`,
    WORDS[row.verdict],
  ]);
  return `${title}\n${layOut(head, ["left", "right", "right", "right", "right", "right", "right", "left"], rows, [])}`;
}

export function agentsTable(cost: AgentCost, repeats: Repeats): string {
  const { stacks, workers, cells, complete } = cost;
  const head = [
    "stack",
    "workers",
    "M ops/s",
    "min … max",
    "to 1",
    "95 %",
    "aim",
    "lock per op",
    "1 per",
    "aim",
    "waits",
  ];
  const aligns = head.map((name, column) => (column === 0 || name === "aim" ? "left" : "right"));
  const rules = cells.flatMap(({ workers: count }, row) => (row > 0 && count === workers[0] ? [row] : []));
  const table = layOut(head, aligns, cells.map(larsonRow), rules);
  const notes = [
    `Million operations (an alloc or a free) per second of all workers together, on a larson-like workload: median over ${repeatsText(repeats)}, ` +
      "slowest and fastest round; and in what one worker gets done, the median paired ratio with its 95 % confidence interval.",
    "lock per op: enterings of the shared lock per operation, and for how many operations one; waits: those of them that did not get it at once. " +
      "The aims are for stacks with a front.",
    ...stacks.map(({ name, about }) => `${name}: ${about}`),
    "of minima: of the fastest rounds, which a disturbed machine moves least. replace: larson's steps, one agent; pattern: eight allocs and eight frees over and over. No lock and lock are the same heap on " +
      "shared memory, in processes that take turns, three times as many rounds.",
  ];
  for (const cell of cells) {
    if (cell.status !== "not run" || cell.detail === cell.reason) continue;
    notes.push(`${cell.stack} with ${cell.workers}: ${cell.reason}: ${cell.detail}`);
  }
  if (!complete) notes.push("Interrupted: what is missing was not measured.");
  return `Agents that share a heap\n${table}\n\n${lockTable(cost)}\n\n${notes.map(wrap).join("\n")}`;
}
