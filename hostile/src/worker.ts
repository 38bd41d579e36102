/** Runs trials, and says in shared words which, so that whoever watches can tell the one that does not end. */
import { parentPort, workerData } from "node:worker_threads";
import { trial } from "./trial.js";

export interface Work {
  readonly strategy: string;
  readonly first: number;
  readonly count: number;
  /** The seed and the number of the step. */
  readonly progress: Int32Array;
  /** Says every step. */
  readonly verbose: boolean;
}

export interface Report {
  readonly refused: number;
  readonly used: number;
  readonly violations: readonly { readonly seed: number; readonly message: string }[];
  readonly slowest: { readonly seed: number; readonly ms: number };
}

const { strategy, first, count, progress, verbose } = workerData as Work;
const violations: { seed: number; message: string }[] = [];
const outcomes = { refused: 0, used: 0 };
const slowest = { seed: 0, ms: 0 };
for (let seed = first; seed < first + count; seed++) {
  Atomics.store(progress, 0, seed);
  const began = performance.now();
  try {
    outcomes[
      trial(strategy, seed, (what) => {
        Atomics.add(progress, 1, 1);
        if (verbose) parentPort?.postMessage(what);
      })
    ]++;
  } catch (error) {
    if (violations.length < 200) violations.push({ seed, message: (error as Error).message });
  }
  const ms = performance.now() - began;
  if (ms > slowest.ms) Object.assign(slowest, { seed, ms });
}
parentPort?.postMessage({ ...outcomes, violations, slowest } satisfies Report);
