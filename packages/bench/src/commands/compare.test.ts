// The real command, as a child process. It is the built one: run the build first, as `pnpm test` does.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { built } from "../assets.js";
import type { Environment } from "../environment.js";
import type { Regression } from "../regression/regression.js";
import { sampleResult } from "../test-results.js";

let folder: string;

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function compare(...args: string[]): Outcome {
  return spawnSync(process.execPath, [built("cli.js"), "compare", ...args], {
    cwd: folder,
    encoding: "utf8",
  });
}

/** Twelve processes around so many nanoseconds. */
function around(ns: number, step = 7): number[][] {
  return Array.from({ length: 12 }, (_, i) => [ns * (1 + ((i * step) % 12) / 300), ns * 2]);
}

function write(name: string, tlsf: number, slab = 15, environment: Partial<Environment> = {}): void {
  const result = sampleResult(
    {
      tlsf: { lua: around(tlsf), jq: around(tlsf) },
      slab: { lua: around(slab), jq: around(slab) },
      dlmalloc: { lua: around(10, 5), jq: around(10, 5) },
    },
    environment,
  );
  writeFileSync(join(folder, name), JSON.stringify(result));
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "bench-compare-"));
  write("old.json", 20);
  write("slow.json", 23, 10);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe("compare", () => {
  it("the same: exit code 0", () => {
    const { status, stdout, stderr } = compare("old.json", "old.json");
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^tlsf +24 : 24 +0\.0 % +-\d\.\d % … \+\d\.\d % +1\.000$/m);
    expect(stdout).toMatch(/^ {2}lua +12 : 12 +0\.0 %/m);
    expect(stdout).toMatch(/\nNothing changed by 5 % or more that would be certain\.\n$/);
    expect(stdout).not.toContain("differ in more than the code");
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(120);
  });

  it("a regression: exit code 1; improvements are shown, too", () => {
    const { status, stdout, stderr } = compare("old.json", "slow.json", "--json", "changes.json");
    expect([status, stderr]).toEqual([1, ""]);
    expect(stdout).toMatch(/^tlsf +24 : 24 +\+15\.0 % .* <0\.001 +SLOWER$/m);
    expect(stdout).toMatch(/^slab +24 : 24 +-33\.3 % .* <0\.001 +faster$/m);
    expect(stdout).toMatch(/^Slower: tlsf \+15\.0 %, .*; faster: slab -33\.3 %, /m);
    const { found, changes } = JSON.parse(readFileSync(join(folder, "changes.json"), "utf8")) as Regression;
    expect(found).toBe(true);
    expect(changes[0]).toMatchObject({ allocator: "tlsf", verdict: "slower", processes: [24, 24] });
    expect(changes[0].ratio).toBeCloseTo(1.15, 9);
  });

  it("only faster: exit code 0", () => {
    const { status, stdout } = compare("slow.json", "old.json", "-a", "tlsf");
    expect(status).toBe(0);
    expect(stdout).toMatch(/^Faster: tlsf -13\.0 %/m);
    expect(stdout).not.toContain("slab");
  });

  it("an allocator that no longer completes a trace: exit code 1", () => {
    const twelve = around(10, 5);
    const lost = sampleResult({
      tlsf: { lua: [], jq: around(20) },
      arena: { lua: around(5), jq: around(5) },
      dlmalloc: { lua: twelve, jq: twelve },
    });
    writeFileSync(join(folder, "lost.json"), JSON.stringify(lost));
    const { status, stdout } = compare("old.json", "lost.json");
    expect(status).toBe(1);
    expect(stdout).toMatch(/^Left out: only in the old result: slab; only in the new result: arena\.$/m);
    expect(stdout).toMatch(/\nLost: tlsf on lua \(too slow\)\.\n$/);
    expect(stdout).toMatch(/^tlsf +12 : 12 +0\.0 %/m);
  });

  it("--threshold", () => {
    expect(compare("old.json", "slow.json", "-a", "tlsf", "--threshold", "20").status).toBe(0);
    expect(compare("old.json", "slow.json", "-a", "tlsf", "--threshold", "0").status).toBe(1);
  });

  it("says in one line where the machines differ", () => {
    write("elsewhere.json", 20, 15, { node: "v24.1.0", cpu: "another CPU" });
    const { status, stdout } = compare("old.json", "elsewhere.json");
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /^The two results differ in more than the code: Node: v20\.0\.0, now v24\.1\.0; CPU: a CPU, now another CPU\.$/m,
    );
  });

  it.each([
    [["old.json"], "missing required argument 'new'"],
    [["old.json", "old.json", "old.json"], "too many arguments"],
    [["old.json", "none.json"], "none.json: no such file"],
    [["foreign.json", "old.json"], "foreign.json: no result of heapwright-bench run --json"],
    [["old.json", "broken.json"], "broken.json: not JSON"],
    [["old.json", "untimed.json"], "the new result has no times over traces"],
    [["old.json", "few.json"], "too few processes to be certain of any change"],
    [["old.json", "old.json", "--threshold", "much"], "Expected percent, 0 to 1000"],
    [["old.json", "old.json", "--threshold", "-1"], "Expected percent, 0 to 1000"],
    [["old.json", "old.json", "-a", "thi.ng"], '"thi.ng" is not in the old result'],
    [["old.json", "old.json", "--json", "none/x.json"], "--json: "],
  ])("%j: exit code 2 and one line", (args, message) => {
    writeFileSync(join(folder, "foreign.json"), '{"name": "package", "version": "1.0.0"}');
    writeFileSync(join(folder, "broken.json"), '{"format": "heapwright-bench", "ver');
    writeFileSync(join(folder, "untimed.json"), JSON.stringify({ ...sampleResult({}), comparison: null }));
    writeFileSync(join(folder, "few.json"), JSON.stringify(sampleResult({ tlsf: { lua: [[20], [21]] } })));
    const { status, stdout, stderr } = compare(...args);
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/^heapwright-bench: [^\n]+\n$/);
    expect([status, stdout]).toEqual([2, ""]);
  });
});
