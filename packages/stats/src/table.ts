/**
 * Statistics as a table for a terminal. Bytes in full; names last, so that wide characters move nothing.
 *
 *     heap "game", in bytes: capacity 16,777,216; free 11,082,748, largest piece 8,312,061; fragmentation 25.0 %
 *
 *          used      taken       peak  blocks  allocations  failures  tag
 *     4,194,304  4,194,320  5,242,880       1            2         1  scene/texture
 *     1,500,000  1,500,032  1,750,000       2            3         0  scene/mesh
 *           100        116        100       1            1         0  (untagged)
 *             0          0      8,192       0            2         2  sound
 *     5,694,404  5,694,468  7,001,172       4            8         3  total
 */
import { type CounterName, type Counters, type StatsSource, UNTAGGED } from "./figures.js";

const COLUMNS: readonly (readonly [heading: string, figure: CounterName])[] = [
  ["used", "currentBytes"],
  ["taken", "takenCurrentBytes"],
  ["peak", "peakBytes"],
  ["blocks", "liveBlocks"],
  ["allocations", "allocations"],
  ["failures", "failures"],
];

const TOTAL = "total";

/**
 * The main figures of a heap as plain text: a line about the heap, then one per tag, the most used bytes first, and their total.
 *
 * `used` and `peak` are bytes asked for, `taken` those with headers and slack, `blocks` those that live; the total of `peak` is the
 * most all tags had together. Names that would do something to a terminal, hide something, or read as `total`, are shown in quotes with
 * escapes as in JavaScript; nothing but line feeds controls the terminal.
 *
 * Cost: O(tags * log tags).
 *
 * @param source `heap.stats`.
 * @returns Lines that each end with a line feed. For a machine there is `source.toJSON()`.
 * @throws What the source throws.
 */
export function statsTable(source: StatsSource): string {
  const { heap, totals, tags } = source.toJSON();
  const sorted = [...tags].sort((a, b) => b.currentBytes - a.currentBytes || (a.name < b.name ? -1 : 1));
  const rows = [
    [...COLUMNS.map(([heading]) => heading), "tag"],
    ...sorted.map((tag) => row(tag, tag.name === "" ? UNTAGGED : shown(tag.name))),
    row(totals, TOTAL),
  ];
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((cells) => cells[column].length)));
  const lines = rows.map((cells) =>
    cells.map((cell, column) => cell.padStart(widths[column] ?? 0)).join("  "),
  );
  const ofHeap =
    `heap ${quoted(heap)}, in bytes: capacity ${exact(totals.capacity)}; free ${exact(totals.free)}, ` +
    `largest piece ${exact(totals.largestFree)}; fragmentation ${(100 * totals.fragmentation).toFixed(1)} %`;
  return `${[ofHeap, "", ...lines].join("\n")}\n`;
}

function row(counters: Counters, name: string): string[] {
  return [...COLUMNS.map(([, figure]) => exact(counters[figure] ?? 0)), name];
}

/** `1,234,567`, the same in every locale. */
function exact(value: number): string {
  return `${value}`.replace(/\B(?=(?:\d{3})+$)/g, ",");
}

/** Control characters, invisible ones (those that turn the direction of text among them), line separators, halves of a pair. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** The name as it is where that shows all of it, else quoted. */
function shown(name: string): string {
  const plain = name.trim() === name && name.search(UNSEEN) < 0 && !name.startsWith('"');
  return plain && name !== UNTAGGED && name !== TOTAL ? name : quoted(name);
}

function quoted(name: string): string {
  const escaped = name
    .replace(/["\\]/g, "\\$&")
    .replace(UNSEEN, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
  return `"${escaped}"`;
}
