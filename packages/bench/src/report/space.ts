/** The tables of utilisation: traces by allocators, and how an allocator's smallest region is made up. */
import type { Space, SpaceCell } from "../space/run.js";
import { layOut, numbers, times, wrap } from "./layout.js";

const kib = (bytes: number): string => (bytes / 1024).toFixed(0);
const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;

/** `87.1% 1.04×`: utilisation, and the extent as a multiple of the peak. */
function cellText(cell: SpaceCell | undefined): string {
  if (cell === undefined) return "-";
  if (cell.status === "not run") return cell.reason;
  const { peakLive, extent, smallest, why } = cell;
  const first =
    smallest === undefined ? (why?.startsWith("too slow") ? "too slow" : "-") : percent(peakLive / smallest);
  return `${first} ${times(extent / peakLive).padStart(5)}`;
}

type Known = Extract<SpaceCell, { status: "measured" }>;

/** The part that says what the smallest region consists of; empty where no allocator can tell. */
function madeUp(space: Space): string[] {
  const cells = space.cells.filter(
    (cell): cell is Known =>
      cell.status === "measured" && cell.peakTaken !== undefined && cell.smallest !== undefined,
  );
  if (cells.length === 0) return [];
  const several = new Set(cells.map(({ allocator }) => allocator)).size > 1;
  const head = ["trace", "live payload", "chunks", "area", "region", "area : chunks", "region : chunks"];
  const rows = cells.map(({ allocator, trace, peakLive, peakTaken = 0, smallest = 0, area }) => [
    several ? `${trace} ${allocator}` : trace,
    String(peakLive),
    String(peakTaken),
    area === undefined ? "-" : String(area),
    String(smallest),
    area === undefined ? "-" : (area / peakTaken).toFixed(4),
    (smallest / peakTaken).toFixed(4),
  ]);
  const worst = Math.max(...cells.map(({ smallest = 0, peakTaken = 0 }) => smallest / peakTaken));
  rows.push(["largest", "", "", "", "", "", worst.toFixed(4)]);
  const names = [...new Set(cells.map(({ allocator }) => allocator))].join(", ");
  return [
    "",
    `What the smallest region holds at the peak, in bytes (${names})`,
    layOut(head, numbers(head), rows, [cells.length]),
    "",
    wrap(
      "chunks: most bytes that all live blocks took at once, headers included; area: the smallest region without the heap's " +
        "own header and tables.",
    ),
  ];
}

export function spaceTable(space: Space): string {
  const { allocators, traces, cells } = space;
  const head = ["trace", "peak KiB", ...allocators.map(({ name }) => name)];
  const rows = traces.map(({ name, peakLive }) => [
    name,
    kib(peakLive),
    ...allocators.map((allocator) =>
      cellText(cells.find((cell) => cell.allocator === allocator.name && cell.trace === name)),
    ),
  ]);
  const notes = [
    "Peak live payload : smallest region in which the trace completes; and × as far as the peak the blocks extend in ample memory.",
  ];
  const isSlow = (cell: SpaceCell): boolean =>
    cell.status === "measured" && cell.why?.startsWith("too slow") === true;
  if (cells.some(isSlow)) notes.push("too slow: the smallest region was not found in time.");
  for (const cell of cells) {
    if (cell.status !== "not run" || cell.detail === cell.reason) continue;
    notes.push(`${cell.allocator} on ${cell.trace}: ${cell.reason}: ${cell.detail}`);
  }
  if (!space.complete) notes.push("Interrupted: what is missing was not measured.");
  return [
    "Utilisation and extent",
    layOut(head, numbers(head), rows, []),
    "",
    ...notes.map(wrap),
    ...madeUp(space),
  ].join("\n");
}
