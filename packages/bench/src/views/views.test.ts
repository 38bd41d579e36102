import { describe, expect, it } from "vitest";
import { viewsTable } from "../report/views.js";
import { EFFORTS } from "../schedule.js";
import { VIEW_TYPES, viewJob } from "./job.js";
import { measureViews } from "./run.js";

describe.each(VIEW_TYPES)("viewJob of %s", (type) => {
  it.each([false, true])("reads, checked: %s", (checked) => {
    const job = viewJob({ kind: "view", type, checked });
    const { reads } = job.round(1);
    expect(reads.ns).toBeGreaterThan(0);
    expect(reads.runs).toBeGreaterThan(0);
  });
});

describe("measureViews", () => {
  it("has figures of every type, from as many processes as were asked for", async () => {
    const steps: number[] = [];
    const effort = { ...EFFORTS.quick, roundMs: 2, warmMs: 10 };
    const cost = await measureViews({ effort, progress: (done, total) => steps.push(done / total) });
    expect(cost.complete).toBe(true);
    expect(cost.rows.map(({ type, status }) => [type, status])).toEqual(
      VIEW_TYPES.map((type) => [type, "measured"]),
    );
    for (const row of cost.rows) {
      if (row.status !== "measured") continue;
      expect(row.checked.processes.length).toBe(effort.processes);
      expect(row.ratio.ofMinima).toBeCloseTo(row.checked.min / row.plain.min);
    }
    expect(Math.max(...steps)).toBeLessThanOrEqual(1);
    const table = viewsTable(cost, effort);
    for (const type of VIEW_TYPES) expect(table).toContain(type);
    for (const line of table.split("\n")) expect(line.length).toBeLessThanOrEqual(120);
  });

  it("says why there are no figures, and what is missing when interrupted", () => {
    const table = viewsTable(
      {
        rows: [{ type: "Uint8Array", status: "not run", reason: "crashed", detail: "out of memory" }],
        complete: false,
      },
      EFFORTS.quick,
    );
    expect(table).toMatch(/Uint8Array +crashed/);
    expect(table).toContain("Interrupted");
  });
});
