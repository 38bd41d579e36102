/** Memory that grows under all who share it, and pages that may share none. */
import { describe, expect, it } from "vitest";
import { inBrowser } from "./harness.js";
import { STACKS } from "./stacks.js";

const open = inBrowser();

describe.each(STACKS)("%s", (stack) => {
  it("a SharedArrayBuffer or WebAssembly.Memory that one agent lets grow is seen by the others", async () => {
    const page = await open("isolated");
    for (const kind of ["SharedArrayBuffer", "WebAssembly.Memory"] as const) {
      const report = await page.run("growth", { stack, kind });
      expect([report.kind, report.shared]).toEqual([kind, true]);
      expect(report.blocks.every(({ ptr }) => ptr !== 0)).toBe(true);
      expect(report.faults).toBe(0);
      // All agents have views of one length each time, and each time of more.
      expect(report.lengths.map((each) => new Set(each).size)).toEqual([1, 1, 1, 1]);
      const lengths = report.lengths.map(([first]) => first as number);
      expect(lengths).toEqual([...new Set(lengths)].sort((a, b) => a - b));
      expect(report.epoch).toBeGreaterThanOrEqual(4);
      expect([report.full, report.left, report.check]).toEqual([0, 0, "nothing"]);
    }
  });

  it("without isolation: heaps for one agent", async () => {
    const page = await open("plain");
    for (const kind of ["bytes", "ArrayBuffer", "WebAssembly.Memory"] as const) {
      expect(await page.run("alone", { stack, kind }), kind).toEqual({
        isolated: false,
        sharedArrayBuffer: "undefined",
        kind: kind === "bytes" ? "ArrayBuffer" : kind,
        shared: false,
        hasGrown: true,
        faults: 0,
        entered: 0,
        posting: false,
        left: 0,
        check: "nothing",
      });
    }
    // Has the class of shared memory, and so a lock, but nobody to share it with.
    const report = await page.run("alone", { stack, kind: "shared WebAssembly.Memory" });
    expect(report).toMatchObject({ isolated: false, shared: true, hasGrown: true, faults: 0, left: 0 });
    expect(report.entered).toBeGreaterThan(100);
    expect(report.posting).toMatch(/^DataCloneError/);
    expect(report.check).toBe("nothing");
    // A worker that is posted a heap has a copy of it.
    const text = "written by the main thread";
    expect(await page.run("copied", { stack })).toEqual({
      there: { text, left: 0, check: "nothing" },
      text,
      left: 1,
      check: "nothing",
    });
  });
});
