import { describe, expect, it } from "vitest";
import { traceOf } from "../test-traces.js";
import { CALLOC, FREE, MALLOC, REALLOC, readTrace } from "../trace.js";
import { bundledTrace } from "../traces.js";
import { createSubject, runCrowd, type Subject } from "./stacks.js";
import { PATTERN_PAIRS, runPairs, runPattern, toPairs } from "./workload.js";

/** Writes down every call: what was asked for and, as the distance from the first block, where it is. */
function recorder(subject: Subject): Subject & { readonly calls: string[] } {
  const calls: string[] = [];
  let first = 0;
  return {
    calls,
    alloc(size) {
      const ptr = subject.alloc(size);
      if (first === 0) first = ptr;
      calls.push(`${size} at ${ptr - first}`);
      return ptr;
    },
    free(ptr) {
      calls.push(`free ${ptr - first}`);
      subject.free(ptr);
    },
  };
}

describe("the workloads", () => {
  it("a realloc is a free and an alloc; sizes of 0 are 1", () => {
    const trace = traceOf([[MALLOC, 0, 0], [CALLOC, 1, 8], [REALLOC, 0, 30], [FREE, 1]]); // biome-ignore format: a list
    const pairs = toPairs(trace);
    expect([...pairs.ids]).toEqual([0, 1, 0, 0, 1]);
    expect([...pairs.sizes]).toEqual([1, 8, 0, 30, 0]);
    expect(pairs.pairs).toBe(3);
  });

  it("every stack gets the same calls and places the blocks alike", async () => {
    const pairs = toPairs(await readTrace(bundledTrace("sqlite")));
    const seen = (["bare", "heap", "layer"] as const).map((stack) => {
      const subject = recorder(createSubject(stack));
      runPattern(subject, new Int32Array(64));
      runPairs(subject, pairs, new Int32Array(pairs.slots));
      return subject.calls;
    });
    expect(seen[0].length).toBeGreaterThan(3 * PATTERN_PAIRS);
    expect(seen[1].join("\n") === seen[0].join("\n")).toBe(true);
    expect(seen[2].join("\n") === seen[0].join("\n")).toBe(true);
  });
});

describe("the crowd", () => {
  it("is five other stacks, over both kinds of memory, all sound and empty afterwards", () => {
    const heaps = runCrowd();
    expect(heaps).toHaveLength(5);
    expect(new Set(heaps.map(({ memory }) => memory.kind)).size).toBe(3);
    for (const heap of heaps) {
      heap.check();
      expect(heap.usedBytes).toBe(0);
    }
  });
});
