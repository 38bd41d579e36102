/** The table of the cost against live blocks: numbers of blocks and patterns by allocators. */
import { type LiveCell, type LiveCost, PATTERNS } from "../live/run.js";
import { layOut, nanoseconds, numbers, times, wrap } from "./layout.js";
import { type Repeats, repeatsText } from "./time.js";

/** `86.2 ±6% 5.01× 4.98×`: of the medians, of the minima. */
function cellText(cell: LiveCell | undefined): string {
  if (cell === undefined) return "-";
  if (cell.status === "not run") return cell.reason;
  const spread = cell.slow ? `(${cell.processes[0].length})` : `±${cell.spreadPercent.toFixed(0)}%`;
  const ratios = [cell.ratio?.ofMedians, cell.ratio?.ofMinima].map((ratio) => times(ratio).padStart(5));
  return `${nanoseconds(cell.median)} ${spread.padStart(4)} ${ratios.join(" ")}`;
}

/** 100, 1e3, 1e4: powers of ten are shorter so. */
export function count(blocks: number): string {
  return blocks >= 1000 && Number.isInteger(Math.log10(blocks)) ? `1e${Math.log10(blocks)}` : String(blocks);
}

export function liveTable(live: LiveCost, repeats: Repeats): string {
  const { allocators, counts, cells, growth, reference, left } = live;
  const names = allocators.map(({ name }) => name);
  const rows = PATTERNS.flatMap((pattern) =>
    counts.map((blocks) => [
      `${pattern} ${count(blocks)}`,
      ...names.map((name) =>
        cellText(
          cells.find((cell) => cell.allocator === name && cell.blocks === blocks && cell.pattern === pattern),
        ),
      ),
    ]),
  );
  const to = counts[counts.length - 1];
  for (const pattern of PATTERNS) {
    const own = growth.filter((each) => each.pattern === pattern);
    if (own.length === 0) continue;
    rows.push([
      `${pattern} ${count(to)} : ${count(own[0].from)}`,
      ...names.map((name) => {
        const mine = own.find(({ allocator }) => allocator === name);
        return mine === undefined
          ? "-"
          : `${times(mine.ofMedians).padStart(5)} ${times(mine.ofMinima).padStart(5)}`;
      }),
    ]);
  }
  const notes = [
    `ns per operation (a step is a free and a malloc of 8 to 1000 bytes: two): median over ${repeatsText(repeats)} ± half ` +
      `the interquartile range, and × as long as ${reference} with as many blocks, of the medians and of the fastest rounds.`,
    "learned: the same 512 steps over and over; random: a million that a round does not get through. Below the rule: growth.",
  ];
  if (cells.some((cell) => cell.status === "measured" && cell.slow))
    notes.push("(n) in place of ±: slow, one process of n rounds.");
  if (left.length > 0) notes.push(`${left.join(", ")}: never reuses memory.`);
  for (const cell of cells) {
    if (cell.pattern !== PATTERNS[0]) continue;
    const where = `${cell.allocator} with ${count(cell.blocks)}`;
    if (cell.status === "measured") {
      if (cell.note !== undefined) notes.push(`${where}: ${cell.note}`);
    } else if (cell.detail !== cell.reason) notes.push(`${where}: ${cell.reason}: ${cell.detail}`);
  }
  if (!live.complete) notes.push("Interrupted: what is missing was not measured.");
  const head = ["live blocks", ...names];
  const inner = [counts.length, 2 * counts.length].filter((at) => at < rows.length);
  const table = layOut(head, numbers(head), rows, inner);
  return `Cost against live blocks: random replace\n${table}\n\n${notes.map(wrap).join("\n")}`;
}
