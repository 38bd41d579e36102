/** Writes past the ends of a block: found with the right code, block, offset and bytes, whatever was written where. */
import { createHeap, type Heap } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { fence, strict } from "@heapwright/strict";
import { describe, expect, it } from "vitest";
import { caught } from "./fixtures/caught.js";
import { SCENES } from "./fixtures/scenes.js";
import { fenceByte } from "./pattern.js";

/** Writes `value` over `count` bytes from `at` on and says what was there. */
function scribble(heap: Heap, at: number, count: number, value: number): Uint8Array {
  const before = heap.memory.u8.slice(at, at + count);
  heap.memory.u8.fill(value, at, at + count);
  return before;
}

describe.each([
  ["fence alone", [fence()]],
  ["strict", [strict({ stacks: "off" })]],
] as const)("one byte past the end, %s", (_name, plugins) => {
  it("is found at free for every size from 1 to 64 and every value but the pattern's own", () => {
    const heap = createHeap({ memory: 1 << 20, strategy: hyperheap(), plugins });
    let found = 0;
    let own = 0;
    for (let size = 1; size <= 64; size++) {
      for (let value = 0; value < 256; value++) {
        const ptr = heap.allocUnsafe(size);
        const end = ptr + size;
        const expected = scribble(heap, end, 1, value);
        if (expected[0] === value) {
          heap.free(ptr);
          own++;
          continue;
        }
        const error = caught(() => heap.free(ptr));
        if (error.code !== "ERR_HEAP_OVERFLOW" || error.offset !== 0 || error.bytes?.actual[0] !== value)
          expect.unreachable(`size ${size}, value ${value}: ${error}`);
        expect(error.block).toMatchObject({ ptr, size });
        expect(error.bytes).toMatchObject({ from: end, to: end + 1, expected });
        heap.free(ptr); // reported once
        found++;
      }
    }
    // The pattern's byte depends on the address.
    expect([found + own, own < 64 * 3]).toEqual([64 * 256, true]);
    heap.check();
  });

  it("is found by check(), once", () => {
    const heap = createHeap({ memory: 1 << 20, strategy: hyperheap(), plugins });
    for (let size = 1; size <= 64; size++) {
      const ptr = heap.alloc(size);
      heap.alloc(16);
      scribble(heap, ptr + size, 1, 0);
      const error = caught(() => heap.check());
      expect(error).toMatchObject({ code: "ERR_HEAP_OVERFLOW", ptr, offset: 0, relativeTo: "end of block" });
      expect(error.foundAt).toMatch(/^check\(\)/);
      heap.check();
    }
  });
});

describe.each(SCENES)("in %s", (_scene, make) => {
  const before = () => make([strict()]);

  /** A block as it was allocated, or as `realloc` made it: in place, or somewhere else. */
  const BLOCKS: readonly (readonly [string, (heap: Heap, size: number) => number])[] = [
    ["a new block", (heap, size) => heap.alloc(size)],
    ["a larger one in place", (heap, size) => heap.realloc(heap.alloc(Math.ceil(size / 2)), size)],
    ["a smaller one in place", (heap, size) => heap.realloc(heap.alloc(size * 2), size)],
    [
      "one that has moved",
      (heap, size) => {
        const ptr = heap.alloc(16);
        heap.alloc(16);
        return heap.realloc(ptr, size, 16);
      },
    ],
  ];

  describe.each(BLOCKS)("%s", (_kind, block) => {
    it.each([
      ["1 byte past", "ERR_HEAP_OVERFLOW", 0, 1],
      ["8 bytes past", "ERR_HEAP_OVERFLOW", 0, 8],
      ["1 byte, 63 past", "ERR_HEAP_OVERFLOW", 63, 1],
      ["5 bytes, 13 past", "ERR_HEAP_OVERFLOW", 13, 5],
      ["1 byte before", "ERR_HEAP_UNDERFLOW", -1, 1],
      ["16 bytes before", "ERR_HEAP_UNDERFLOW", -16, 16],
      ["3 bytes, 9 before", "ERR_HEAP_UNDERFLOW", -9, 3],
    ] as const)("%s", (_what, code, offset, count) => {
      for (const find of ["free", "realloc", "check"] as const) {
        for (const size of [1, 10, 64, 100, 1000]) {
          const heap = before();
          const ptr = block(heap, size);
          const from = code === "ERR_HEAP_OVERFLOW" ? ptr + size + offset : ptr + offset;
          const expected = scribble(heap, from, count, 0x41);
          const calls = {
            free: () => heap.free(ptr),
            realloc: () => heap.realloc(ptr, 7),
            check: () => heap.check(),
          };
          const error = caught(calls[find]);
          expect(error).toMatchObject({ code, ptr, offset, block: { ptr, size } });
          expect(error.bytes).toEqual({
            from,
            to: from + count,
            expected,
            actual: new Uint8Array(count).fill(0x41),
          });
          expect(error.foundAt).toBe(`${find}(), agent ${heap.agent}`);
          // It is mended, and the block is as it was: the call can be made again.
          expect(heap.usableSize(ptr)).toBe(size);
          heap.check();
          heap.free(ptr);
          heap.check();
        }
      }
    });

    it("4096 bytes past the end, over the headers of its neighbours", () => {
      const heap = before();
      const size = 40;
      const ptr = block(heap, size);
      scribble(heap, ptr + size, 4096, 0x55);
      const error = caught(() => heap.free(ptr));
      expect(error).toMatchObject({ code: "ERR_HEAP_OVERFLOW", offset: 0, block: { ptr, size } });
      expect(error.bytes).toMatchObject({ from: ptr + size, to: ptr + size + 64 });
      expect(error.message).toContain("at least 64 bytes written past the end of block #");
    });
  });

  it("a page run: past its end, but it has no bytes before", () => {
    const heap = before();
    if (heap.capabilities.maxAlign < 4096) return expect(heap.capabilities.maxAlign).toBe(16);
    const ptr = heap.alloc(5000, 4096);
    scribble(heap, ptr + 5000, 2, 1);
    expect(caught(() => heap.check())).toMatchObject({ code: "ERR_HEAP_OVERFLOW", ptr, offset: 0 });
    scribble(heap, ptr + 5003, 2, 1);
    expect(caught(() => heap.free(ptr))).toMatchObject({ code: "ERR_HEAP_OVERFLOW", ptr, offset: 3 });
    heap.free(ptr);
  });
});

describe("a fence", () => {
  it("begins at the exact byte, has no zero in it, and ends before the next block", () => {
    const heap = createHeap({
      memory: 1 << 20,
      strategy: hyperheap(),
      plugins: [fence({ bytes: 19, before: 8 })],
    });
    for (let size = 1; size < 300; size++) {
      const ptr = heap.alloc(size, size % 7 === 0 ? 64 : 16);
      expect(heap.usableSize(ptr)).toBe(size);
      expect(heap.goodSize(size)).toBe(size);
      expect(heap.takenSize(ptr)).toBeGreaterThanOrEqual(size + 19 + 8);
      const fence = heap.read(ptr + size, 19);
      expect([...fence]).toEqual(Array.from(fence, (_, at) => fenceByte(ptr + size + at)));
      expect(fence.includes(0)).toBe(false);
      expect([...heap.read(ptr - 8, 8)]).toEqual(
        Array.from({ length: 8 }, (_, at) => fenceByte(ptr - 8 + at)),
      );
      expect(heap.read(ptr, size).every((byte) => byte === 0)).toBe(true);
    }
    heap.check();
  });

  it("of every length from 0 to 40 at every alignment is filled, verified and mended", () => {
    for (let bytes = 0; bytes <= 40; bytes++) {
      const heap = createHeap({
        memory: 65536,
        strategy: hyperheap(),
        plugins: [fence({ bytes, before: 0 })],
      });
      for (let size = 1; size <= 20; size++) {
        const ptr = heap.alloc(size);
        heap.memory.u8.fill(0xff, ptr, ptr + size);
        for (let at = 0; at < bytes; at++) {
          heap.memory.u8[ptr + size + at] ^= 1;
          expect(caught(() => heap.check())).toMatchObject({ ptr, offset: at });
        }
        heap.check();
        // Neither filling nor mending touched the bytes beside it.
        expect(heap.read(ptr, size).every((byte) => byte === 0xff)).toBe(true);
        heap.free(ptr);
      }
    }
  });

  it("near 2^32 is exhaustion, and nothing was written", () => {
    const heap = createHeap({ memory: 65536, strategy: hyperheap(), plugins: [fence()] });
    const ptr = heap.alloc(100);
    const before = Buffer.from(heap.snapshot());
    for (const size of [2 ** 32 - 1, 2 ** 32 - 64, 2 ** 32 - 65, 2 ** 32 - 80, 2 ** 31, 65536]) {
      expect(heap.alloc(size)).toBe(0);
      expect(heap.alloc(size, 4096)).toBe(0);
      expect(heap.realloc(ptr, size)).toBe(0);
    }
    expect(before.equals(heap.snapshot())).toBe(true);
    heap.check();
  });
});
