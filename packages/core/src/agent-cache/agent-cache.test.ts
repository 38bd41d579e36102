/** The front as one sees it from a heap: what takes the lock and what does not, sizes, what is refused, and everything about all blocks. */
import { hyperheap } from "@heapwright/hyperheap";
import { describe, expect, it } from "vitest";
import { cells } from "../../../../docs/examples/cells.js";
import { highWater } from "../../../../docs/examples/high-water.js";
import { another, findings, first, padded, spansOf } from "../fixtures/front-world.js";
import { createHeap, type Heap, type PluginInput } from "../index.js";
import { type AgentCacheOptions, agentCache } from "./agent-cache.js";

const coded = (code: unknown, message: RegExp = /./) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

/** How often the lock was entered meanwhile. */
function entered(heap: Heap, work: () => void): number {
  const before = heap.contention.entered;
  work();
  return heap.contention.entered - before;
}

/** Fills a block with bytes that follow from where it is. */
function mark({ memory }: Heap, ptr: number, size: number, by = ptr): void {
  memory.u8.fill((by >>> 4) % 251, ptr, ptr + size);
}

function isMarked({ memory }: Heap, ptr: number, size: number, by = ptr): boolean {
  return memory.u8.subarray(ptr, ptr + size).every((byte) => byte === (by >>> 4) % 251);
}

describe("the lock", () => {
  it("is not entered for small requests, whoever's blocks they are about", () => {
    const one = first();
    const two = another(one);
    const sizes = [1, 16, 100, 333, 1024, 2048];
    for (const { heap } of [one, two]) {
      for (const size of sizes) heap.free(heap.alloc(size));
      const locks = entered(heap, () => {
        for (let round = 0; round < 200; round++) {
          const blocks = sizes.map((size) => heap.alloc(size));
          for (const [index, ptr] of blocks.entries()) {
            expect(heap.usableSize(ptr)).toBeGreaterThanOrEqual(sizes[index] as number);
            expect(heap.realloc(ptr, sizes[index] as number)).toBe(ptr);
          }
          for (const ptr of blocks) heap.free(ptr);
        }
      });
      expect(locks).toBe(0);
    }
  });

  it("is not entered for another agent's block", () => {
    const one = first();
    const two = another(one);
    const blocks = Array.from({ length: 100 }, () => one.heap.alloc(64));
    const locks = entered(two.heap, () => {
      for (const ptr of blocks) two.heap.free(ptr);
    });
    expect(locks).toBe(0);
    expect(findings(two.heap)).toBe("");
  });

  it("is entered for larger requests and for those with an alignment", () => {
    const { heap } = first();
    for (const [size, align] of [
      [2049, 16],
      [100_000, 16],
      [100, 32],
      [16, 4096],
    ] as const) {
      let ptr = 0;
      expect(entered(heap, () => (ptr = heap.allocUnsafe(size, align)))).toBeGreaterThan(0);
      expect(entered(heap, () => heap.free(ptr))).toBeGreaterThan(0);
    }
  });

  it("is entered once for a span of blocks", () => {
    const { heap } = first();
    expect(entered(heap, () => Array.from({ length: 16_384 / 64 }, () => heap.allocUnsafe(64)))).toBe(1);
    expect(entered(heap, () => heap.allocUnsafe(64))).toBe(1);
  });

  it("is none on an ArrayBuffer, where two agents of a thread share what there is", () => {
    const one = first({ memory: new ArrayBuffer(256 << 10) });
    const two = another(one);
    const blocks = [one, two, one, two].map(({ heap }, index) => heap.alloc(100 + index));
    expect(one.heap.contention).toEqual({ entered: 0, contended: 0, slept: 0, timedOut: 0 });
    for (const [index, ptr] of blocks.entries()) (index < 2 ? two : one).heap.free(ptr);
    expect(findings(one.heap)).toBe("");
    two.heap.detach();
    expect(spansOf(one)).toBe(0);
    expect(one.heap.alloc(100)).not.toBe(0);
    expect(findings(one.heap)).toBe("");
  });
});

describe.each([
  ["without headers", []],
  ["with headers", [padded()]],
] as [string, PluginInput[]][])("blocks %s", (_, plugins) => {
  it("keep the size of their class from beginning to end", () => {
    const { heap, cache } = first({ plugins });
    for (let size = 1; size <= cache.most; size += 7) {
      const ptr = heap.alloc(size);
      const usable = heap.usableSize(ptr);
      expect(usable).toBe(heap.goodSize(size));
      expect(heap.takenSize(ptr)).toBeGreaterThanOrEqual(usable);
      mark(heap, ptr, usable);
      for (const other of [1, usable, Math.ceil(usable / 2)]) expect(heap.realloc(ptr, other)).toBe(ptr);
      const neighbours = [heap.alloc(size), heap.alloc(size)];
      for (const neighbour of neighbours) heap.free(neighbour);
      expect(heap.usableSize(ptr)).toBe(usable);
      expect(isMarked(heap, ptr, usable)).toBe(true);
      heap.free(ptr);
    }
    expect(findings(heap)).toBe("");
  });

  it("move to another class with their content, zeroed behind it", () => {
    const { heap } = first({ plugins });
    for (const [from, to] of [
      [40, 100],
      [100, 128],
      [1000, 3000],
      [1700, 100_000],
    ] as const) {
      const ptr = heap.alloc(from);
      const before = heap.usableSize(ptr);
      mark(heap, ptr, before);
      const moved = heap.realloc(ptr, to);
      expect(moved).not.toBe(ptr);
      expect(isMarked(heap, moved, Math.min(from, to), ptr)).toBe(true);
      const rest = heap.memory.u8.subarray(moved + before, moved + heap.usableSize(moved));
      expect(rest.every((byte) => byte === 0)).toBe(true);
      heap.free(moved);
    }
    expect(findings(heap)).toBe("");
  });

  it("begin where they were asked to", () => {
    const { heap } = first({ plugins });
    const blocks: number[] = [];
    for (let align = 1; align <= 4096; align *= 2) {
      for (const size of [1, 100, 2048, 5000]) {
        const ptr = heap.alloc(size, align as 16);
        expect(ptr % align).toBe(0);
        expect(heap.usableSize(ptr)).toBeGreaterThanOrEqual(size);
        mark(heap, ptr, size);
        blocks.push(ptr);
      }
    }
    expect(findings(heap)).toBe("");
    for (const [index, ptr] of blocks.entries())
      expect(isMarked(heap, ptr, [1, 100, 2048, 5000][index % 4] as number)).toBe(true);
    for (const ptr of blocks) heap.free(ptr);
    expect(findings(heap)).toBe("");
  });

  it("are listed in address order, and the counts are theirs", () => {
    const one = first({ plugins, memory: new SharedArrayBuffer(4 << 20) });
    const two = another(one, { plugins });
    const live = new Map<number, number>();
    for (let round = 0; round < 600; round++) {
      const { heap } = round % 3 === 0 ? one : two;
      const size = 1 + ((round * 97) % 2600);
      live.set(heap.alloc(size, round % 50 === 0 ? 4096 : 16), size);
      const oldest = [...live.keys()][0] as number;
      if (round % 2 === 0) live.delete(oldest) && one.heap.free(oldest);
    }
    const blocks = [...two.heap.blocks()];
    const sums = { used: 0, free: 0, page: 0, quarantined: 0, pageFree: 0 };
    let end = 0;
    for (const { ptr, usable, state } of blocks) {
      expect(ptr).toBeGreaterThanOrEqual(end);
      end = ptr + usable;
      sums[state] += usable;
    }
    const used = blocks.filter(({ state }) => state === "used" || state === "page").map(({ ptr }) => ptr);
    expect(used).toEqual([...live.keys()].sort((a, b) => a - b));
    const { heap } = one;
    expect([heap.usedBytes, heap.pageBytes, heap.freeBytes]).toEqual([sums.used, sums.page, sums.free]);
    const { usedBytes, freeBytes, quarantinedBytes, overheadBytes, pageBytes, pageFreeBytes } = heap;
    expect(usedBytes + freeBytes + quarantinedBytes + overheadBytes + pageBytes + pageFreeBytes).toBe(
      heap.capacity,
    );
    expect(overheadBytes).toBeGreaterThan(0);
    expect(findings(heap)).toBe("");
  });
});

describe("refused are", () => {
  it.each([
    { agents: 0 },
    { agents: 1025 },
    { agents: 1.5 },
    { agents: "4" },
    { spares: -1 },
    { spares: 1025 },
    { spares: Number.NaN },
    { spanBytes: 4095 },
    { spanBytes: 65_536 },
    { spanBytes: 0 },
  ])("options out of range: %o", (options) => {
    const name = Object.keys(options)[0] as string;
    expect(() => agentCache(options as AgentCacheOptions)).toThrowError(
      coded("ERR_INVALID_OPTION", new RegExp(`agentCache: ${name} must be`)),
    );
  });

  it.each<[string, () => unknown, RegExp]>([
    [
      "two fronts",
      () =>
        createHeap({
          memory: 1 << 20,
          strategy: hyperheap(),
          plugins: [agentCache(), { ...agentCache(), name: "second" }],
        }),
      /"agentCache".*"second"/,
    ],
    [
      "a strategy that does not align to pages",
      () => createHeap({ memory: 1 << 20, strategy: cells(), plugins: [agentCache()] }),
      /"agentCache".*"cells".*16.*4096/,
    ],
    [
      "a plugin that needs the lock held",
      () => createHeap({ memory: 1 << 20, strategy: hyperheap(), plugins: [highWater(), agentCache()] }),
      /"highWater".*"agentCache"/,
    ],
  ])("%s", (_, create, message) => {
    expect(create).toThrowError(coded("ERR_COMPOSITION", message));
  });

  it("other options than the heap has", () => {
    const one = first({ options: { spares: 2, agents: 3 } });
    expect(() => another(one, { options: { spares: 3 } })).toThrowError(
      coded("ERR_INCOMPATIBLE_HEAP", /agentCache.*spares/),
    );
    expect(another(one).heap.agent).toBeGreaterThan(1);
  });

  it("more agents than it was made for, until one of them leaves", () => {
    const one = first({ options: { agents: 2 } });
    const two = another(one);
    for (let round = 0; round < 3; round++)
      expect(() => another(one)).toThrowError(coded("ERR_UNSUPPORTED", /2 agents/));
    two.heap.detach();
    const three = another(one);
    expect(three.cache.me).toBe(two.cache.me);
    expect(() => another(one)).toThrowError(coded("ERR_UNSUPPORTED"));
    three.heap.free(three.heap.alloc(100));
    expect(findings(one.heap)).toBe("");
  });
});
