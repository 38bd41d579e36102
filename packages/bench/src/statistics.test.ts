import { describe, expect, it } from "vitest";
import { seeded } from "./random.js";
import { bootstrap, geometricMean, spreadPercent } from "./statistics.js";

describe("statistics", () => {
  it("geometric mean", () => {
    expect(geometricMean([1, 4])).toBeCloseTo(2, 12);
    expect(geometricMean([0.5, 2, 8])).toBeCloseTo(2, 12);
    expect(geometricMean([3])).toBeCloseTo(3, 12);
    expect(geometricMean([])).toBeNaN();
  });

  it("spread is half the interquartile range in percent of the median", () => {
    expect(spreadPercent([5])).toBe(0);
    expect(spreadPercent([7, 7, 7])).toBe(0);
    // Quartiles of 1 … 8 are 2.75 and 6.25 (linear between neighbours), the median 4.5.
    expect(spreadPercent([8, 1, 7, 2, 6, 3, 5, 4])).toBeCloseTo((50 * 3.5) / 4.5, 12);
  });

  it("bootstrap: no variance, no width; else the interval holds the value, and repeats", () => {
    expect(
      bootstrap([
        [2, 2],
        [2, 2],
      ]),
    ).toEqual({ value: 2, low: 2, high: 2 });
    const random = seeded(7);
    const noisy = Array.from({ length: 10 }, () => Array.from({ length: 9 }, () => 3 + random() - 0.5));
    const interval = bootstrap(noisy);
    expect(interval.low).toBeLessThan(interval.value);
    expect(interval.high).toBeGreaterThan(interval.value);
    expect(interval.high - interval.low).toBeLessThan(0.5);
    expect(Math.abs(interval.value - 3)).toBeLessThan(0.2);
    expect(bootstrap(noisy)).toEqual(interval);
  });

  it("bootstrap: groups that differ widen the interval, however steady each is", () => {
    const { low, high } = bootstrap([
      [0, 0, 0],
      [5, 5, 5],
      [10, 10, 10],
    ]);
    expect([low, high]).toEqual([0, 10]);
  });

  it("random numbers are the same everywhere", () => {
    const random = seeded(1);
    const drawn = [random(), random(), random()];
    const again = seeded(1);
    expect([again(), again(), again()]).toEqual(drawn);
    expect(drawn.every((value) => value >= 0 && value < 1)).toBe(true);
  });
});
