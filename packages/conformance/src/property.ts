/** Random programs through fast-check: many short ones, each on a fresh heap, verified after every operation. */
import * as fc from "fast-check";
import { programArbitrary } from "./arbitrary.js";
import type { ProfileOptions, Weights } from "./profile.js";
import type { Program } from "./program.js";
import { ConformanceError, type PromiseName } from "./promises.js";
import { anySeed } from "./random.js";
import { atLeastOne, type RunOptions, runProgram } from "./run.js";
import { type MakeTarget, shrink } from "./shrink.js";
import { NOT_AGAIN, profileFor } from "./soak.js";
import { toSubject } from "./subject.js";
import { addReport, emptyReport, type RunReport } from "./trial.js";

export interface PropertyOptions extends RunOptions {
  /** Programs to run; default 100. */
  readonly numRuns?: number;
  /** Operations of the longest program; default 200. */
  readonly maxOperations?: number;
  /** Default: any; the error prints it. */
  readonly seed?: number;
  /** Where a failure was, as the error printed it: only that program runs, without shrinking it again from the start. */
  readonly path?: string;
  readonly profile?: ProfileOptions;
  /** Milliseconds for shrinking further what fast-check found; default 5,000. */
  readonly shrinkMs?: number;
}

/** Short programs shall meet what is rare in long ones, too. */
const SHORT_WEIGHTS: Partial<Weights> = { freeNull: 6, grow: 6, growForeign: 6, reset: 2 };

/**
 * Runs random programs and verifies every promise after every operation.
 *
 * fast-check finds and shrinks a failing program; then its blocks are named and it is shrunk once more.
 *
 * @param make A fresh heap (or subject) each time it is called: once for each program.
 * @returns What all of them together did; look for zeros.
 * @throws ConformanceError with the broken promise, fast-check's seed and path, and the shrunk program.
 * @example
 * ```ts
 * property(() => createHeap({ memory: 16384, strategy: hyperheap() }), { numRuns: 20 });
 * ```
 */
export function property(make: MakeTarget, options: PropertyOptions = {}): Readonly<RunReport> {
  const {
    numRuns = 100,
    maxOperations = 200,
    seed = anySeed(),
    path,
    profile,
    shrinkMs = 5000,
    ...rest
  } = options;
  atLeastOne("numRuns", numRuns);
  const weights = { ...SHORT_WEIGHTS, ...profile?.weights };
  const programs = programArbitrary(profileFor(toSubject(make()), { ...profile, weights }), maxOperations);
  const done = emptyReport();
  let promise: PromiseName | undefined;
  const result = fc.check(
    fc.property(programs, (program) => {
      try {
        addReport(done, runProgram(make(), program, rest));
      } catch (error) {
        if (!(error instanceof ConformanceError)) throw error;
        promise ??= error.promise;
        // While it shrinks, another fault is no reason to go that way.
        if (error.promise === promise) throw error;
      }
    }),
    { numRuns, seed, ...(path === undefined ? {} : { path }) },
  );
  if (!result.failed) return done;
  const error = result.errorInstance;
  // No counterexample: fast-check itself was refused something.
  if (!(error instanceof ConformanceError) || result.counterexample === null) {
    throw error instanceof Error
      ? error
      : new Error("fast-check failed without a counterexample", { cause: error });
  }
  const program: Program = result.counterexample[0];
  const where = {
    seed: result.seed,
    ...(result.counterexamplePath === null ? {} : { path: result.counterexamplePath }),
  };
  const shrunk = shrink(make, program, rest, shrinkMs);
  if (shrunk === undefined) throw error.with({ ...where, program, note: NOT_AGAIN });
  throw shrunk.error.with({ ...where, program: shrunk.program });
}
