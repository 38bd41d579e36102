/**
 * One round: the same work again and again until at least so many milliseconds are timed, then the median. tinybench
 * keeps the clock and the samples; what restores the state between repetitions is not timed. Beside it, the warm-up:
 * rounds until they get no faster.
 */
import { Bench } from "tinybench";
import type { TeamRound } from "./agents/crew.js";

export interface Work {
  /** Operations in one `run`. */
  readonly operations: number;
  /** What is timed. */
  run(): void;
  /** What is not: brings everything back to where `run` started. */
  restore(): void;
}

/** One round. */
export interface Round {
  /** Nanoseconds per operation: the median run. */
  readonly ns: number;
  /** How many runs the round had. */
  readonly runs: number;
  /** What agents that share a heap did in the round. */
  readonly team?: TeamRound;
}

/** Makes the function that measures one round of `work`, of at least `ms` milliseconds and at least one run. */
export function rounds(work: Work): (ms: number) => Round {
  const run = (): void => work.run();
  const hooks = { afterEach: () => work.restore(), async: false };
  return (ms) => {
    const bench = new Bench({ iterations: 1, warmup: false, throws: true, time: ms });
    bench.add("round", run, hooks);
    const { result } = bench.runSync()[0];
    if (result.state !== "completed") throw new Error(`a round ended ${result.state}`);
    return { ns: (result.latency.p50 * 1e6) / work.operations, runs: result.latency.samplesCount };
  };
}

/** A round counts as faster than the best before it if it is so by more than this share. */
const FASTER = 0.03;
/** This many rounds in a row that are not: stable. */
const STABLE_ROUNDS = 3;

/** Rounds of `ms` until three in a row bring no gain, or `capMs` are over. Returns the milliseconds spent. */
export function warmUp(round: (ms: number) => Round, ms: number, capMs: number): number {
  const start = performance.now();
  let best = Number.POSITIVE_INFINITY;
  for (let stable = 0; stable < STABLE_ROUNDS && performance.now() - start < capMs; ) {
    const took = round(ms).ns;
    stable = took < best * (1 - FASTER) ? 0 : stable + 1;
    best = Math.min(best, took);
  }
  return performance.now() - start;
}
