/** The quarantine under pressure: it drains when it must and no more, loses nothing, and its counts agree. */
import { createHeap, type Heap } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { delayedFree, fence, poison, strict } from "@heapwright/strict";
import { describe, expect, it } from "vitest";
import { caught } from "./fixtures/caught.js";

const states = (heap: Heap): string[] => [...heap.blocks()].map(({ state }) => state);

describe("exhaustion", () => {
  const full = () => {
    const heap = createHeap({ memory: 65536, strategy: hyperheap(), plugins: [strict()] });
    const ptrs: number[] = [];
    for (let ptr = heap.alloc(900); ptr !== 0; ptr = heap.alloc(900)) ptrs.push(ptr);
    return { heap, ptrs };
  };

  it("drains the oldest, only until the request fits, and the request succeeds", () => {
    const { heap, ptrs } = full();
    for (const ptr of ptrs.slice(0, 20)) heap.free(ptr);
    expect([heap.delayedFree.count, heap.quarantinedBytes]).toEqual([20, 20 * 976]);
    expect(heap.alloc(900)).toBe(ptrs[0]);
    expect(heap.delayedFree.count).toBe(19);
    // Three neighbours, and what the first gave back is taken.
    expect(heap.alloc(2500)).toBe(ptrs[1]);
    expect(heap.delayedFree.count).toBe(16);
    for (const ptr of ptrs.slice(4, 20)) expect(caught(() => heap.free(ptr)).code).toBe("ERR_DOUBLE_FREE");
    heap.check();
  });

  it("drains it all before 0 is returned, and loses nothing", () => {
    const { heap, ptrs } = full();
    for (const ptr of ptrs.slice(0, 20)) heap.free(ptr);
    const { capacity, freeBytes } = heap;
    expect(heap.alloc(30_000)).toBe(0);
    expect([heap.delayedFree.count, heap.quarantinedBytes]).toEqual([0, 0]);
    expect(heap.capacity).toBe(capacity);
    expect(heap.freeBytes).toBe(freeBytes + 20 * (976 + 48) - 48); // one piece keeps its header
    expect(heap.alloc(20 * 1024 - 200)).toBe(ptrs[0]);
    heap.check();
  });

  it("drains nothing for what could never be had", () => {
    const { heap, ptrs } = full();
    for (const ptr of ptrs.slice(0, 5)) heap.free(ptr);
    const before = Buffer.from(heap.snapshot());
    for (const size of [2 ** 32 - 1, 2 ** 32 - 64, 2 ** 31, 65536]) expect(heap.alloc(size)).toBe(0);
    expect(before.equals(heap.snapshot())).toBe(true);
  });

  it("drains for realloc, which may then be in place", () => {
    const heap = createHeap({ memory: 65536, strategy: hyperheap(), plugins: [strict()] });
    const ptr = heap.alloc(25_000);
    const next = heap.alloc(25_000);
    heap.memory.u8.fill(7, ptr, ptr + 25_000);
    expect(heap.realloc(ptr, 40_000)).toBe(0);
    heap.free(next);
    expect(heap.delayedFree.count).toBe(1);
    expect(heap.realloc(ptr, 40_000)).toBe(ptr);
    expect(heap.delayedFree.count).toBe(0);
    expect(heap.read(ptr, 25_000).every((byte) => byte === 7)).toBe(true);
    expect(heap.read(ptr + 25_000, 15_000).every((byte) => byte === 0)).toBe(true);
    heap.check();
  });

  it("is met by growth first", () => {
    const heap = createHeap({
      memory: 65536,
      growth: { max: 1 << 20, step: 4096 },
      strategy: hyperheap(),
      plugins: [delayedFree()],
    });
    const ptr = heap.alloc(40_000);
    heap.free(ptr);
    const { bytes } = heap.region;
    expect(heap.alloc(40_000)).not.toBe(ptr);
    expect(heap.region.bytes).toBeGreaterThan(bytes);
    expect(heap.delayedFree.count).toBe(1);
    while (heap.delayedFree.count === 1) heap.alloc(40_000);
    expect(heap.region.bytes).toBeGreaterThan(1_000_000);
    heap.check();
  });

  it("finds a write after free on the way: nothing was allocated, and the next call succeeds", () => {
    const { heap, ptrs } = full();
    heap.free(ptrs[0]);
    heap.memory.u8[ptrs[0] + 3] = 9;
    const used = heap.usedBytes;
    const error = caught(() => heap.alloc(900));
    expect(error).toMatchObject({ code: "ERR_USE_AFTER_FREE", offset: 3, foundAt: "alloc(), agent 1" });
    expect(heap.usedBytes).toBe(used);
    expect(heap.alloc(900)).toBe(ptrs[0]);
  });
});

describe("bounds", () => {
  it("bytes: the oldest leave for a larger one, and what is larger than all does not wait", () => {
    const heap = createHeap({
      memory: 65536,
      strategy: hyperheap(),
      plugins: [delayedFree({ slots: 10, bytes: 1000 }), poison()],
    });
    const [a, b, c, huge] = [400, 400, 400, 1008].map((size) => heap.alloc(size)) as [
      number,
      number,
      number,
      number,
    ];
    heap.free(a);
    heap.free(b);
    expect([heap.delayedFree.count, heap.delayedFree.bytes]).toEqual([2, 800]);
    heap.free(c);
    expect([heap.delayedFree.count, heap.delayedFree.bytes]).toEqual([2, 800]);
    expect(heap.alloc(400)).toBe(a);
    heap.free(huge);
    expect([heap.delayedFree.count, heap.quarantinedBytes]).toEqual([2, 800]);
    expect(heap.memory.u8[huge + 900]).toBe(0xcb);
    heap.check();
  });

  it("page runs that wait are quarantined bytes, not page bytes", () => {
    const heap = createHeap({ memory: 1 << 17, strategy: hyperheap(), plugins: [delayedFree(), fence()] });
    const run = heap.alloc(5000, 4096);
    const chunk = heap.alloc(100);
    expect([heap.pageBytes, heap.usedBytes]).toEqual([8192, 176]);
    heap.free(run);
    heap.free(chunk);
    expect([heap.pageBytes, heap.usedBytes, heap.quarantinedBytes]).toEqual([0, 0, 8192 + 176]);
    expect(states(heap)).toEqual(["quarantined", "free", "quarantined"]);
    expect([...heap.blocks()].filter(({ state }) => state === "quarantined").map(({ size }) => size)).toEqual(
      [100, 5000],
    );
    heap.delayedFree.drain();
    expect([heap.pageBytes, heap.usedBytes, heap.quarantinedBytes]).toEqual([0, 0, 0]);
    heap.check();
  });

  it("reset ends what waits", () => {
    const heap = createHeap({ memory: 65536, strategy: hyperheap(), plugins: [strict()] });
    const ptrs = Array.from({ length: 30 }, () => heap.alloc(50));
    for (const ptr of ptrs.slice(10)) heap.free(ptr);
    heap.reset?.();
    expect([heap.delayedFree.count, heap.quarantinedBytes, heap.usedBytes]).toEqual([0, 0, 0]);
    expect(states(heap)).toEqual(["free"]);
    heap.check();
  });
});

describe("against a model", () => {
  it.each([1, 3, 64])("of %i places: the same blocks wait, in the same order", (slots) => {
    const heap = createHeap({
      memory: 1 << 18,
      strategy: hyperheap(),
      plugins: [strict({ delayedFree: { slots, bytes: 20_000 }, stacks: "off" })],
    });
    const live: number[] = [];
    const waiting: { ptr: number; usable: number }[] = [];
    let state = slots;
    const random = (below: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return (state >>> 4) % below;
    };
    const sum = () => waiting.reduce((bytes, { usable }) => bytes + usable, 0);
    for (let step = 0; step < 4000; step++) {
      if (live.length < 30 || (live.length < 60 && random(2) === 0)) {
        const ptr = heap.alloc(1 + random(random(2) === 0 ? 100 : 3000));
        expect(waiting.some((block) => block.ptr === ptr)).toBe(false);
        live.push(ptr);
      } else {
        const [ptr] = live.splice(random(live.length), 1);
        const usable = heap.takenSize(ptr) - 48;
        heap.free(ptr);
        while (waiting.length === slots || sum() + usable > 20_000) waiting.shift();
        waiting.push({ ptr, usable });
      }
      expect([heap.delayedFree.count, heap.quarantinedBytes]).toEqual([waiting.length, sum()]);
      if (step % 50 !== 0) continue;
      const listed = [...heap.blocks()]
        .filter((block) => block.state === "quarantined")
        .map(({ ptr }) => ptr);
      expect(listed).toEqual(waiting.map(({ ptr }) => ptr).sort((a, b) => a - b));
      heap.check();
    }
  });
});
