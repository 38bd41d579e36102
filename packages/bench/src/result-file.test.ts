import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { UsageError } from "./errors.js";
import { exampleResult } from "./html/example-result.js";
import { reportHtml } from "./html/report.js";
import { type BenchResult, RESULT_VERSION } from "./json.js";
import { between, seeded } from "./random.js";
import { ResultError, readResult } from "./result-file.js";
import { sampleResult } from "./test-results.js";

let folder: string;
let path: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "bench-result-"));
  path = join(folder, "result.json");
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** As JSON. */
const ODDITIES = ["1e999", "-1", "0", "1e308", "5e-324", '""', '"<b>"', "null", "[]", "{}", "true", "[[1]]"];

/** What is said of a file with this text. */
async function complaint(text: string | Uint8Array): Promise<string> {
  writeFileSync(path, text);
  return readResult(path).then(
    () => "accepted",
    (error: Error) => {
      expect(error).toBeInstanceOf(ResultError);
      expect(error.message).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      expect(error.message.startsWith(`${path}: `)).toBe(true);
      return error.message.slice(path.length + 2);
    },
  );
}

const good = sampleResult({ mine: { lua: [[20, 21]] }, dlmalloc: { lua: [[10, 11]] } });

/** The good result with one place changed: `comparison.cells.0.status`. */
function changed(place: string, value: unknown, of: BenchResult = good): string {
  const copy = JSON.parse(JSON.stringify(of)) as { [key: string]: unknown };
  const keys = place.split(".");
  let at = copy;
  for (const key of keys.slice(0, -1)) at = at[key] as typeof at;
  at[keys[keys.length - 1]] = value;
  return JSON.stringify(copy);
}

describe("reading a result", () => {
  it("gives back what was written", async () => {
    writeFileSync(path, JSON.stringify(good));
    expect(await readResult(path)).toEqual(good);
  });

  it("gives back every measure, and numbers that were none", async () => {
    const result = exampleResult();
    writeFileSync(path, JSON.stringify(result));
    expect(await readResult(path)).toEqual(result);
    const copy = JSON.parse(JSON.stringify(result));
    copy.latency.clock.grainNs = null;
    writeFileSync(path, JSON.stringify(copy));
    expect((await readResult(path)).latency?.clock.grainNs).toBeNaN();
  });

  it("drops what is not known", async () => {
    writeFileSync(path, changed("comparison.cells.0.more", "<b>"));
    expect(JSON.stringify(await readResult(path))).not.toContain("<b>");
  });

  const known = `only ${RESULT_VERSION} is known`;
  it.each([
    ["", "not JSON"],
    ["{", "not JSON"],
    ["\u001b[2Jnot json", "not JSON"],
    ["[".repeat(1_000_000), "not JSON"],
    ["null", "no result of heapwright-bench run --json"],
    ["[]", "no result of heapwright-bench run --json"],
    ['"heapwright-bench"', "no result of heapwright-bench run --json"],
    ["{}", "no result of heapwright-bench"],
    ['{"format":"other"}', "no result of heapwright-bench"],
    ['{"format":"heapwright-bench"}', `version missing, ${known}`],
    ['{"format":"heapwright-bench","version":2}', `version 2, ${known}`],
    ['{"format":"heapwright-bench","version":"\\u001b[2J"}', `version missing, ${known}`],
    [`{"format":"heapwright-bench","version":${RESULT_VERSION}}`, "environment: "],
  ])("refuses %.40j", async (text, message) => {
    expect(await complaint(text)).toContain(message);
  });

  it.each([
    ["environment.cpu", "two\nlines"],
    ["environment.node", "\u001b[31mred"],
    ["environment.node", "\u202eback"],
    ["environment.cores", 0],
    ["environment.cpu", "x".repeat(20_000)],
    ["effort", []],
    ["effort.rounds", "3"],
    ["live", 7],
    ["live.counts", []],
    ["live.counts.0", 0],
    ["live.counts.1", 50],
    ["live.cells.0.median", 0],
    ["latency.pooled.0.histograms.all.values", [1]],
    ["timeline.cells.0.extent", [1]],
    ["timeline.cells.0.map.bins", 1e9],
    ["timeline.cells.0.map.state.0", "<"],
    ["timeline.cells.0.map.sizes.0", "9".repeat(128)],
    ["timeline.cells.0.map.bytes", 0],
    ["views.rows", Array.from({ length: 30_000 }, () => null)],
    ["agents.lock.0.verdict", "fine"],
    ["threads.cells.0.status", "fine"],
    ["comparison", undefined],
    ["comparison.cells", {}],
    ["comparison.allocators", {}],
    ["comparison.allocators.0", null],
    ["comparison.allocators.0.name", "x".repeat(201)],
    ["comparison.allocators.0.name", ""],
    ["comparison.allocators.0.name", "a\u0007b"],
    ["comparison.allocators.0.notes", "note"],
    ["comparison.allocators.0.version", 1],
    ["comparison.traces.0.name", { toString: "x" }],
    ["comparison.traces.0.stats.requests", -1],
    ["comparison.complete", "yes"],
    ["comparison.cells.0.status", "fine"],
    ["comparison.cells.0.processes", []],
    ["comparison.cells.0.processes.0", []],
    ["comparison.cells.0.processes.0.1", 0],
    ["comparison.cells.0.processes.0.1", null],
    ["comparison.cells.0.processes.0.1", "7"],
    ["comparison.cells.0.median", -3],
    ["comparison.cells.0.median", "12"],
    ["comparison.cells.0.slow", 1],
  ])("refuses %s = %.40j, by name", async (place, value) => {
    const text = changed(place, value, exampleResult());
    const [first, second = ""] = place.split(".");
    const said = await complaint(text);
    expect(said.startsWith(`${first}`)).toBe(true);
    // The timeline's lists are held against each other.
    if (first !== "timeline") expect(said).toContain(second);
    expect(said.length).toBeLessThan(400);
  });

  it.each([
    ["comparison.allocators.0.name", "dlmalloc", "comparison.allocators.1.name is there twice: dlmalloc"],
    ["comparison.cells.0.trace", "none", "comparison.cells.0.trace is unknown: none"],
    ["comparison.cells.0.allocator", "__proto__", "comparison.cells.0.allocator is unknown: __proto__"],
    ["comparison.cells.0.allocator", "dlmalloc", "comparison.cells.1 is there twice: dlmalloc on lua"],
  ])("refuses %s = %j", async (place, value, message) => {
    expect(await complaint(changed(place, value))).toBe(message);
  });

  it("refuses an infinity, which JSON can write", async () => {
    expect(await complaint(JSON.stringify(good).replace("[20,21]", "[20,1e999]"))).toContain(
      "comparison.cells.0.processes.0.1",
    );
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
    expect(ends.made).toBeGreaterThan(30);
    expect(ends.refused).toBeGreaterThan(200);
  });

  it("refuses what is no file, and what is too large", async () => {
    mkdirSync(join(folder, "sub"));
    await expect(readResult(join(folder, "sub"))).rejects.toThrow("sub: not a file");
    await expect(readResult(join(folder, "none.json"))).rejects.toThrow("none.json: no such file");
    await expect(readResult("/dev/null")).rejects.toThrow("/dev/null: not a file");
    writeFileSync(path, "");
    truncateSync(path, (64 << 20) + 1);
    await expect(readResult(path)).rejects.toThrow("67108865 bytes, at most 67108864 are read");
  });
});
