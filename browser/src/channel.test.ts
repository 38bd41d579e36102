/** Channels between the main thread, which waits in promises, and workers, which sleep. */
import { expect, it } from "vitest";
import { inBrowser } from "./harness.js";
import { STACKS } from "./stacks.js";

const open = inBrowser();

it.each(STACKS)("blocks to workers and back, each once, whole, in order; then the end: %s", async (stack) => {
  const page = await open("isolated");
  const [workers, blocks] = [3, 3000];
  for (const slots of [1, 16]) {
    const report = await page.run("passing", { stack, workers, blocks, slots });
    expect(report.sleeping).toEqual([
      expect.stringMatching(/^ERR_UNSUPPORTED: .*may not sleep/),
      expect.stringMatching(/^ERR_UNSUPPORTED: .*may not sleep/),
      expect.stringMatching(/^ERR_UNSUPPORTED: .*may not sleep/),
      expect.stringMatching(/^ERR_LOCK_TIMEOUT/),
    ]);
    expect(report.handled.reduce((sum, count) => sum + count, 0)).toBe(blocks);
    expect([report.faults, report.workerFaults, report.disorder, report.once]).toEqual([0, 0, 0, blocks]);
    expect(report.late).toMatch(/^ERR_UNSUPPORTED: .*closed/);
    expect([report.counts, report.left, report.check]).toEqual([[0, 0], 3, "nothing"]);
  }
});
