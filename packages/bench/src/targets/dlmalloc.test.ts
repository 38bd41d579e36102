// Shows that the peer called dlmalloc is dlmalloc: the chunk format of its 2.8 versions, read from the memory.
import { beforeAll, describe, expect, it } from "vitest";
import dlmalloc from "./dlmalloc.js";
import type { Target } from "./target.js";

const CINUSE = 2;
const PINUSE = 1;

describe("the wasm peer is dlmalloc", () => {
  let heap: Target;
  let word: (address: number) => number;
  beforeAll(async () => {
    heap = await dlmalloc.create(16 << 20);
    word = (address) => new Uint32Array(heap.buffer())[address >>> 2];
    // A large top chunk, so that small requests are cut from it side by side.
    heap.free(heap.malloc(1 << 20));
  });
  /** Size of the chunk of a block, by the formula of `request2size`: 4 bytes overhead, 8-aligned, at least 16. */
  const chunkSize = (request: number): number => Math.max(16, (request + 4 + 7) & -8);

  it("keeps size | CINUSE | PINUSE in the word before the payload", () => {
    for (let request = 1; request <= 2000; request += 7) {
      const ptr = heap.malloc(request);
      const head = word(ptr - 4);
      expect(head & 7).toBe(CINUSE | PINUSE);
      // A free chunk is taken whole if what remains is too small for a chunk.
      expect((head & -8) - chunkSize(request)).toBeLessThan(16);
      expect(head & -8).toBeGreaterThanOrEqual(chunkSize(request));
    }
  });

  it("lends the last word of a used chunk to the next one: 4 bytes of overhead, 16 the least", () => {
    const sizes = [1, 12, 13, 20, 21, 100, 1000];
    const ptrs = sizes.map((size) => heap.malloc(size));
    for (let i = 0; i + 1 < ptrs.length; i++) expect(ptrs[i + 1] - ptrs[i]).toBe(chunkSize(sizes[i]));
  });

  it("on free writes the next chunk's prev_foot, clears its PINUSE and links fd and bk", () => {
    const [first, second, fence] = [heap.malloc(200), heap.malloc(200), heap.malloc(200)];
    const size = word(first - 4) & -8;
    expect(second - first).toBe(size);
    heap.free(first);
    expect(word(second - 8)).toBe(size);
    expect(word(second - 4) & 7).toBe(CINUSE);
    // Alone in its small bin: fd and bk both point at the bin, which is no block.
    expect(word(first)).toBe(word(first + 4));
    expect(word(first)).not.toBe(0);

    // Coalescing keeps the head of the left chunk and moves the foot.
    heap.free(second);
    expect(word(first - 4) & -8).toBe(2 * size);
    expect(word(fence - 8)).toBe(2 * size);
    expect(word(fence - 4) & 7).toBe(CINUSE);
  });

  it("takes the exact small bin first", () => {
    const [a, , b] = [heap.malloc(72), heap.malloc(16), heap.malloc(88), heap.malloc(16)];
    heap.free(b);
    heap.free(a);
    expect(heap.malloc(88)).toBe(b);
    expect(heap.malloc(72)).toBe(a);
  });
});
