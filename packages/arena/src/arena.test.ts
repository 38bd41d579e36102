/** Marks, scopes, frees and regions, one at a time. */
import {
  attachHeap,
  type Context,
  createHeap,
  defineStack,
  type Heap,
  isHeapError,
  restoreHeap,
  type Strategy,
} from "@heapwright/core";
import { describe, expect, it } from "vitest";
import { slots } from "../../../testing/slots.js";
import { type ArenaApi, arena } from "./arena.js";
import { codeAt } from "./codes.js";
import { Space } from "./space.js";

const heapOf = (bytes = 65536) => createHeap({ memory: bytes, strategy: arena() });

function outcome(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    if (!isHeapError(error)) throw error;
    return error.code;
  }
}

describe("blocks", () => {
  it("lie as the diagram in arena.ts has them", () => {
    let space: Space | undefined;
    const strategy = arena();
    const heap = createHeap({
      memory: 65536,
      strategy: {
        ...strategy,
        create(ctx: Context) {
          space = new Space(ctx);
          return strategy.create(ctx);
        },
      } as Strategy<"arena", ArenaApi>,
    });
    heap.alloc(48);
    expect(heap.alloc(40, 32) - heap.region.areaStart).toBe(4 * 16);
    const moved = heap.alloc(16);
    heap.alloc(32);
    heap.realloc(moved, 20);
    expect(Array.from({ length: 12 }, (_, at) => codeAt(space as Space, at))).toEqual([
      3, 0, 0, 1, 3, 0, 0, 1, 3, 0, 3, 0,
    ]);
    expect(heap.arena.topBytes).toBe(12 * 16);
    heap.check();
  });

  it("follow each other without a byte between", () => {
    const heap = heapOf();
    const blocks = [16, 1, 17, 100].map((size) => heap.allocUnsafe(size));
    expect(blocks.map((ptr) => ptr - heap.region.areaStart)).toEqual([0, 16, 32, 64]);
    expect([heap.usedBytes, heap.overheadBytes]).toEqual([16 + 16 + 32 + 112, 0]);
    expect(blocks.map((ptr) => heap.takenSize(ptr))).toEqual([16, 16, 32, 112]);
  });

  it("can be had up to the last byte", () => {
    const heap = heapOf();
    const all = heap.freeBytes;
    expect(heap.allocUnsafe(all + 1)).toBe(0);
    const ptr = heap.allocUnsafe(all);
    expect(heap.usableSize(ptr)).toBe(all);
    expect([heap.freeBytes, heap.allocUnsafe(1)]).toEqual([0, 0]);
    heap.free(ptr);
    expect(heap.freeBytes).toBe(all);
  });
});

describe("free", () => {
  it("takes the last block and what has ended below it, and refuses every other one", () => {
    const heap = heapOf();
    const [a, b, c] = [heap.alloc(100), heap.alloc(100), heap.alloc(100)];
    expect(outcome(() => heap.free(a))).toBe("ERR_UNSUPPORTED");
    expect(outcome(() => heap.free(b + 16))).toBe("ERR_INVALID_POINTER");
    const moved = heap.realloc(b, 500);
    expect(outcome(() => heap.usableSize(b))).toBe("ERR_DOUBLE_FREE");
    heap.free(moved);
    expect(heap.overheadBytes).toBe(112);
    heap.free(c);
    expect(heap.overheadBytes).toBe(0);
    expect(heap.alloc(16)).toBe(b);
    expect(outcome(() => heap.free(c))).toBe("ERR_DOUBLE_FREE");
    heap.check();
  });

  it("of the last block lets it grow and shrink in place before", () => {
    const heap = heapOf();
    const ptr = heap.alloc(16);
    expect(heap.realloc(ptr, 4000)).toBe(ptr);
    expect(heap.usableSize(ptr)).toBe(4000);
    expect(heap.realloc(ptr, 20)).toBe(ptr);
    expect(heap.usedBytes).toBe(32);
    heap.check();
  });
});

describe("a mark", () => {
  it("ends what was made since, as often as one likes", () => {
    const heap = heapOf();
    const kept = heap.alloc(100);
    const mark = heap.arena.mark();
    for (let round = 0; round < 3; round++) {
      const block = heap.alloc(5000, 256);
      heap.alloc(50);
      heap.arena.release(mark);
      expect(outcome(() => heap.usableSize(block))).toBe("ERR_DOUBLE_FREE");
      expect(heap.arena.topBytes).toBe(112);
      heap.check();
    }
    expect(heap.usableSize(kept)).toBe(112);
  });

  it("is spent by an earlier one, by a reset, and by the end of what was there before", () => {
    const heap = heapOf();
    const spenders: Record<string, (outer: number, before: number) => void> = {
      release: (outer) => heap.arena.release(outer),
      reset: () => heap.reset?.(),
      free: (_outer, before) => heap.free(before),
      shrink: (_outer, before) => heap.realloc(before, 10),
    };
    for (const [name, spend] of Object.entries(spenders)) {
      heap.reset?.();
      const outer = heap.arena.mark();
      const before = heap.alloc(100);
      const mark = heap.arena.mark();
      spend(outer, before);
      expect(
        outcome(() => heap.arena.release(mark)),
        name,
      ).toBe("ERR_INVALID_OPTION");
      // Nor when the top is there again, or higher.
      for (let count = 0; count < 20; count++) {
        heap.alloc(16);
        const used = heap.usedBytes;
        expect(
          outcome(() => heap.arena.release(mark)),
          name,
        ).toBe("ERR_INVALID_OPTION");
        expect(heap.usedBytes).toBe(used);
      }
      heap.check();
    }
  });

  it("survives that blocks from before move away, and that they grow over it", () => {
    const heap = heapOf();
    const a = heap.alloc(100);
    const mark = heap.arena.mark();
    heap.free(heap.realloc(heap.alloc(32), 64));
    const b = heap.alloc(16);
    const moved = heap.realloc(a, 1000);
    heap.free(moved);
    heap.free(b);
    expect(heap.arena.topBytes).toBe(0);
    const c = heap.alloc(300);
    heap.arena.release(mark);
    expect(outcome(() => heap.usableSize(c))).toBe("ERR_DOUBLE_FREE");

    const grows = heap.alloc(100);
    const over = heap.arena.mark();
    heap.realloc(grows, 400);
    heap.alloc(16);
    heap.arena.release(over);
    expect([heap.usableSize(grows), heap.usedBytes]).toEqual([400, 400]);
    heap.check();
  });

  it("is a number of this heap, and nothing else", () => {
    const heap = heapOf();
    heap.alloc(64);
    const marks: unknown[] = [-1, 0.5, Number.NaN, 2 ** 53, 5, 2 ** 27, "0", undefined, null, {}];
    for (const wrong of marks)
      expect(
        outcome(() => heap.arena.release(wrong as number)),
        String(wrong),
      ).toBe("ERR_INVALID_OPTION");
    expect(heap.usedBytes).toBe(64);
  });

  it("is told from older ones as long as events are remembered, and is never refused for being old", () => {
    const heap = heapOf(1 << 20);
    const outer = heap.arena.mark();
    const stale: number[] = [];
    for (let round = 0; round < 100; round++) {
      heap.alloc(64);
      const mark = heap.arena.mark();
      heap.alloc(64);
      stale.push(heap.arena.mark());
      heap.arena.release(mark);
      heap.alloc(32);
    }
    for (const mark of stale.slice(-10))
      expect(outcome(() => heap.arena.release(mark))).toBe("ERR_INVALID_OPTION");
    heap.check();
    heap.arena.release(outer);
    expect(heap.usedBytes).toBe(0);
  });

  it("of one agent is released by another, and survives a snapshot", () => {
    const stack = defineStack({ strategy: arena() });
    const heap = createHeap({ memory: new SharedArrayBuffer(65536), ...stack });
    heap.alloc(100);
    const mark = heap.arena.mark();
    heap.alloc(100);
    const copy = restoreHeap(heap.snapshot(), stack);
    const other = attachHeap(heap.descriptor(), stack);
    other.arena.release(mark);
    expect([heap.usedBytes, copy.usedBytes]).toEqual([112, 224]);
    copy.arena.release(mark);
    copy.check();
    expect(copy.usedBytes).toBe(112);
  });
});

describe("a scope", () => {
  it("ends with its block", () => {
    const heap = heapOf();
    heap.alloc(16);
    {
      using scope = heap.arena.scope();
      heap.alloc(1000);
      expect(scope.mark).toBeGreaterThan(0);
      expect(heap.usedBytes).toBe(1024);
    }
    expect(heap.usedBytes).toBe(16);
  });

  it("is released once", () => {
    const heap = heapOf();
    const scope = heap.arena.scope();
    heap.alloc(100);
    scope.release();
    heap.alloc(50);
    scope.release();
    expect(heap.usedBytes).toBe(64);
  });
});

describe("regions", () => {
  function grown(plugins = [slots(0)]): { heap: Heap & { readonly arena: ArenaApi }; guest: number } {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 16 });
    const heap = createHeap({ memory, strategy: arena(), plugins, growth: { max: 1 << 20, step: 65536 } });
    heap.alloc(40_000);
    const guest = memory.grow(1) * 65536;
    return { heap, guest };
  }

  it.each([0, 2])("go on behind a guest's pages and come back, with %i slots", (count) => {
    const { heap, guest } = grown([slots(count)]);
    const mark = heap.arena.mark();
    const small = heap.alloc(16);
    const behind = heap.alloc(20_000);
    expect(behind).toBeGreaterThanOrEqual(guest + 65536);
    heap.check();
    const sum = heap.usedBytes + heap.freeBytes + heap.overheadBytes;
    expect(sum).toBe(heap.capacity);
    // The rest of the first region is left out until the top is back.
    expect(heap.alloc(16)).toBeGreaterThan(behind);
    heap.arena.release(mark);
    heap.check();
    expect(heap.alloc(16)).toBe(small);
    const again = heap.alloc(20_000, 4096);
    expect(again % 4096).toBe(0);
    expect(again).toBeGreaterThan(guest);
    heap.free(again);
    heap.check();
    expect(outcome(() => heap.usableSize(guest + 4096))).toBe("ERR_INVALID_POINTER");
    heap.reset?.();
    heap.check();
    expect(heap.usedBytes).toBe(0);
  });
});
