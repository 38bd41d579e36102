/**
 * What a heap of this kind usually gets wrong, a test for each point: sizes, pointers, words and results that are trusted too much.
 * Placement is in mistakes.test.ts, the checker in mistakes-checker.test.ts.
 */
import { createHeap, type Heap, type Lock, type Ptr } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { describe, expect, it } from "vitest";
import { slots } from "../../../testing/slots.js";
import { canary } from "./fixtures/canary.js";
import { headerBytes } from "./fixtures/header-bytes.js";
import { findings, heapOf, KINDS, outcome, PAGE } from "./fixtures/places.js";
import { quarantine } from "./fixtures/quarantine.js";
import { forgeThree } from "./fixtures/scene.js";
import { type Watch, watched } from "./fixtures/watched.js";

/** Takes blocks of 64 bytes until there is no more room for even a granule. */
function exhaust(heap: Heap): Ptr[] {
  const blocks: Ptr[] = [];
  for (const size of [64, 1]) {
    for (let ptr = heap.allocUnsafe(size); ptr !== 0; ptr = heap.allocUnsafe(size)) blocks.push(ptr);
  }
  return blocks;
}

describe("fences written after a failed request", () => {
  it.each([1, 40, 100, 3000])("writes none where alloc(%i) fails, neither at 0 nor anywhere", (size) => {
    const heap = heapOf({ plugins: [canary()] });
    exhaust(heap);
    for (const align of [0, 64, 4096] as const) {
      expect(outcome(heap, () => heap.alloc(size, align))).toBe("0");
      expect(outcome(heap, () => heap.reallocUnsafe(0, size, align))).toBe("0");
    }
    expect(findings(heap)).toBe("");
  });

  it("leaves the fence where it is where a realloc fails", () => {
    const heap = heapOf({ plugins: [canary()] });
    const run = heap.alloc(PAGE - 16, PAGE);
    const [block] = exhaust(heap) as [Ptr];
    const failing = [
      [block, 200],
      [block, 2 ** 32 - 1],
      [run, PAGE],
      [run, 3 * PAGE],
      [run, 2 ** 32 - 1],
    ] as const;
    for (const [ptr, size] of failing) {
      const sizes = [heap.usableSize(ptr), heap.canary.fence(ptr)];
      expect(outcome(heap, () => heap.realloc(ptr, size))).toBe("0");
      expect([heap.usableSize(ptr), heap.canary.fence(ptr)]).toEqual(sizes);
    }
    expect(findings(heap)).toBe("");
  });

  it("has fences that are there, and move with a realloc that succeeds", () => {
    const heap = heapOf({ plugins: [canary()] });
    const ptr = heap.alloc(40);
    expect(heap.usableSize(ptr)).toBe(40);
    expect(heap.realloc(ptr, 57)).toBe(ptr);
    expect(heap.canary.fence(ptr)).toBe(ptr + 57);
    expect(heap.canary.guard(ptr)).toBe(ptr - 4);
    heap.memory.u8[ptr + 57] = 0;
    expect(outcome(heap, () => heap.free(ptr))).toBe("ERR_HEAP_OVERFLOW");
    expect(findings(heap)).toMatch(/outside the block/);
    heap.memory.u8[ptr + 57] = 0xfd;
    heap.memory.u8[ptr - 1] ^= 1;
    expect(outcome(heap, () => heap.free(ptr))).toBe("ERR_HEAP_UNDERFLOW");
  });
});

describe("quarantined blocks that still look used", () => {
  it.each([[quarantine()], [quarantine(), canary()]])("is a third state (%#)", (...plugins) => {
    const heap = heapOf({ plugins: plugins as readonly [ReturnType<typeof quarantine>] });
    const kept = heap.alloc(64);
    const freed = heap.alloc(100);
    const run = heap.alloc(PAGE, PAGE);
    const before = { used: heap.usedBytes, page: heap.pageBytes, free: heap.freeBytes };
    heap.free(freed);
    heap.free(run);
    const states = Object.fromEntries([...heap.blocks()].map(({ ptr, state }) => [ptr, state]));
    expect(states).toMatchObject({ [kept]: "used", [freed]: "quarantined", [run]: "quarantined" });
    const { capacity, usedBytes, freeBytes, quarantinedBytes, overheadBytes, pageBytes, pageFreeBytes } =
      heap;
    expect(freeBytes).toBe(before.free);
    expect(pageBytes).toBeLessThan(before.page);
    expect(quarantinedBytes).toBe(before.used - usedBytes + before.page - pageBytes);
    expect(quarantinedBytes).toBeGreaterThanOrEqual(100 + PAGE);
    expect(usedBytes + freeBytes + quarantinedBytes + overheadBytes + pageBytes + pageFreeBytes).toBe(
      capacity,
    );
    expect(heap.dump()).toContain("quarantined");
    for (const ptr of [freed, run, freed + 32, run + 256]) {
      expect(outcome(heap, () => heap.free(ptr))).toBe("ERR_DOUBLE_FREE");
      expect(outcome(heap, () => heap.realloc(ptr, 8))).toBe("ERR_DOUBLE_FREE");
      expect(outcome(heap, () => heap.usableSize(ptr))).toBe("ERR_DOUBLE_FREE");
      expect(outcome(heap, () => heap.takenSize(ptr))).toBe("ERR_DOUBLE_FREE");
    }
    expect(outcome(heap, () => heap.free(freed + 8))).toBe("ERR_INVALID_POINTER");
    expect(findings(heap)).toBe("");
  });

  it("does not give it out while something else is free, and does before it answers 0", () => {
    const heap = heapOf({ areaBytes: PAGE, plugins: [quarantine()] });
    const first = heap.alloc(1000);
    heap.free(first);
    expect(heap.alloc(1000)).not.toBe(first);
    const rest = exhaust(heap);
    expect(heap.quarantine.count).toBe(0);
    expect(rest).toContain(first);
    expect([...heap.blocks()].every(({ state }) => state === "used")).toBe(true);
  });
});

describe("requests near 2^32", () => {
  const sizes = Array.from({ length: 40 }, (_, index) => 2 ** 32 - 1 - index).concat(
    2 ** 32 - 4096,
    2 ** 32 - 4097,
    2 ** 31,
  );
  it.each([0, 2, 6])("are exhausted and change nothing (%i slots)", (count) => {
    const heap = heapOf({ plugins: count === 0 ? [] : [slots(count)] });
    const [block, run] = [heap.alloc(64), heap.alloc(PAGE, PAGE)];
    for (const size of sizes) {
      for (const align of [0, 32, 2048, 4096] as const) {
        expect(
          outcome(heap, () => heap.alloc(size, align)),
          `alloc(${size}, ${align})`,
        ).toBe("0");
      }
      expect(
        outcome(heap, () => heap.realloc(block, size)),
        `realloc(block, ${size})`,
      ).toBe("0");
      expect(
        outcome(heap, () => heap.realloc(run, size)),
        `realloc(run, ${size})`,
      ).toBe("0");
    }
    expect([heap.usableSize(block), heap.usableSize(run)]).toEqual([64, PAGE]);
  });

  it("are served where there is room: no size and no distance is taken for a negative one", () => {
    const heap = createHeap({ memory: new ArrayBuffer(3 * 2 ** 30), strategy: hyperheap() });
    const size = 2 ** 31 + 2 ** 20;
    const small = heap.allocUnsafe(64);
    const large = heap.allocUnsafe(size + 1, 64);
    expect(heap.usableSize(large)).toBe(size + 16);
    expect(heap.reallocUnsafe(large, size + PAGE)).toBe(large);
    expect(heap.usableSize(large)).toBe(size + PAGE);
    expect(heap.reallocUnsafe(large, 3 * 2 ** 30)).toBe(0);
    heap.check();
    heap.free(small);
    heap.free(large);
    expect(heap.freeBytes).toBe(heap.capacity - 16);
    const run = heap.allocUnsafe(size, PAGE);
    expect([run, heap.usableSize(run), heap.pageBytes]).toEqual([heap.region.areaEnd - size, size, size]);
    heap.check();
    heap.free(run);
    expect(heap.freeBytes).toBe(heap.capacity - 16);
    heap.check();
  });

  it("are exhausted under a fence, whose bytes make them longer than 2^32", () => {
    const heap = heapOf({ plugins: [canary()] });
    const block = heap.alloc(64);
    for (const size of sizes) {
      expect(outcome(heap, () => heap.alloc(size))).toBe("0");
      expect(outcome(heap, () => heap.realloc(block, size))).toBe("0");
    }
  });
});

describe("frees of forged interior headers", () => {
  it.each([0, 2, 6])("are refused, three consistent ones too (%i slots)", (count) => {
    const h = headerBytes(count);
    const heap = heapOf({ plugins: count === 0 ? [] : [slots(count)] });
    const [, host] = [heap.alloc(64), heap.alloc(1024), heap.alloc(64)];
    for (const ptr of forgeThree(heap, host as Ptr, h)) {
      expect(outcome(heap, () => heap.free(ptr))).toBe("ERR_INVALID_POINTER");
      expect(outcome(heap, () => heap.realloc(ptr, 16))).toBe("ERR_INVALID_POINTER");
    }
    heap.check();
    // A whole payload of them, each naming the next: wherever one points, it is in the payload.
    const { i32 } = heap.memory;
    for (let at = host as Ptr; at < (host as Ptr) + 1024; at += 16) {
      i32.set([16 + h, -(16 + h) | 1, 0, heap.region.base - at], at >>> 2);
    }
    for (let ptr = (host as Ptr) + 16; ptr < (host as Ptr) + 1024; ptr += 16) {
      expect(outcome(heap, () => heap.free(ptr))).toBe("ERR_INVALID_POINTER");
    }
    heap.free(host as Ptr);
    heap.check();
  });
});

describe("frees of the plugins' own records", () => {
  it("are refused: state in the heap header, words in the chunk headers, words in the page table", () => {
    const watch: Watch = { state: 0, called() {} };
    const plugins = [quarantine(), canary(), slots(3)] as const;
    const heap = heapOf({ plugins, strategy: watched(watch) });
    const block = heap.alloc(64);
    const run = heap.alloc(PAGE, PAGE);
    heap.free(heap.alloc(64));
    const records = {
      "the quarantine's ring": heap.quarantine.record,
      "the strategy's state": watch.state,
      "the guard word": heap.canary.guard(block),
      "the page table": heap.slots.address(run, 0),
      ...Object.fromEntries([0, 1, 2].map((index) => [`slot ${index}`, heap.slots.address(block, index)])),
    };
    for (const [name, address] of Object.entries(records)) {
      for (const ptr of [address, address & -16]) {
        expect(ptr, name).toBeGreaterThan(heap.region.base);
        expect(
          outcome(heap, () => heap.free(ptr)),
          name,
        ).toBe("ERR_INVALID_POINTER");
        expect(
          outcome(heap, () => heap.reallocUnsafe(ptr, 16)),
          name,
        ).toBe("ERR_INVALID_POINTER");
      }
    }
    // Whatever the plugins keep, none of it is a block that somebody could end.
    expect([...heap.blocks()].filter(({ state }) => state === "used").map(({ ptr }) => ptr)).toEqual([block]);
  });
});

describe("sizes read without the lock", () => {
  it.each(KINDS)("holds the lock whenever the strategy is asked (%s)", (kind) => {
    let depth = 0;
    const lock: Lock = {
      enter: () => void depth++,
      tryEnter: () => ++depth > 0,
      leave: () => void depth--,
    };
    const calls = new Map<string, boolean>();
    const watch: Watch = {
      state: 0,
      called(name) {
        // `goodSize` and `owns` read no word that changes.
        if (name !== "goodSize" && name !== "owns") calls.set(name, (calls.get(name) ?? true) && depth > 0);
      },
    };
    const heap = heapOf({ kind, strategy: watched(watch), lock });
    const ptr = heap.alloc(64);
    const other = heap.realloc(heap.allocUnsafe(16), 1000, 64);
    heap.usableSize(ptr);
    heap.takenSize(ptr);
    const counts = [heap.capacity, heap.usedBytes, heap.freeBytes, heap.quarantinedBytes, heap.overheadBytes];
    counts.push(heap.pageBytes, heap.pageFreeBytes);
    heap.free(heap.reallocUnsafe(other, 5000));
    heap.dup(new Uint8Array(64));
    heap.allocArray(Float64Array, 8);
    heap.column(Float64Array, 8).resize(100);
    heap.blocks();
    heap.check();
    heap.dump();
    heap.snapshot();
    heap.reset?.();
    expect(counts).toHaveLength(7);
    expect(depth).toBe(0);
    const held = [...calls].filter(([, isHeld]) => isHeld).map(([name]) => name);
    expect(held).toEqual([...calls.keys()]);
    const asked = ["alloc", "free", "resize", "usableSize", "takenSize", "totals", "walk", "check", "reset"];
    expect(held).toEqual(expect.arrayContaining(asked));
  });

  it("leaves the lock also where a call throws", () => {
    let depth = 0;
    const lock: Lock = { enter: () => void depth++, tryEnter: () => ++depth > 0, leave: () => void depth-- };
    const heap = heapOf({ lock });
    const ptr = heap.alloc(64);
    const bad = [() => heap.free(ptr + 16), () => heap.usableSize(ptr + 16), () => heap.takenSize(ptr + 16)];
    for (const call of [...bad, () => heap.realloc(ptr + 16, 8), () => heap.realloc(ptr, -1)]) {
      expect(call).toThrow();
      expect(depth).toBe(0);
    }
  });
});
