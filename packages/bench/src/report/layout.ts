/** How the tables look: plain columns, rules between them, at most 120 columns wide with the bundled allocators. */
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

/** Rows in columns, a rule under the head and before each row that asks for it. */
export function layOut(
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
