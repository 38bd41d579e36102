/** Mutated images, given to `restoreHeap` and `attachHeap` and then used. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { STRATEGIES } from "./images.js";
import { bundleWorker, runTrials } from "./workers.js";

const COUNT = Math.round(300 * Math.max(0.1, Number(process.env.HEAPWRIGHT_SOAK) || 1));
const ALONE = process.env.HOSTILE_SEED;

let worker: Awaited<ReturnType<typeof bundleWorker>>;
beforeAll(async () => {
  worker = await bundleWorker();
});
afterAll(() => worker.remove());

if (ALONE !== undefined) {
  it(`${ALONE} alone`, async () => {
    const [strategy = "", seed] = ALONE.split(":");
    const { violations } = await runTrials(
      worker.file,
      { strategy, first: Number(seed), count: 1 },
      console.log,
    );
    expect(violations).toEqual([]);
  });
} else {
  it.each(Object.keys(STRATEGIES))("%s: refused, or used inside its region", async (strategy) => {
    const { refused, used, violations, slowest } = await runTrials(worker.file, {
      strategy,
      first: 1,
      count: COUNT,
    });
    console.log(
      `${strategy}: seeds 1 to ${COUNT}: ${refused} refused, ${used} used; the slowest, ${slowest.seed}, took ${slowest.ms.toFixed()} ms`,
    );
    expect(violations.map(({ seed, message }) => `${strategy}:${seed} ${message}`)).toEqual([]);
    expect(refused + used).toBe(COUNT);
    // Of either there must be enough for this to say anything.
    expect(Math.min(refused, used)).toBeGreaterThan(COUNT / 5);
  });
}

it("sees a trial that does not end, and one that changes what is not the heap's", async () => {
  const planted = { first: 1, count: 1 };
  await expect(runTrials(worker.file, { ...planted, strategy: "endless" }, undefined, 300)).rejects.toThrow(
    "endless:1 has not made a step for 300 ms",
  );
  const { violations } = await runTrials(worker.file, { ...planted, strategy: "trespasser" });
  expect(violations).toMatchObject([
    { seed: 1, message: expect.stringContaining("before the region were changed") },
  ]);
});
