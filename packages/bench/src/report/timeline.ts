/** The timeline is for eyes: the terminal says where it is, and what is missing. */
import type { Timeline } from "../timeline/run.js";
import { wrap } from "./layout.js";

export function timelineNotes({ traces, cells, complete }: Timeline): string {
  const notes = [
    `Memory over time on ${traces.map(({ name }) => name).join(", ")}: plots in the report (--html), figures with --json.`,
  ];
  for (const cell of cells) {
    if (cell.status !== "not run" || cell.detail === cell.reason) continue;
    notes.push(`${cell.allocator} on ${cell.trace}: ${cell.reason}: ${cell.detail}`);
  }
  if (!complete) notes.push("Interrupted: what is missing was not measured.");
  return notes.map(wrap).join("\n");
}
