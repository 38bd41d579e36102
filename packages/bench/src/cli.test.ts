// The real command, as a child process. It is the built one: run the build first, as `pnpm test` does.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { createHeap } from "@heapwright/core";
import { tlsf } from "@heapwright/tlsf";
import { trace } from "@heapwright/trace";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { built, ownRoot, ownVersion } from "./assets.js";
import { hostileFiles } from "./hostile-files.js";
import type { BenchResult } from "./json.js";
import { measureNames } from "./measures.js";
import { STACKS, stackNames } from "./stacks/stacks.js";
import { knownNames, targetNames } from "./targets/index.js";
import { Account, APPS } from "./test-apps.js";
import { randomTrace, traceOf } from "./test-traces.js";
import { encodeTrace, FREE, MALLOC, MEMALIGN, REALLOC, readTrace, writeTrace } from "./trace.js";
import { traceNames } from "./traces.js";
import { workloadNames } from "./workloads/index.js";

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

let folder: string;
let small: string;

function start(
  args: readonly string[],
  node: readonly string[] = [],
): { child: ChildProcess; done: Promise<Outcome> } {
  const child = spawn(process.execPath, [...node, built("cli.js"), ...args], {
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
      "--trace <file>",
      "--rounds",
      "--quick",
      "--full",
      "--ci",
      "compare",
    ]) {
      expect(stdout).toContain(word);
    }
    for (const word of [
      "--measures",
      "--processes",
      "--live",
      "--stacks",
      "--workers",
      "--json",
      "--html",
      "report",
      "--help",
      "--version",
    ])
      expect(stdout).toContain(word);
    expect([code, stderr]).toEqual([0, ""]);
  });

  it("--version", async () => {
    expect(await cli("--version")).toEqual({ code: 0, stdout: `${ownVersion()}\n`, stderr: "" });
  });

  it("list names every allocator, trace, measure and stack", async () => {
    const { code, stdout } = await cli("list");
    for (const name of [...knownNames, ...traceNames, ...workloadNames, ...measureNames, ...stackNames])
      expect(stdout).toContain(`\n  ${name}`);
    expect(code).toBe(0);
  });
});

describe("refusing", () => {
  it.each([
    [["--foo"], "unknown option '--foo'"],
    [["bogus"], 'unknown command "bogus"; known: run, compare, list, report, record'],
    [["run", "twice"], 'unknown command "twice"'],
    [["list", "twice"], "too many arguments"],
    [
      ["-a", "jemalloc"],
      'unknown allocator "jemalloc"; known: hyperheap, tlsf, slab, dlmalloc, dlmalloc-rs, as-tlsf, thi.ng, bump, arena',
    ],
    [["-a", "constructor"], 'unknown allocator "constructor"'],
    [["-a", "./none.mjs"], "./none.mjs: no such file"],
    [["-t", "emacs"], 'unknown trace "emacs"; known: cc1, git-log, jq'],
    [["-t", "./none.trace.gz"], "./none.trace.gz: no such file"],
    [["--trace", "none"], "none: no such file"],
    [["--trace", "./mine.gz", "-t", "emacs"], 'unknown trace "emacs"'],
    [["-t", "lua,"], "Expected names with commas between them"],
    [
      ["-m", "speed"],
      'unknown measure "speed"; known: time, live, latency, space, timeline, composition, stacks',
    ],
    [["-s", "fences"], 'unknown stack "fences"; known: bare, limit'],
    [["-s", "limit+fences"], 'unknown stack "fences"'],
    [["-s", "limit+limit"], 'stack "limit+limit": '],
    [["--live", "1e3,many"], "Expected numbers from 1 to 1000000 with commas between them"],
    [["--live", "2000000"], "Expected numbers from 1 to 1000000"],
    [["--workers", "0,2"], "Expected numbers from 1 to 64 with commas between them"],
    [["-m", "agents", "-s", "front+fences"], 'unknown stack "front"'],
    [["-p", "0"], "Expected 1 to 1000"],
    [["-r", "0"], "Expected 1 to 1000"],
    [["-r", "many"], "Expected 1 to 1000"],
    [["--rounds"], "argument missing"],
    [["--quick", "--full"], "--quick and --full exclude each other"],
    [["--ci", "--full"], "--ci and --full exclude each other"],
    [["--json", "./none/x.json"], "--json: "],
    [["--html", "./none/x.html"], "--html: "],
    [["record"], "missing required argument 'module'"],
    [["record", "./none.mjs"], "./none.mjs: no such file"],
    [["record", "./none.mjs", "-n", "1e9"], "Expected 1 to 8388608"],
    [["report"], "missing required argument 'result.json'"],
    [["report", "./none.json"], "./none.json: no such file"],
    [["report", "small.trace.gz"], "small.trace.gz: not JSON"],
  ])("%j", async (args, message) => expectRefusal(args, message));

  it("a module that exports no program, and one that asks for nothing", async () => {
    writeFileSync(join(folder, "none.js"), "export default 7;\n");
    await expectRefusal(["record", "./none.js"], "./none.js: its default export is no function");
    writeFileSync(join(folder, "idle.mjs"), "export default () => {};\n");
    await expectRefusal(["record", "./idle.mjs"], "./idle.mjs: asked nothing of its heap");
    await expectRefusal(["record", "./idle.mjs", "-o", "./none/x.gz"], "--output: ");
  });

  it("a module that exports no allocator", async () => {
    writeFileSync(join(folder, "empty.mjs"), "export default {};\n");
    await expectRefusal(["-a", "./empty.mjs"], "./empty.mjs: its default export is no allocator");
  });

  it.each(hostileFiles)("a trace file: $name", async ({ bytes, message }) => {
    const path = join(folder, "hostile.trace.gz");
    writeFileSync(path, bytes());
    await expectRefusal(["--trace", path, "-a", "bump"], `${path}: ${message}`);
  });

  it("a bomb, in memory that is bounded", async () => {
    const header = encodeTrace(traceOf([[MALLOC, 0, 8]], 1)).subarray(0, 16);
    writeFileSync(join(folder, "bomb.gz"), gzipSync(Buffer.concat([header, Buffer.alloc(512 << 20)])));
    // The process itself says how much it had at most, in KiB. What `resourceUsage` says begins, on Linux, with what this process has.
    const says = `import { existsSync, readFileSync } from "node:fs";
      const status = "/proc/self/status";
      process.on("exit", () => {
        const own = existsSync(status) && /VmHWM:\\s*(\\d+)/.exec(readFileSync(status, "utf8"))?.[1];
        process.stderr.write(String(own || process.resourceUsage().maxRSS));
      });`;
    const hook = ["--import", `data:text/javascript,${encodeURIComponent(says)}`];
    const { code, stderr } = await start(["--trace", "./bomb.gz", "-a", "bump"], hook).done;
    const [, message, peak] = /^heapwright-bench: (.+)\n(\d+)$/.exec(stderr) ?? [];
    expect([code, message]).toEqual([2, "./bomb.gz: more bytes than its header promises"]);
    expect(Number(peak)).toBeGreaterThan(10 << 10);
    expect(Number(peak)).toBeLessThan(256 << 10);
  });
});

describe("recording", () => {
  it("what a program asks of its heap is a trace that can be run", async () => {
    writeFileSync(
      join(folder, "app.mjs"),
      "export default async (heap) => { const a = heap.alloc(100); await null; heap.free(heap.realloc(a, 5000)); heap.alloc(64, 256); };\n",
    );
    const { code, stdout, stderr } = await cli("record", "app.mjs", "-o", "app.trace.gz");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toBe(
      "app.trace.gz: 4 operations, 1 blocks and 5 KiB alive at the peak\nheapwright-bench run --trace app.trace.gz\n",
    );
    const { ops, sizes } = await readTrace(join(folder, "app.trace.gz"));
    expect([[...ops], [...sizes]]).toEqual([
      [MALLOC, REALLOC, FREE, MEMALIGN],
      [100, 5000, 0, 64],
    ]);
  });

  it("says what did not fit, and keeps what was asked before a failure", async () => {
    writeFileSync(
      join(folder, "long.mjs"),
      "export default (heap) => { for (let i = 0; i < 50; i++) heap.alloc(10); heap.alloc(1 << 30); throw new Error('it broke'); };\n",
    );
    const { code, stdout, stderr } = await cli("record", "long.mjs", "-n", "20", "--memory", "8");
    expect([code, stderr]).toEqual([1, "heapwright-bench: long.mjs: it broke\n"]);
    expect(stdout).toContain("mine.trace.gz: 20 operations, 20 blocks");
    expect(stdout).toMatch(/^30 more came when there was no room/m);
    expect((await readTrace(join(folder, "mine.trace.gz"))).length).toBe(20);
  });
});

describe("measuring", () => {
  const run = async (...args: string[]): Promise<{ outcome: Outcome; result: BenchResult }> => {
    const json = join(folder, "result.json");
    const outcome = await cli("--quick", "--json", json, ...args);
    expect(outcome.code, outcome.stderr).toBe(0);
    for (const line of outcome.stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(120);
    return { outcome, result: JSON.parse(readFileSync(json, "utf8")) as BenchResult };
  };

  it("time: every allocator on a small trace, every round of every process", async () => {
    const { outcome, result } = await run("-m", "time", "-t", small, "-p", "2", "-r", "3");
    const { comparison, summary, environment } = result;
    expect(comparison?.allocators.map(({ name }) => name)).toEqual(targetNames);
    for (const name of targetNames) {
      const cell = comparison?.cells.find(({ allocator }) => allocator === name);
      if (cell?.status !== "measured") throw new Error(`${name}: ${cell?.reason}: ${cell?.detail}`);
      expect(cell.trace).toBe("small");
      expect(cell.processes.map((rounds) => rounds.length)).toEqual([3, 3]);
      expect(Math.min(...cell.processes.flat())).toBeGreaterThan(0);
      expect(cell.min).toBe(Math.min(...cell.processes.flat()));
      const [first, second] = cell.processes.map((rounds) => [...rounds].sort((x, y) => x - y)[1]);
      expect(cell.median).toBeCloseTo((first + second) / 2, 9);
    }
    expect(summary?.reference).toBe("dlmalloc");
    expect(summary?.common.map(({ traces }) => traces)).toEqual(targetNames.map(() => ["small"]));
    expect(summary?.ratios.find(({ allocator }) => allocator === "dlmalloc")?.ofMedians).toBe(1);
    expect(environment.node).toBe(process.version);
    const { live, latency, space, composition, stacks, stacksSummary } = result;
    for (const other of [live, latency, space, composition, stacks, stacksSummary]) expect(other).toBeNull();

    expect(outcome.stdout).toContain(`Node ${process.version}`);
    expect(outcome.stdout).toMatch(/^small +\d/m);
    expect(outcome.stdout).toMatch(/^all 1: medians /m);
    expect(outcome.stdout).toMatch(/^all 1: minima /m);
    expect(outcome.stdout).not.toContain("What composing costs");
    // Somebody is not watching: plain lines, no redrawing.
    expect(outcome.stderr).toMatch(/0 % {2}small\n/);
    expect(outcome.stderr).not.toContain("\u001b");
  });

  it("--ci: the strategies and their references, every trace again for each process, and nothing but time", async () => {
    const json = join(folder, "ci.json");
    const other = join(folder, "other.trace.gz");
    await writeTrace(other, randomTrace(2000, 0, 2));
    const { code, stderr } = await cli(
      "--ci",
      "-t",
      `${small},${other}`,
      "-p",
      "2",
      "-r",
      "2",
      "--json",
      json,
    );
    expect(code, stderr).toBe(0);
    const { comparison, live } = JSON.parse(readFileSync(json, "utf8")) as BenchResult;
    expect(live).toBeNull();
    expect(comparison?.allocators.map(({ name }) => name)).toEqual([
      "hyperheap",
      "tlsf",
      "slab",
      "dlmalloc",
      "as-tlsf",
    ]);
    expect(comparison?.cells.map(({ trace }) => trace)).toEqual([
      ...Array(5).fill("small"),
      ...Array(5).fill("other"),
    ]);
    for (const cell of comparison?.cells ?? []) {
      if (cell.status !== "measured") throw new Error(`${cell.allocator}: ${cell.detail}`);
      expect(cell.processes.map((rounds) => rounds.length)).toEqual([2, 2]);
    }
    expect(stderr).toMatch(/^ +\d+ s +0 % {2}process 1 of 2\n +\d+ s +50 % {2}process 2 of 2\n$/);
  });

  it("time: an app that was recorded, by the path of its trace alone", async () => {
    const heap = createHeap({ memory: 16 << 20, strategy: tlsf(), plugins: [trace({ clock: 64 })] });
    APPS.cache(new Account(heap));
    writeFileSync(join(folder, "mine"), await heap.trace.toBytes());
    const { outcome, result } = await run("-m", "time", "-a", "tlsf,dlmalloc", "-p", "1", "--trace", "mine");
    expect(outcome.stdout).toMatch(/^mine +\d/m);
    expect(result.comparison?.traces).toMatchObject([
      { name: "mine", stats: { operations: heap.trace.recorded } },
    ]);
  });

  it("the report of a run is the one made of its figures later", async () => {
    const page = join(folder, "run.html");
    const later = join(folder, "later.html");
    const { outcome } = await run("-m", "time,timeline", "-a", "tlsf,bump", "-t", small, "--html", page);
    expect(outcome.stdout).toMatch(/\n\nReport: file:\/\/\/[^\n]+run\.html\n$/);
    const made = await cli("report", join(folder, "result.json"), "-o", later);
    expect([made.code, made.stderr]).toEqual([0, ""]);
    expect(made.stdout).toMatch(/^\nReport: file:\/\/\/[^\n]+later\.html\n$/);
    const text = readFileSync(page, "utf8");
    expect(text.startsWith("<!doctype html>")).toBe(true);
    expect(readFileSync(later, "utf8") === text).toBe(true);
  });

  it("timeline: footprint on the first and the last trace, and a map of each heap that tells its blocks", async () => {
    const path = (name: string): string => join(folder, `${name}.trace.gz`);
    for (const name of ["second", "third"]) await writeTrace(path(name), randomTrace(500, 0));
    const traces = [small, path("second"), path("third")].join(",");
    const { result } = await run("-m", "timeline", "-a", "hyperheap,dlmalloc", "-t", traces);
    const { timeline } = result;
    expect(timeline?.traces.map(({ name, at }) => [name, at.length])).toEqual([
      ["small", 200],
      ["third", 200],
    ]);
    const cells = timeline?.cells.map((cell) => [
      cell.trace,
      cell.allocator,
      cell.status === "measured" && [cell.extent.length, cell.map?.at.length],
    ]);
    expect(cells?.sort()).toEqual([
      ["small", "dlmalloc", [200, undefined]],
      ["small", "hyperheap", [200, 100]],
      ["third", "dlmalloc", [200, undefined]],
      ["third", "hyperheap", [200, 100]],
    ]);
  });

  it("live: random replace with as many blocks as asked for, in both patterns", async () => {
    const { outcome, result } = await run("-m", "live", "--live", "2000,50", "-p", "2", "-r", "2");
    const { live } = result;
    expect(live?.counts).toEqual([50, 2000]);
    expect(live?.left).toEqual(["bump"]);
    expect(live?.cells).toHaveLength(2 * 2 * (targetNames.length - 1));
    for (const cell of live?.cells ?? []) {
      if (cell.status !== "measured") {
        expect(cell).toMatchObject({ allocator: "thi.ng", blocks: 2000 });
        continue;
      }
      expect(Math.min(...cell.processes.flat())).toBeGreaterThan(0);
      if (cell.allocator === "dlmalloc") expect(cell.ratio).toEqual({ ofMedians: 1, ofMinima: 1 });
      if (!cell.slow) expect(cell.processes.map((rounds) => rounds.length)).toEqual([2, 2]);
    }
    expect(outcome.stdout).toMatch(/^learned 50 .*\n^learned 2000 /m);
    expect(outcome.stdout).toMatch(/^random 50 /m);
    expect(outcome.stdout).toContain("bump: never reuses memory.");
    expect(outcome.stderr).toContain("50 live blocks");
  });

  it("live: growth is counted from 1000 blocks", async () => {
    const { outcome, result } = await run("-m", "live", "--live", "1000,4000", "-a", "dlmalloc");
    const growth = result.live?.growth ?? [];
    expect(growth.map(({ pattern, from, to }) => `${pattern} ${from} ${to}`)).toEqual([
      "learned 1000 4000",
      "random 1000 4000",
    ]);
    expect(outcome.stdout).toMatch(/^random 4000 : 1e3 +\d/m);
  });

  it("latency: percentiles of single operations, and of the clock alone", async () => {
    const aligned = join(folder, "latency.trace.gz");
    await writeTrace(aligned, traceOf([[MEMALIGN, 0, 100, 8], [FREE, 0]], 1)); // biome-ignore format: two operations
    const { outcome, result } = await run("-m", "latency", "-t", `${small},${aligned}`);
    const { latency } = result;
    expect(latency?.shared).toEqual(["small"]);
    expect(latency?.pooled.map(({ allocator }) => allocator)).toEqual(targetNames);
    for (const { all, repeatable, samples } of latency?.pooled ?? []) {
      expect(samples).toBe(2 * 3000);
      for (const { p50, p99, p999, p9999, max } of [all, repeatable]) {
        expect([p50, p99, p999, p9999, max]).toEqual([p50, p99, p999, p9999, max].sort((a, b) => a - b));
        expect(p50).toBeGreaterThan(0);
      }
      expect(repeatable.max).toBeLessThanOrEqual(all.max);
      expect(repeatable.p50).toBeLessThanOrEqual(all.p50);
    }
    expect(latency?.clock.samples).toBe(3000 * targetNames.length);
    expect(latency?.clock.grainNs).toBeGreaterThanOrEqual(1);
    expect(outcome.stdout).toMatch(/^hyperheap +\d/m);
    expect(outcome.stdout).toMatch(/^clock alone +\d/m);
  });

  it("space: the smallest region, where an allocator can be limited, and how far blocks extend", async () => {
    const { outcome, result } = await run("-m", "space", "-t", small);
    const { space } = result;
    expect(space?.cells).toHaveLength(targetNames.length);
    for (const cell of space?.cells ?? []) {
      if (cell.status !== "measured") throw new Error(`${cell.allocator}: ${cell.detail}`);
      expect(cell.extent).toBeGreaterThanOrEqual(cell.peakLive);
      const isLimited = !["bump", "dlmalloc-rs"].includes(cell.allocator);
      if (!isLimited) expect(cell.why).toBe("cannot be limited");
      // On a machine that is busy the search takes longer than a quick one may, in an O(n) allocator first.
      else if (cell.why !== undefined) expect(cell.why).toMatch(/^too slow/);
      else expect(cell.smallest).toBeGreaterThan(cell.peakLive);
      if (cell.allocator !== "hyperheap") continue;
      expect(cell.peakTaken).toBeGreaterThan(cell.peakLive);
      expect(cell.area).toBeGreaterThanOrEqual(cell.peakTaken ?? 0);
      if (cell.why === undefined) expect(cell.smallest).toBeGreaterThan(cell.area ?? 0);
    }
    expect(space?.cells.some((cell) => cell.status === "measured" && cell.smallest !== undefined)).toBe(true);
    expect(outcome.stdout).toMatch(/^small +\d+ .*\d+\.\d% +\d/m);
    expect(outcome.stdout).toContain("region : chunks");
  });

  it("composition: what composing costs", async () => {
    const { outcome, result } = await run("-m", "composition");
    expect(result.comparison).toBeNull();
    expect(result.composition?.failure).toBeUndefined();
    expect(result.composition?.rows).toHaveLength(8);
    for (const { difference, base, other } of result.composition?.rows ?? []) {
      expect(Math.min(base, other)).toBeGreaterThan(0);
      expect(difference.low).toBeLessThanOrEqual(difference.high);
    }
    expect(outcome.stdout).toContain("What composing costs");
  });

  it("stacks: the trace under each stack that is named, and under none", async () => {
    const { outcome, result } = await run("-m", "stacks", "-s", "limit,limit+bare", "-t", small, "-p", "3");
    const { stacks, stacksSummary } = result;
    const names = ["hyperheap+bare", "hyperheap+limit", "hyperheap+limit+bare"];
    expect(result.comparison).toBeNull();
    expect(stacks?.cells.map(({ allocator }) => allocator)).toEqual(names);
    for (const cell of stacks?.cells ?? []) {
      if (cell.status !== "measured") throw new Error(`${cell.allocator}: ${cell.detail}`);
      expect(cell.processes.map((rounds) => rounds.length)).toEqual([2, 2, 2]);
      expect(cell.min).toBeGreaterThan(0);
    }
    expect(stacksSummary?.reference).toBe(names[0]);
    expect(stacksSummary?.common.map(({ traces }) => traces)).toEqual(names.map(() => ["small"]));
    expect(outcome.stdout).toMatch(/^trace +bare +limit +limit\+bare$/m);
    expect(outcome.stdout).toMatch(/^small +\S+ +±\d+%( +\S+ +±\d+% +\S+× +\S+×){2}$/m);
    expect(outcome.stdout).toMatch(/^mean of 1( +\S+× +\S+×){2}$/m);
    expect(outcome.stdout).toContain(`limit: ${STACKS.limit.about}`);
    expect(outcome.stderr).toContain("stacks on small");
  });

  it("agents: throughput of as many workers as asked for, under each stack, and what the lock costs one", async () => {
    const { outcome, result } = await run("-m", "agents", "--workers", "2", "-s", "hyperheap,stats");
    const { agents } = result;
    expect(result.comparison).toBeNull();
    expect(agents?.workers).toEqual([1, 2]);
    expect(agents?.cells.map(({ stack, workers, status }) => `${stack} ${workers} ${status}`)).toEqual([
      "hyperheap 1 measured",
      "hyperheap 2 measured",
      "stats 1 measured",
      "stats 2 measured",
    ]);
    for (const cell of agents?.cells ?? []) {
      if (cell.status !== "measured") continue;
      expect(cell.processes.map((rounds) => rounds.length)).toEqual([2, 2]);
      expect(cell.entered.value).toBe(1);
    }
    expect(agents?.lock.map(({ workload, limit }) => `${workload} ${limit}`)).toEqual([
      "replace 40",
      "pattern 40",
    ]);
    expect(outcome.stdout).toMatch(/^hyperheap +2 +\S+ +\S+ … \S+ +\S+× +\S+× … \S+× +1\.000 +1 +\d+%$/m);
    expect(outcome.stdout).toMatch(/^pattern +.* \+40 +(within|OVER|unsure)$/m);
    expect(outcome.stderr).toContain("agents");
  });

  it("takes a stack for an allocator, in any measure", async () => {
    const { result } = await run("-m", "time,space", "-a", "hyperheap,hyperheap+limit", "-t", small);
    for (const cells of [result.comparison?.cells, result.space?.cells])
      expect(cells?.map(({ allocator, status }) => `${allocator} ${status}`).sort()).toEqual([
        "hyperheap measured",
        "hyperheap+limit measured",
      ]);
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
      "-m",
      "time",
      "-a",
      `dlmalloc,thi.ng,${broken}`,
      "-t",
      `${small},${aligned},${big}`,
    );
    const reason = (allocator: string, trace: string): string => {
      const cell = result.comparison?.cells.find(
        (each) => each.allocator === allocator && each.trace === trace,
      );
      return cell === undefined ? "missing" : cell.status === "measured" ? cell.status : cell.reason;
    };
    expect(result.comparison?.cells).toHaveLength(9);
    expect(reason("thi.ng", "small")).toBe("measured");
    expect(reason("thi.ng", "aligned")).toBe("no memalign");
    expect(reason("dlmalloc", "aligned")).toBe("measured");
    expect(reason("dlmalloc", "big")).toBe("out of memory");
    expect(reason("thi.ng", "big")).toBe("out of memory");
    expect(reason("mine", "small")).toBe("wrong");
    expect(result.summary?.shared).toEqual([]);
    expect(result.summary?.own.find(({ allocator }) => allocator === "thi.ng")?.traces).toEqual(["small"]);
    expect(result.composition).toBeNull();
    expect(outcome.stdout).toContain("no memalign");
    expect(outcome.stdout).toMatch(/mine on small: wrong: .* overlaps a live block at operation \d+/);
  });

  it("takes an allocator from a module: the one in the README", async () => {
    const example = /```js\n([\s\S]*?)```/.exec(readFileSync(join(ownRoot(), "README.md"), "utf8"));
    writeFileSync(join(folder, "mine.mjs"), example?.[1] ?? "");
    const { outcome, result } = await run("-m", "time", "-a", "./mine.mjs,bump", "-t", small);
    expect(result.comparison?.cells.map(({ allocator, status }) => `${allocator} ${status}`)).toEqual([
      "mine measured",
      "bump measured",
    ]);
    expect(result.summary?.reference).toBe("mine");
    expect(outcome.stdout).toContain("mine: mine 1.0.0");
  });

  it("prints what it has when interrupted", async () => {
    const { child, done } = start(["-a", "bump,dlmalloc", "-t", `${small},lua`, "--rounds", "1000"]);
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
