// Shows that the peer called dlmalloc-rs is what it is said to be: the crate's name in the module, dlmalloc's chunks in its memory.
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { resolveDependency } from "../assets.js";
import rust from "./rust.js";
import type { Target } from "./target.js";

const CINUSE = 2;
const PINUSE = 1;

describe("the wasm peer is Rust's dlmalloc", () => {
  let heap: Target;
  const word = (address: number): number => new Uint32Array(heap.buffer())[address >>> 2];
  beforeAll(async () => {
    heap = await rust.create(16 << 20);
  });

  it("the module names the crate", () => {
    const bytes = readFileSync(resolveDependency("brotli-dec-wasm/web/bg.wasm"), "latin1");
    expect(bytes).toMatch(/dlmalloc-\d+\.\d+\.\d+\/src\/dlmalloc\.rs/);
  });

  it("keeps size | CINUSE | PINUSE in the word before the payload, and lets go of every size", () => {
    const blocks = [];
    for (let request = 1; request <= 2000; request += 7) {
      const ptr = heap.malloc(request);
      expect(word(ptr - 4) & 7).toBe(CINUSE | PINUSE);
      expect(word(ptr - 4) & -8).toBeGreaterThanOrEqual(Math.max(16, (request + 4 + 7) & -8));
      blocks.push(ptr);
    }
    for (const ptr of blocks) heap.free(ptr);
    // All of it is one chunk again: the next block is where the first one was.
    expect(heap.malloc(100_000)).toBe(blocks[0]);
  });

  it("realloc keeps all content", () => {
    const small = heap.malloc(100);
    new Uint8Array(heap.buffer()).fill(7, small, small + 100);
    heap.malloc(16);
    const large = heap.realloc(small, 5000);
    expect(large).not.toBe(small);
    expect(new Set(new Uint8Array(heap.buffer(), large, 100))).toEqual(new Set([7]));
  });

  it("aligns, and zeroes after its memory has grown", () => {
    expect(heap.memalign(4096, 100) % 4096).toBe(0);
    const before = heap.buffer().byteLength;
    const block = heap.malloc(before);
    expect(heap.buffer().byteLength).toBeGreaterThan(before);
    new Uint8Array(heap.buffer()).fill(1, block, block + before);
    heap.free(block);
    const zeroed = heap.calloc(1000);
    expect(new Set(new Uint8Array(heap.buffer(), zeroed, 1000))).toEqual(new Set([0]));
  });
});
