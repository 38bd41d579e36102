import { createRequire } from "node:module";
import * as esm from "@heapwright/conformance";
import { createHeap } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { describe, expect, it } from "vitest";

const cjs = createRequire(import.meta.url)("@heapwright/conformance");
const makeHeap = () => createHeap({ memory: 1 << 16, strategy: hyperheap() });

esm.conformance("hyperheap, in somebody else's vitest", makeHeap, {
  operations: 2000,
  numRuns: 10,
  print: false,
});
esm.conformanceSelfTest({ print: false });

describe.each([
  ["imported", esm],
  ["required", cjs],
])("the kit, %s", (_, { property, soak, ConformanceError }) => {
  it("finds a heap good", () => {
    property(makeHeap, { numRuns: 20, seed: 1 });
    expect(soak(makeHeap, { operations: 1000, seed: 1 }).operations).toBe(1000);
  });

  it("finds a heap whose blocks are not zeroed", () => {
    const makeBroken = () => {
      const heap = makeHeap();
      return Object.create(heap, { alloc: { value: heap.allocUnsafe } });
    };
    expect(() => soak(makeBroken, { operations: 1000, seed: 1, shrinkMs: 0 })).toThrow(ConformanceError);
  });
});
