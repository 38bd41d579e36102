/**
 * What a heap of this kind usually gets wrong, a test for each point: where blocks are placed, split and merged. What is trusted
 * too much is in mistakes-trust.test.ts. `mutants/` has each mistake as a patch, and `npm run test:mutants` shows what finds it.
 */
import type { Heap, Ptr } from "@heapwright/core";
import { describe, expect, it } from "vitest";
import { slots } from "../../../testing/slots.js";
import { canary } from "./fixtures/canary.js";
import { headerBytes } from "./fixtures/header-bytes.js";
import { chunksOf, findings, heapOf, outcome, PAGE } from "./fixtures/places.js";

const ALIGNS = [16, 32, 64, 128, 256, 512, 1024, 2048, 4096] as const;

/** Blocks of these sizes, one behind the other. */
const row = (heap: Heap, ...sizes: number[]): Ptr[] => sizes.map((size) => heap.allocUnsafe(size));

/** Takes all that is left, so that the last chunk is used. */
function fill(heap: Heap): Ptr {
  const tail = [...heap.blocks()].findLast(({ state }) => state === "free");
  return heap.allocUnsafe(tail?.usable ?? 16);
}

describe("fit checks that wrap below zero", () => {
  it("does not put an aligned block where the slack alone is more than the chunk", () => {
    const heap = heapOf();
    const [hole, , other] = row(heap, 16, 16, 48, 16) as [Ptr, Ptr, Ptr, Ptr];
    heap.free(hole);
    heap.free(other);
    const ptr = heap.alloc(16, 1024);
    expect(ptr).toBe(heap.region.areaStart + 1024);
    expect(heap.usableSize(ptr)).toBe(16);
    expect([...heap.blocks()].slice(0, 3)).toMatchObject([
      { ptr: hole, usable: 16, state: "free" },
      { usable: 16, state: "used" },
      { ptr: other, usable: 48, state: "free" },
    ]);
    heap.check();
  });

  it("does not give out a chunk that is one granule too small", () => {
    const heap = heapOf();
    const [hole] = row(heap, 64, 16) as [Ptr, Ptr];
    heap.free(hole);
    expect(heap.alloc(65)).not.toBe(hole);
    expect(heap.alloc(64)).toBe(hole);
  });

  it("answers page requests larger than the last chunk with 0", () => {
    const heap = heapOf({ areaBytes: 4 * PAGE });
    row(heap, PAGE);
    for (const pages of [3, 4, 5, 2 ** 19, 2 ** 20 - 1]) {
      expect(outcome(heap, () => heap.alloc(pages * PAGE, PAGE))).toBe("0");
    }
    heap.check();
  });

  it("does not grow a block beyond its free neighbour", () => {
    const heap = heapOf();
    const [block, hole, wall] = row(heap, 64, 64, 64) as [Ptr, Ptr, Ptr];
    heap.free(hole);
    expect(heap.reallocUnsafe(block, 64 + 16 + 64)).toBe(block);
    expect(heap.reallocUnsafe(block, 64 + 16 + 65)).not.toBe(block);
    expect(heap.usableSize(wall)).toBe(64);
    heap.check();
  });
});

describe("no free chunk to the right taken as: the tail is my right neighbour", () => {
  it("frees a block behind which all are used, without the tail", () => {
    const heap = heapOf();
    const [block, wall] = row(heap, 64, 64) as [Ptr, Ptr];
    const before = chunksOf(heap);
    heap.free(block);
    expect(chunksOf(heap)).toEqual([{ ...before[0], state: "free" }, ...before.slice(1)]);
    expect(heap.usableSize(wall)).toBe(64);
    heap.check();
  });

  it("frees the last chunk, and any before it, where nothing is free", () => {
    const heap = heapOf({ areaBytes: PAGE });
    const [first, second] = row(heap, 64, 64) as [Ptr, Ptr];
    const last = fill(heap);
    expect(heap.freeBytes).toBe(0);
    heap.free(first);
    expect(chunksOf(heap).map(({ state }) => state)).toEqual(["free", "used", "used"]);
    heap.free(last);
    expect(chunksOf(heap).map(({ state }) => state)).toEqual(["free", "used", "free"]);
    heap.free(second);
    expect(heap.freeBytes).toBe(PAGE - 16);
    heap.check();
  });

  it("does not grow a block into a tail that does not adjoin, nor the last block at all", () => {
    const heap = heapOf({ areaBytes: PAGE });
    const [block, wall] = row(heap, 64, 64) as [Ptr, Ptr];
    const moved = heap.reallocUnsafe(block, 500);
    expect(moved).toBeGreaterThan(wall);
    expect(heap.usableSize(wall)).toBe(64);
    heap.check();
    const last = fill(heap);
    expect(outcome(heap, () => heap.reallocUnsafe(last, heap.usableSize(last) + 1))).toBe("0");
  });
});

describe("a page run that eats the tail and leaves the previous chunk's next dangling", () => {
  it.each([0, 2, 6])("makes the chunk before it the last one (%i slots)", (count) => {
    const h = headerBytes(count);
    const heap = heapOf({ areaBytes: 4 * PAGE, plugins: count === 0 ? [] : [slots(count)] });
    const [first] = row(heap, 1000, PAGE - 1008 - 2 * h) as [Ptr, Ptr];
    const [, last] = chunksOf(heap) as [unknown, { at: number; bytes: number }];
    expect(last.at + last.bytes).toBe(heap.region.areaStart + PAGE);
    const run = heap.alloc(3 * PAGE, PAGE);
    expect(run).toBe(heap.region.areaStart + PAGE);
    expect(heap.memory.u32[last.at >>> 2]).toBe(0);
    expect(heap.usableSize(last.at + h)).toBe(last.bytes - h);
    heap.check();
    // What is behind the last chunk is the run's: nothing of it may be taken for a chunk.
    heap.memory.u8.fill(0xff, run, run + 3 * PAGE);
    heap.free(last.at + h);
    heap.free(first);
    heap.check();
    expect(heap.freeBytes).toBe(PAGE - h);
    expect(heap.memory.u8.subarray(run, run + 3 * PAGE).every((byte) => byte === 0xff)).toBe(true);
    heap.free(run);
    heap.check();
    expect(heap.freeBytes).toBe(4 * PAGE - h);
  });

  it("fails where just a header of the tail would remain", () => {
    const heap = heapOf({ areaBytes: 4 * PAGE });
    row(heap, PAGE - 16 - 16);
    expect(outcome(heap, () => heap.alloc(3 * PAGE, PAGE))).toBe("0");
    expect(heap.alloc(2 * PAGE, PAGE)).toBe(heap.region.areaStart + 2 * PAGE);
    heap.check();
  });
});

describe("page runs cut from a chunk that is not last", () => {
  it("answers 0 where the last chunk is used, whatever is free before it", () => {
    const heap = heapOf({ areaBytes: 8 * PAGE });
    const [hole] = row(heap, 5 * PAGE) as [Ptr];
    const last = fill(heap);
    heap.free(hole);
    expect(outcome(heap, () => heap.alloc(PAGE, PAGE))).toBe("0");
    expect(outcome(heap, () => heap.alloc(1, PAGE))).toBe("0");
    heap.free(last);
    expect(heap.alloc(PAGE, PAGE)).toBe(heap.region.areaEnd - PAGE);
    heap.check();
  });

  it("answers 0 where only a used block lies behind the free chunk", () => {
    const heap = heapOf({ areaBytes: 8 * PAGE });
    const [hole] = row(heap, 5 * PAGE) as [Ptr];
    fill(heap);
    heap.free(hole);
    heap.allocUnsafe(2 * PAGE);
    expect(outcome(heap, () => heap.alloc(PAGE, PAGE))).toBe("0");
  });
});

describe("reused page memory is not zero", () => {
  const dirty = (heap: Heap, ptr: Ptr): void => {
    heap.memory.u8.fill(0xee, ptr, ptr + heap.usableSize(ptr));
  };
  const isZero = (heap: Heap, ptr: Ptr): boolean =>
    heap.memory.u8.subarray(ptr, ptr + heap.usableSize(ptr)).every((byte) => byte === 0);

  it("zeroes a run that was a run, by way of the freed runs and of the tail", () => {
    const heap = heapOf();
    const runs = [2, 2, 2].map((pages) => heap.alloc(pages * PAGE, PAGE));
    for (const ptr of runs) dirty(heap, ptr);
    for (const ptr of runs) heap.free(ptr);
    expect(heap.pageFreeBytes).toBe(0);
    const [top, middle, low] = [2, 2, 2].map((pages) => heap.alloc(pages * PAGE, PAGE)) as [Ptr, Ptr, Ptr];
    expect([top, middle, low]).toEqual(runs);
    for (const ptr of runs) expect(isZero(heap, ptr)).toBe(true);
    dirty(heap, middle);
    heap.free(middle);
    expect(heap.pageFreeBytes).toBe(2 * PAGE);
    const again = heap.alloc(PAGE + 1, PAGE);
    expect(again).toBe(middle);
    expect(isZero(heap, again)).toBe(true);
  });

  it("zeroes what a realloc of a run adds, and chunks where runs were", () => {
    const heap = heapOf();
    const top = heap.alloc(2 * PAGE, PAGE);
    const low = heap.alloc(PAGE, PAGE);
    dirty(heap, top);
    heap.free(top);
    const grown = heap.realloc(low, 3 * PAGE, PAGE);
    expect(grown).toBe(low);
    expect(isZero(heap, low)).toBe(true);
    dirty(heap, low);
    heap.free(low);
    const chunk = heap.alloc(7 * PAGE);
    expect(isZero(heap, chunk)).toBe(true);
  });
});

describe("a double free accepted after a merge", () => {
  const orders = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ];
  it.each(orders)(
    "refuses each of three neighbours a second time (freed in the order %i %i %i)",
    (...order) => {
      for (const wall of [true, false]) {
        const heap = heapOf();
        const blocks = row(heap, 64, 64, 64);
        if (wall) row(heap, 64);
        for (const index of order) {
          heap.free(blocks[index] as Ptr);
          for (const freed of order.slice(0, order.indexOf(index) + 1)) {
            const ptr = blocks[freed] as Ptr;
            expect(outcome(heap, () => heap.free(ptr))).toBe("ERR_DOUBLE_FREE");
          }
        }
        heap.check();
      }
    },
  );

  it("refuses a run that is the tail's again", () => {
    const heap = heapOf();
    const [top, low] = [heap.alloc(PAGE, PAGE), heap.alloc(PAGE, PAGE)];
    heap.free(top);
    expect(outcome(heap, () => heap.free(top))).toBe("ERR_DOUBLE_FREE");
    heap.free(low);
    expect(outcome(heap, () => heap.free(low))).toBe("ERR_DOUBLE_FREE");
    expect(outcome(heap, () => heap.free(top))).toBe("ERR_DOUBLE_FREE");
  });
});

describe("the first chunk's alignment", () => {
  const starts = Array.from({ length: 64 }, (_, index) => index * 64);
  it.each([0, 2, 6])("aligns addresses, wherever the area begins (%i slots)", (count) => {
    const h = headerBytes(count);
    for (const startsAt of starts) {
      for (const align of ALIGNS.slice(0, -1)) {
        const heap = heapOf({ areaBytes: 3 * PAGE, startsAt, plugins: count === 0 ? [] : [slots(count)] });
        const { areaStart } = heap.region;
        const ptr = heap.alloc(100, align);
        expect(ptr % align).toBe(0);
        const [first, block] = chunksOf(heap);
        expect(first?.at).toBe(areaStart);
        // Either the first chunk is the block, or it is a free chunk that holds at least a granule.
        if (ptr !== areaStart + h) {
          expect(first).toMatchObject({ state: "free", bytes: ptr - h - areaStart });
          expect(first?.bytes).toBeGreaterThanOrEqual(h + 16);
          expect(block).toMatchObject({ at: ptr - h, state: "used" });
        }
        expect(heap.memory.i32[(areaStart + 4) >>> 2]).toBe(ptr === areaStart + h ? 1 : 0);
        expect(findings(heap)).toBe("");
      }
    }
  });
});

describe("slack given to a live neighbour, so that its statistics wrap and its fence moves", () => {
  it.each(ALIGNS.slice(1, -1))("leaves the block before as it is (alignment %i)", (align) => {
    for (let size = 1; size <= 400; size += 13) {
      const heap = heapOf({ areaBytes: 6 * PAGE, plugins: [canary()] });
      const [before] = row(heap, size) as [Ptr];
      const tell = (): number[] => [
        heap.usableSize(before),
        heap.takenSize(before),
        heap.canary.fence(before),
      ];
      const sizes = tell();
      const used = heap.usedBytes;
      const ptr = heap.allocUnsafe(40, align);
      expect(tell()).toEqual(sizes);
      expect(heap.usedBytes - used).toBe(heap.takenSize(ptr) - headerBytes(2 + 1));
      const [first, second] = chunksOf(heap);
      expect(first).toMatchObject({
        at: heap.region.areaStart,
        bytes: heap.takenSize(before),
        state: "used",
      });
      expect(second?.state).toBe((second?.at as number) + headerBytes(3) === ptr ? "used" : "free");
      expect(findings(heap)).toBe("");
      heap.free(ptr);
      heap.free(before);
      expect(heap.usedBytes).toBe(0);
    }
  });
});
