/** How the tables look: plain columns, rules between them, at most 120 characters wide: what does not fit goes on below. */
import Table from "cli-table3";

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

export type Align = "left" | "right";

/** Columns that all but the first are right-aligned in. */
export function numbers(head: readonly string[]): Align[] {
  return head.map((_, column) => (column === 0 ? "left" : "right"));
}

/** Widest line of a table, in characters. */
const WIDTH = 120;
const GAP = LINES.middle.length;

/**
 * Rows in columns, a rule under the head and before each row that asks for it. What is wider than {@link WIDTH} goes on below: the
 * first column again, and the next columns that fit.
 */
export function layOut(
  head: readonly string[],
  aligns: readonly Align[],
  rows: readonly (readonly string[])[],
  ruleAt: number[],
): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const bands: number[][] = [];
  let width = Number.POSITIVE_INFINITY;
  for (let column = 1; column < head.length; column++) {
    width += GAP + widths[column];
    if (width > WIDTH) {
      bands.push([0]);
      width = widths[0] + GAP + widths[column];
    }
    bands[bands.length - 1].push(column);
  }
  if (bands.length === 0) bands.push([0]);
  return bands
    .map((columns) =>
      layOutBand(
        all.map((row) => columns.map((column) => row[column] ?? "")),
        columns.map((column) => aligns[column]),
        ruleAt,
      ),
    )
    .join("\n\n");
}

function layOutBand(rows: string[][], aligns: Align[], ruleAt: number[]): string {
  const table = new Table({
    chars: LINES,
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0, compact: true },
    colAligns: aligns,
  });
  table.push(...rows);
  const lines = table.toString().split("\n");
  const width = Math.max(...lines.map((line) => line.length));
  for (const at of [...ruleAt, 0].sort((a, b) => b - a)) lines.splice(at + 1, 0, "─".repeat(width));
  return lines.map((line) => line.trimEnd()).join("\n");
}

/** Three digits that matter: 4.21, 17.6, 254, 39472. */
export function nanoseconds(value: number): string {
  return value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0);
}

/** `1.75×`; a dash where there is none. */
export function times(ratio: number | undefined): string {
  if (ratio === undefined || Number.isNaN(ratio)) return "-";
  return `${ratio < 100 ? ratio.toFixed(2) : ratio.toFixed(0)}×`;
}

/** Breaks a note at words, to the width the tables keep. */
export function wrap(text: string): string {
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines[lines.length - 1];
    if (last !== "" && last.length + word.length >= 118) lines.push(`  ${word}`);
    else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
  }
  return lines.join("\n");
}
