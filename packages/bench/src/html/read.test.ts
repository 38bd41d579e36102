import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { UsageError } from "../errors.js";
import { between, seeded } from "../random.js";
import { exampleResult } from "./example-result.js";
import { readResult } from "./read.js";
import { reportHtml } from "./report.js";

let path: string;
beforeAll(() => {
  path = join(mkdtempSync(join(tmpdir(), "heapwright-read-")), "result.json");
});
afterAll(() => rmSync(join(path, ".."), { recursive: true }));

/** As JSON. */
const ODDITIES = ["1e999", "-1", "0", "1e308", "5e-324", '""', '"<b>"', "null", "[]", "{}", "true", "[[1]]"];

/** A result as JSON with one thing changed: `at` are the keys on the way to it. */
function changed(at: readonly (string | number)[], value: unknown): string {
  const result = JSON.parse(JSON.stringify(exampleResult())) as Record<string | number, unknown>;
  let place = result;
  for (const key of at.slice(0, -1)) place = place[key] as Record<string | number, unknown>;
  place[at[at.length - 1]] = value;
  return JSON.stringify(result);
}

describe("a result's file", () => {
  it("is read as it was written", async () => {
    const result = exampleResult();
    writeFileSync(path, JSON.stringify(result));
    expect(await readResult(path)).toEqual(result);
  });

  it("numbers that were none are none again", async () => {
    writeFileSync(path, changed(["latency", "clock", "grainNs"], null));
    expect((await readResult(path)).latency?.clock.grainNs).toBeNaN();
  });

  it("what is not known is dropped", async () => {
    writeFileSync(path, changed(["comparison", "cells", 0, "more"], "<b>"));
    expect(JSON.stringify(await readResult(path))).not.toContain("<b>");
  });

  it.each([
    ["", "no JSON"],
    ["{", "no JSON"],
    ["null", "no result of heapwright-bench run --json"],
    ["[]", "no result of heapwright-bench run --json"],
    ['"heapwright-bench"', "no result of heapwright-bench run --json"],
    ['{"format":"other"}', "no result of heapwright-bench run --json"],
    ['{"format":"heapwright-bench"}', "a result of version undefined; this reads 3"],
    ['{"format":"heapwright-bench","version":2}', "a result of version 2; this reads 3"],
    ['{"format":"heapwright-bench","version":3}', "environment: "],
  ])("%s is refused", async (text, message) => {
    writeFileSync(path, text);
    await expect(readResult(path)).rejects.toThrow(message);
    await expect(readResult(path)).rejects.toBeInstanceOf(UsageError);
  });

  it.each([
    [["comparison"], undefined],
    [["comparison", "cells"], {}],
    [["comparison", "cells", 0, "median"], "12"],
    [["comparison", "cells", 0, "processes"], []],
    [["comparison", "cells", 0, "processes", 0], []],
    [["comparison", "cells", 0, "status"], "lost"],
    [["comparison", "traces", 0, "name"], { toString: "x" }],
    [["live", "counts"], []],
    [["live", "counts", 0], 0],
    [["live", "counts", 1], 50],
    [["live", "cells", 0, "median"], 0],
    [["latency", "pooled", 0, "histograms", "all", "values"], [1]],
    [["timeline", "cells", 0, "extent"], [1]],
    [["timeline", "cells", 0, "map", "bins"], 1e9],
    [["timeline", "cells", 0, "map", "state", 0], "<"],
    [["timeline", "cells", 0, "map", "sizes", 0], "9".repeat(128)],
    [["timeline", "cells", 0, "map", "bytes"], 0],
    [["environment", "cpu"], "x".repeat(20_000)],
    [["views", "rows"], Array.from({ length: 30_000 }, () => null)],
    [["agents", "lock", 0, "verdict"], "fine"],
  ] as const)("with a wrong %j is refused by name", async (at, value) => {
    writeFileSync(path, changed(at, value));
    const message = await readResult(path).then(
      () => "nothing",
      (error: Error) => error.message,
    );
    expect(message).toContain(`${path}: ${at[0]}`);
    expect(message).not.toContain("\n");
    expect(message.length).toBeLessThan(path.length + 400);
  });

  it("with an infinite number is refused", async () => {
    const text = JSON.stringify(exampleResult());
    const infinite = text.replace(/("histograms":{"all":{"values":\[[\d,]+\],"counts":\[)\d+/, "$11e999");
    expect(infinite).not.toBe(text);
    writeFileSync(path, infinite);
    await expect(readResult(path)).rejects.toThrow("latency.pooled.0.histograms.all.counts.0: ");
  });

  it("with anything in any place is refused, or makes a page", async () => {
    const original = JSON.stringify(exampleResult());
    const places = (original.match(/"(?:[^"\\]|\\.)*"(?!:)|\b\d[\d.e+-]*|\b(?:true|false|null)\b/g) ?? [])
      .length;
    const random = seeded(8);
    const ends = { refused: 0, made: 0 };
    for (let turn = 0; turn < 600; turn++) {
      const changedPlace = between(random, 0, places - 1);
      const value = ODDITIES[between(random, 0, ODDITIES.length - 1)];
      let at = -1;
      const text = original.replace(
        /"(?:[^"\\]|\\.)*"(?!:)|\b\d[\d.e+-]*|\b(?:true|false|null)\b/g,
        (leaf) => (++at === changedPlace ? value : leaf),
      );
      writeFileSync(path, text);
      try {
        expect(reportHtml(await readResult(path))).toContain("</html>");
        ends.made++;
      } catch (error) {
        if (!(error instanceof UsageError)) throw new Error(`${value} at ${changedPlace}: ${error}`);
        ends.refused++;
      }
    }
    expect(ends.made).toBeGreaterThan(50);
    expect(ends.refused).toBeGreaterThan(200);
  });

  it("that is far too long is not read", async () => {
    writeFileSync(path, "");
    truncateSync(path, 65 << 20);
    await expect(readResult(path)).rejects.toThrow("no result of a run");
  });

  it("that is none is no result", async () => {
    await expect(readResult(`${path}.none`)).rejects.toThrow("no such file");
    await expect(readResult(join(path, ".."))).rejects.toThrow("EISDIR");
  });
});
