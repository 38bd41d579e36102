import {
  ConformanceError,
  conformance,
  property,
  type SoakReport,
  selfTest,
  soak,
} from "@heapwright/conformance";
import { createHeap } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";

const make = () => createHeap({ memory: 1 << 20, strategy: hyperheap() });

try {
  property(make, { numRuns: 10 });
  const report: SoakReport = soak(make, { operations: 1000 });
  const seed: number = report.seed;
  conformance("hyperheap", make, {
    seed,
    subject: (heap) => ({ volatile: heap.name === "x" ? "header" : [] }),
  });
  const found: boolean = selfTest().every((result) => result.found);
  // @ts-expect-error a heap's name is no table
  conformance("hyperheap", make, { print: found });
  // @ts-expect-error the kit does not take just anything
  soak(seed);
} catch (error) {
  if (!(error instanceof ConformanceError)) throw error;
}
