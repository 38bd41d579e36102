/** Slab heaps on every memory: grown with a guest's pages between, copied, attached, shared; and what goes back to the inner strategy. */
import { attachHeap, createHeap, type MemorySource, restoreHeap } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { stats } from "@heapwright/stats";
import { tlsf } from "@heapwright/tlsf";
import { describe, expect, it } from "vitest";
import { opened, type SlabHeap } from "./fixtures/opened.js";
import { slab } from "./slab.js";
import { classAt, SPANS } from "./space.js";

const LARGE = [tlsf, hyperheap] as const;
const states = (heap: SlabHeap) =>
  [...heap.blocks()].map(({ ptr, state, usable }) => `${ptr} ${state} ${usable}`);

const MEMORIES: readonly (readonly [string, () => MemorySource])[] = [
  ["an ArrayBuffer", () => new ArrayBuffer(128 << 10)],
  ["a SharedArrayBuffer", () => new SharedArrayBuffer(128 << 10)],
  ["a WebAssembly.Memory", () => new WebAssembly.Memory({ initial: 2, maximum: 2 })],
  ["a shared WebAssembly.Memory", () => new WebAssembly.Memory({ initial: 2, maximum: 2, shared: true })],
];

describe.each(LARGE.map((large) => ({ large, name: large.name })))("over $name", ({ large }) => {
  it.each(MEMORIES)("on %s: a copy has the same blocks, and goes on", (_, source) => {
    const heap = createHeap({ memory: source(), strategy: slab({ large: large() }) }) as SlabHeap;
    const blocks = Array.from({ length: 200 }, (_each, index) => heap.alloc(1 + ((index * 37) % 700)));
    for (let index = 0; index < 200; index += 3) heap.free(blocks[index] as number);
    for (const [index, ptr] of blocks.entries()) if (index % 3 !== 0) heap.memory.u8[ptr] = index;
    const copy = restoreHeap(heap.snapshot(), { strategy: slab({ large: large() }) }) as SlabHeap;
    copy.check();
    const shift = copy.region.base - heap.region.base;
    expect(states(copy)).toEqual(
      [...heap.blocks()].map(({ ptr, state, usable }) => `${ptr + shift} ${state} ${usable}`),
    );
    for (const [index, ptr] of blocks.entries()) {
      if (index % 3 === 0) continue;
      expect(copy.memory.u8[ptr + shift]).toBe(index);
      copy.free(ptr + shift);
    }
    copy.slab.trim();
    copy.check();
    expect([copy.usedBytes, copy.slab.spanBytes]).toEqual([0, 0]);
    heap.check();
    heap.reset?.();
    expect([heap.usedBytes, heap.slab.spanBytes]).toEqual([0, 0]);
    heap.check();
  });

  it("two agents free each other's cells", () => {
    const stack = () => ({ strategy: slab({ large: large() }) });
    const one = createHeap({ memory: new SharedArrayBuffer(128 << 10), ...stack() }) as SlabHeap;
    const two = attachHeap(one.descriptor(), stack()) as SlabHeap;
    const blocks = Array.from({ length: 300 }, (_, index) =>
      (index % 2 === 0 ? one : two).alloc(1 + (index % 200)),
    );
    expect(new Set(blocks).size).toBe(300);
    for (const [index, ptr] of blocks.entries()) (index % 2 === 0 ? two : one).free(ptr);
    one.slab.trim();
    for (const heap of [one, two]) {
      heap.check();
      expect([heap.usedBytes, heap.slab.spanBytes]).toEqual([0, 0]);
    }
  });

  it("an empty span is kept, the next one goes back; trim gives the kept one back, too", () => {
    const { heap, space } = opened(1 << 20, { large: large() });
    const blocks = Array.from({ length: 60 }, () => heap.alloc(100));
    const spans = () => space.i32[classAt(space, 7) + SPANS];
    expect(spans()).toBe(4);
    for (const ptr of blocks) heap.free(ptr);
    expect(spans()).toBe(1);
    expect(heap.slab.spanBytes).toBeGreaterThan(0);
    heap.check();
    heap.slab.trim();
    expect([spans(), heap.slab.spanBytes, heap.usedBytes]).toEqual([0, 0, 0]);
    heap.slab.trim();
    heap.check();
  });

  it("spares take no more than 1/128 of the area", () => {
    const { heap } = opened(1 << 20, { large: large() });
    for (let size = 16; size <= 512; size += 16) heap.free(heap.alloc(size));
    expect(heap.slab.spanBytes).toBeLessThanOrEqual((heap.capacity >>> 7) + 32 * 4);
    expect(heap.slab.spanBytes).toBeGreaterThan(heap.capacity >>> 8);
    heap.check();
  });

  it("spares go back where that serves a request, and only there", () => {
    const { heap } = opened(1 << 20, { large: large() });
    const empty = [64, 128, 256].map((size) => heap.alloc(size));
    // All that is left, in blocks.
    const all = [];
    for (let size = 1 << 19; size >= 1024; size >>>= 1)
      for (let ptr = heap.alloc(size); ptr !== 0; ptr = heap.alloc(size)) all.push(ptr);
    for (const ptr of empty) heap.free(ptr);
    const kept = heap.slab.spanBytes;
    expect(kept).toBeGreaterThan(6000);
    expect(heap.alloc(200_000)).toBe(0);
    expect(heap.slab.spanBytes).toBe(kept);
    const ptr = heap.alloc(1900);
    expect(ptr).not.toBe(0);
    expect(heap.slab.spanBytes).toBeLessThan(kept);
    heap.check();
  });

  it("a class without a span gets another one's spare, where there is no room for one", () => {
    const { heap, space } = opened(1 << 20, { large: large() });
    const cell = heap.alloc(64);
    for (let size = 1 << 19; size >= 600; size >>>= 1) while (heap.alloc(size) !== 0);
    heap.free(cell);
    const before = heap.slab.spanBytes;
    const moved = heap.alloc(480);
    expect([moved & -2048, heap.slab.spanBytes, heap.takenSize(moved)]).toEqual([cell & -2048, before, 480]);
    expect(space.i32[classAt(space, 30) + SPANS]).toBe(1);
    heap.check();
  });
});

it.each([false, true])("a heap grows behind a guest's pages for cells (shared: %s)", (shared) => {
  const memory = new WebAssembly.Memory({ initial: 2, maximum: 32, shared });
  const { heap } = opened(memory, { growth: { max: 32 * 65536, step: 65536 } });
  const guest = memory.grow(1) * 65536;
  const blocks = Array.from({ length: 2000 }, () => heap.alloc(240));
  expect(Math.max(...blocks)).toBeGreaterThan(guest + 65536);
  expect(blocks.every((ptr) => ptr + 240 <= guest || ptr >= guest + 65536)).toBe(true);
  expect(new Uint8Array(memory.buffer, guest, 65536).every((byte) => byte === 0)).toBe(true);
  heap.check();
  for (const ptr of blocks) heap.free(ptr);
  heap.slab.trim();
  heap.check();
  expect([heap.usedBytes, heap.slab.spanBytes]).toEqual([0, 0]);
});

it("the largest free block is a cell where the inner strategy has none so large", () => {
  const heap = createHeap({
    memory: 1 << 20,
    strategy: slab({ large: tlsf() }),
    plugins: [stats()],
  });
  const largest = (): number => heap.stats.toJSON().totals.largestFree;
  heap.alloc(480);
  expect(largest()).toBeGreaterThan(900_000);
  for (let size = 1 << 19; size > 0; size >>>= 1) while (heap.alloc(size + 512) !== 0);
  expect(heap.alloc(513)).toBe(0);
  const free = [...heap.blocks()].filter(({ state }) => state === "free").map(({ usable }) => usable);
  expect([largest(), Math.max(...free)]).toEqual([480, 480]);
  heap.check();
});
