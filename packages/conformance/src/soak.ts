/** Long runs: millions of operations made from a seed as they go, and a short program where one fails. */
import { Generator, generateProgram } from "./generate.js";
import { makeProfile, type OpName, type Profile, type ProfileOptions } from "./profile.js";
import { ConformanceError } from "./promises.js";
import { anySeed } from "./random.js";
import { atLeastOne, Runner, type RunOptions } from "./run.js";
import { type MakeTarget, shrink } from "./shrink.js";
import { type Subject, toSubject } from "./subject.js";
import type { RunReport } from "./trial.js";

export interface SoakOptions extends RunOptions {
  /** Default 100,000. */
  readonly operations?: number;
  /** Default: any; the error prints it. */
  readonly seed?: number;
  /** What the programs are made of. */
  readonly profile?: ProfileOptions;
  /** Milliseconds for shrinking a failing run; default 10,000; 0: not at all. */
  readonly shrinkMs?: number;
}

/** Intervals of a soak: the whole heap is looked at now and then only, else its size would be the price of each operation. */
const SOAK_INTERVALS = { checkEvery: 250, auditEvery: 1000, compareBytes: 16_384 } as const;

/** Why there is no shrunk program. */
export const NOT_AGAIN =
  "not shrunk: it did not fail again; does the function return a fresh heap each time?";

export interface SoakReport extends RunReport {
  readonly seed: number;
}

/**
 * Runs random operations on a heap and verifies every promise on the way.
 *
 * @param make A fresh heap (or subject) each time it is called; called once, and again for shrinking if the run fails.
 * @returns What was done; look for zeros.
 * @throws ConformanceError with the broken promise, the seed, the operation, and a shrunk program.
 * @example
 * ```ts
 * soak(() => createHeap({ memory: 1 << 20, strategy: hyperheap() }), { operations: 10_000, seed: 7 });
 * ```
 */
export function soak(make: MakeTarget, options: SoakOptions = {}): SoakReport {
  const { operations = 100_000, seed = anySeed(), profile, shrinkMs = 10_000, ...rest } = options;
  atLeastOne("operations", operations);
  const runOptions: RunOptions = { ...SOAK_INTERVALS, ...rest };
  const subject = toSubject(make());
  const full = profileFor(subject, profile);
  const generator = new Generator(seed, full);
  try {
    const runner = new Runner(subject, runOptions);
    for (let i = 0; i < operations; i++) runner.step(generator.next());
    return { ...runner.finish(), seed };
  } catch (error) {
    if (!(error instanceof ConformanceError)) throw error;
    const found = { seed, firstIndex: error.index ?? operations };
    if (shrinkMs <= 0) throw error.with(found);
    const failing = generateProgram(seed, Math.min(operations, found.firstIndex + 1), full);
    const shrunk = shrink(make, failing, runOptions, shrinkMs);
    throw shrunk === undefined
      ? error.with({ ...found, note: NOT_AGAIN })
      : shrunk.error.with({ ...found, program: shrunk.program });
  }
}

/** Operations that only some subjects have. */
const OPTIONAL = [
  "resize",
  "reset",
  "grow",
  "growForeign",
  "dup",
  "realloc",
  "reallocUnsafe",
  "mark",
  "release",
] as const;

/** The profile for a subject: sizes scaled to its area, alignments and operations it has. */
export function profileFor(subject: Subject, options: ProfileOptions = {}): Profile {
  const { area } = subject.region();
  const lacking: Partial<Record<OpName, number>> = {};
  for (const name of OPTIONAL) if (subject[name] === undefined) lacking[name] = 0;
  if (subject.capabilities?.grow === false) lacking.grow = 0;
  if (subject.release === undefined) lacking.badMark = 0;
  if (subject.frees === "any") lacking.badFree = 0;
  // What cannot be freed one by one shall come back, else most of a run is exhaustion.
  const emptied = subject.frees === "any" ? {} : { reset: 1 };
  const weights = { ...emptied, ...options.weights, ...lacking };
  return makeProfile(area.end - area.start, subject.maxAlign, { ...options, weights });
}
