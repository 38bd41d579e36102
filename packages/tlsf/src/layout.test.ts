/** The bytes as tlsf.ts draws them, held against the constants and against a heap. */
import { createHeap } from "@heapwright/core";
import { expect, it } from "vitest";
import { slots } from "../../../testing/slots.js";
import { opened } from "./fixtures/opened.js";
import {
  classFor,
  classOf,
  EXACT,
  FIRST_LEVEL,
  HEADS,
  linkOf,
  planTables,
  SECOND_LEVEL,
  TOP,
  TOP_END,
  USED,
} from "./space.js";
import { tlsf } from "./tlsf.js";

it("a chunk: its size in the word before the payload, links in a free one's first words, its size again in the last", () => {
  const { heap, space } = opened(64 << 10);
  const [first, block, third] = [100, 60, 100].map((size) => heap.allocUnsafe(size)) as [
    number,
    number,
    number,
  ];
  const { i32 } = space;
  expect([first % 16, heap.usableSize(block), heap.takenSize(block)]).toEqual([0, 60, 64]);
  expect(first - heap.region.areaStart).toBe(16);
  expect(third - block).toBe(64);
  expect(i32[block / 4 - 1]).toBe(4);
  heap.free(block);
  const granule = (block - heap.region.areaStart) / 16;
  expect([...i32.subarray(block / 4 - 1, block / 4 + 2)]).toEqual([4, 0, HEADS + 4]);
  expect(i32[third / 4 - 2]).toBe(4);
  expect(i32[space.state + HEADS + 4]).toBe(linkOf(space, granule));
  expect(i32[space.state + SECOND_LEVEL]).toBe(1 << 4);
  const [live, afterFree] = [i32[space.maps], i32[space.maps + 1]];
  const bit = (ptr: number): number => 1 << ((ptr - heap.region.areaStart) / 16);
  expect([live, afterFree]).toEqual([bit(first) | bit(third), bit(third)]);
});

it.each([0, 1, 2, 3, 5, 10])("with %i slots payloads are 16-aligned and no byte is filled", (count) => {
  const heap = createHeap({ memory: 64 << 10, strategy: tlsf(), plugins: [slots(count)] });
  const header = 4 * (1 + count);
  for (let size = 1; size < 200; size += 7) {
    const ptr = heap.alloc(size);
    expect(ptr % 16).toBe(0);
    expect(heap.takenSize(ptr) - heap.usableSize(ptr)).toBe(header);
    expect(heap.usableSize(ptr)).toBe(heap.goodSize(size));
    expect(heap.goodSize(size) - size).toBeLessThan(16 + (size < 16 ? 16 : 0));
  }
});

it("the state: what each operation touches is in one cache line", () => {
  expect([TOP, TOP_END, USED, FIRST_LEVEL].every((word) => word < 16)).toBe(true);
  expect(HEADS).toBeGreaterThanOrEqual(SECOND_LEVEL + planTables(2 ** 32).levels);
  const { bytes } = planTables(1 << 26);
  expect(bytes / (1 << 26)).toBeLessThan(0.0157);
});

it("classes: a size up to 63 is its own; above, 32 a power of two; what is searched for fits", () => {
  let before = 0;
  for (let size = 1; size < 1 << 28; size = Math.ceil(size * 1.003)) {
    const list = classOf(size);
    expect(list).toBeGreaterThanOrEqual(before);
    before = list;
    if (size <= EXACT) expect([list, classFor(size)]).toEqual([size, size]);
    const sure = classFor(size);
    expect(sure - list).toBeLessThanOrEqual(1);
    // The smallest size of that class is large enough.
    expect(classOf(size - 1)).toBeLessThan(sure);
    expect(sure).toBeLessThan(planTables(2 ** 32).levels * 32);
  }
});
