/** The table of single operations: allocators by percentiles. */
import type { Percentiles } from "../latency/counts.js";
import type { Latency } from "../latency/run.js";
import { layOut, numbers, wrap } from "./layout.js";

const whole = (ns: number): string => (Number.isNaN(ns) ? "-" : ns.toFixed(0));

function columns({ p50, p99, p999, p9999, max }: Percentiles): string[] {
  return [p50, p99, p999, p9999, max].map(whole);
}

export function latencyTable(latency: Latency): string {
  const { pooled, shared, clock, cells } = latency;
  const head = [
    "ns",
    "p50",
    "p99",
    "p99.9",
    "p99.99",
    "max",
    "repeatable: p99.99",
    "max",
    "operations",
    "traces",
  ];
  const rows = pooled.map(({ allocator, all, repeatable, samples, traces }) => [
    allocator,
    ...columns(all),
    whole(repeatable.p9999),
    whole(repeatable.max),
    String(samples),
    traces.length === shared.length ? String(shared.length) : `${traces.length} of ${shared.length}`,
  ]);
  rows.push(["clock alone", ...columns(clock), "", "", String(clock.samples), ""]);
  const notes = [
    "Each operation timed alone; every figure holds one reading of the clock, whose own cost is the last row" +
      `${Number.isFinite(clock.grainNs) ? `; it moves by ${clock.grainNs} ns` : ""}. All operations of all replays over ` +
      `${shared.length === 0 ? "the traces that all can run: there is none" : shared.join(", ")}.`,
    "repeatable: of each operation's fastest sample over the replays; the rest of the tail is the machine's.",
  ];
  const collected = pooled.filter(({ collections }) => collections > 0);
  if (collected.length > 0) {
    const list = collected.map(({ allocator, collections }) => `${allocator} ${collections}`).join(", ");
    notes.push(`Garbage was collected while the clock ran: ${list} times.`);
  }
  for (const cell of cells) {
    if (cell.status !== "not run" || cell.detail === cell.reason) continue;
    notes.push(`${cell.allocator} on ${cell.trace}: ${cell.reason}: ${cell.detail}`);
  }
  if (!latency.complete) notes.push("Interrupted: what is missing was not measured.");
  const table = layOut(head, numbers(head), rows, [pooled.length]);
  return `Latency of single operations\n${table}\n\n${notes.map(wrap).join("\n")}`;
}
