import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { ownRoot } from "./assets.js";
import { makeAlignedTrace, makePagesTrace } from "./generate.js";
import { encodeTrace, FREE, MEMALIGN, readTrace } from "./trace.js";
import { describeTrace } from "./trace-stats.js";
import { bundledTrace, findTrace, traceNames } from "./traces.js";

/** Rows of a Markdown table by their first cell. */
function tableRows(path: string): Map<string, string[]> {
  const rows = readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  return new Map(rows.map((row) => [row[0], row]));
}

describe("the bundled traces", () => {
  const table = tableRows(join(ownRoot(), "traces", "README.md"));

  it.each(traceNames)("%s is what the table says", async (name) => {
    const stats = describeTrace(await readTrace(bundledTrace(name)));
    const figures = [
      stats.operations,
      stats.maxLiveBlocks,
      Math.round(stats.peakLiveBytes / 1024),
      stats.medianSize,
      stats.p99Size,
    ];
    expect(table.get(name)?.slice(2)).toEqual(figures.map((figure) => figure.toLocaleString("en-US")));
  });

  it.each([
    ["aligned", makeAlignedTrace],
    ["pages", makePagesTrace],
  ] as const)("%s is made again byte for byte", (name, make) => {
    const trace = make();
    const file = gunzipSync(readFileSync(bundledTrace(name)));
    expect(Buffer.compare(file, encodeTrace(trace))).toBe(0);
  });

  it("aligned is heavy in 32 to 256", () => {
    const trace = makeAlignedTrace();
    const aligns = new Map<number, number>();
    let requests = 0;
    for (let i = 0; i < trace.length; i++) {
      if (trace.ops[i] !== FREE) requests++;
      if (trace.ops[i] !== MEMALIGN) continue;
      aligns.set(trace.alignLog2[i], (aligns.get(trace.alignLog2[i]) ?? 0) + 1);
    }
    expect([...aligns.keys()].sort()).toEqual([5, 6, 7, 8]);
    expect([...aligns.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(requests / 2);
  });

  it("pages has runs of 1 to 64 pages", () => {
    const trace = makePagesTrace();
    const pages = new Set<number>();
    for (let i = 0; i < trace.length; i++) if (trace.ops[i] === MEMALIGN) pages.add(trace.sizes[i] / 4096);
    expect(Math.min(...pages)).toBe(1);
    expect(Math.max(...pages)).toBe(64);
    expect([...pages].every(Number.isInteger)).toBe(true);
  });
});

describe("findTrace", () => {
  it("knows bundled names and paths", () => {
    expect(findTrace("jq")).toEqual({ name: "jq", path: bundledTrace("jq") });
    expect(findTrace("some/mine.trace.gz")).toEqual({ name: "mine", path: "some/mine.trace.gz" });
  });

  it("lists the known names for an unknown one", () => {
    expect(() => findTrace("toString")).toThrow('unknown trace "toString"; known: cc1, git-log, jq');
  });
});
