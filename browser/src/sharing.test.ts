/** A heap in shared memory, between a page's main thread and its workers. */
import { describe, expect, it } from "vitest";
import { inBrowser } from "./harness.js";
import { STACKS } from "./stacks.js";

const open = inBrowser();

describe.each(STACKS)("%s", (stack) => {
  it("on the main thread, which may not sleep: blocks go to workers and come back", async () => {
    const page = await open("isolated");
    const workers = 3;
    const report = await page.run("sharing", { stack, workers });
    expect(report.isolated).toBe(true);
    expect(report.sleeping).toMatch(/^TypeError: .*Atomics\.wait/);
    expect(report.alone).toBeGreaterThan(0);
    expect(report.ids.map(({ agent }) => agent).sort()).toEqual([2, 3, 4]);
    expect(report.ids.map(({ name }) => name)).toEqual(["scene", "scene", "scene"]);
    expect(report.faults).toBe(0);
    expect(report.twice).toMatch(/^ERR_DOUBLE_FREE/);
    expect([report.check, report.timedOut]).toEqual(["nothing", 0]);
    expect(report.entered).toBeGreaterThan(workers * 160);

    // What all have made and nobody has freed yet, to the byte; the same for every agent.
    const made = report.made.flat();
    const { meanwhile, end } = report;
    expect(meanwhile.live.toSorted((a, b) => a - b)).toEqual(
      made.map(({ ptr }) => ptr).sort((a, b) => a - b),
    );
    expect(meanwhile.sum).toBe(meanwhile.capacity);
    for (const seen of report.seen) expect(seen).toEqual(meanwhile);
    expect([end.live, end.usedBytes, end.sum]).toEqual([[], 0, end.capacity]);
    if (stack === "hyperheap") return;
    const currentBytes = made.reduce((sum, { size }) => sum + size, 0);
    const allocations = 1 + 2 * made.length;
    expect(meanwhile.stats).toEqual({
      currentBytes,
      liveBlocks: made.length,
      allocations,
      frees: allocations - made.length,
    });
    expect(end.stats).toEqual({ currentBytes: 0, liveBlocks: 0, allocations, frees: allocations });
  });

  it("the main thread spins for a worker's lock, waits for it in enterAsync, and wakes a worker", async () => {
    const page = await open("isolated");
    const holdMs = 80;
    const report = await page.run("contention", { stack, holdMs });
    expect(report.holders).toEqual([report.id, report.id]);
    expect(report.spunMs).toBeGreaterThan(holdMs / 2);
    expect(report.spun).toMatchObject({ contended: 1, slept: 0, timedOut: 0 });
    expect(report.waited).toMatchObject({ contended: 2, slept: 1, timedOut: 0 });
    expect(report.ticks).toBeGreaterThan(2);
    expect(report.blocked).toBeGreaterThan(0);
    expect([report.woken, report.usedBytes, report.check]).toEqual([true, 0, "nothing"]);
  });
});
