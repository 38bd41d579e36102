/** Every kind of event, with exact numbers: what is counted, where, and what is not. Sizes are those of a hyperheap, whose headers here have 32 bytes. */
import { createHeap, failAfter, isHeapError, limit, type PluginInput } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { type StatsApi, stats } from "@heapwright/stats";
import { delayedFree, fence } from "@heapwright/strict";
import { describe, expect, it } from "vitest";
import { unchanged } from "./fixtures/unchanged.js";

const HEADER = 32;

function heapWith(...plugins: readonly PluginInput[]) {
  const heap = createHeap({
    memory: 1 << 18,
    strategy: hyperheap(),
    plugins: [stats(), ...plugins],
    name: "scene",
  });
  const typed = heap as typeof heap & { readonly stats: StatsApi };
  return { heap: typed, mesh: typed.stats.tag("mesh"), sound: typed.stats.tag("sound") };
}

const NOTHING = {
  currentBytes: 0,
  peakBytes: 0,
  allocatedBytes: 0,
  freedBytes: 0,
  takenCurrentBytes: 0,
  takenPeakBytes: 0,
  takenAllocatedBytes: 0,
  takenFreedBytes: 0,
  allocations: 0,
  frees: 0,
  failures: 0,
  liveBlocks: 0,
};

/** One live block of so many bytes, which takes so many. */
const oneBlock = (bytes: number, taken: number) => ({
  ...NOTHING,
  currentBytes: bytes,
  peakBytes: bytes,
  allocatedBytes: bytes,
  takenCurrentBytes: taken,
  takenPeakBytes: taken,
  takenAllocatedBytes: taken,
  allocations: 1,
  liveBlocks: 1,
});

const codeOf = (call: () => unknown): string => {
  try {
    return `returned ${String(call())}`;
  } catch (error) {
    return isHeapError(error) ? error.code : String(error);
  }
};

describe("an allocation and its free", () => {
  it("count under the tag, and in the totals", () => {
    const { heap, mesh, sound } = heapWith();
    const ptr = heap.alloc(100, 16, mesh);
    expect(heap.stats.get("mesh")).toEqual({ tag: mesh, name: "mesh", ...oneBlock(100, 112 + HEADER) });
    expect(heap.stats.get(sound)).toEqual({ tag: sound, name: "sound", ...NOTHING });
    expect(heap.stats.totals()).toMatchObject(oneBlock(100, 112 + HEADER));
    heap.free(ptr);
    const after = {
      ...oneBlock(100, 144),
      currentBytes: 0,
      freedBytes: 100,
      takenCurrentBytes: 0,
      takenFreedBytes: 144,
      frees: 1,
      liveBlocks: 0,
    };
    expect(heap.stats.get(mesh)).toMatchObject(after);
    expect(heap.stats.totals()).toMatchObject(after);
    heap.check();
  });

  it("the peak of the totals is not the sum of the peaks", () => {
    const { heap, mesh, sound } = heapWith();
    const first = heap.alloc(1000, 16, mesh);
    heap.free(first);
    heap.alloc(600, 16, sound);
    expect([heap.stats.get(mesh)?.peakBytes, heap.stats.get(sound)?.peakBytes]).toEqual([1000, 600]);
    expect(heap.stats.totals().peakBytes).toBe(1000);
  });

  it("without a tag is a line of its own, which is there only if there was one", () => {
    const { heap, mesh } = heapWith();
    expect(heap.stats.all().map(({ name }) => name)).toEqual(["mesh", "sound"]);
    heap.alloc(10);
    expect(heap.stats.all()[0]).toEqual({ tag: 0, name: "", ...oneBlock(10, 16 + HEADER) });
    expect(heap.stats.get("")).toEqual(heap.stats.get(0));
    heap.alloc(10, 16, mesh);
    expect(heap.stats.all().map(({ allocations }) => allocations)).toEqual([1, 1, 0]);
  });

  it("is what blocks() and dump() say of the block", () => {
    const { heap, mesh } = heapWith();
    const ptr = heap.alloc(100, 16, mesh);
    expect([...heap.blocks()].find((block) => block.ptr === ptr)).toEqual({
      ptr,
      size: 100,
      usable: 112,
      state: "used",
      tag: mesh,
    });
    expect(heap.dump()).toContain('112  size 100  tag "mesh"\n');
  });
});

describe("failed requests", () => {
  it("are failures and nothing else, under the tag they named", () => {
    const { heap, mesh } = heapWith();
    expect(heap.alloc(1 << 20, 16, mesh)).toBe(0);
    expect(heap.alloc(2 ** 32 - 1, 16, mesh)).toBe(0);
    expect(heap.alloc(1 << 20)).toBe(0);
    expect(heap.stats.get(mesh)).toMatchObject({ ...NOTHING, failures: 2 });
    expect(heap.stats.get("")).toMatchObject({ ...NOTHING, failures: 1 });
    expect(heap.stats.totals()).toMatchObject({ ...NOTHING, failures: 3 });
  });

  it("that a plugin above refuses are not seen: they never asked the heap", () => {
    const { heap, mesh } = heapWith(limit({ bytes: 1000 }), failAfter(1));
    expect(heap.alloc(2000, 16, mesh)).toBe(0);
    expect(heap.alloc(10, 16, mesh)).toBe(0);
    expect(heap.stats.get(mesh)).toMatchObject(NOTHING);
  });

  it("arguments that are wrong count nowhere", () => {
    const { heap, mesh } = heapWith();
    expect(codeOf(() => heap.alloc(0, 16, mesh))).toBe("ERR_INVALID_SIZE");
    expect(codeOf(() => heap.alloc(10, 3 as 4, mesh))).toBe("ERR_INVALID_ALIGNMENT");
    expect(codeOf(() => heap.alloc(10, mesh as never))).toBe("ERR_INVALID_ALIGNMENT");
    expect(heap.stats.totals()).toMatchObject(NOTHING);
  });

  it("tags that are none are refused before anything changes", () => {
    const { heap, mesh, sound } = heapWith();
    const ptr = heap.alloc(100, 16, mesh);
    const before = heap.snapshot();
    for (const wrong of [sound + 1, 5000, 2 ** 31, 2 ** 32 - 1] as never[]) {
      expect(codeOf(() => heap.alloc(10, 16, wrong))).toBe("ERR_INVALID_OPTION");
      expect(codeOf(() => heap.realloc(ptr, 10, 16, wrong))).toBe("ERR_INVALID_OPTION");
      expect(codeOf(() => heap.stats.scope(wrong, () => 1))).toBe("ERR_INVALID_OPTION");
      expect(codeOf(() => heap.stats.get(wrong))).toBe("ERR_INVALID_OPTION");
      expect(heap.stats.name(wrong)).toBeUndefined();
    }
    for (const wrong of [undefined, null, Number.NaN, -1, 16, mesh + 0.5, {}, Symbol("mesh")] as never[]) {
      expect(codeOf(() => heap.stats.get(wrong))).toBe("ERR_INVALID_OPTION");
      expect(codeOf(() => heap.stats.scope(wrong, () => 1))).toBe("ERR_INVALID_OPTION");
      expect(heap.stats.name(wrong)).toBeUndefined();
    }
    expect(unchanged(heap, before)).toBe(true);
  });
});

describe("rejected frees", () => {
  it("count nowhere: double, foreign, interior, unaligned, forged", () => {
    const { heap, mesh } = heapWith();
    const ptr = heap.alloc(256, 16, mesh);
    const gone = heap.alloc(64, 16, mesh);
    heap.free(gone);
    // A header inside the payload, as the block's own is: tag, size, taken.
    const words = heap.memory.u32;
    for (let word = 0; word < 8; word++)
      words[(ptr + 64) / 4 + word] = words[(ptr - HEADER) / 4 + word] as number;
    const before = heap.snapshot();
    const figures = heap.stats.toJSON();
    expect(codeOf(() => heap.free(gone))).toBe("ERR_DOUBLE_FREE");
    for (const wrong of [
      ptr + 16,
      ptr + 64 + HEADER,
      ptr + 4,
      heap.region.areaStart - 16,
      heap.region.areaEnd,
      16,
    ]) {
      expect(codeOf(() => heap.free(wrong))).toBe("ERR_INVALID_POINTER");
      expect(codeOf(() => heap.realloc(wrong, 5000))).toBe("ERR_INVALID_POINTER");
    }
    expect(unchanged(heap, before)).toBe(true);
    expect(heap.stats.toJSON()).toEqual(figures);
    heap.free(0);
    expect(heap.stats.toJSON()).toEqual(figures);
  });

  it("of a header that was overwritten: nothing is freed, nothing counted by what it says", () => {
    const { heap, mesh } = heapWith();
    const ptr = heap.alloc(100, 16, mesh);
    const figures = heap.stats.toJSON();
    const { u32 } = heap.memory;
    // The first slot, tag; then size and taken (see the layout test of core).
    const [tagAt, sizeAt] = [(ptr - 24) / 4, (ptr - 16) / 4];
    expect([u32[tagAt], u32[sizeAt], u32[sizeAt + 1]]).toEqual([mesh, 100, 144]);
    for (const [at, value] of [
      [tagAt, mesh + 2],
      [tagAt, 0x41414141],
      [sizeAt, 145],
      [sizeAt, 2 ** 32 - 1],
      [sizeAt + 1, 99],
    ] as const) {
      const was = u32[at] as number;
      u32[at] = value;
      expect(codeOf(() => heap.free(ptr))).toBe("ERR_HEAP_CORRUPT");
      expect(codeOf(() => heap.realloc(ptr, 10))).toBe("ERR_HEAP_CORRUPT");
      expect(codeOf(() => heap.check())).toBe("ERR_HEAP_CORRUPT");
      u32[at] = was;
    }
    expect(heap.stats.toJSON()).toEqual(figures);
    heap.check();
    heap.free(ptr);
    heap.check();
  });
});

describe("realloc", () => {
  it("in place: what it grew by is allocated, what it shrank by is freed", () => {
    const { heap, mesh } = heapWith();
    const ptr = heap.alloc(100, 16, mesh);
    expect(heap.realloc(ptr, 1000)).toBe(ptr);
    expect(heap.stats.get(mesh)).toMatchObject(oneBlock(1000, 1008 + HEADER));
    expect(heap.realloc(ptr, 300)).toBe(ptr);
    expect(heap.stats.get(mesh)).toMatchObject({
      ...oneBlock(1000, 1040),
      currentBytes: 300,
      freedBytes: 700,
      takenCurrentBytes: 304 + HEADER,
      takenFreedBytes: 704,
    });
    // Within the slack the block takes what it took.
    expect(heap.realloc(ptr, 301)).toBe(ptr);
    expect(heap.stats.get(mesh)).toMatchObject({
      currentBytes: 301,
      peakBytes: 1000,
      allocatedBytes: 1001,
      freedBytes: 700,
      takenAllocatedBytes: 1040,
      takenFreedBytes: 704,
      allocations: 1,
      frees: 0,
      liveBlocks: 1,
    });
    heap.check();
  });

  it("that moves counts as one that does not, and never both blocks at once", () => {
    const { heap, mesh, sound } = heapWith();
    const ptr = heap.alloc(100, 16, mesh);
    heap.alloc(16, 16, sound);
    const moved = heap.realloc(ptr, 5000);
    expect(moved).not.toBe(ptr);
    expect(heap.stats.get(mesh)).toMatchObject(oneBlock(5000, 5008 + HEADER));
    expect(heap.stats.totals()).toMatchObject({
      peakBytes: 5016,
      takenPeakBytes: 5040 + 48,
      allocations: 2,
      frees: 0,
    });
    expect([...heap.blocks()].find((block) => block.ptr === moved)).toMatchObject({ tag: mesh, size: 5000 });
    heap.check();
  });

  it("that fails is a failure of the block's tag, or of the one given", () => {
    const { heap, mesh, sound } = heapWith();
    const ptr = heap.alloc(100, 16, mesh);
    expect(heap.realloc(ptr, 1 << 20)).toBe(0);
    expect(heap.stats.get(mesh)).toMatchObject({ ...oneBlock(100, 144), failures: 1 });
    expect(heap.realloc(ptr, 1 << 20, 16, sound)).toBe(0);
    expect(heap.stats.get(sound)).toMatchObject({ ...NOTHING, failures: 1 });
    expect(heap.stats.get(mesh)).toMatchObject({ ...oneBlock(100, 144), failures: 1 });
    heap.check();
  });

  it("with another tag is a free of the old and an allocation of the new", () => {
    const { heap, mesh, sound } = heapWith();
    const ptr = heap.alloc(100, 16, mesh);
    const moved = heap.realloc(ptr, 200, 16, sound);
    expect(heap.stats.get(mesh)).toMatchObject({
      ...oneBlock(100, 144),
      currentBytes: 0,
      freedBytes: 100,
      takenCurrentBytes: 0,
      takenFreedBytes: 144,
      frees: 1,
      liveBlocks: 0,
    });
    expect(heap.stats.get(sound)).toMatchObject(oneBlock(200, 208 + HEADER));
    expect(heap.stats.totals()).toMatchObject({ peakBytes: 200, allocations: 2, frees: 1, liveBlocks: 1 });
    heap.check();
    heap.free(moved);
    expect(heap.stats.get(sound)?.liveBlocks).toBe(0);
  });

  it("of 0 allocates", () => {
    const { heap, mesh } = heapWith();
    heap.realloc(0, 100, 16, mesh);
    expect(heap.stats.get(mesh)).toMatchObject(oneBlock(100, 144));
  });
});

describe("quarantined blocks", () => {
  it("are freed, at once and once", () => {
    const { heap, mesh } = heapWith(delayedFree({ slots: 4 }));
    const blocks = Array.from({ length: 6 }, () => heap.alloc(100, 16, mesh));
    for (const ptr of blocks) heap.free(ptr);
    const freed = { currentBytes: 0, allocations: 6, frees: 6, liveBlocks: 0, freedBytes: 600 };
    expect(heap.stats.get(mesh)).toMatchObject(freed);
    expect(heap.quarantinedBytes).toBe(448);
    for (const ptr of blocks) expect(codeOf(() => heap.free(ptr))).toBe("ERR_DOUBLE_FREE");
    expect(heap.stats.get(mesh)).toMatchObject(freed);
    // Driven out by a request that needs their room: still counted once.
    expect(heap.alloc(heap.freeBytes, 16, mesh)).not.toBe(0);
    expect(heap.stats.get(mesh)).toMatchObject({ frees: 6, allocations: 7, failures: 0 });
    heap.check();
  });
});

describe("page runs", () => {
  it("count like other blocks; they take whole pages and no header", () => {
    const { heap, mesh, sound } = heapWith();
    const run = heap.alloc(5000, 4096, mesh);
    expect(heap.pageBytes).toBe(8192);
    expect(heap.stats.get(mesh)).toMatchObject(oneBlock(5000, 8192));
    expect([...heap.blocks()].find(({ ptr }) => ptr === run)).toMatchObject({
      state: "page",
      tag: mesh,
      size: 5000,
    });
    const other = heap.alloc(4096, 4096, sound);
    heap.free(run);
    expect(heap.stats.get(mesh)).toMatchObject({ currentBytes: 0, takenFreedBytes: 8192, frees: 1 });
    expect(heap.stats.get(sound)).toMatchObject(oneBlock(4096, 4096));
    expect(heap.realloc(other, 4000)).toBe(other);
    expect(heap.stats.get(sound)).toMatchObject({
      currentBytes: 4000,
      freedBytes: 96,
      takenCurrentBytes: 4096,
    });
    heap.check();
  });
});

describe("reset", () => {
  it("frees every block of every tag, once; peaks and failures stay", () => {
    const { heap, mesh, sound } = heapWith();
    for (let each = 0; each < 3; each++) heap.alloc(100, 16, mesh);
    heap.alloc(4096, 4096, sound);
    heap.free(heap.alloc(50, 16, sound));
    heap.alloc(1 << 20, 16, sound);
    heap.alloc(7);
    heap.reset?.();
    const { totals, tags } = heap.stats.toJSON();
    const [untagged, ofMesh, ofSound] = tags;
    expect(untagged).toMatchObject({ currentBytes: 0, freedBytes: 7, allocations: 1, frees: 1 });
    expect(ofMesh).toMatchObject({
      currentBytes: 0,
      peakBytes: 300,
      freedBytes: 300,
      frees: 3,
      takenFreedBytes: 432,
    });
    expect(ofSound).toMatchObject({
      currentBytes: 0,
      peakBytes: 4146,
      allocations: 2,
      frees: 2,
      failures: 1,
    });
    expect(totals).toMatchObject({
      currentBytes: 0,
      peakBytes: 4446,
      frees: 6,
      allocations: 6,
      liveBlocks: 0,
    });
    heap.check();
    heap.alloc(10, 16, mesh);
    expect(heap.stats.totals()).toMatchObject({ currentBytes: 10, peakBytes: 4446, liveBlocks: 1 });
    heap.check();
  });
});

describe("what is taken", () => {
  it("is the fence's, too", () => {
    const { heap, mesh } = heapWith(fence({ bytes: 64, before: 16 }));
    const ptr = heap.alloc(100, 16, mesh);
    const taken = heap.takenSize(ptr);
    expect(taken).toBeGreaterThanOrEqual(100 + 64 + 16);
    expect(heap.stats.get(mesh)).toMatchObject({ currentBytes: 100, takenCurrentBytes: taken });
  });

  it("and what was asked for are exact up to 2^53", () => {
    const { heap, mesh } = heapWith();
    heap.alloc(12_345, 16, mesh);
    const { f64 } = heap.memory;
    // Totals: current, peak; the record: current, peak, and what was ever allocated.
    const allocated = f64.subarray(0, heap.region.areaStart / 8).lastIndexOf(12_345);
    expect([...f64.subarray(allocated - 2, allocated + 1)]).toEqual([12_345, 12_345, 12_345]);
    f64[allocated] = 2 ** 53 - 101;
    heap.alloc(100, 16, mesh);
    expect(heap.stats.get(mesh)).toMatchObject({ allocatedBytes: 2 ** 53 - 1, currentBytes: 12_445 });
  });
});

describe("scope", () => {
  it("gives its tag to what names none, nests, and ends with what it calls", () => {
    const { heap, mesh, sound } = heapWith();
    const count = () => heap.stats.all().map(({ allocations }) => allocations);
    const ptr = heap.stats.scope(mesh, () => {
      heap.alloc(10);
      heap.dup(new Uint8Array(5));
      heap.stats.scope(sound, () => heap.alloc(20));
      heap.alloc(30, 16, sound);
      expect(() =>
        heap.stats.scope(sound, () => {
          throw new Error("inside");
        }),
      ).toThrow("inside");
      return heap.alloc(40);
    });
    expect(count()).toEqual([3, 2]);
    heap.alloc(1);
    expect(count()).toEqual([1, 3, 2]);
    // A realloc keeps the block's tag.
    heap.stats.scope(sound, () => heap.realloc(ptr, 4000));
    expect(heap.stats.get(mesh)?.currentBytes).toBe(4015);
    heap.stats.scope(mesh, () => heap.stats.scope(0, () => heap.alloc(1)));
    expect(count()).toEqual([2, 3, 2]);
  });

  it("counts what fails under its tag", () => {
    const { heap, mesh } = heapWith();
    heap.stats.scope(mesh, () => heap.alloc(1 << 20));
    expect(heap.stats.get(mesh)?.failures).toBe(1);
  });
});

describe("short-lived blocks", () => {
  it("are those freed before the next n allocations, of whichever tag", () => {
    const heap = createHeap({ memory: 1 << 16, strategy: hyperheap(), plugins: [stats({ shortLived: 3 })] });
    const [mesh, sound] = [heap.stats.tag("mesh"), heap.stats.tag("sound")];
    const young = heap.alloc(10, 16, mesh);
    heap.alloc(10, 16, sound);
    heap.alloc(10, 16, sound);
    const old = heap.alloc(10, 16, mesh);
    heap.free(young); // the third since is made already
    expect(heap.stats.get(mesh)?.shortLived).toBe(0);
    heap.alloc(10);
    heap.alloc(10);
    heap.free(heap.realloc(old, 3000)); // two since, and a realloc is none
    expect(heap.stats.get(mesh)?.shortLived).toBe(1);
    heap.free(heap.alloc(10, 16, sound));
    expect(heap.stats.totals().shortLived).toBe(2);
    heap.alloc(10, 16, mesh);
    heap.reset?.(); // the last, the two before it that still live
    expect(heap.stats.all().map(({ name, shortLived }) => [name, shortLived])).toEqual([
      ["", 1],
      ["mesh", 2],
      ["sound", 1],
    ]);
    heap.check();
  });

  it("are not counted unless asked for", () => {
    const { heap } = heapWith();
    expect(heap.stats.totals()).not.toHaveProperty("shortLived");
    expect(heap.stats.totals()).not.toHaveProperty("sizeClasses");
  });
});

describe("size classes", () => {
  it("are powers of two: made in, and living in now", () => {
    const heap = createHeap({
      memory: 1 << 18,
      strategy: hyperheap(),
      plugins: [stats({ sizeClasses: true })],
    });
    const mesh = heap.stats.tag("mesh");
    for (const size of [1, 2, 3, 4, 5, 64, 65, 128, 129, 70_000]) heap.alloc(size, 16, mesh);
    const classes = (of = heap.stats.get(mesh)) =>
      of?.sizeClasses?.map(({ upTo, allocations, liveBlocks }) => [upTo, allocations, liveBlocks]);
    expect(classes()).toEqual([
      [1, 1, 1],
      [2, 1, 1],
      [4, 2, 2],
      [8, 1, 1],
      [64, 1, 1],
      [128, 2, 2],
      [256, 1, 1],
      [131_072, 1, 1],
    ]);
    const ptr = heap.alloc(10, 16, mesh);
    heap.realloc(ptr, 20);
    expect(classes()).toContainEqual([16, 1, 0]);
    expect(classes()).toContainEqual([32, 0, 1]);
    expect(heap.stats.totals().sizeClasses).toEqual(heap.stats.get(mesh)?.sizeClasses);
    heap.check();
    heap.reset?.();
    expect(heap.stats.totals().sizeClasses?.every(({ liveBlocks }) => liveBlocks === 0)).toBe(true);
    heap.check();
  });
});

describe("the heap's own figures", () => {
  it("are its capacity, what is free, the largest piece of it, and how far that is from all of it", () => {
    const { heap } = heapWith();
    expect(heap.stats.totals()).toMatchObject({
      capacity: heap.capacity,
      free: heap.freeBytes,
      largestFree: heap.freeBytes,
      fragmentation: 0,
    });
    const hole = heap.alloc(1000);
    heap.alloc(heap.freeBytes);
    expect(heap.stats.totals()).toMatchObject({ free: 0, largestFree: 0, fragmentation: 0 });
    heap.free(hole);
    const rest = heap.stats.totals();
    expect(rest).toMatchObject({ free: 1008, largestFree: 1008, fragmentation: 0 });
  });

  it("say how much of what is free is in pieces", () => {
    const { heap } = heapWith();
    const blocks = Array.from({ length: 8 }, () => heap.alloc(1008));
    heap.alloc(heap.freeBytes);
    for (const [index, ptr] of blocks.entries()) if (index % 2 === 0) heap.free(ptr);
    expect(heap.stats.totals()).toMatchObject({ free: 4032, largestFree: 1008, fragmentation: 0.75 });
  });
});
