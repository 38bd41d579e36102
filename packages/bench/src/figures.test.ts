import { describe, expect, it } from "vitest";
import { figuresOf, ratioOf } from "./figures.js";

describe("figures", () => {
  it("median of the processes' medians, fastest round of all", () => {
    const figures = figuresOf([
      [9, 1, 2],
      [5, 6, 7],
      [3, 4, 100],
    ]);
    expect([figures.median, figures.min]).toEqual([4, 1]);
    // Quartiles of 2, 4, 6 are 3 and 5.
    expect(figures.spreadPercent).toBeCloseTo((50 * (5 - 3)) / 4, 9);
    const base = figuresOf([[2], [2], [8]]);
    expect(ratioOf(figures, base)).toEqual({ ofMedians: 2, ofMinima: 0.5 });
  });

  it("the spread of a single process is that of its rounds", () => {
    expect(figuresOf([[7, 7, 7]]).spreadPercent).toBe(0);
    expect(figuresOf([[8, 1, 7, 2, 6, 3, 5, 4]]).spreadPercent).toBeCloseTo((50 * 3.5) / 4.5, 12);
  });
});
