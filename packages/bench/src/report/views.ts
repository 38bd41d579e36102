/** The table of what checked views cost: a row for each type of element. */
import type { Figures } from "../figures.js";
import type { ViewCost } from "../views/run.js";
import { layOut, nanoseconds, numbers, times, wrap } from "./layout.js";
import { type Repeats, repeatsText } from "./time.js";

const figures = ({ median, spreadPercent }: Figures): string =>
  `${nanoseconds(median)} ±${spreadPercent.toFixed(0)}%`;

export function viewsTable({ rows, complete }: ViewCost, repeats: Repeats): string {
  const head = ["reads at random indices", "typed array", "checked view", "medians", "minima"];
  const lines = rows.map((row) =>
    row.status === "not run"
      ? [row.type, row.reason, "-", "-", "-"]
      : [
          row.type,
          figures(row.plain),
          figures(row.checked),
          times(row.ratio.ofMedians),
          times(row.ratio.ofMinima),
        ],
  );
  const notes = [
    `ns per read: median over ${repeatsText(repeats)} ± half the interquartile range, of a block of 65,536 elements; and how ` +
      "many times as long as a typed array a view of heap.strict takes, which looks at each access whether the block lives and has that index.",
  ];
  if (!complete) notes.push("Interrupted: what is missing was not measured.");
  return `What checked views cost\n${layOut(head, numbers(head), lines, [rows.length])}\n\n${notes.map(wrap).join("\n")}`;
}
