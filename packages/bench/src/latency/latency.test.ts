import { describe, expect, it } from "vitest";
import { between, seeded } from "../random.js";
import { prepare } from "../replay.js";
import { loadTarget } from "../targets/index.js";
import { randomTrace } from "../test-traces.js";
import { clockedReplay, clockReplays } from "./clocked.js";
import { Counts } from "./counts.js";

describe("percentiles", () => {
  it("are those of the sorted samples, also pooled and sent", () => {
    const random = seeded(5);
    for (let turn = 0; turn < 200; turn++) {
      const length = between(random, 1, 400);
      const greatest = between(random, 0, 3) === 0 ? 10_000_000 : 50;
      const samples = Array.from({ length }, () => between(random, 0, greatest));
      const shares = Array.from({ length: 5 }, () => between(random, 0, 10_000) / 10_000).sort(
        (a, b) => a - b,
      );
      const sorted = [...samples].sort((a, b) => a - b);
      // Ranks in whole numbers, so that no rounding decides.
      const naive = shares.map(
        (share) => sorted[Math.max(1, Math.ceil((Math.round(share * 10_000) * length) / 10_000)) - 1],
      );

      const parts = [new Counts(), new Counts()];
      for (const [index, sample] of samples.entries()) parts[index % 2].add(sample);
      const pooled = new Counts(...parts.map((part) => part.pack()));
      expect(pooled.total).toBe(length);
      expect(pooled.percentiles(shares)).toEqual(naive);
      expect(pooled.summary().max).toBe(sorted[length - 1]);
    }
  });

  it("of nothing are no numbers", () => {
    expect(new Counts().summary().p50).toBeNaN();
  });
});

describe("a histogram", () => {
  it("keeps every sample, at no more than 3 % below its value", () => {
    const counts = new Counts();
    const values = [0, 1, 63, 64, 65, 66, 1023, 1_000_001, 4_000_000_000];
    for (const value of values) counts.add(value, 2);
    const histogram = counts.histogram();
    expect(histogram.values).toEqual([0, 1, 63, 64, 66, 1008, 999_424, 3_959_422_976]);
    expect(histogram.counts).toEqual([2, 2, 2, 4, 2, 2, 2, 2]);
    for (const value of values) {
      const below = Math.max(...histogram.values.filter((each) => each <= value));
      expect(value - below).toBeLessThanOrEqual(0.032 * value);
    }
  });
});

describe("the grain", () => {
  const countsOf = (list: readonly (readonly [number, number])[]): Counts => {
    const counts = new Counts();
    for (const [value, count] of list) counts.add(value, count);
    return counts;
  };

  it("is the distance of common values, whatever scatters around them", () => {
    expect(countsOf([[40, 300], [41, 19], [50, 540], [51, 40], [60, 80], [137, 1]]).grain()).toBe(10); // biome-ignore format: a list
    expect(countsOf([[38, 100], [39, 200], [40, 100]]).grain()).toBe(1); // biome-ignore format: a list
  });

  it("of a coarse clock is its step", () => {
    expect(countsOf([[0, 990], [1000, 10]]).grain()).toBe(1000); // biome-ignore format: a list
  });
});

describe("clocked replays", () => {
  it("time every operation and leave the heap as they found it", async () => {
    const module = await loadTarget("hyperheap");
    const target = await module.create(8 << 20);
    const program = prepare(randomTrace(3000, 6), module.alignment);
    const slots = new Int32Array(program.slots);
    const clocked = await clockReplays(program, target, slots, 3);
    const sum = (counts: Uint32Array): number => counts.reduce((total, count) => total + count, 0);
    expect(sum(clocked.all.counts)).toBe(3 * 3000);
    expect(sum(clocked.clock.counts)).toBe(3000);
    expect(sum(clocked.repeatable.counts)).toBe(3000);
    expect(clocked.collections).toBeGreaterThanOrEqual(0);
    expect(slots.every((ptr) => ptr === 0)).toBe(true);
    target.check?.();
  });

  it("end where memory is out", async () => {
    const target = await (await loadTarget("hyperheap")).create(16 << 10);
    const program = prepare(randomTrace(3000, 0), 16);
    const slots = new Int32Array(program.slots);
    expect(() => clockedReplay(program, target, slots, new Float64Array(3000))).toThrow("out of memory");
  });
});
