import { describe, expect, it } from "vitest";
import { seeded } from "../random.js";
import { holm, meanShift, type Pair, rankTest, shiftInterval, shiftOf, smallestP } from "./statistics.js";

/** All ways to pick `count` of `values`. */
function choices(values: readonly number[], count: number): number[][] {
  if (count === 0) return [[]];
  return values.flatMap((value, i) =>
    choices(values.slice(i + 1), count - 1).map((rest) => [value, ...rest]),
  );
}

/** Share of all arrangements of the ranks whose sum is at least as far from the middle as this one's. */
function exactP({ old, new: now }: Pair): number {
  const all = [...old, ...now].sort((a, b) => a - b);
  const rank = (value: number): number => (all.indexOf(value) + all.lastIndexOf(value)) / 2 + 1;
  const middle = (now.length * (all.length + 1)) / 2;
  const distance = (ranks: readonly number[]): number => Math.abs(ranks.reduce((a, b) => a + b, 0) - middle);
  const sums = choices(all.map(rank), now.length).map(distance);
  const own = distance(now.map(rank));
  return sums.filter((each) => each >= own - 1e-9).length / sums.length;
}

/** Roughly normal: a sum of twelve uniforms. */
function normals(count: number, seed: number): number[] {
  const random = seeded(seed);
  return Array.from({ length: count }, () => Array.from({ length: 12 }, random).reduce((a, b) => a + b, -6));
}

describe("the shift", () => {
  it("is the median difference of all pairs", () => {
    expect(shiftOf({ old: [1, 2], new: [4, 8] })).toBe(4.5);
    expect(shiftOf({ old: [5], new: [3] })).toBe(-2);
    expect(
      meanShift([
        { old: [0], new: [1] },
        { old: [0], new: [4] },
      ]),
    ).toBe(2.5);
  });

  it("is the same in the other direction, and moved by a constant", () => {
    const pair = { old: normals(9, 1), new: normals(12, 2) };
    expect(shiftOf({ old: pair.new, new: pair.old })).toBeCloseTo(-shiftOf(pair), 12);
    const moved = { old: pair.old, new: pair.new.map((value) => value + 3) };
    expect(shiftOf(moved)).toBeCloseTo(shiftOf(pair) + 3, 12);
  });

  it("is hardly moved by outliers", () => {
    const old = normals(12, 3);
    const now = normals(12, 4).map((value, i) => (i < 3 ? 1000 : value));
    expect(Math.abs(shiftOf({ old, new: now }))).toBeLessThan(1.5);
  });

  it("its interval holds the truth in about 95 of 100 cases", () => {
    let held = 0;
    for (let i = 0; i < 200; i++) {
      const pairs = [0, 1].map((k) => ({
        old: normals(12, 4 * i + k + 1),
        new: normals(12, 4 * i + k + 3).map((value) => value + 0.7),
      }));
      const { low, high } = shiftInterval(pairs, 200, i);
      if (low <= 0.7 && 0.7 <= high) held++;
    }
    expect(held).toBeGreaterThanOrEqual(176);
    expect(held).toBeLessThanOrEqual(199);
  });
});

describe("the rank test", () => {
  it.each<[string, Pair]>([
    ["apart", { old: [1, 2, 3, 4], new: [5, 6, 7, 8] }],
    ["apart the other way", { old: [5, 6, 7, 8, 9], new: [1, 2, 3, 4] }],
    ["overlapping", { old: [1, 2, 4, 6, 7], new: [3, 5, 8, 9, 10] }],
    ["mixed", { old: [1, 4, 5, 8, 9], new: [2, 3, 6, 7, 10] }],
    ["with ties", { old: [1, 1, 2, 3, 3], new: [2, 3, 4, 4, 5] }],
    ["of unequal sizes", { old: [1, 2, 3], new: [2.5, 4, 5, 6, 7, 8, 9] }],
  ])("is close to counting all arrangements: %s", (_, pair) => {
    expect(Math.abs(rankTest([pair]) - exactP(pair))).toBeLessThan(0.02);
  });

  it("corrects the variance for ties", () => {
    // The rank sum is 84 where 68 is expected, its variance 64 / 12 · (17 - (12³ - 12 + 4³ - 4) / 240) = 51.2, so z = 15.5 / √51.2.
    const pair = { old: Array(8).fill(1), new: [1, 1, 1, 1, 2, 2, 2, 2] };
    expect(rankTest([pair])).toBeCloseTo(0.0303, 4);
  });

  it("is 1 where everything is the same", () => {
    expect(rankTest([{ old: [3, 3], new: [3, 3, 3] }])).toBe(1);
    expect(rankTest([{ old: [1, 2, 3], new: [1, 2, 3] }])).toBe(1);
  });

  it("is the same in both directions", () => {
    const pair = { old: normals(9, 5), new: normals(12, 6) };
    expect(rankTest([{ old: pair.new, new: pair.old }])).toBeCloseTo(rankTest([pair]), 9);
  });

  it("ranks only what is on the same trace: traces may be far apart", () => {
    const near = { old: normals(8, 7), new: normals(8, 8).map((value) => value + 1) };
    const far = { old: normals(8, 9), new: normals(8, 10).map((value) => value + 1) };
    const lift = (values: readonly number[]): number[] => values.map((value) => value + 1000);
    expect(rankTest([near, { old: lift(far.old), new: lift(far.new) }])).toBeCloseTo(
      rankTest([near, far]),
      12,
    );
  });

  it("two traces that agree are surer than one, two that disagree are not", () => {
    const slower = { old: [1, 2, 3, 4, 5], new: [4.5, 6, 7, 8, 9] };
    const faster = { old: slower.new, new: slower.old };
    expect(rankTest([slower, slower])).toBeLessThan(rankTest([slower]) / 4);
    expect(rankTest([slower, faster])).toBe(1);
  });

  it("says 'below 1 %' of the same in 1 % of cases", () => {
    let wrong = 0;
    for (let i = 0; i < 2000; i++)
      if (rankTest([{ old: normals(8, 2 * i + 1), new: normals(8, 2 * i + 2) }]) < 0.01) wrong++;
    expect(wrong).toBeGreaterThanOrEqual(5);
    expect(wrong).toBeLessThanOrEqual(35);
  });

  it("knows the smallest p there can be", () => {
    expect(smallestP([{ old: 4, new: 4 }])).toBe(rankTest([{ old: [1, 2, 3, 4], new: [5, 6, 7, 8] }]));
    expect(smallestP([{ old: 2, new: 2 }])).toBeGreaterThan(0.1);
    expect(smallestP([{ old: 12, new: 12 }])).toBeLessThan(0.0001);
  });
});

describe("Holm's correction", () => {
  it("multiplies by how many are left, and never falls", () => {
    const close = (actual: readonly number[], expected: readonly number[]): void => {
      expect(actual).toHaveLength(expected.length);
      for (const [i, value] of expected.entries()) expect(actual[i]).toBeCloseTo(value, 12);
    };
    close(holm([0.01, 0.04, 0.03]), [0.03, 0.06, 0.06]);
    close(holm([0.5, 0.9, 0.001, 0.02]), [1, 1, 0.004, 0.06]);
    close(holm([0.02]), [0.02]);
    close(holm([]), []);
  });
});
