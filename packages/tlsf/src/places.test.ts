/** A heap anywhere: copies at another base, regions that end above 2 GiB, growth behind a guest's pages. */
import { createHeap, restoreHeap } from "@heapwright/core";
import { describe, expect, it } from "vitest";
import { randomOf } from "../../../testing/random.js";
import { opened } from "./fixtures/opened.js";
import { strip } from "./fixtures/strips.js";
import { tlsf } from "./tlsf.js";

describe("a copy at another base", () => {
  it("has the same blocks, and goes on", () => {
    const heap = createHeap({ memory: 128 << 10, strategy: tlsf() });
    const random = randomOf(5);
    const live: number[] = [];
    for (let step = 0; step < 500; step++) {
      if (random.below(3) < 2) {
        const ptr = heap.alloc(1 + random.below(500), random.below(6) === 0 ? 128 : 16);
        if (ptr !== 0) live.push(ptr);
      } else if (live.length > 0) heap.free(live.splice(random.below(live.length), 1)[0] as number);
    }
    for (const ptr of live) heap.memory.u8.fill(ptr & 255, ptr, ptr + heap.usableSize(ptr));
    const bytes = heap.snapshot();
    const copy = restoreHeap(bytes, { memory: 256 << 10, base: 64 << 10, strategy: tlsf() });
    copy.check();
    for (const ptr of live) {
      const moved = copy.toPtr(heap.toOffset(ptr));
      expect(copy.usableSize(moved)).toBe(heap.usableSize(ptr));
      expect(copy.memory.u8.subarray(moved, moved + 12).every((byte) => byte === (ptr & 255))).toBe(true);
      copy.free(moved);
    }
    copy.check();
    expect(copy.usedBytes).toBe(0);
  });
});

describe("a region that ends above 2 GiB", () => {
  it.each([2 ** 31 - (1 << 20), 2 ** 32 - (2 << 20)])("based at %i works as any other", (base) => {
    const memory = new ArrayBuffer(Math.min(2 ** 32 - 64, base + (2 << 20)));
    const heap = createHeap({ memory, base, bytes: (2 << 20) - 64, strategy: tlsf() });
    const before = heap.freeBytes;
    const random = randomOf(9);
    const live: number[] = [];
    for (let step = 0; step < 4000; step++) {
      if (random.below(3) < 2) {
        const ptr = heap.allocUnsafe(1 + random.below(3000), random.below(9) === 0 ? 1024 : 16);
        if (ptr !== 0) live.push(ptr);
      } else if (live.length > 0) {
        const at = random.below(live.length);
        const moved = heap.reallocUnsafe(live[at] as number, 1 + random.below(3000));
        if (moved !== 0) live[at] = moved;
        if (random.below(2) === 0) heap.free(live.splice(at, 1)[0] as number);
      }
    }
    expect(live.some((ptr) => ptr > 2 ** 31)).toBe(true);
    heap.check();
    expect(() => heap.free(2 ** 32 - 16)).toThrow(/not a block/);
    for (const ptr of live) heap.free(ptr);
    heap.check();
    expect(heap.freeBytes).toBe(before);
  });

  it("one of nearly 4 GiB can be filled with one block, and its sums are unsigned", () => {
    const heap = createHeap({ memory: 2 ** 32 - 65536, strategy: tlsf() });
    const { freeBytes } = heap;
    expect(freeBytes).toBeGreaterThan(3.9 * 2 ** 30);
    const ptr = heap.allocUnsafe(3 * 2 ** 30);
    const high = heap.allocUnsafe(100);
    expect(high).toBeGreaterThan(3 * 2 ** 30);
    expect(heap.usedBytes).toBe(heap.usableSize(ptr) + heap.usableSize(high));
    expect(heap.allocUnsafe(2 ** 32 - 1)).toBe(0);
    expect(heap.allocUnsafe(2 ** 32 - 1, 4096)).toBe(0);
    heap.free(ptr);
    expect(heap.allocUnsafe(200)).toBe(ptr);
    heap.check();
  });
});

describe("growth", () => {
  it("beside the top: the top grows; behind a guest's pages: a bridge spans them", () => {
    const memory = new WebAssembly.Memory({ initial: 2, maximum: 64 });
    const { heap, space } = opened(memory, [], { max: 1 << 22, step: 65536 });
    const a = heap.alloc(100);
    const drawn = (): string => strip(space, new Map([[a, "A"]])).replace(/(.)\1+/g, "$1");
    expect(drawn()).toBe("A-");
    expect(heap.grow(65536)).toBe(true);
    expect(drawn()).toBe("A-");
    heap.check();
    const guest = memory.grow(1) * 65536;
    expect(heap.grow(65536)).toBe(true);
    expect(drawn()).toBe("A_#-");
    heap.check();
    const blocks = [a];
    while ((blocks.at(-1) as number) < guest)
      blocks.push(heap.alloc(30_000, blocks.length % 2 === 0 ? 16 : 4096));
    expect(blocks.at(-1)).toBeGreaterThanOrEqual(guest + 65536);
    new Uint8Array(memory.buffer).fill(0xff, guest, guest + 65536);
    heap.check();
    for (const ptr of blocks) heap.free(ptr);
    heap.check();
    expect(drawn()).toBe("_#-");
    expect(() => heap.free(guest)).toThrow(/given to no one/);
    heap.reset?.();
    heap.check();
    expect([heap.usedBytes, drawn()]).toEqual([0, "_#-"]);
  });

  it("with aligned blocks at the end the new space is the top", () => {
    const { heap, space } = opened(128 << 10, [], { max: 1 << 20, step: 65536 });
    const a = heap.alloc(100);
    const span = heap.alloc(4092, 4096);
    const drawn = (): string =>
      strip(
        space,
        new Map([
          [a, "A"],
          [span, "S"],
        ]),
      ).replace(/(.)\1+/g, "$1");
    expect(drawn()).toBe("A-S");
    expect(heap.grow(65536)).toBe(true);
    expect(drawn()).toBe("A_S-");
    heap.check();
    heap.free(span);
    expect(drawn()).toBe("A-");
    heap.check();
  });
});
