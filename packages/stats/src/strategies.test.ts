/** Strategies that can less, or more: without a walk, without sums, with marks. */
import { createHeap, type Plugin, type Strategy } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { stats } from "@heapwright/stats";
import { describe, expect, it } from "vitest";

type Member = "walk" | "totals" | "largestFree" | "reset";

/** A hyperheap that lacks some primitives. */
function lacking(...members: readonly Member[]): Strategy<"hyperheap", unknown> {
  const strategy = hyperheap();
  return {
    ...strategy,
    create(ctx) {
      const made = strategy.create(ctx);
      const allocator = { ...made.allocator };
      for (const member of members) delete allocator[member];
      return { ...made, allocator };
    },
  };
}

const heapOver = (strategy: Strategy<"hyperheap", unknown>, shared = false) =>
  createHeap({
    memory: shared ? new SharedArrayBuffer(1 << 18) : 1 << 18,
    strategy,
    plugins: [stats({ sizeClasses: true, shortLived: 4 })],
  });

describe.each([false, true])("a strategy that lacks something (shared memory: %s)", (shared) => {
  it.each([[["totals"]], [["largestFree"]], [["totals", "largestFree"]]] as const)(
    "%s: the heap's figures are found by walking",
    (lacks) => {
      const [full, less] = [heapOver(hyperheap(), shared), heapOver(lacking(...lacks), shared)];
      for (const heap of [full, less]) {
        const blocks = Array.from({ length: 9 }, (_, index) => heap.alloc(100 * (index + 1)));
        for (const index of [1, 3, 6]) heap.free(blocks[index] as number);
      }
      expect(less.stats.toJSON()).toEqual(full.stats.toJSON());
      expect(less.stats.totals().fragmentation).toBeGreaterThan(0);
    },
  );

  it("walk: everything but check() is as it was, reset() too", () => {
    const heap = heapOver(lacking("walk"), shared);
    const mesh = heap.stats.tag("mesh");
    heap.alloc(100, 16, mesh);
    heap.free(heap.alloc(30, 16, mesh));
    heap.check();
    heap.reset?.();
    expect(heap.stats.get(mesh)).toMatchObject({
      currentBytes: 0,
      takenCurrentBytes: 0,
      peakBytes: 130,
      frees: 2,
      liveBlocks: 0,
      sizeClasses: [
        { upTo: 32, allocations: 1, liveBlocks: 0 },
        { upTo: 128, allocations: 1, liveBlocks: 0 },
      ],
    });
    expect(heap.stats.totals()).toMatchObject({ currentBytes: 0, peakBytes: 130, capacity: heap.capacity });
  });

  it("reset: there is none", () => {
    expect(heapOver(lacking("reset"), shared).reset).toBeUndefined();
  });
});

/** Ends blocks by marks, as an arena does: those that were made after one. */
function marks(): Plugin<"marks", undefined> {
  return {
    abi: 1,
    name: "marks",
    version: 1,
    phase: "guard",
    create({ alloc, free }) {
      const made: number[] = [];
      return {
        allocator: {
          alloc(size, align, tag) {
            const ptr = alloc(size, align, tag);
            if (ptr !== 0) made.push(ptr);
            return ptr;
          },
          mark: () => made.length,
          release(mark) {
            for (const ptr of made.splice(mark)) free(ptr);
          },
        },
        api: undefined,
      };
    },
  };
}

/** Calls what stands below it. */
function caller(): Plugin<"caller", { mark(): number; release(mark: number): void }> {
  return {
    abi: 1,
    name: "caller",
    version: 1,
    phase: "limit",
    create: ({ mark, release }, ctx) => ({
      api: {
        mark: () => ctx.exclusive(() => mark?.() ?? -1),
        release: (to) => ctx.exclusive(() => release?.(to)),
      },
    }),
  };
}

describe("release", () => {
  it("frees what it ends, tag by tag, and leaves the rest", () => {
    const heap = createHeap({
      memory: 1 << 18,
      strategy: hyperheap(),
      plugins: [stats({ sizeClasses: true, shortLived: 4 }), marks(), caller()],
    });
    const [mesh, sound] = [heap.stats.tag("mesh"), heap.stats.tag("sound")];
    heap.alloc(100, 16, mesh);
    const mark = heap.caller.mark();
    heap.alloc(200, 16, mesh);
    heap.alloc(50, 16, sound);
    heap.alloc(5000, 4096, sound);
    heap.alloc(7);
    heap.alloc(60, 16, sound);
    heap.caller.release(mark);
    expect(heap.stats.get(mesh)).toMatchObject({
      currentBytes: 100,
      freedBytes: 200,
      takenCurrentBytes: 144,
      peakBytes: 300,
      frees: 1,
      liveBlocks: 1,
      shortLived: 0,
    });
    // The three that were made last, and one more that is not old yet.
    expect(heap.stats.get(sound)).toMatchObject({ currentBytes: 0, frees: 3, liveBlocks: 0, shortLived: 3 });
    expect(heap.stats.get(0)).toMatchObject({ currentBytes: 0, frees: 1, shortLived: 1 });
    expect(heap.stats.totals()).toMatchObject({
      currentBytes: 100,
      peakBytes: 5417,
      liveBlocks: 1,
      frees: 5,
    });
    heap.check();
  });

  it("cannot be counted where nothing can be walked: that is refused when the heap is made", () => {
    const make = () =>
      createHeap({ memory: 1 << 16, strategy: lacking("walk"), plugins: [stats(), marks()] });
    expect(make).toThrowError(
      expect.objectContaining({ code: "ERR_COMPOSITION", message: expect.stringContaining("walks") }),
    );
  });
});

/** Changes `alloc` and brings no `realloc`: core makes one of its `resize`, `alloc` and `free`. */
function passing(): Plugin<"passing", { readonly calls: number }> {
  return {
    abi: 1,
    name: "passing",
    version: 1,
    phase: "limit",
    create({ alloc }) {
      let calls = 0;
      return {
        allocator: {
          alloc(size, align, tag) {
            calls++;
            return alloc(size, align, tag);
          },
        },
        api: {
          get calls() {
            return calls;
          },
        },
      };
    },
  };
}

describe("a layer above that brings no realloc", () => {
  it("resizes in place and moves, and the block keeps its tag", () => {
    const heap = createHeap({
      memory: 1 << 18,
      strategy: hyperheap(),
      plugins: [stats({ sizeClasses: true }), passing()],
    });
    const [mesh, sound] = [heap.stats.tag("mesh"), heap.stats.tag("sound")];
    const ptr = heap.alloc(100, 16, mesh);
    expect(heap.realloc(ptr, 400)).toBe(ptr);
    expect(heap.stats.get(mesh)).toMatchObject({ currentBytes: 400, takenCurrentBytes: 432, allocations: 1 });
    expect(heap.realloc(ptr, 90)).toBe(ptr);
    expect(heap.stats.get(mesh)).toMatchObject({ currentBytes: 90, freedBytes: 310, takenCurrentBytes: 128 });
    heap.check();
    heap.alloc(16, 16, sound);
    expect(heap.passing.calls).toBe(2);
    const moved = heap.realloc(ptr, 5000);
    expect([moved === ptr, heap.passing.calls]).toEqual([false, 3]);
    // To stats it is what it is made of: an allocation and a free.
    expect(heap.stats.get(mesh)).toMatchObject({
      currentBytes: 5000,
      allocations: 2,
      frees: 1,
      liveBlocks: 1,
    });
    expect(heap.stats.get(0).allocations).toBe(0);
    heap.check();
    expect(heap.realloc(moved, 1 << 20)).toBe(0);
    expect(heap.stats.get(mesh).failures).toBe(1);
    expect(() => heap.realloc(moved + 16, 20)).toThrowError(
      expect.objectContaining({ code: "ERR_INVALID_POINTER" }),
    );
    heap.free(moved);
    expect(heap.stats.totals()).toMatchObject({ currentBytes: 16, liveBlocks: 1 });
    heap.check();
  });
});
