/** Each planted fault is found, by the promise it breaks, with a seed that reproduces it and a short program. */
import { describe, expect, test } from "vitest";
import { ConformanceError, type PromiseName } from "./promises.js";
import { property } from "./property.js";
import { runProgram } from "./run.js";
import { soak } from "./soak.js";
import type { Subject } from "./subject.js";
import { type Fault, toy } from "./toy.fixture.js";

/** What each fault may be seen as first; usually one thing. */
const BROKEN: Readonly<Record<Fault, readonly PromiseName[]>> = {
  "splits one granule early": ["consistent", "counted", "disjoint", "listed"],
  "ignores alignments above 64": ["aligned"],
  "hands out memory past the end": ["inside"],
  "returns undefined when exhausted": ["pointer"],
  "throws when exhausted": ["accepts"],
  "wraps sizes near 2^32": ["inside"],
  "rounds usable sizes down": ["sized"],
  "gives slack to a live neighbour": ["steady", "zeroed"],
  "does not zero": ["zeroed"],
  "does not zero what realloc adds": ["zeroed"],
  "loses content in realloc": ["kept"],
  "copies one byte less in dup": ["copied"],
  "writes a footer into the next block": ["intact"],
  "writes a header for a failed request": ["unchanged"],
  "counts a failed request": ["unchanged"],
  "frees the old block when realloc fails": ["unchanged"],
  "accepts NaN": ["refusesSize"],
  "accepts a string as size": ["refusesSize"],
  "accepts alignments that are no powers of two": ["refusesAlignment"],
  "accepts any tag": ["refusesTag"],
  "accepts a double free": ["refusesPointer"],
  "tells a double free from nothing": ["refusesPointer"],
  "frees at interior pointers": ["refusesPointer"],
  "wipes before it refuses": ["unchanged"],
  "leaks the old block in realloc": ["listed"],
  "loses the rest of a split": ["counted"],
  "lists dead blocks": ["listed"],
  "lists blocks out of order": ["listed"],
  "forgets a header": ["consistent"],
  "counts headers twice": ["counted"],
  "owns nothing above the first block": ["owned"],
  "claims to grow": ["grown"],
  "takes somebody else's pages": ["guest"],
};

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

describe.each(Object.entries(BROKEN) as [Fault, readonly PromiseName[]][])(
  "a heap that %s",
  (fault, promises) => {
    const run = (shrinkMs: number): ConformanceError =>
      caught(() =>
        soak(() => toy(fault), { operations: 20_000, seed: 1, profile: { weights: WEIGHTS }, shrinkMs }),
      );

    // Shrinking ends by itself, long before the time is up.
    test("is found by a soak, shrunk and reproduced", { timeout: 60_000 }, () => {
      const error = run(30_000);
      expect(promises).toContain(error.promise);
      expect(error.message).toContain(`[${error.promise}]`);
      expect(error.message).toContain("seed: 1");
      expect(error.program?.length).toBeLessThanOrEqual(8);

      const again = caught(() => runProgram(toy(fault), error.program ?? []));
      expect(again.promise).toBe(error.promise);
      expect(() => runProgram(toy(), error.program ?? [])).not.toThrow();
      expect(run(0).firstIndex).toBe(error.firstIndex);
    });

    test("is found by a property", { timeout: 60_000 }, () => {
      const error = caught(() => property(() => toy(fault, 4096), { numRuns: 400, seed: 7 }));
      expect(promises).toContain(error.promise);
      expect(error.program?.length).toBeLessThanOrEqual(8);
      expect(error.path).toBeTypeOf("string");

      const { seed, path } = error;
      const again = caught(() =>
        property(() => toy(fault, 4096), { seed: seed ?? 0, path: path ?? "", shrinkMs: 1000 }),
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

test("nothing is found in the toy itself", () => {
  const weights = { ...WEIGHTS, grow: 20, growForeign: 1 };
  const report = soak(() => toy(), { operations: 30_000, seed: 2, profile: { weights } });
  const never = Object.entries(report).filter(([, count]) => count === 0);
  expect(never).toEqual([]);
  property(() => toy(undefined, 4096), { numRuns: 100, seed: 3 });
});
