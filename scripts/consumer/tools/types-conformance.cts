import { ConformanceError, property, type SoakReport, soak } from "@heapwright/conformance";
import { createHeap } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";

const make = () => createHeap({ memory: 1 << 20, strategy: hyperheap() });

try {
  property(make, { numRuns: 10 });
  const report: SoakReport = soak(make, { operations: 1000 });
  const seed: number = report.seed;
  // @ts-expect-error the kit does not take just anything
  soak(seed);
} catch (error) {
  if (!(error instanceof ConformanceError)) throw error;
}
