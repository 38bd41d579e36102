import { property, soak } from "@heapwright/conformance";
import { attachHeap, createHeap, defineStack, isHeapError, limit, restoreHeap } from "@heapwright/core";
import { describe, expect, it } from "vitest";
import { cells } from "./cells.js";

const codeOf = (call: () => unknown): string | undefined => {
  try {
    call();
  } catch (error) {
    return isHeapError(error) ? error.code : String(error);
  }
  return undefined;
};

describe("cells", () => {
  it("gives each block one cell", () => {
    const heap = createHeap({ memory: 4096, strategy: cells({ bytes: 48 }) });
    const free = heap.cells.freeCells;
    const first = heap.alloc(1);
    const second = heap.alloc(48);
    expect(second - first).toBe(48);
    expect(heap.usableSize(first)).toBe(48);
    expect(heap.alloc(49)).toBe(0);
    expect(heap.cells.freeCells).toBe(free - 2);
    heap.free(first);
    expect(heap.alloc(10)).toBe(first);
    heap.check();
  });

  it("refuses what is no block", () => {
    const heap = createHeap({ memory: 4096, strategy: cells({ bytes: 64 }) });
    const ptr = heap.alloc(64);
    expect(codeOf(() => heap.free(ptr + 16))).toBe("ERR_INVALID_POINTER");
    expect(codeOf(() => heap.free(ptr + 1))).toBe("ERR_INVALID_POINTER");
    expect(codeOf(() => heap.free(heap.region.areaStart - 64))).toBe("ERR_INVALID_POINTER");
    heap.free(ptr);
    expect(codeOf(() => heap.free(ptr))).toBe("ERR_DOUBLE_FREE");
    expect(codeOf(() => heap.alloc(8, 32))).toBe("ERR_UNSUPPORTED");
    expect(() => cells({ bytes: 20 })).toThrow(RangeError);
  });

  it("never follows a link that was overwritten", () => {
    const heap = createHeap({ memory: 4096, strategy: cells() });
    const live = heap.alloc(64);
    const freed = heap.alloc(64);
    heap.free(freed);
    for (const link of [3, 1 << 30, live - heap.region.base, live - heap.region.base + 16]) {
      heap.memory.u32[freed >>> 2] = link;
      expect(codeOf(() => heap.check())).toBe("ERR_HEAP_CORRUPT");
      const taken = heap.alloc(64);
      expect(taken).toBe(freed);
      expect(codeOf(() => heap.alloc(64))).toBe("ERR_HEAP_CORRUPT");
      heap.free(taken);
    }
  });

  it("grows, also behind pages that somebody else added", () => {
    const buffer = new SharedArrayBuffer(4096, { maxByteLength: 1 << 16 });
    const heap = createHeap({ memory: buffer, strategy: cells(), growth: { step: 4096 } });
    const before = heap.cells.freeCells;
    for (let block = 0; block < before; block++) heap.alloc(64);
    const ptr = heap.alloc(64);
    expect(ptr).toBeGreaterThanOrEqual(4096 - 64);
    buffer.grow(buffer.byteLength + 4096);
    const guest = new Uint8Array(buffer, buffer.byteLength - 4096, 4096).fill(0xaa);
    expect(heap.grow(4096)).toBe(true);
    while (heap.alloc(64) !== 0);
    expect(guest.every((byte) => byte === 0xaa)).toBe(true);
    heap.check();
    expect(buffer.byteLength).toBe(1 << 16);
  });

  it("can be joined, copied and emptied", () => {
    const stack = defineStack({ strategy: cells({ bytes: 32 }) });
    const heap = createHeap({ memory: new SharedArrayBuffer(8192), ...stack });
    const ptr = heap.alloc(32);
    heap.memory.u8[ptr] = 7;
    const joined = attachHeap(structuredClone(heap.descriptor()), stack);
    expect(joined.memory.u8[ptr]).toBe(7);
    expect(codeOf(() => attachHeap(heap.descriptor(), { strategy: cells({ bytes: 64 }) }))).toBe(
      "ERR_INCOMPATIBLE_HEAP",
    );
    const copy = restoreHeap(heap.snapshot(), { ...stack, base: 128, memory: 1 << 16 });
    expect(copy.memory.u8[copy.toPtr(heap.toOffset(ptr))]).toBe(7);
    copy.reset?.();
    expect(copy.usedBytes).toBe(0);
    copy.check();
  });

  it.each([
    ["ArrayBuffer", () => createHeap({ memory: 1 << 14, strategy: cells() })],
    ["cells of 4 KiB", () => createHeap({ memory: 1 << 17, strategy: cells({ bytes: 4096 }) })],
    [
      "shared memory under a limit",
      () =>
        createHeap({
          memory: new SharedArrayBuffer(1 << 14),
          strategy: cells({ bytes: 16 }),
          plugins: [limit({ bytes: 4096 })],
        }),
    ],
    ["growth", () => createHeap({ memory: 4096, strategy: cells(), growth: { step: 4096, max: 1 << 18 } })],
    [
      "WebAssembly.Memory with a guest",
      () =>
        createHeap({
          memory: new WebAssembly.Memory({ initial: 1, maximum: 64 }),
          strategy: cells({ bytes: 80 }),
          growth: { max: 1 << 22 },
        }),
    ],
  ])("passes the conformance kit: %s", (_, make) => {
    property(make, { numRuns: 50, seed: 7 });
    const report = soak(make, { operations: 20_000, seed: 7 });
    expect(report.allocations).toBeGreaterThan(1000);
    expect(report.refused).toBeGreaterThan(200);
  });
});
