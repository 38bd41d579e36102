/**
 * What became slower or faster from one result to another. Each allocator is judged over all traces and on each of them; these
 * tests are many, so their p are corrected together.
 *
 * A change counts if it is certain (corrected p below {@link CERTAIN}) and large: the estimate is at or beyond the threshold, on one trace,
 * where there are fewer processes to tell by, beyond twice the threshold.
 */
import type { Comparison } from "../compare.js";
import { UsageError } from "../errors.js";
import type { BenchResult } from "../json.js";
import { type Lost, type Samples, samplesOf } from "./samples.js";
import { holm, type Pair, rankTest, shiftInterval, smallestP } from "./statistics.js";

export const CERTAIN = 0.01;

/** In percent. */
export const DEFAULT_THRESHOLD = 5;

export interface Change {
  readonly allocator: string;
  /** Over all of them where there is none. */
  readonly trace: string | undefined;
  /** New time : old time. */
  readonly ratio: number;
  /** Of 95 %, for this ratio alone. */
  readonly low: number;
  readonly high: number;
  /** Of the rank test, corrected for all of the comparison's tests. */
  readonly p: number;
  readonly verdict: "slower" | "faster" | "same";
  /** In each of the results, over all traces. */
  readonly processes: readonly [old: number, new: number];
}

export interface Regression {
  readonly threshold: number;
  readonly references: readonly string[];
  readonly changes: readonly Change[];
  readonly lost: readonly Lost[];
  /** How many tests the p are corrected for. */
  readonly tests: number;
  /** Where the two results differ besides the times. */
  readonly differences: readonly string[];
  readonly leftOut: readonly string[];
  /** Something is slower, or lost. */
  readonly found: boolean;
}

export interface RegressionOptions {
  /** In percent; default 5. */
  readonly threshold?: number | undefined;
  /** Default all. */
  readonly allocators?: readonly string[] | undefined;
  /** Bootstrap repetitions for the intervals; default 1000. */
  readonly draws?: number | undefined;
}

interface Test {
  readonly allocator: string;
  readonly trace: string | undefined;
  readonly pairs: readonly Pair[];
}

/** Over all traces first, then on each, if there are several. */
function testsOf({ pairs }: Samples): Test[] {
  const names = [...new Set(pairs.map(({ allocator }) => allocator))];
  return names.flatMap((allocator): Test[] => {
    const own = pairs.filter((pair) => pair.allocator === allocator);
    const single = own.length === 1 ? [] : own;
    return [
      { allocator, trace: undefined, pairs: own },
      ...single.map((pair) => ({ allocator, trace: pair.trace, pairs: [pair] })),
    ];
  });
}

/** With so few processes nothing could be found, and finding nothing would look like good news. */
function refuseTooFew(tests: readonly Test[]): void {
  const best = tests.map(({ pairs }) =>
    smallestP(pairs.map((pair) => ({ old: pair.old.length, new: pair.new.length }))),
  );
  if (Math.min(...holm(best)) < CERTAIN) return;
  throw new UsageError(
    "too few processes to be certain of any change: measure both with --ci, or more --processes",
  );
}

function changeOf(
  { allocator, trace, pairs }: Test,
  p: number,
  threshold: number,
  draws: number | undefined,
): Change {
  const shift = shiftInterval(pairs, draws);
  const needed = Math.log(1 + (trace === undefined ? 1 : 2) * (threshold / 100));
  const counts = p < CERTAIN && Math.abs(shift.value) >= needed;
  return {
    allocator,
    trace,
    ratio: Math.exp(shift.value),
    low: Math.exp(shift.low),
    high: Math.exp(shift.high),
    p,
    verdict: !counts ? "same" : shift.value > 0 ? "slower" : "faster",
    processes: [
      pairs.reduce((count, { old }) => count + old.length, 0),
      pairs.reduce((count, pair) => count + pair.new.length, 0),
    ],
  };
}

/** What the times could differ by besides the code. */
function differencesOf(old: BenchResult, now: BenchResult): string[] {
  const sides = [old, now].map(({ environment, effort, comparison }) => ({
    Node: environment.node,
    CPU: environment.cpu,
    cores: String(environment.cores),
    platform: environment.platform,
    bench: environment.bench,
    processes: String(effort.processes),
    rounds: `${effort.rounds} of ${effort.roundMs} ms`,
    complete: comparison?.complete ? "yes" : "no, interrupted",
  }));
  const keys = Object.keys(sides[0]) as (keyof (typeof sides)[number])[];
  return keys
    .filter((key) => sides[0][key] !== sides[1][key])
    .map((key) => `${key}: ${sides[0][key]}, now ${sides[1][key]}`);
}

/** Measures that are in a result and are not compared. */
function otherMeasures(results: readonly BenchResult[]): string[] {
  const names = (["live", "latency", "space", "composition", "stacks", "views", "agents"] as const).filter(
    (name) => results.some((result) => result[name] !== null && result[name] !== undefined),
  );
  return names.length === 0 ? [] : [`all measures but time: ${names.join(", ")}`];
}

/** The times over traces, with these allocators among them. */
function timesOf(which: string, { comparison }: BenchResult, allocators: readonly string[] = []): Comparison {
  if (comparison === null)
    throw new UsageError(`the ${which} result has no times over traces (--measures time)`);
  const missing = allocators.find((name) => comparison.allocators.every((each) => each.name !== name));
  if (missing !== undefined) throw new UsageError(`"${missing}" is not in the ${which} result`);
  return comparison;
}

/**
 * Compares the times over traces of two results.
 * @throws {@link UsageError} where there is nothing to compare, or too little to be certain of anything.
 */
export function findRegressions(
  old: BenchResult,
  now: BenchResult,
  options: RegressionOptions = {},
): Regression {
  const { threshold = DEFAULT_THRESHOLD, allocators, draws } = options;
  const samples = samplesOf(
    { old: timesOf("old", old, allocators), new: timesOf("new", now, allocators) },
    allocators,
  );
  const { references, lost, leftOut } = samples;
  const tests = testsOf(samples);
  if (tests.length === 0 && lost.length === 0)
    throw new UsageError("the two results have no allocator on a trace in common");
  if (lost.length === 0) refuseTooFew(tests);
  const ps = holm(tests.map(({ pairs }) => rankTest(pairs)));
  const changes = tests.map((test, i) => changeOf(test, ps[i], threshold, draws));
  return {
    threshold,
    references,
    changes,
    lost,
    tests: tests.length,
    differences: differencesOf(old, now),
    leftOut: [...leftOut, ...otherMeasures([old, now])],
    found: lost.length > 0 || changes.some(({ verdict }) => verdict === "slower"),
  };
}
