/** The few figures the tables are made of. Samples here are small and skewed upwards, so: medians, quartiles, ranks. */
import { median, quantile } from "simple-statistics";
import { type Random, seeded } from "./random.js";

/** Half the distance between the quartiles, in percent of the median: "±3 %". 0 for a single value. */
export function spreadPercent(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const [low, high] = quantile([...values], [0.25, 0.75]);
  return (50 * (high - low)) / median([...values]);
}

/** n-th root of the product, by logarithms; NaN for no values. */
export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** An estimate with the interval that holds the true value in 95 of 100 cases. */
export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

function resample<T>(values: readonly T[], random: Random): T[] {
  return values.map(() => values[Math.floor(random() * values.length)]);
}

function medianOfMedians(groups: readonly (readonly number[])[]): number {
  return median(groups.map((group) => median([...group])));
}

/**
 * Median over groups of each group's median, with a two-level bootstrap: groups are drawn again, then the values within
 * each. A group is a pair of processes here, its values the paired differences of their rounds: two processes with the
 * same code differ by more than two rounds of one, so drawing rounds alone would be far too sure of itself.
 * @param draws bootstrap repetitions.
 */
export function bootstrap(groups: readonly (readonly number[])[], draws = 2000, seed = 1): Interval {
  const random = seeded(seed);
  const values = Array.from({ length: draws }, () =>
    medianOfMedians(resample(groups, random).map((group) => resample(group, random))),
  );
  const [low, high] = quantile(values, [0.025, 0.975]);
  return { value: medianOfMedians(groups), low, high };
}
