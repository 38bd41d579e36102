import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ownRoot } from "../assets.js";
import { decodeTrace, encodeTrace, FREE, MALLOC, MEMALIGN, REALLOC, type Trace } from "../trace.js";
import { describeTrace } from "../trace-stats.js";
import { WORKLOADS, workloadNames } from "./index.js";

const traces = new Map(workloadNames.map((name) => [name, WORKLOADS[name].make()]));
const traceOf = (name: string): Trace => traces.get(name) as Trace;

/** FNV-1a over what an operation consists of. */
function fingerprint({ ops, alignLog2, threads, ids, sizes }: Trace): string {
  let hash = 0x811c9dc5;
  const add = (value: number): void => {
    hash = Math.imul(hash ^ value, 0x01000193) >>> 0;
  };
  for (let i = 0; i < ops.length; i++)
    for (const value of [ops[i], alignLog2[i], threads[i], ids[i], sizes[i]]) add(value);
  return hash.toString(16).padStart(8, "0");
}

/** Operations in the order of the program: index of the one that made what a free ends. */
function lives({ ops, ids, length }: Trace): { made: number; freed: number }[] {
  const madeAt = new Map<number, number>();
  const found: { made: number; freed: number }[] = [];
  for (let i = 0; i < length; i++) {
    if (ops[i] === FREE) found.push({ made: madeAt.get(ids[i]) as number, freed: i });
    else if (ops[i] !== REALLOC) madeAt.set(ids[i], i);
  }
  return found;
}

describe("a classic workload", () => {
  const table = new Map(
    readFileSync(join(ownRoot(), "README.md"), "utf8")
      .split("\n")
      .filter((line) => line.startsWith("| `"))
      .map((line) => line.split("|").map((cell) => cell.trim()))
      .map((cells) => [cells[1].replaceAll("`", ""), cells]),
  );

  it.each(workloadNames)("%s is a program that can be run, and the README's", (name) => {
    const trace = traceOf(name);
    expect(trace.name).toBe(name);
    // Reading refuses what cannot be run.
    expect(decodeTrace(encodeTrace(trace), name)).toEqual(trace);
    const { operations, maxLiveBlocks, peakLiveBytes } = describeTrace(trace);
    const threads = 1 + trace.threads.reduce((most, each) => Math.max(most, each), 0);
    expect(table.get(name)?.slice(-5, -1)).toEqual(
      [operations, maxLiveBlocks, Math.round(peakLiveBytes / 1024), threads].map((figure) =>
        figure.toLocaleString("en-US"),
      ),
    );
  });

  it("is the same on every machine", () => {
    expect(
      Object.fromEntries([...traces].map(([name, trace]) => [name, fingerprint(trace)])),
    ).toMatchInlineSnapshot(`
      {
        "alloc-test": "375d5492",
        "cache-scratch": "4d4146e4",
        "fifo": "3fd8f74e",
        "glibc-simple": "7784af65",
        "larson": "1ac9558a",
        "lifo": "13b9d6d2",
        "mstress": "0f532baa",
        "page-aligned": "8a0143a3",
        "phases": "7fb48232",
        "random-replace": "7a6004d0",
        "realloc-growth": "6aa28809",
        "sh6bench": "5a27aa7d",
        "sh8bench": "88ce07fd",
        "xmalloc-test": "19198ec1",
      }
    `);
  });

  it("is what its description says: orders", () => {
    const orderOf = (name: string): number[] =>
      lives(traceOf(name))
        .slice(0, 1000)
        .map(({ made }) => made);
    expect(orderOf("fifo")).toEqual(Array.from({ length: 1000 }, (_, k) => k));
    expect(orderOf("lifo")).toEqual(Array.from({ length: 1000 }, (_, k) => 999 - k));
  });

  it("is what its description says: sizes and alignments", () => {
    const range = (name: string): number[] => {
      const sizes = traceOf(name).sizes.filter((size) => size > 0);
      return [Math.min(...sizes), Math.max(...sizes)];
    };
    for (const name of ["larson", "lifo", "fifo", "random-replace"]) expect(range(name)).toEqual([8, 1000]);
    expect(range("sh6bench")).toEqual([1, 1000]);
    expect(range("cache-scratch")).toEqual([8, 8]);
    expect(range("alloc-test")[1]).toBe(1024);
    const pages = traceOf("page-aligned");
    expect(new Set(pages.alignLog2.filter((_, i) => pages.ops[i] === MEMALIGN))).toEqual(new Set([12]));
    expect(range("page-aligned")).toEqual([4096, 65_536]);
    expect(traceOf("realloc-growth").ops.filter((op) => op === REALLOC).length).toBeGreaterThan(16_000);
  });

  it("is what its description says: who frees", () => {
    const foreign = (name: string): number => {
      const trace = traceOf(name);
      const all = lives(trace);
      return (
        all.filter(({ made, freed }) => trace.threads[made] !== trace.threads[freed]).length / all.length
      );
    };
    expect(foreign("xmalloc-test")).toBe(1);
    expect(foreign("sh6bench")).toBe(0);
    expect(foreign("sh8bench")).toBeCloseTo(0.5, 1);
    for (const name of ["larson", "mstress"]) {
      expect(foreign(name)).toBeGreaterThan(0.01);
      expect(foreign(name)).toBeLessThan(0.5);
    }
    // In cache-scratch only the first free of the second thread's block.
    expect(foreign("cache-scratch") * lives(traceOf("cache-scratch")).length).toBeCloseTo(1, 6);
  });

  it("is what its description says: a phase leaves one block of ten", () => {
    const trace = traceOf("phases");
    const made = trace.ops.filter((op) => op === MALLOC).length;
    const freed = trace.ops.filter((op) => op === FREE).length;
    expect((made - freed) / made).toBeGreaterThan(0.04);
    expect((made - freed) / made).toBeLessThan(0.1);
  });
});
