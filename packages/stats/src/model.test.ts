/**
 * The figures against a shadow model, after every operation of long random programs, over every combination of strategies and plugins:
 * each tag's record, the totals, what the tags add up to, and the live blocks that a walk finds. 1,500 operations for each of the
 * combinations, times `HEAPWRIGHT_SOAK`; 667 make it a million.
 */
import { describe, expect, it } from "vitest";
import { operations } from "../../../testing/soak.js";
import { Program } from "./fixtures/program.js";
import { STACKS } from "./fixtures/stacks.js";

const OPERATIONS = operations(1_500, 1);

describe.each(STACKS)("$name", (stack) => {
  it(`${OPERATIONS} random operations are counted as they happened`, () => {
    const program = new Program(stack, 1);
    for (let step = 0; step < OPERATIONS; step++) {
      try {
        program.step();
        if (step % 100 === 0) program.check();
      } catch (error) {
        throw new Error(`operation ${step}: ${(error as Error).message}`, { cause: error });
      }
    }
    const { seen } = program;
    const always = [seen.inPlace, seen.retagged, seen.refused, seen.resets, seen.frees];
    expect(Math.min(...always)).toBeGreaterThan(0);
    if (stack.name.includes("limit")) expect(seen.unseen).toBeGreaterThan(0);
    else expect([seen.unseen, seen.failures > 0]).toEqual([0, true]);
    if (stack.name.startsWith("hyperheap")) expect(Math.min(seen.runs, seen.moves)).toBeGreaterThan(0);
  });
});
