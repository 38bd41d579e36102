/** Over a strategy that frees only its last block, with marks: what is ended there is ended here, and nothing that waits is in the way. */

import { arena } from "@heapwright/arena";
import { heapSubject, property, soak } from "@heapwright/conformance";
import {
  createHeap,
  type Heap,
  type HeapError,
  isHeapError,
  limit,
  type PluginInput,
} from "@heapwright/core";
import { stats } from "@heapwright/stats";
import { delayedFree, fence, poison, strict } from "@heapwright/strict";
import { describe, expect, it } from "vitest";

const KIB = 1024;
const make = () =>
  createHeap({
    memory: 256 * KIB,
    strategy: arena(),
    plugins: [limit({ bytes: 200 * KIB }), stats(), strict({ stacks: "off" })],
  });

function outcome(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    if (!isHeapError(error)) throw error;
    return error.code;
  }
}

const STACKS: Readonly<Record<string, () => readonly PluginInput[]>> = {
  limit: () => [limit({ bytes: 100 * KIB })],
  stats: () => [stats({ maxTags: 4, sizeClasses: true, shortLived: 3 })],
  fence: () => [fence()],
  poison: () => [poison()],
  delayedFree: () => [delayedFree({ slots: 6 })],
  "poison and delayedFree": () => [poison(), delayedFree({ slots: 6 })],
  strict: () => strict({ stacks: "off", delayedFree: { slots: 6 } }),
  "all of them": () => [
    stats(),
    limit({ bytes: 100 * KIB }),
    strict({ stacks: "off", delayedFree: { slots: 6 } }),
  ],
};

describe.each(Object.entries(STACKS))("%s", (_name, plugins) => {
  const heapOf = () =>
    createHeap({ memory: 128 * KIB, strategy: arena() as never, plugins: plugins() }) as Heap;

  it("keeps every promise over an arena", () => {
    const report = soak(() => heapSubject(heapOf(), { volatile: "header" }), { operations: 6000, seed: 3 });
    expect(Math.min(report.frees, report.refused, report.exhausted)).toBeGreaterThan(0);
    property(() => heapSubject(heapOf(), { volatile: "header" }), { numRuns: 20, seed: 4 });
  });

  it("counts, numbers and frees on after marks were released, again and again", () => {
    const heap = heapOf() as unknown as ReturnType<typeof make>;
    const kept = [100, 3000].map((size) => heap.alloc(size));
    const outer = heap.arena.mark();
    for (let round = 0; round < 30; round++) {
      const before = heap.usedBytes;
      const mark = heap.arena.mark();
      const made = [10, 200, 30].map((size) => heap.alloc(size));
      heap.free(made[2] as number);
      heap.realloc(made[0] as number, 400);
      heap.check();
      heap.arena.release(mark);
      heap.check();
      expect(heap.usedBytes).toBe(before);
      expect(heap.quarantinedBytes).toBe(0);
      for (const ptr of made)
        expect(outcome(() => heap.usableSize(ptr))).toMatch(/ERR_(DOUBLE_FREE|INVALID_POINTER)/);
      heap.alloc(50);
    }
    heap.arena.release(outer);
    heap.check();
    if (heap.stats !== undefined) expect(heap.stats.totals().liveBlocks).toBe(2);
    if (heap.limit !== undefined)
      expect(heap.limit.usedBytes).toBe(kept.reduce((sum, ptr) => sum + heap.usableSize(ptr), 0));
    for (const ptr of kept.reverse()) heap.free(ptr);
    heap.reset?.();
    heap.check();
    expect(heap.usedBytes).toBe(0);
  });
});

describe("the last block", () => {
  it("is the last one that does not wait", () => {
    const heap = make();
    const [a, b, c] = [heap.alloc(100), heap.alloc(100), heap.alloc(100)];
    expect(outcome(() => heap.free(b))).toBe("ERR_UNSUPPORTED");
    heap.free(c);
    expect(heap.quarantinedBytes).toBeGreaterThan(0);
    expect(outcome(() => heap.free(c))).toBe("ERR_DOUBLE_FREE");
    heap.free(b);
    heap.free(a);
    expect(heap.delayedFree.count).toBe(3);
    heap.check();
    heap.delayedFree.drain();
    expect([heap.arena.topBytes, heap.stats.totals().liveBlocks]).toEqual([0, 0]);
  });
});

describe("a mark", () => {
  it("is not spent by what was freed before it", () => {
    const heap = make();
    heap.free(heap.alloc(1000));
    const mark = heap.arena.mark();
    heap.free(heap.alloc(10));
    expect(heap.alloc(250 * KIB)).toBe(0);
    heap.arena.release(mark);
    expect(heap.arena.topBytes).toBe(0);
  });

  it("is spent by what is freed after it, as without a quarantine", () => {
    const heap = make();
    const before = heap.alloc(1000);
    const mark = heap.arena.mark();
    heap.free(before);
    expect(outcome(() => heap.arena.release(mark))).toBe("ERR_INVALID_OPTION");
    heap.check();
  });

  it("that is refused leaves every block its number", () => {
    const heap = make();
    heap.alloc(100);
    expect(outcome(() => heap.arena.release(2 ** 40))).toBe("ERR_INVALID_OPTION");
    heap.check();
    expect(heap.strict.leaks()[0]?.count).toBe(1);
  });
});

describe("a release", () => {
  it("leaves no leaks, and views see that their block is gone", () => {
    const heap = make();
    const kept = heap.alloc(64);
    const mark = heap.arena.mark();
    const view = heap.strict.view(heap.alloc(64), Uint8Array);
    const other = heap.strict.view(kept, Uint8Array);
    heap.arena.release(mark);
    expect(outcome(() => view.get(0))).toBe("ERR_USE_AFTER_FREE");
    expect(outcome(() => other.get(0))).toBe(0);
    expect(heap.strict.leaks().flatMap(({ blocks }) => blocks.map(({ ptr }) => ptr))).toEqual([kept]);
  });

  it.each(["release", "reset"] as const)("finds what was written past the end of a block: %s", (how) => {
    const heap = make();
    const mark = heap.arena.mark();
    const ptr = heap.alloc(10);
    heap.memory.u8[ptr + 10] = 0;
    const end = () => (how === "reset" ? heap.reset?.() : heap.arena.release(mark));
    expect(outcome(end)).toBe("ERR_HEAP_OVERFLOW");
    expect(heap.usableSize(ptr)).toBe(10);
    end();
    heap.check();
    expect(heap.usedBytes).toBe(0);
  });

  it("reports where errors are not thrown, and is done all the same", () => {
    const reports: string[] = [];
    const heap = createHeap({
      memory: 64 * KIB,
      strategy: arena(),
      plugins: [strict({ stacks: "off", onError: (error) => reports.push((error as HeapError).code) })],
    });
    const mark = heap.arena.mark();
    const [a, b] = [heap.alloc(10), heap.alloc(10)];
    heap.memory.u8[(a as number) + 10] = 0;
    heap.free(b as number);
    heap.memory.u8[b as number] = 0;
    heap.arena.release(mark);
    expect(reports.sort()).toEqual(["ERR_HEAP_OVERFLOW", "ERR_USE_AFTER_FREE"]);
    expect(heap.usedBytes).toBe(0);
    heap.check();
  });
});
