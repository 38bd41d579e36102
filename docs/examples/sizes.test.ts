import { arena } from "@heapwright/arena";
import { conformance } from "@heapwright/conformance";
import { agentCache, attachHeap, createHeap, defineStack, isHeapError, restoreHeap } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { tlsf } from "@heapwright/tlsf";
import { describe, expect, it } from "vitest";
import { cells } from "./cells.js";
import { sizes } from "./sizes.js";

const stack = defineStack({ strategy: tlsf(), plugins: [sizes({ most: 5000 })] });
const codeOf = (call: () => unknown): string | undefined => {
  try {
    call();
  } catch (error) {
    return isHeapError(error) ? error.code : String(error);
  }
  return undefined;
};

describe("sizes", () => {
  it("counts blocks by the size that was asked for", () => {
    const heap = createHeap({ memory: 65536, ...stack });
    const ptr = heap.alloc(100);
    heap.alloc(128);
    heap.free(heap.alloc(1));
    expect(heap.sizes.classes()).toEqual([
      { upTo: 1, live: 0, made: 1 },
      { upTo: 128, live: 2, made: 2 },
    ]);
    heap.realloc(ptr, 129);
    expect(heap.sizes.classes()).toEqual([
      { upTo: 1, live: 0, made: 1 },
      { upTo: 128, live: 1, made: 2 },
      { upTo: 256, live: 1, made: 0 },
    ]);
    heap.reset?.();
    expect(heap.sizes.classes().every(({ live }) => live === 0)).toBe(true);
    heap.check();
  });

  it("refuses what is larger, and what is no block", () => {
    const heap = createHeap({ memory: 65536, ...stack });
    const ptr = heap.alloc(5000);
    expect([heap.alloc(5001), heap.realloc(ptr, 5001)]).toEqual([0, 0]);
    expect(codeOf(() => heap.free(ptr + 16))).toBe("ERR_INVALID_POINTER");
    expect(heap.sizes.classes()).toEqual([{ upTo: 8192, live: 1, made: 1 }]);
    expect(() => sizes({ most: 0 })).toThrow(RangeError);
    expect(createHeap({ memory: 65536, strategy: tlsf(), plugins: [sizes()] }).alloc(5001)).not.toBe(0);
  });

  it("never believes a slot that was overwritten", () => {
    const heap = createHeap({ memory: 65536, ...stack });
    const ptr = heap.alloc(100);
    const at = heap.memory.u32.subarray(0, ptr >>> 2).lastIndexOf(7);
    heap.memory.u32[at] = 1 << 20;
    for (const call of [() => heap.free(ptr), () => heap.realloc(ptr, 200), () => heap.check()]) {
      expect(codeOf(call)).toBe("ERR_HEAP_CORRUPT");
    }
    heap.memory.u32[at] = 7;
    heap.free(ptr);
    heap.check();
  });

  it("has a check that can fail", () => {
    const heap = createHeap({ memory: 65536, strategy: cells({ bytes: 112 }), plugins: [sizes()] });
    heap.alloc(100);
    const before = heap.memory.u32.slice();
    heap.alloc(100);
    const live = heap.memory.u32.findIndex((word, at) => word === 2 && before[at] === 1);
    heap.memory.u32[live] = 3;
    expect(() => heap.check()).toThrow("sizes: class 7 has 3 blocks, the walk finds 2");
  });

  it("is the same for every agent, in a copy, and after a death", async () => {
    const shared = defineStack({ strategy: tlsf(), plugins: [sizes({ most: 5000 }), agentCache()] });
    const heap = createHeap({ memory: new SharedArrayBuffer(1 << 20), ...shared });
    const other = attachHeap(structuredClone(heap.descriptor()), shared);
    heap.free(other.alloc(10));
    other.alloc(2000);
    await other.enterAsync(); // and never leaves: it has died
    expect(heap.recover(other.agent)).toMatchObject({ held: true, errors: [] });
    const classes = [
      { upTo: 16, live: 0, made: 1 },
      { upTo: 2048, live: 1, made: 1 },
    ];
    expect(heap.sizes.classes()).toEqual(classes);
    expect(restoreHeap(heap.snapshot(), shared).sizes.classes()).toEqual(classes);
    expect(
      codeOf(() => attachHeap(heap.descriptor(), { ...shared, plugins: [sizes({ most: 6 }), agentCache()] })),
    ).toBe("ERR_INCOMPATIBLE_HEAP");
  });

  it("counts anew when an arena releases", () => {
    const heap = createHeap({ memory: 65536, strategy: arena(), plugins: [sizes()] });
    const mark = heap.arena.mark();
    heap.alloc(10);
    heap.arena.release(mark);
    expect(heap.sizes.classes()).toEqual([{ upTo: 16, live: 0, made: 1 }]);
    heap.check();
  });
});

describe.each([
  ["tlsf", tlsf],
  ["hyperheap", hyperheap],
  ["cells", () => cells({ bytes: 256 })],
])("over %s", (name, strategy) => {
  const under = defineStack({ strategy: strategy(), plugins: [sizes()] });
  conformance(`sizes over ${name}`, () => createHeap({ memory: 1 << 16, ...under }), {
    seed: 7,
    print: false,
    attach: (descriptor) => attachHeap(descriptor, under),
    restore: (bytes) => restoreHeap(bytes, under),
    makeShared: () => createHeap({ memory: new SharedArrayBuffer(1 << 16), ...under }),
  });
});
