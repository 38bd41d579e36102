// The real command, as a child process. It is the built one: run the build first, as `pnpm test` does.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { built, ownRoot, ownVersion } from "./assets.js";
import { hostileFiles } from "./hostile-files.js";
import type { BenchResult } from "./json.js";
import { targetNames } from "./targets/index.js";
import { randomTrace, traceOf } from "./test-traces.js";
import { FREE, MALLOC, MEMALIGN, writeTrace } from "./trace.js";
import { traceNames } from "./traces.js";

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

let folder: string;
let small: string;

function start(args: readonly string[]): { child: ChildProcess; done: Promise<Outcome> } {
  const child = spawn(process.execPath, [built("cli.js"), ...args], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const done = new Promise<Outcome>((resolve) =>
    child.on("close", (code) => resolve({ code, stdout, stderr })),
  );
  return { child, done };
}

const cli = (...args: string[]): Promise<Outcome> => start(args).done;

/** Refused: exit code 2, nothing on stdout, one line on stderr that says why. */
async function expectRefusal(args: string[], message: string): Promise<void> {
  const { code, stdout, stderr } = await cli(...args);
  expect(stderr).toContain(message);
  expect(stderr).toMatch(/^heapwright-bench: [^\n]+\n$/);
  expect(stdout).toBe("");
  expect(code).toBe(2);
}

beforeAll(async () => {
  if (!existsSync(built("cli.js"))) throw new Error("dist is missing: build the package before its tests");
  folder = mkdtempSync(join(tmpdir(), "bench-cli-"));
  small = join(folder, "small.trace.gz");
  await writeTrace(small, randomTrace(3000, 0));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe("telling", () => {
  it("--help names the command and every option", async () => {
    const { code, stdout, stderr } = await cli("--help");
    for (const word of [
      "heapwright-bench",
      "list",
      "--allocators",
      "--traces",
      "--rounds",
      "--quick",
      "--full",
    ]) {
      expect(stdout).toContain(word);
    }
    for (const word of ["--json", "--no-composition", "--help", "--version"]) expect(stdout).toContain(word);
    expect([code, stderr]).toEqual([0, ""]);
  });

  it("--version", async () => {
    expect(await cli("--version")).toEqual({ code: 0, stdout: `${ownVersion()}\n`, stderr: "" });
  });

  it("list names every allocator and trace", async () => {
    const { code, stdout } = await cli("list");
    for (const name of [...targetNames, ...traceNames]) expect(stdout).toContain(`\n  ${name}`);
    expect(code).toBe(0);
  });
});

describe("refusing", () => {
  it.each([
    [["--foo"], "unknown option '--foo'"],
    [["bogus"], "bogus"],
    [["run", "twice"], "too many arguments"],
    [["-a", "jemalloc"], 'unknown allocator "jemalloc"; known: hyperheap, dlmalloc, as-tlsf, thi.ng, bump'],
    [["-a", "constructor"], 'unknown allocator "constructor"'],
    [["-a", "./none.mjs"], "./none.mjs: no such file"],
    [["-t", "emacs"], 'unknown trace "emacs"; known: cc1, git-log, jq'],
    [["-t", "./none.trace.gz"], "./none.trace.gz: no such file"],
    [["-t", "lua,"], "Expected names with commas between them"],
    [["-r", "0"], "Expected 1 to 1000"],
    [["-r", "many"], "Expected 1 to 1000"],
    [["--rounds"], "argument missing"],
    [["--quick", "--full"], "--quick and --full exclude each other"],
    [["--json", "./none/x.json"], "--json: "],
  ])("%j", async (args, message) => expectRefusal(args, message));

  it("a module that exports no allocator", async () => {
    writeFileSync(join(folder, "empty.mjs"), "export default {};\n");
    await expectRefusal(["-a", "./empty.mjs"], "./empty.mjs: its default export is no allocator");
  });

  it.each(hostileFiles)("a trace file: $name", async ({ bytes, message }) => {
    const path = join(folder, "hostile.trace.gz");
    writeFileSync(path, bytes());
    await expectRefusal(["-t", path, "-a", "bump"], `${path}: ${message}`);
  });
});

describe("measuring", () => {
  const run = async (...args: string[]): Promise<{ outcome: Outcome; result: BenchResult }> => {
    const json = join(folder, "result.json");
    const outcome = await cli("--quick", "--rounds", "2", "--json", json, ...args);
    expect(outcome.code, outcome.stderr).toBe(0);
    return { outcome, result: JSON.parse(readFileSync(json, "utf8")) as BenchResult };
  };

  it("runs every allocator on a small trace, and what composing costs", async () => {
    const { outcome, result } = await run("-t", small);
    const { comparison, summary, composition, environment } = result;
    expect(comparison.allocators.map(({ name }) => name)).toEqual(targetNames);
    for (const name of targetNames) {
      const cell = comparison.cells.find(({ allocator }) => allocator === name);
      if (cell?.status !== "measured") throw new Error(`${name}: ${cell?.reason}: ${cell?.detail}`);
      expect(cell.trace).toBe("small");
      expect(cell.rounds).toHaveLength(2);
      expect(Math.min(...cell.rounds)).toBeGreaterThan(0);
      expect(cell.min).toBe(Math.min(...cell.rounds));
    }
    expect(summary.reference).toBe("dlmalloc");
    expect(summary.common.map(({ traces }) => traces)).toEqual(targetNames.map(() => ["small"]));
    expect(summary.ratios.find(({ allocator }) => allocator === "dlmalloc")?.ofMedians).toBe(1);
    expect(environment.node).toBe(process.version);

    expect(composition?.failure).toBeUndefined();
    expect(composition?.rows).toHaveLength(8);
    for (const { difference, base, other } of composition?.rows ?? []) {
      expect(Math.min(base, other)).toBeGreaterThan(0);
      expect(difference.low).toBeLessThanOrEqual(difference.high);
    }

    expect(outcome.stdout).toContain(`Node ${process.version}`);
    expect(outcome.stdout).toMatch(/^small +\d/m);
    expect(outcome.stdout).toMatch(/^geomean, all 1 /m);
    expect(outcome.stdout).toContain("What composing costs");
    // Somebody is not watching: plain lines, no redrawing.
    expect(outcome.stderr).toMatch(/0 % {2}small\n/);
    expect(outcome.stderr).not.toContain("\u001b");
  });

  it("shows what cannot be run, with the reason, and leaves it out of the common mean", async () => {
    const aligned = join(folder, "aligned.trace.gz");
    await writeTrace(aligned, traceOf([[MEMALIGN, 0, 100, 8], [FREE, 0]], 1)); // biome-ignore format: two operations
    const big = join(folder, "big.trace.gz");
    const rows = Array.from({ length: 4 }, (_, id) => [MALLOC, id, 1 << 30] as const);
    await writeTrace(big, traceOf(rows, 4));
    const broken = join(folder, "broken.mjs");
    const bump = pathToFileURL(built("index.js")).href;
    writeFileSync(
      broken,
      `import { loadTarget } from ${JSON.stringify(bump)};
       const bump = await loadTarget("bump");
       export default { ...bump, name: "mine", async create(bytes) {
         const target = await bump.create(bytes);
         return { ...target, malloc: () => 4096 };
       } };\n`,
    );
    const { outcome, result } = await run(
      "--no-composition",
      "-a",
      `dlmalloc,thi.ng,${broken}`,
      "-t",
      `${small},${aligned},${big}`,
    );
    const reason = (allocator: string, trace: string): string => {
      const cell = result.comparison.cells.find(
        (each) => each.allocator === allocator && each.trace === trace,
      );
      return cell === undefined ? "missing" : cell.status === "measured" ? cell.status : cell.reason;
    };
    expect(result.comparison.cells).toHaveLength(9);
    expect(reason("thi.ng", "small")).toBe("measured");
    expect(reason("thi.ng", "aligned")).toBe("no memalign");
    expect(reason("dlmalloc", "aligned")).toBe("measured");
    expect(reason("dlmalloc", "big")).toBe("out of memory");
    expect(reason("thi.ng", "big")).toBe("out of memory");
    expect(reason("mine", "small")).toBe("wrong");
    expect(result.summary.common.every(({ traces }) => traces.length === 0)).toBe(true);
    expect(result.summary.own.find(({ allocator }) => allocator === "thi.ng")?.traces).toEqual(["small"]);
    expect(result.composition).toBeNull();
    expect(outcome.stdout).toContain("no memalign");
    expect(outcome.stdout).toMatch(/mine on small: wrong: .* overlaps a live block at operation \d+/);
  });

  it("takes an allocator from a module: the one in the README", async () => {
    const example = /```js\n([\s\S]*?)```/.exec(readFileSync(join(ownRoot(), "README.md"), "utf8"));
    writeFileSync(join(folder, "mine.mjs"), example?.[1] ?? "");
    const { outcome, result } = await run("--no-composition", "-a", "./mine.mjs,bump", "-t", small);
    expect(result.comparison.cells.map(({ allocator, status }) => `${allocator} ${status}`)).toEqual([
      "mine measured",
      "bump measured",
    ]);
    expect(result.summary.reference).toBe("mine");
    expect(outcome.stdout).toContain("mine: mine 1.0.0");
  });

  it("prints what it has when interrupted", async () => {
    const { child, done } = start([
      "-a",
      "bump,dlmalloc",
      "-t",
      `${small},lua`,
      "--rounds",
      "1000",
      "--no-composition",
    ]);
    await new Promise<void>((resolve) => {
      child.stderr?.on("data", (chunk: Buffer) => {
        if (chunk.includes("small")) setTimeout(resolve, 3000);
      });
    });
    child.kill("SIGINT");
    const { code, stdout, stderr } = await done;
    expect(code, stderr).toBe(130);
    expect(stdout).toContain("Interrupted");
    expect(stdout).toMatch(/^small .* ±/m);
  });
}, 120_000);
