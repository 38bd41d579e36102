/** limit, failAfter, failEvery: what they refuse, and that a refusal changes nothing but their own counts. */
import { hyperheap } from "@heapwright/hyperheap";
import { describe, expect, it } from "vitest";
import { createHeap, failAfter, failEvery, limit } from "./index.js";

const coded = (code: string) => expect.objectContaining({ code });

describe("limit", () => {
  it("refuses what would pass it, and takes back what is freed", () => {
    const heap = createHeap({ memory: 65536, strategy: hyperheap(), plugins: [limit({ bytes: 1000 })] });
    const ptr = heap.alloc(992);
    expect(ptr).toBeGreaterThan(0);
    const before = heap.snapshot();
    expect(heap.alloc(16)).toBe(0);
    expect(heap.realloc(ptr, 1001)).toBe(0);
    expect(heap.realloc(ptr, 2 ** 32 - 1)).toBe(0);
    expect(() => heap.allocArray(Uint8Array, 100)).toThrowError(coded("ERR_OUT_OF_MEMORY"));
    expect(heap.snapshot()).toEqual(before);
    expect(heap.limit).toMatchObject({ usedBytes: 992, limitBytes: 1000 });
    expect(heap.realloc(ptr, 500)).toBe(ptr);
    expect(heap.limit.usedBytes).toBe(heap.usedBytes);
    const other = heap.alloc(400);
    heap.free(other);
    expect(() => heap.free(other)).toThrowError(coded("ERR_DOUBLE_FREE"));
    expect(heap.limit.usedBytes).toBe(heap.usedBytes);
    heap.reset?.();
    expect(heap.limit.usedBytes).toBe(0);
  });

  it("counts what the strategy counts, whatever is done", () => {
    const heap = createHeap({ memory: 1 << 17, strategy: hyperheap(), plugins: [limit({ bytes: 60_000 })] });
    const live: number[] = [];
    let state = 3;
    const random = (below: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return (state >>> 4) % below;
    };
    for (let step = 0; step < 5000; step++) {
      const choice = random(4);
      const at = random(Math.max(1, live.length));
      const ptr = live[at] ?? 0;
      if (choice < 2 || ptr === 0) {
        const made = heap.alloc(1 + random(2000), ([16, 128, 4096] as const)[random(3)]);
        if (made !== 0) live.push(made);
      } else if (choice === 2) {
        heap.free(ptr);
        live.splice(at, 1);
      } else {
        const moved = heap.realloc(ptr, 1 + random(3000));
        if (moved !== 0) live[at] = moved;
      }
      expect(heap.limit.usedBytes).toBe(heap.usedBytes + heap.pageBytes);
      expect(heap.limit.usedBytes).toBeLessThan(60_000 + 32);
    }
  });

  it("holds for page runs, too", () => {
    const heap = createHeap({ memory: 65536, strategy: hyperheap(), plugins: [limit({ bytes: 5000 })] });
    const ptr = heap.alloc(100);
    expect(heap.realloc(ptr, 4100, 4096)).toBe(0);
    expect(heap.alloc(4097, 4096)).toBe(0);
    const run = heap.realloc(ptr, 4000, 4096);
    expect(run).toBeGreaterThan(0);
    expect(heap.limit.usedBytes).toBe(4096);
    expect(heap.realloc(run, 4097)).toBe(0);
  });

  it.each([0, -1, 1.5, Number.NaN, "5", undefined, 2 ** 32])("refuses bytes %s", (bytes) => {
    expect(() => limit({ bytes: bytes as number })).toThrowError(coded("ERR_INVALID_OPTION"));
  });
});

it("APIs see the heap as it is after the buffer was replaced", () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 8 });
  const plugins = [limit({ bytes: 9999 }), failAfter(5)] as const;
  const heap = createHeap({ memory, strategy: hyperheap(), plugins: [...plugins] });
  heap.alloc(100);
  memory.grow(1);
  expect(heap.limit.usedBytes).toBe(112);
  memory.grow(1);
  expect(heap.failAfter.requests).toBe(1);
  memory.grow(1);
  heap.failAfter.arm();
  expect(heap.failAfter.requests).toBe(0);
  heap.detach();
  expect(() => heap.limit.usedBytes).toThrowError(coded("ERR_DETACHED_HEAP"));
});

describe("failAfter and failEvery", () => {
  it("count requests, and fail those they are told to", () => {
    const heap = createHeap({ memory: 65536, strategy: hyperheap(), plugins: [failAfter(3)] });
    const ptrs = [heap.alloc(16), heap.alloc(16), heap.allocUnsafe(16), heap.alloc(16), heap.alloc(16)];
    expect(ptrs.map((ptr) => ptr !== 0)).toEqual([true, true, true, false, false]);
    expect(heap.realloc(ptrs[0] as number, 500)).toBe(0);
    expect(heap.failAfter).toMatchObject({ requests: 6, failed: 3 });
    heap.free(ptrs[0] as number);
    heap.failAfter.arm();
    expect(heap.alloc(16)).toBe(ptrs[0]);
    const none = createHeap({ memory: 65536, strategy: hyperheap(), plugins: [failAfter(0)] });
    expect(none.alloc(16)).toBe(0);
  });

  it("fail a realloc as one request, whether it would move or not", () => {
    const heap = createHeap({ memory: 65536, strategy: hyperheap(), plugins: [failEvery(2)] });
    const ptr = heap.alloc(100);
    heap.memory.u8.fill(5, ptr, ptr + 100);
    expect(heap.realloc(ptr, 50)).toBe(0);
    expect(heap.realloc(ptr, 5000)).not.toBe(0);
    expect(heap.failEvery).toMatchObject({ requests: 3, failed: 1 });
  });

  it("let a wrong pointer be found, and do not count it", () => {
    const heap = createHeap({ memory: 65536, strategy: hyperheap(), plugins: [failAfter(0)] });
    for (const ptr of [heap.region.areaStart + 16, 5, 2 ** 31]) {
      expect(() => heap.realloc(ptr, 100)).toThrowError();
      expect(() => heap.reallocUnsafe(ptr, 100)).toThrowError();
    }
    expect(heap.failAfter.requests).toBe(0);
  });

  it("refuse counts that are none", () => {
    for (const count of [-1, 1.5, Number.NaN, "3", undefined]) {
      expect(() => failAfter(count as number)).toThrowError(coded("ERR_INVALID_OPTION"));
      expect(() => failEvery(count as number)).toThrowError(coded("ERR_INVALID_OPTION"));
    }
    expect(() => failEvery(0)).toThrowError(coded("ERR_INVALID_OPTION"));
  });

  it("change nothing but their counts when they fail", () => {
    const heap = createHeap({ memory: 65536, strategy: hyperheap(), plugins: [failAfter(0)] });
    const before = heap.snapshot();
    expect(heap.alloc(16)).toBe(0);
    const after = heap.snapshot();
    const changed = [...before.keys()].filter((index) => before[index] !== after[index]);
    expect(changed).toHaveLength(2);
    expect(changed.every((index) => index < heap.region.areaStart)).toBe(true);
  });
});
