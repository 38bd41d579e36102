/** The index against what it stands for: a walk of all free chunks. */
import { createHeap, type Heap } from "@heapwright/core";
import { describe, expect, it } from "vitest";
import { randomOf } from "./fixtures/random.js";
import { hyperheap } from "./hyperheap.js";
import { levelSizes, Space } from "./space.js";
import { findSegment, rebuildTree, segmentOf } from "./tree.js";

/** A heap, and the strategy's own view of it. */
function opened(memory: number): { heap: Heap; space: Space } {
  let space: Space | undefined;
  const heap = createHeap({
    memory,
    strategy: {
      ...hyperheap(),
      create(ctx) {
        const made = hyperheap().create(ctx);
        space = new Space(ctx);
        return made;
      },
    },
  });
  return { heap, space: space as Space };
}

describe("levelSizes", () => {
  it("ends with a level of at most 16 words, and costs at most 0.21 % of the region", () => {
    for (const bytes of [1, 2048, 2049, 32768, 32769, 1 << 20, 1 << 26, 2 ** 31, 2 ** 32 - 4096]) {
      const sizes = levelSizes(bytes);
      expect(sizes[0]).toBe(Math.max(1, Math.ceil(bytes / 2048)));
      expect(sizes.at(-1)).toBeLessThanOrEqual(16);
      for (const [level, words] of sizes.entries()) {
        if (level > 0) expect(words).toBe(Math.ceil((sizes[level - 1] as number) / 16));
      }
      const words = sizes.reduce((sum, each) => sum + each, 0);
      if (bytes >= 1 << 20) expect((words * 4) / bytes).toBeLessThan(0.0021);
    }
  });
});

describe("findSegment", () => {
  it("finds what a walk finds, from anywhere, for every size", () => {
    const { heap, space } = opened(1 << 20);
    const random = randomOf(11);
    const live: number[] = [];
    for (let step = 0; step < 6000; step++) {
      if (live.length < 200 || random.below(100) < 52) {
        const ptr = heap.allocUnsafe(1 + random.below(random.below(100) < 90 ? 300 : 20_000));
        if (ptr !== 0) live.push(ptr);
      } else {
        heap.free(live.splice(random.below(live.length), 1)[0] as number);
      }
      if (step % 20 !== 0) continue;
      const free = [...heap.blocks()].filter((block) => block.state === "free");
      const indexed = free.filter(
        ({ ptr }) => ptr - space.header !== space.base + (space.u32[space.state] as number),
      );
      const from = random.below(3) === 0 ? 0 : random.below(levelSizes(1 << 20)[0] as number);
      const span = 2 + random.below(random.below(2) === 0 ? 20 : 1200);
      const segments = indexed
        .filter(({ usable }) => (usable + space.header) / 16 >= span)
        .map(({ ptr }) => segmentOf(space, ptr - space.header))
        .filter((segment) => segment >= from);
      expect(findSegment(space, from, span)).toBe(segments[0] ?? -1);
    }
    heap.check();
  });
});

describe("rebuildTree", () => {
  it("makes the index of the free map and the headers alone", () => {
    const { heap, space } = opened(1 << 19);
    const live = Array.from({ length: 2000 }, (_, index) => heap.allocUnsafe(16 + ((index * 37) % 200)));
    for (const [index, ptr] of live.entries()) if (index % 3 !== 0) heap.free(ptr);
    const before = heap.snapshot();
    const first = space.levelStart[0] as number;
    space.i32.fill(-1, first, space.pages);
    expect(() => heap.check()).toThrowError(/index/);
    rebuildTree(space);
    space.i32.fill(0, first + (space.levelWords[0] as number), space.levelStart[1]);
    heap.check();
    for (const [level, start] of space.levelStart.entries()) {
      const end = start + (space.levelWords[level] as number);
      const bytes = (from: Uint8Array): Uint8Array => from.slice(start * 4, end * 4);
      expect(bytes(heap.snapshot())).toEqual(bytes(before));
    }
  });
});
