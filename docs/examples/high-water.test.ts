import { arena } from "@heapwright/arena";
import { heapSubject, property, soak } from "@heapwright/conformance";
import { attachHeap, createHeap, defineStack, limit, restoreHeap } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { describe, expect, it } from "vitest";
import { cells } from "./cells.js";
import { highWater } from "./high-water.js";

const stack = defineStack({ strategy: hyperheap(), plugins: [highWater()] });

describe("highWater", () => {
  it("keeps the peak of what was held at once", () => {
    const heap = createHeap({ memory: 65536, ...stack });
    const a = heap.alloc(100);
    const b = heap.alloc(1000);
    expect(heap.highWater.bytes).toBe(112 + 1008);
    heap.free(b);
    heap.realloc(a, 500);
    expect(heap.highWater).toMatchObject({ bytes: 512, peakBytes: 1120 });
    heap.reset?.();
    expect(heap.highWater).toMatchObject({ bytes: 0, peakBytes: 1120 });
    heap.check();
  });

  it("counts what is left after a release, and keeps the peak", () => {
    const heap = createHeap({ memory: 65536, strategy: arena(), plugins: [highWater()] });
    heap.alloc(100);
    const mark = heap.arena.mark();
    heap.alloc(1000);
    heap.alloc(10);
    const { bytes: most } = heap.highWater;
    heap.arena.release(mark);
    expect(heap.highWater).toMatchObject({ bytes: heap.usedBytes, peakBytes: most });
    heap.check();
    expect(() => heap.arena.release(-1)).toThrow();
    expect(heap.highWater).toMatchObject({ bytes: heap.usedBytes, peakBytes: most });
  });

  it("counts nothing for a call that failed", () => {
    const heap = createHeap({ memory: 65536, ...stack });
    const ptr = heap.alloc(100);
    expect(heap.alloc(1 << 20)).toBe(0);
    expect(heap.realloc(ptr, 1 << 20)).toBe(0);
    expect(() => heap.free(ptr + 16)).toThrow();
    expect(heap.highWater).toMatchObject({ bytes: 112, peakBytes: 112 });
  });

  it("lets blocks() show the size asked for, of page runs as well", () => {
    const heap = createHeap({ memory: 65536, ...stack });
    heap.alloc(100);
    heap.alloc(5000, 4096);
    const inUse = [...heap.blocks()].filter(({ state }) => state !== "free");
    expect(inUse.map(({ size, usable, state }) => [size, usable, state])).toEqual([
      [100, 112, "used"],
      [5000, 8192, "page"],
    ]);
  });

  it("keeps its figures in the heap: another agent and a copy have them", () => {
    const heap = createHeap({ memory: new SharedArrayBuffer(65536), ...stack });
    heap.free(heap.alloc(1000));
    const joined = attachHeap(structuredClone(heap.descriptor()), stack);
    joined.alloc(10);
    expect(heap.highWater).toMatchObject({ bytes: 16, peakBytes: 1008 });
    expect(restoreHeap(heap.snapshot(), stack).highWater).toMatchObject({ bytes: 16, peakBytes: 1008 });
  });

  it("has a check that can fail", () => {
    const heap = createHeap({ memory: 65536, ...stack });
    const ptr = heap.alloc(100);
    const { u32 } = heap.memory;
    const counted = u32.indexOf(112, heap.region.base >>> 2);
    u32[counted]++;
    expect(() => heap.check()).toThrow("highWater counts 113 bytes, the blocks have 112");
    u32[counted]--;
    heap.free(ptr);
    heap.check();
  });

  it.each([
    ["hyperheap", () => createHeap({ memory: 1 << 18, ...stack })],
    [
      "hyperheap under a limit",
      () =>
        createHeap({
          memory: 1 << 18,
          strategy: hyperheap(),
          plugins: [highWater(), limit({ bytes: 1 << 17 })],
        }),
    ],
    [
      "arena, with marks",
      () => {
        const heap = createHeap({ memory: 1 << 18, strategy: arena(), plugins: [highWater()] });
        return heapSubject(heap, { marks: heap.arena });
      },
    ],
    ["cells", () => createHeap({ memory: 1 << 16, strategy: cells(), plugins: [highWater()] })],
  ])("passes the conformance kit over %s", (_, make) => {
    property(make, { numRuns: 50, seed: 7 });
    soak(make, { operations: 20_000, seed: 7 });
  });
});
