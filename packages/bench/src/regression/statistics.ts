/**
 * Whether two samples differ, and by how much, without a word on how they are distributed: processes are skewed and some are
 * outliers. A sample has a value per process, the logarithm of a time, so a shift is a ratio.
 */
import { errorFunction, median, quantile, sum, wilcoxonRankSum } from "simple-statistics";
import { type Random, seeded } from "../random.js";
import type { Interval } from "../statistics.js";

/** The same thing measured before and after; here on one trace. */
export interface Pair {
  readonly old: readonly number[];
  readonly new: readonly number[];
}

/** Hodges and Lehmann's estimate of the shift from old to new: the median of all differences between the two. */
export function shiftOf({ old, new: now }: Pair): number {
  return median(now.flatMap((after) => old.map((before) => after - before)));
}

/** Shift of several pairs: the mean of theirs. Of logarithms, that is the geometric mean of ratios. */
export function meanShift(pairs: readonly Pair[]): number {
  return sum(pairs.map(shiftOf)) / pairs.length;
}

function drawAgain(values: readonly number[], random: Random): number[] {
  return values.map(() => values[Math.floor(random() * values.length)]);
}

/** {@link meanShift} with a 95 % bootstrap interval: the values of each sample are drawn again. */
export function shiftInterval(pairs: readonly Pair[], draws = 1000, seed = 1): Interval {
  const random = seeded(seed);
  const shifts = Array.from({ length: draws }, () =>
    meanShift(pairs.map((pair) => ({ old: drawAgain(pair.old, random), new: drawAgain(pair.new, random) }))),
  );
  const [low, high] = quantile(shifts, [0.025, 0.975]);
  return { value: meanShift(pairs), low, high };
}

/** Variance of the rank sum if old and new are the same; ties make it smaller. */
function rankSumVariance({ old, new: now }: Pair): number {
  const all = [...old, ...now].sort((a, b) => a - b);
  const total = all.length;
  let ties = 0;
  for (let from = 0, to = 0; from < total; from = to) {
    while (to < total && all[to] === all[from]) to++;
    ties += (to - from) ** 3 - (to - from);
  }
  return ((old.length * now.length) / 12) * (total + 1 - ties / (total * (total - 1)));
}

/**
 * How often two samples of the same thing would be at least as far apart, in either direction: Mann and Whitney's test, the rank
 * sums added over the pairs, so that only values on the same trace are ranked among each other. By the normal
 * distribution with corrections for ties and continuity: with four values against four, the smallest p is 0.030 where counting all
 * arrangements gives 0.029.
 */
export function rankTest(pairs: readonly Pair[]): number {
  const distance = sum(
    pairs.map(({ old, new: now }) => {
      const expected = (now.length * (old.length + now.length + 1)) / 2;
      return wilcoxonRankSum([...now], [...old]) - expected;
    }),
  );
  const variance = sum(pairs.map(rankSumVariance));
  if (variance === 0) return 1;
  const z = Math.max(0, Math.abs(distance) - 0.5) / Math.sqrt(variance);
  return Math.min(1, Math.max(0, 1 - errorFunction(z / Math.SQRT2)));
}

/** The smallest p that samples of these sizes can give: every new value above every old one. */
export function smallestP(sizes: readonly { readonly old: number; readonly new: number }[]): number {
  return rankTest(
    sizes.map((size) => ({
      old: Array.from({ length: size.old }, (_, i) => i - size.old),
      new: Array.from({ length: size.new }, (_, i) => i),
    })),
  );
}

/**
 * Holm's correction: the smallest p is multiplied by the number of tests, the next by one less, and so on, never falling. If nothing
 * differs, one of the corrected p is below 0.01 in no more than 1 % of cases, whatever the tests have in common.
 */
export function holm(ps: readonly number[]): number[] {
  const order = ps.map((_, i) => i).sort((a, b) => ps[a] - ps[b]);
  const corrected: number[] = [];
  let least = 0;
  for (const [rank, i] of order.entries()) {
    least = Math.max(least, Math.min(1, ps[i] * (ps.length - rank)));
    corrected[i] = least;
  }
  return corrected;
}
