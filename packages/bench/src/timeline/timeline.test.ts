import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { timelineNotes } from "../report/timeline.js";
import { loadTarget } from "../targets/index.js";
import { randomTrace, traceOf } from "../test-traces.js";
import { FREE, MALLOC, MEMALIGN, REALLOC, writeTrace } from "../trace.js";
import { describeTrace } from "../trace-stats.js";
import { BINS, CELLS, HeapMapper, PARTS } from "./heap-map.js";
import { liveBytesAt } from "./run.js";
import { samplesOf, type Watched, watchTimeline } from "./watch.js";

describe("a heap map", () => {
  const column = (...blocks: Parameters<HeapMapper["add"]>[1][]): { state: string; sizes: string } => {
    // Bins of 1000 bytes.
    const mapper = new HeapMapper(BINS * 1000);
    for (const each of blocks) mapper.add(1, each);
    return { state: mapper.map.state[0], sizes: mapper.map.sizes[0] };
  };
  const cell = (used: number, page: number): string => CELLS[used * (PARTS + 1) + page];

  it("shares blocks among the bins they lie in, rounded up", () => {
    const { state, sizes } = column([
      { ptr: 500, usable: 1500, state: "used" },
      { ptr: 3000, usable: 1, state: "quarantined" },
      { ptr: 4000, usable: 1000, state: "free" },
      { ptr: 5500, usable: 500, state: "page" },
      { ptr: 5400, usable: 100, state: "used" },
    ]);
    expect(state.slice(0, 7)).toBe(
      cell(4, 0) + cell(7, 0) + cell(0, 0) + cell(1, 0) + cell(0, 0) + cell(1, 4) + cell(0, 0),
    );
    // 1500 bytes and 500 are of the classes up to 6144 and up to 768, 1 byte and 100 of those up to 48 and up to 192.
    expect(sizes.slice(0, 7)).toBe("4401030");
    expect([state.length, sizes.length]).toEqual([BINS, BINS]);
  });

  it("starts each column anew, and leaves out what lies beyond its end", () => {
    const mapper = new HeapMapper(BINS * 1000);
    mapper.add(1, [{ ptr: 0, usable: 1000, state: "used" }]);
    mapper.add(2, [{ ptr: BINS * 1000 - 10, usable: 20, state: "used" }]);
    expect(mapper.map.at).toEqual([1, 2]);
    expect(mapper.map.state[1]).toBe("0".repeat(BINS - 1) + cell(1, 0));
  });
});

describe("samples", () => {
  it("are spread evenly, end at the end, and are no more than the operations", () => {
    expect(samplesOf(10, 4)).toEqual([3, 5, 8, 10]);
    expect(samplesOf(3, 200)).toEqual([1, 2, 3]);
    const many = samplesOf(224_385, 200);
    expect([many.length, many[199], new Set(many).size]).toEqual([200, 224_385, 200]);
  });

  it("of live bytes follow every operation", () => {
    const trace = traceOf([[MALLOC, 0, 100], [MALLOC, 1, 0], [REALLOC, 0, 40], [FREE, 1], [FREE, 0]]); // biome-ignore format: a list
    expect(liveBytesAt(trace, [1, 2, 3, 4, 5])).toEqual([100, 101, 41, 40, 0]);
    expect(liveBytesAt(trace, [2, 5])).toEqual([101, 0]);
    const random = randomTrace(3000, 0);
    const every = liveBytesAt(random, samplesOf(3000, 3000));
    expect(Math.max(...every)).toBe(describeTrace(random).peakLiveBytes);
  });
});

describe("the terminal", () => {
  it("is told where the timeline is, and what is missing", () => {
    const cell = {
      allocator: "thi.ng",
      trace: "cc1",
      status: "not run",
      reason: "too slow",
      detail: "50 % done",
    } as const;
    const traces = [{ name: "cc1", at: [1], live: [1] }];
    const text = timelineNotes({ allocators: [], traces, cells: [cell], complete: false });
    expect(text.split("\n")).toEqual([
      "Memory over time on cc1: plots in the report (--html), figures with --json.",
      "thi.ng on cc1: too slow: 50 % done",
      "Interrupted: what is missing was not measured.",
    ]);
  });
});

describe("watching", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "heapwright-timeline-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const watched = async (name: string, trace: Parameters<typeof writeTrace>[1]): Promise<Watched> => {
    const path = join(folder, "watched.trace.gz");
    await writeTrace(path, trace);
    const at = samplesOf(trace.length, 200);
    return watchTimeline({ target: name, trace: path, at, limitMs: 60_000 }, await loadTarget(name));
  };

  it("tells extents that never shrink and hold what is live", async () => {
    const trace = randomTrace(3000, 0);
    const live = liveBytesAt(trace, samplesOf(3000, 200));
    for (const name of ["hyperheap", "dlmalloc"]) {
      const { extent, map } = await watched(name, trace);
      expect(extent).toHaveLength(200);
      for (const [i, bytes] of extent.entries()) {
        expect(bytes).toBeGreaterThanOrEqual(live[i]);
        if (i > 0) expect(bytes).toBeGreaterThanOrEqual(extent[i - 1]);
      }
      expect(map !== undefined).toBe(name === "hyperheap");
    }
  });

  it.each(["hyperheap", "tlsf", "slab"])("%s: the map's shares add up to what is live", async (name) => {
    const trace = randomTrace(3000, 0);
    const { map } = await watched(name, trace);
    if (map === undefined) throw new Error("no map");
    expect(map.at).toEqual(samplesOf(3000, 100));
    expect(map.bytes).toBeGreaterThan(describeTrace(trace).peakLiveBytes);
    const live = liveBytesAt(trace, map.at);
    for (const [i, state] of map.state.entries()) {
      const sevenths = [...state].reduce(
        (sum, c) => sum + (CELLS.indexOf(c) >> 3) + (CELLS.indexOf(c) & 7),
        0,
      );
      expect(((sevenths / PARTS) * map.bytes) / BINS).toBeGreaterThanOrEqual(live[i]);
      for (const [bin, digit] of [...map.sizes[i]].entries()) expect(digit === "0").toBe(state[bin] === "0");
    }
  });

  it("pages show as such", async () => {
    const { map } = await watched("hyperheap", traceOf([[MALLOC, 0, 100], [MEMALIGN, 1, 40_000, 12]], 2)); // biome-ignore format: a list
    const last = map?.state[1] ?? "";
    expect([...last].some((c) => (CELLS.indexOf(c) & 7) > 0)).toBe(true);
    expect([...last].some((c) => CELLS.indexOf(c) >> 3 > 0)).toBe(true);
  });

  it("stops when it is late", async () => {
    const path = join(folder, "late.trace.gz");
    await writeTrace(path, randomTrace(3000, 0));
    const spec = { target: "bump", trace: path, at: [1], limitMs: -1 };
    await expect(watchTimeline(spec, await loadTarget("bump"))).rejects.toThrow("% done");
  });
});
