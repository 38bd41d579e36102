/**
 * Workers that are terminated. Chromium lets one that does not come back to its event loop run on for two seconds, so these take that long at
 * least, and `terminate()` says nothing of the end: `end()` of the scenarios waits for a Web Lock.
 */
import { expect, it } from "vitest";
import { inBrowser } from "./harness.js";
import { STACKS } from "./stacks.js";

const open = inBrowser();
const DEATHS = Math.round(6 * Math.max(0.5, Number(process.env.HEAPWRIGHT_SOAK) || 1));

it("a worker ended inside alloc: the main thread hears who holds the lock, recovers, and all go on", async () => {
  const page = await open("isolated");
  const runs = STACKS.map(async (stack) => {
    const { id, report, ...rest } = await page.run("deathInside", { stack, timeoutMs: 40 });
    for (const message of [...rest.blocked, rest.dying]) {
      expect(message, stack).toMatch(/^ERR_LOCK_TIMEOUT: .*waited 40 ms/);
      expect(message, stack).toContain(`held by agent ${id};`);
    }
    expect(report, stack).toEqual({ agent: id, held: true, operation: "alloc", size: 500, errors: [] });
    expect([rest.check, rest.lastCheck], stack).toEqual(["nothing", "nothing"]);
    expect([rest.survived, rest.ptr > 0, rest.faults], stack).toEqual([true, true, 0]);
    // The block that was made for the dead is not there: nobody had been given it.
    expect([rest.live, rest.left], stack).toEqual([20, 0]);
  });
  await Promise.all(runs);
});

it(`${DEATHS} workers of each stack, ended at any moment, hurt nobody`, async () => {
  const page = await open("isolated");
  const runs = STACKS.map(async (stack) => {
    const { reports, orphans, ranOn, ...rest } = await page.run("deaths", { stack, count: DEATHS });
    expect(
      reports.map(({ errors }) => errors),
      stack,
    ).toEqual(Array.from({ length: DEATHS }, () => []));
    expect(rest, stack).toEqual({ ranAfterTheEnd: 0, faults: 0, checks: ["nothing"], left: 0 });
    expect(orphans, stack).toBeGreaterThan(0);
    return `${reports.filter(({ held }) => held).length} inside a call, ${ranOn} ran on after terminate()`;
  });
  console.log(`of ${DEATHS} deaths each:\n${(await Promise.all(runs)).join("\n")}`);
});
