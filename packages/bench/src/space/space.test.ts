import { describe, expect, it } from "vitest";
import { prepare } from "../replay.js";
import { loadTarget } from "../targets/index.js";
import { randomTrace, traceOf } from "../test-traces.js";
import { FREE, MALLOC, MEMALIGN, REALLOC, type Trace } from "../trace.js";
import { describeTrace } from "../trace-stats.js";
import { completes, Extent, watch } from "./footprint.js";
import { smallestRegion } from "./smallest.js";

const GRANULE = 16;

describe("the search", () => {
  it("finds the border wherever it is, asking for multiples only", async () => {
    for (const granule of [16, 256]) {
      for (let border = 1; border < 60; border++) {
        for (const atLeast of [1, 16, 100, border * granule].filter((least) => least <= border * granule)) {
          const found = await smallestRegion(
            async (bytes) => {
              expect(bytes % granule).toBe(0);
              return bytes >= border * granule;
            },
            atLeast,
            1 << 20,
            granule,
          );
          expect(found).toBe(border * granule);
        }
      }
    }
  });

  it("needs few tries, and gives up at the end", async () => {
    let tries = 0;
    const found = await smallestRegion(
      async (bytes) => {
        tries++;
        return bytes >= 5_300_000;
      },
      5_000_000,
      1 << 30,
      GRANULE,
    );
    expect(found).toBe(5_300_000);
    expect(tries).toBeLessThan(25);
    expect(await smallestRegion(async () => false, 1, 4096, GRANULE)).toBeUndefined();
  });
});

describe("the smallest region", () => {
  const tiny = traceOf([[MALLOC, 0, 100], [MALLOC, 1, 300], [FREE, 0], [MALLOC, 2, 90], [REALLOC, 1, 500], [MEMALIGN, 0, 64, 6]]); // biome-ignore format: a list
  const search = async (name: string, trace: Trace): Promise<{ found: number; brute: number }> => {
    const module = await loadTarget(name);
    const createLimited = module.createLimited;
    if (createLimited === undefined) throw new Error(`${name} cannot be limited`);
    const program = prepare(trace, module.alignment);
    const slots = new Int32Array(program.slots);
    const fits = (bytes: number): Promise<boolean> =>
      completes(program, slots, module, () => createLimited(bytes));
    let brute = GRANULE;
    while (!(await fits(brute))) brute += GRANULE;
    const peak = describeTrace(trace).peakLiveBytes;
    return { found: (await smallestRegion(fits, peak, 1 << 24, GRANULE)) ?? 0, brute };
  };

  it("of hyperheap is the one that trying all finds", async () => {
    const { found, brute } = await search("hyperheap", tiny);
    expect(found).toBe(brute);
    const { found: more, brute: other } = await search("hyperheap", randomTrace(60, 4, 3));
    expect(more).toBe(other);
  });

  it.each(["dlmalloc", "as-tlsf", "thi.ng"])(
    "of %s holds the trace, and one granule less does not",
    async (name) => {
      const module = await loadTarget(name);
      const createLimited = module.createLimited;
      if (createLimited === undefined) throw new Error(`${name} cannot be limited`);
      const trace = randomTrace(3000, 0);
      const program = prepare(trace, module.alignment);
      const slots = new Int32Array(program.slots);
      const fits = (bytes: number): Promise<boolean> =>
        completes(program, slots, module, () => createLimited(bytes));
      const peak = describeTrace(trace).peakLiveBytes;
      const found = (await smallestRegion(fits, peak, 1 << 24, GRANULE)) ?? 0;
      expect(found).toBeGreaterThan(peak);
      expect(found).toBeLessThan(3 * peak);
      expect(await fits(found)).toBe(true);
      expect(await fits(found - GRANULE)).toBe(false);
    },
  );

  it("other failures than exhaustion are not taken for it", async () => {
    const module = await loadTarget("hyperheap");
    const program = prepare(tiny, 16);
    const broken = async (): Promise<never> => {
      throw new TypeError("broken");
    };
    await expect(completes(program, new Int32Array(4), module, broken)).rejects.toThrow("broken");
  });
});

describe("watching", () => {
  it("tells the extent, less what lies between two ends, and what blocks took", async () => {
    const module = await loadTarget("hyperheap");
    const look = async (trace: Trace): Promise<ReturnType<typeof watch>> => {
      const program = prepare(trace, module.alignment);
      const target = await module.create(1 << 20);
      return watch(program, target, new Int32Array(program.slots), () => false);
    };
    // 112 + 16, 304 + 16: side by side, the first header is not a block's.
    expect(await look(traceOf([[MALLOC, 0, 100], [MALLOC, 1, 300]]))).toEqual({ extent: 428, peakTaken: 448 }); // biome-ignore format: a list
    expect((await look(traceOf([[MALLOC, 0, 100], [FREE, 0], [MALLOC, 1, 300]]))).peakTaken).toBe(320); // biome-ignore format: a list
    // A page run lies at the other end of the region, far away.
    const both = await look(traceOf([[MALLOC, 0, 100], [MEMALIGN, 1, 4096, 12]])); // biome-ignore format: a list
    expect(both.extent).toBeGreaterThanOrEqual(100 + 4096);
    expect(both.extent).toBeLessThanOrEqual(3 * 4096);
    expect(both.peakTaken).toBe(128 + 4096);
  });

  it("stops when it is late", async () => {
    const target = await (await loadTarget("bump")).create(1 << 20);
    const program = prepare(randomTrace(100, 0), 16);
    expect(() => watch(program, target, new Int32Array(program.slots), () => true)).toThrow("% done");
  });

  it("an extent counts bytes at its ends", () => {
    const extent = new Extent();
    expect(extent.bytes).toBe(0);
    extent.add(5000, 10);
    expect(extent.bytes).toBe(10);
    extent.add(4000, 100);
    expect(extent.bytes).toBe(1010);
    extent.add(10 * 4096, 1);
    // Pages 2 to 9 were not touched.
    expect(extent.bytes).toBe(10 * 4096 + 1 - 4000 - 8 * 4096);
  });
});
