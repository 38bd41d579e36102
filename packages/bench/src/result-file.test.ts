import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
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
function changed(place: string, value: unknown): string {
  const copy = structuredClone(good) as unknown as { [key: string]: unknown };
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

  it.each([
    ["", "not JSON"],
    ["{", "not JSON"],
    ["\u001b[2Jnot json", "not JSON"],
    ["[".repeat(1_000_000), "not JSON"],
    ["null", "what it holds is not an object"],
    ["[]", "what it holds is not an object"],
    ["{}", "no result of heapwright-bench"],
    ['{"format":"heapwright-bench"}', "version missing, only 2 is known"],
    ['{"format":"heapwright-bench","version":3}', "version 3, only 2 is known"],
    ['{"format":"heapwright-bench","version":"\\u001b[2J"}', "version missing, only 2 is known"],
    ['{"format":"heapwright-bench","version":2}', "environment is not an object"],
  ])("refuses %.40j", async (text, message) => {
    expect(await complaint(text)).toContain(message);
  });

  it.each([
    ["environment.cpu", "two\nlines", "environment.cpu is not a line of text"],
    ["environment.node", "\u001b[31mred", "environment.node is not a line of text"],
    ["environment.node", "\u202eback", "environment.node is not a line of text"],
    ["environment.cores", 0, "environment.cores is not a positive number"],
    ["effort", [], "effort is not an object"],
    ["effort.rounds", "3", "effort.rounds is not a positive number"],
    ["live", 7, "live is not an object"],
    ["comparison", undefined, "comparison is not an object"],
    ["comparison.allocators", {}, "comparison.allocators is not a list"],
    ["comparison.allocators.0", null, "comparison.allocators[0] is not an object"],
    ["comparison.allocators.0.name", "x".repeat(61), "comparison.allocators[0].name is not a name"],
    ["comparison.allocators.0.name", "dlmalloc", "comparison.allocators[1].name is there twice: dlmalloc"],
    ["comparison.allocators.0.notes", "note", "comparison.allocators[0].notes is not a list"],
    ["comparison.allocators.0.version", 1, "comparison.allocators[0].version is not a line of text"],
    ["comparison.traces.0.stats.requests", -1, "comparison.traces[0].stats.requests is not a whole number"],
    ["comparison.complete", "yes", "comparison.complete is not true or false"],
    ["comparison.cells.0.status", "fine", 'comparison.cells[0].status is not "measured" or "not run"'],
    ["comparison.cells.0.trace", "none", "comparison.cells[0].trace is unknown: none"],
    ["comparison.cells.0.allocator", "__proto__", "comparison.cells[0].allocator is unknown: __proto__"],
    ["comparison.cells.0.allocator", "dlmalloc", "comparison.cells[1] is there twice: dlmalloc on lua"],
    ["comparison.cells.0.processes", [], "comparison.cells[0].processes is not a list with anything in it"],
    ["comparison.cells.0.processes.0", [], "processes[0] is not a list with anything in it"],
    ["comparison.cells.0.processes.0.1", 0, "processes[0][1] is not a positive number"],
    ["comparison.cells.0.processes.0.1", null, "processes[0][1] is not a positive number"],
    ["comparison.cells.0.processes.0.1", "7", "processes[0][1] is not a positive number"],
    ["comparison.cells.0.median", -3, "comparison.cells[0].median is not a positive number"],
    ["comparison.cells.0.slow", 1, "comparison.cells[0].slow is not true or false"],
  ])("refuses %s = %j", async (place, value, message) => {
    expect(await complaint(changed(place, value))).toContain(message);
  });

  it("refuses an infinity, which JSON can write", async () => {
    expect(await complaint(JSON.stringify(good).replace("[20,21]", "[20,1e999]"))).toContain(
      "comparison.cells[0].processes[0][1] is not a positive number",
    );
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
