/** Many operations of all agents at once. `HEAPWRIGHT_SOAK` multiplies them. */
import { describe, expect, it } from "vitest";
import { inBrowser } from "./harness.js";
import { STACKS } from "./stacks.js";

const open = inBrowser();
const WORKERS = 3;
const SOAK = Math.max(0.1, Number(process.env.HEAPWRIGHT_SOAK) || 1);
/** Of each worker; the main thread does as many as one of them, in slices. */
const OPERATIONS = Math.round(25_000 * SOAK);

describe.each(STACKS)("%s", (stack) => {
  it(`${WORKERS} workers and the main thread do ${(WORKERS + 1) * OPERATIONS} operations`, async () => {
    const page = await open("isolated");
    const options = { stack, workers: WORKERS, operations: OPERATIONS, mainOperations: OPERATIONS };
    const { sums, ...report } = await page.run("hammer", options);
    const total = (name: keyof (typeof sums)[number]): number =>
      sums.reduce((sum, each) => sum + each[name], 0);
    expect([total("faults"), report.check, report.lastCheck]).toEqual([0, "nothing", "nothing"]);
    expect(total("freed")).toBe(total("allocations"));
    expect([report.left, report.usedBytes]).toEqual([0, 0]);
    // Each of them has done its part, and freed blocks of others.
    for (const { foreign, resized } of sums) {
      expect(foreign).toBeGreaterThan(0);
      expect(resized).toBeGreaterThan(0);
    }
    // Even if they never ran at once, the inboxes would be full.
    expect(total("foreign")).toBeGreaterThan((WORKERS + 1) * 400 * Math.min(1, SOAK));
    expect(report.held).toBeGreaterThan(0);
    expect(report.contention.contended).toBeGreaterThan(0);
    expect(report.contention.timedOut).toBe(0);
    for (const [index, figures] of (report.stats ?? []).entries()) {
      expect(figures).toMatchObject({
        allocations: sums[index]?.allocations,
        frees: sums[index]?.allocations,
        failures: sums[index]?.failures,
        currentBytes: 0,
        liveBlocks: 0,
      });
    }
  });
});
