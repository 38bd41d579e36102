/**
 * Page runs under a bridge: growth above runs leaves them where they are, spanned by a used chunk, and they are runs as before.
 */
import { createHeap, type Heap } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { expect, it } from "vitest";
import { findings, outcome, PAGE } from "./fixtures/places.js";

/** A heap of 64 KiB with a run of `pages` at its end, grown by 64 KiB. */
function grown(pages: number): { heap: Heap; run: number } {
  const heap = createHeap({ memory: 65536, strategy: hyperheap(), growth: { max: 2 * 65536, step: 65536 } });
  const run = heap.alloc(pages * PAGE, PAGE);
  expect(run).toBe(65536 - pages * PAGE);
  expect(heap.grow(65536)).toBe(true);
  return { heap, run };
}

it("frees a run at the boundary for the chunks, though a freed run ends where it begins", () => {
  const { heap, run } = grown(2);
  // It takes all of the new tail: the bridge is the last chunk again, and the boundary is its end.
  const high = heap.alloc(65536, PAGE);
  expect(high).toBe(65536);
  heap.free(run);
  expect(findings(heap)).toBe("");
  heap.free(high);
  expect(findings(heap)).toBe("");
  expect(heap.pageFreeBytes).toBe(2 * PAGE);
  expect(outcome(heap, () => heap.free(high + PAGE))).toBe("ERR_DOUBLE_FREE");
  expect(heap.alloc(65536 - 16 - 4096)).toBe(65536 + 16);
  expect(heap.alloc(2 * PAGE, PAGE)).toBe(run);
  expect(findings(heap)).toBe("");
});

it("does not grow a run beyond its bridge", () => {
  const { heap, run } = grown(1);
  const high = heap.alloc(65536, PAGE);
  const moved = heap.realloc(run, 2 * PAGE, PAGE);
  expect(moved).toBe(0);
  heap.free(high);
  expect(heap.realloc(run, 2 * PAGE, PAGE)).toBe(heap.region.areaEnd - 2 * PAGE);
  expect(findings(heap)).toBe("");
});
