/** Words that lead out of the area: nobody joins such a heap. */
import { attachHeap, createHeap } from "@heapwright/core";
import { expect, it } from "vitest";
import { hyperheap } from "./hyperheap.js";
import { BOUNDARY, LAST, planTables } from "./space.js";

const make = (base = 0) => createHeap({ memory: new ArrayBuffer(16384 + base), base, strategy: hyperheap() });
const stateOf = (heap: ReturnType<typeof make>): number => {
  const { base } = heap.region;
  return (base >>> 2) + Math.ceil((128 + (heap.memory.u32[(base >>> 2) + 8] as number)) / 64) * 16;
};

it.each([
  ["the last chunk", LAST, 8],
  ["the last chunk", LAST, 16400],
  ["the boundary", BOUNDARY, 0],
  ["the boundary", BOUNDARY, 16400],
  ["the boundary", BOUNDARY, 16376],
  ["hint 3", 16 + 3, -1],
  ["hint 3", 16 + 3, 1000],
])("%s, %i, at %i is refused", (name, word, value) => {
  const heap = make();
  heap.memory.i32[stateOf(heap) + word] = value;
  expect(() => attachHeap(heap.descriptor(), { strategy: hyperheap() })).toThrow(
    expect.objectContaining({ code: "ERR_HEAP_CORRUPT", message: expect.stringContaining(name) }),
  );
});

it("a freed run that begins before the area is not followed", () => {
  const heap = make(8192 + 64);
  const { areaStart, areaEnd } = heap.region;
  const pageBase = areaStart - (areaStart % 4096);
  expect(pageBase).toBeLessThan(areaStart);
  const table = stateOf(heap) + planTables(heap.region.bytes, 0).pages / 4;
  const pages = (areaEnd - pageBase) >>> 12;
  // All pages but the run's own, as one freed run; the sum that lets a search begin.
  heap.memory.u32[table] = (pages << 3) | 2;
  heap.memory.u32[table + pages - 1] = (pages << 3) | 4;
  heap.memory.u32[stateOf(heap) + 5] = pages * 4096;
  heap.memory.u32[stateOf(heap) + 6] = 1;
  expect(() => heap.alloc(pages * 4096, 4096)).toThrow(expect.objectContaining({ code: "ERR_HEAP_CORRUPT" }));
});
