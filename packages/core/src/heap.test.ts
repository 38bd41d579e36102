/** The entry points over a real strategy: zeroing, realloc, views, tags, leaving. Misuse has its own file in hyperheap. */
import { hyperheap } from "@heapwright/hyperheap";
import { describe, expect, it } from "vitest";
import { createHeap, type Heap, type Plugin, type Tag } from "./index.js";

const coded = (code: string) => expect.objectContaining({ code });

function small(plugins: readonly Plugin<string, unknown>[] = []): Heap {
  return createHeap({ memory: 1 << 16, strategy: hyperheap(), plugins });
}

/** Fills the heap's free memory with a pattern, so that zeroing shows. */
function dirty(heap: Heap): void {
  const all: number[] = [];
  for (let size = 4096; size >= 16; size >>= 1) {
    for (let ptr = heap.allocUnsafe(size); ptr !== 0; ptr = heap.allocUnsafe(size)) {
      heap.memory.u8.fill(0xee, ptr, ptr + heap.usableSize(ptr));
      all.push(ptr);
    }
  }
  for (const ptr of all) heap.free(ptr);
}

describe("alloc", () => {
  it("zeroes every usable byte, allocUnsafe none", () => {
    const heap = small();
    dirty(heap);
    for (const size of [1, 15, 16, 17, 63, 64, 65, 79, 80, 81, 96, 100, 4000, 4096]) {
      for (const align of [0, 16, 64, 4096] as const) {
        const ptr = heap.alloc(size, align);
        expect(ptr % Math.max(16, align)).toBe(0);
        const bytes = heap.memory.u8.subarray(ptr, ptr + heap.usableSize(ptr));
        expect(bytes.every((byte) => byte === 0)).toBe(true);
        bytes.fill(0xee);
        heap.free(ptr);
      }
    }
    dirty(heap);
    const ptr = heap.allocUnsafe(1000);
    expect(heap.memory.u8.subarray(ptr + 100, ptr + 900).every((byte) => byte === 0xee)).toBe(true);
  });

  it("takes tags above 4096 and nothing else for a tag", () => {
    const heap = small();
    expect(heap.alloc(16, 16, 4097 as Tag)).toBeGreaterThan(0);
    expect(heap.alloc(16, 16, 0 as Tag)).toBeGreaterThan(0);
    const before = heap.snapshot();
    for (const tag of [1, 16, 4096, -5000, 5000.5, Number.NaN, 2 ** 32, "5000"]) {
      expect(() => heap.alloc(16, 16, tag as Tag)).toThrowError(coded("ERR_INVALID_OPTION"));
    }
    expect(() => heap.alloc(16, 5000 as never)).toThrowError(coded("ERR_INVALID_ALIGNMENT"));
    expect(heap.snapshot()).toEqual(before);
  });

  it("passes tag and alignment on as asked, small alignments as 16", () => {
    const seen: number[][] = [];
    const spy: Plugin<"spy", undefined> = {
      abi: 1,
      name: "spy",
      version: 1,
      phase: "account",
      create: ({ alloc }) => ({
        allocator: {
          alloc(size, align, tag) {
            seen.push([size, align, tag]);
            return alloc(size, align, tag);
          },
        },
        api: undefined,
      }),
    };
    const heap = small([spy]);
    heap.allocUnsafe(5);
    heap.allocUnsafe(5, 4);
    heap.alloc(5, 64, 5000 as Tag);
    expect(seen).toEqual([
      [5, 16, 0],
      [5, 16, 0],
      [5, 64, 5000],
    ]);
  });
});

describe("realloc", () => {
  it("keeps the content and zeroes what is beyond the old usable size", () => {
    const heap = small();
    dirty(heap);
    const ptr = heap.allocUnsafe(40);
    const wall = heap.allocUnsafe(16);
    const usable = heap.usableSize(ptr);
    heap.memory.u8.fill(0x55, ptr, ptr + usable);
    const moved = heap.realloc(ptr, 500);
    expect(moved).not.toBe(ptr);
    const now = heap.usableSize(moved);
    expect(heap.memory.u8.subarray(moved, moved + usable).every((byte) => byte === 0x55)).toBe(true);
    expect(heap.memory.u8.subarray(moved + usable, moved + now).every((byte) => byte === 0)).toBe(true);
    // In place, into the free memory behind.
    heap.memory.u8.fill(0x66, moved, moved + now);
    const grown = heap.realloc(moved, 900);
    expect(grown).toBe(moved);
    expect(heap.memory.u8.subarray(moved, moved + now).every((byte) => byte === 0x66)).toBe(true);
    expect(
      heap.memory.u8.subarray(moved + now, moved + heap.usableSize(moved)).every((byte) => byte === 0),
    ).toBe(true);
    heap.free(wall);
    heap.check();
  });

  it("moves when the alignment asked for is not there", () => {
    const heap = small();
    heap.alloc(16);
    let ptr = heap.alloc(64);
    if (ptr % 1024 === 0) ptr = heap.alloc(64);
    heap.memory.u8.fill(0x77, ptr, ptr + 64);
    const moved = heap.realloc(ptr, 32, 1024);
    expect(moved % 1024).toBe(0);
    expect(heap.memory.u8.subarray(moved, moved + 32).every((byte) => byte === 0x77)).toBe(true);
    heap.check();
  });

  it("of 0 allocates; size 0 throws and keeps the block", () => {
    const heap = small();
    const ptr = heap.realloc(0, 100);
    expect(heap.memory.u8.subarray(ptr, ptr + 100).every((byte) => byte === 0)).toBe(true);
    const before = heap.snapshot();
    expect(() => heap.realloc(ptr, 0)).toThrowError(coded("ERR_INVALID_SIZE"));
    expect(() => heap.reallocUnsafe(ptr, 0)).toThrowError(coded("ERR_INVALID_SIZE"));
    expect(heap.snapshot()).toEqual(before);
  });

  it("is 0 when exhausted, and the old block is untouched", () => {
    const heap = small();
    const ptr = heap.alloc(100);
    heap.memory.u8.fill(0x42, ptr, ptr + 100);
    const before = heap.snapshot();
    for (const size of [1 << 20, 2 ** 32 - 8, 2 ** 32 - 1]) {
      expect(heap.realloc(ptr, size)).toBe(0);
      expect(heap.reallocUnsafe(ptr, size)).toBe(0);
    }
    expect(heap.snapshot()).toEqual(before);
  });
});

describe("sizes", () => {
  it("add up, whatever is allocated", () => {
    const heap = createHeap({ memory: 1 << 18, strategy: hyperheap() });
    const live: number[] = [];
    let state = 7;
    const random = (below: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state % below;
    };
    for (let step = 0; step < 2000; step++) {
      if (random(5) < 3) {
        const ptr = heap.allocUnsafe(1 + random(3000), ([16, 64, 4096] as const)[random(3)]);
        if (ptr !== 0) live.push(ptr);
      } else if (live.length > 0) {
        heap.free(live.splice(random(live.length), 1)[0] as number);
      }
      const { usedBytes, freeBytes, quarantinedBytes, overheadBytes, pageBytes, pageFreeBytes } = heap;
      expect(usedBytes + freeBytes + quarantinedBytes + overheadBytes + pageBytes + pageFreeBytes).toBe(
        heap.capacity,
      );
      expect(heap.capacity).toBe(heap.region.areaEnd - heap.region.areaStart);
    }
    const blocks = [...heap.blocks()];
    const sum = (state: string): number =>
      blocks.filter((block) => block.state === state).reduce((bytes, block) => bytes + block.usable, 0);
    expect(sum("used")).toBe(heap.usedBytes);
    expect(sum("page")).toBe(heap.pageBytes);
    expect(sum("free")).toBe(heap.freeBytes + heap.pageFreeBytes);
    for (const ptr of live) expect(heap.takenSize(ptr)).toBeGreaterThanOrEqual(heap.usableSize(ptr));
    heap.check();
  });

  it("are told for a request before it is made", () => {
    const heap = small();
    for (const size of [1, 16, 17, 100, 1000]) {
      expect(heap.usableSize(heap.alloc(size))).toBeGreaterThanOrEqual(heap.goodSize(size));
    }
    for (const size of [0, -1, 1.5, Number.NaN, 2 ** 32]) {
      expect(() => heap.goodSize(size)).toThrowError(coded("ERR_INVALID_SIZE"));
    }
  });
});

describe("dump", () => {
  it("has a line a chunk, also given away line by line", () => {
    const heap = small();
    heap.alloc(100);
    const lines: string[] = [];
    const text = heap.dump((line) => lines.push(line));
    expect(text).toBe(`${lines.join("\n")}\n`);
    expect(lines.length).toBe(2 + [...heap.blocks()].length);
    expect(lines[0]).toMatch(/^heap "heap" at 0x0, area 0x[0-9a-f]+ to 0x[0-9a-f]+, \d+ bytes$/);
    expect(lines[2]).toMatch(/^0x[0-9a-f]{8} {2}used +112$/);
  });
});

describe("check", () => {
  it("finds one broken word as itself, several as one error with parts", () => {
    const heap = small();
    const ptr = heap.alloc(100);
    heap.alloc(100);
    heap.memory.u32[(ptr - 16 + 12) >>> 2] = 5;
    expect(() => heap.check()).toThrowError(
      expect.objectContaining({
        code: "ERR_HEAP_CORRUPT",
        heap: "heap",
        foundAt: "check()",
        message: expect.stringMatching(/heap is 5/),
      }),
    );
    heap.memory.u32[heap.region.base >>> 2] = 1;
    try {
      heap.check();
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({
        code: "ERR_HEAP_CORRUPT",
        message: expect.stringMatching(/^2 findings/),
      });
      expect((error as { errors: unknown[] }).errors).toHaveLength(2);
    }
  });
});

describe("detach", () => {
  it("ends every call of this agent, and nothing else", () => {
    const memory = new ArrayBuffer(65536);
    const heap = createHeap({ memory, strategy: hyperheap() });
    const ptr = heap.alloc(100);
    const before = new Uint8Array(memory.slice(0));
    heap.detach();
    const calls: (() => unknown)[] = [
      () => heap.alloc(16),
      () => heap.allocUnsafe(16),
      () => heap.realloc(ptr, 16),
      () => heap.reallocUnsafe(ptr, 16),
      () => heap.free(ptr),
      () => heap.usableSize(ptr),
      () => heap.takenSize(ptr),
      () => heap.freeBytes,
      () => heap.blocks(),
      () => heap.check(),
      () => heap.dump(),
      () => heap.snapshot(),
      () => heap.grow(16),
      () => heap.descriptor(),
      () => heap.allocArray(Uint8Array, 4),
      () => heap.column(Uint8Array, 4),
      () => heap.string("x"),
      () => heap.read(ptr, 4),
      () => heap.text(ptr, 4),
      () => heap.dup(new Uint8Array(4)),
      () => heap.toOffset(ptr),
      () => heap.toPtr(ptr),
      () => heap.reset?.(),
    ];
    for (const call of calls) expect(call, String(call)).toThrowError(coded("ERR_DETACHED_HEAP"));
    expect(new Uint8Array(memory)).toEqual(before);
  });

  it("is what a transferred buffer or a shrunken one amounts to", () => {
    const buffer = new ArrayBuffer(65536);
    const heap = createHeap({ memory: buffer, strategy: hyperheap() });
    structuredClone(buffer, { transfer: [buffer] });
    expect(() => heap.alloc(16)).toThrowError(coded("ERR_DETACHED_HEAP"));
    const resizable = new ArrayBuffer(65536, { maxByteLength: 65536 });
    const shrunk = createHeap({ memory: resizable, strategy: hyperheap() });
    resizable.resize(1024);
    expect(() => shrunk.alloc(16)).toThrowError(coded("ERR_DETACHED_HEAP"));
    expect(() => shrunk.check()).toThrowError(coded("ERR_DETACHED_HEAP"));
  });
});

it("a heap can be extended with Object.create", () => {
  const heap = small();
  const mine = Object.create(heap, { free: { value: () => {} } }) as Heap;
  const ptr = mine.alloc(100);
  mine.free(ptr);
  expect(mine.usedBytes).toBe(heap.usedBytes);
  expect(mine.usedBytes).toBe(112);
  expect(mine.region).toEqual(heap.region);
});

describe("reset", () => {
  it("ends every block", () => {
    const heap = createHeap({ memory: 1 << 18, strategy: hyperheap() });
    const fresh = heap.freeBytes;
    for (let count = 0; count < 50; count++) heap.alloc(100 + count, count % 5 === 0 ? 4096 : 16);
    heap.reset?.();
    heap.check();
    expect(heap.freeBytes).toBe(fresh);
    expect([...heap.blocks()]).toHaveLength(1);
  });
});
