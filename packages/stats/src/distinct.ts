/** Snapshots of several heaps that go into one export. */
import type { StatsSnapshot } from "./figures.js";

/** @throws Error if two are of heaps of one name: what is exported of them could not be told apart. */
export function requireDistinct(snapshots: readonly StatsSnapshot[]): void {
  const names = new Set<string>();
  for (const { heap } of snapshots) {
    if (names.has(heap)) {
      throw new Error(
        `Two sources are of a heap named ${JSON.stringify(heap)}: their figures could not be told apart. Pass each heap ` +
          "once, and give each heap a name of its own, createHeap({ name }).",
      );
    }
    names.add(heap);
  }
}
