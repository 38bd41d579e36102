/** Each planted fault is found, by the promise it breaks, with a seed that reproduces it and a short program. */
import { describe, expect, test } from "vitest";
import { ConformanceError, type PromiseName } from "./promises.js";
import { property } from "./property.js";
import { runProgram } from "./run.js";
import { soak } from "./soak.js";
import type { Subject } from "./subject.js";
import { HEAP_FAULTS, type HeapFault, STACK_FAULTS, type StackFault } from "./toy/faults.js";
import { toy } from "./toy/heap.js";
import { stackToy } from "./toy/stack.js";
import type { RunReport } from "./trial.js";

type ProgramFault = keyof typeof HEAP_FAULTS | StackFault;

/** What programs find; the rest, about copies and what a heap says of itself, is the battery's: see self-test.test.ts. */
const BROKEN: Readonly<Record<ProgramFault, readonly PromiseName[]>> = { ...HEAP_FAULTS, ...STACK_FAULTS };

/** The toy a fault is planted in. */
function plant(fault: ProgramFault | undefined, bytes?: number): Subject {
  if (fault !== undefined && fault in STACK_FAULTS) return stackToy(fault as StackFault, bytes);
  return toy(fault as HeapFault | undefined, bytes);
}

function caught(run: () => unknown): ConformanceError {
  try {
    run();
  } catch (error) {
    if (error instanceof ConformanceError) return error;
    throw error;
  }
  throw new Error("nothing was found");
}

/** Weights that let every kind of operation come within a few thousand. */
const WEIGHTS = { grow: 5, growForeign: 5, freeNull: 5 };

describe.each(Object.entries(BROKEN) as [ProgramFault, readonly PromiseName[]][])(
  "a heap that %s",
  (fault, promises) => {
    const sound = (): Subject => (fault in STACK_FAULTS ? stackToy() : toy());
    const run = (shrinkMs: number): ConformanceError =>
      caught(() =>
        soak(() => plant(fault), { operations: 20_000, seed: 1, profile: { weights: WEIGHTS }, shrinkMs }),
      );

    // Shrinking ends by itself, long before the time is up.
    test("is found by a soak, shrunk and reproduced", { timeout: 60_000 }, () => {
      const error = run(30_000);
      expect(promises).toContain(error.promise);
      expect(error.message).toContain(`[${error.promise}]`);
      expect(error.message).toContain("seed: 1");
      expect(error.program?.length).toBeLessThanOrEqual(8);

      const again = caught(() => runProgram(plant(fault), error.program ?? []));
      expect(again.promise).toBe(error.promise);
      expect(() => runProgram(sound(), error.program ?? [])).not.toThrow();
      expect(run(0).firstIndex).toBe(error.firstIndex);
    });

    test("is found by a property", { timeout: 60_000 }, () => {
      const error = caught(() => property(() => plant(fault, 4096), { numRuns: 400, seed: 7 }));
      expect(promises).toContain(error.promise);
      expect(error.program?.length).toBeLessThanOrEqual(8);
      expect(error.path).toBeTypeOf("string");

      const { seed, path } = error;
      const again = caught(() =>
        property(() => plant(fault, 4096), { seed: seed ?? 0, path: path ?? "", shrinkMs: 1000 }),
      );
      expect(again.promise).toBe(error.promise);
    });
  },
);

test("a heap that tells nothing of itself is found to leak", () => {
  const mute = (): Subject => {
    const {
      blocks: _blocks,
      totals: _totals,
      check: _check,
      ...subject
    } = toy("leaks the old block in realloc");
    return subject;
  };
  // A leaked block that lets itself be freed would be found before, and growth would make up for it.
  const weights = { badPointer: 0, grow: 0 };
  const error = caught(() => soak(mute, { operations: 2000, seed: 1, profile: { weights } }));
  expect(error.promise).toBe("reusable");
  expect(error.program?.length).toBeLessThanOrEqual(20);
});

/** What a run of this one can not do. */
const never = (report: RunReport): string[] =>
  Object.entries({ ...report, ...report.detected }).flatMap(([name, count]) => (count === 0 ? [name] : []));

test("nothing is found in the toys themselves, and everything they have is tried", () => {
  const weights = { ...WEIGHTS, grow: 20, growForeign: 1 };
  const heap = soak(() => toy(), { operations: 30_000, seed: 2, profile: { weights } });
  expect(never(heap)).toEqual([
    "resets",
    "marks",
    "releases",
    "refusedFrees",
    "refusedAlignments",
    "refusedMarks",
  ]);
  property(() => toy(undefined, 4096), { numRuns: 100, seed: 3 });
  const stack = soak(() => stackToy(), { operations: 30_000, seed: 2 });
  expect(never(stack)).toEqual(["growths", "foreignGrowths"]);
  property(() => stackToy(undefined, 4096), { numRuns: 100, seed: 3 });
});
