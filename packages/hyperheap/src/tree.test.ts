/** Bitmaps and tree against what they stand for: a walk of all free chunks. */
import type { Heap } from "@heapwright/core";
import { describe, expect, it } from "vitest";
import { randomOf } from "../../../testing/random.js";
import { slots } from "../../../testing/slots.js";
import { LARGE, nextSegment } from "./bitmaps.js";
import { opened } from "./fixtures/opened.js";
import { rebuildIndex } from "./free-chunks.js";
import { NONE } from "./hints.js";
import { CLASSES, DEFERRED, levelSizes, planTables, type Space, STRETCH_SHIFT } from "./space.js";
import { BOUND, findStretch, isPending } from "./tree.js";

describe("levelSizes", () => {
  it("goes from the lowest level to one that is small enough", () => {
    for (const lowest of [1, 4, 5, 16, 17, 128, 129, 4096, 131_072]) {
      for (const [fanout, top] of [[32, 4] as const, [16, 16] as const]) {
        const sizes = levelSizes(lowest, fanout, top);
        expect(sizes[0]).toBe(lowest);
        expect(sizes.at(-1)).toBeLessThanOrEqual(top);
        for (const [level, words] of sizes.entries())
          if (level > 0) expect(words).toBe(Math.ceil((sizes[level - 1] as number) / fanout));
      }
    }
  });
});

describe("the tables", () => {
  it.each([20, 24, 26, 28, 30, 32])(
    "of 2^%i bytes: payload map and index take at most 1.5 percent",
    (log) => {
      const bytes = 2 ** log;
      const { hints, pages } = planTables(bytes, 0);
      expect((pages - hints) / bytes).toBeLessThanOrEqual(0.015);
    },
  );
});

/** Segments and lengths of the free chunks that belong into the index. */
function indexed(heap: Heap, space: Space): { segment: number; span: number }[] {
  const last = space.base + (space.u32[space.state] as number) + space.header;
  return [...heap.blocks()]
    .filter(({ ptr, state }) => state === "free" && ptr !== last)
    .map(({ ptr, usable }) => ({
      segment: (ptr - space.header - space.areaStart) >>> 10,
      span: (usable + space.header) / 16,
    }));
}

describe("nextSegment and findStretch", () => {
  it("pass over no chunk, from anywhere, for every size", () => {
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
      heap.check();
      const chunks = indexed(heap, space);
      const from = random.below(3) === 0 ? 0 : random.below(space.segments);
      const span = 2 + random.below(LARGE - 1);
      const first = chunks.find((each) => each.span >= span && each.segment >= from)?.segment ?? NONE;
      const found = nextSegment(space, from, span - 2);
      expect(found < 0 ? NONE : found).toBe(first);
      const large = LARGE + 1 + span * random.below(60);
      const stretch =
        chunks.find((each) => each.span >= large && each.segment >> STRETCH_SHIFT >= from >> STRETCH_SHIFT)
          ?.segment ?? NONE;
      const there = findStretch(space, from >> STRETCH_SHIFT, large);
      expect(there < 0 ? NONE : there).toBeLessThanOrEqual(
        stretch === NONE ? NONE : stretch >> STRETCH_SHIFT,
      );
    }
  });
});

describe("bitmaps and tree", () => {
  // Highest levels of one node and of more than one.
  it.each([
    [3 << 15, 1, 3],
    [3 << 20, 2, 3],
    [1 << 24, 3, 1],
  ])("say what there is, and lead to the first chunk that fits, in %i bytes", (bytes, levels, top) => {
    const { heap, space } = opened(bytes);
    expect([space.bitmapNodes.length, space.bitmapNodes.at(-1)]).toEqual([levels, top]);
    const random = randomOf(3);
    const live: number[] = [];
    for (let step = 0; step < 500; step++) {
      if (live.length < 60 || random.below(100) < 52) {
        // Few blocks far apart: words above have few bits, and lose their last ones again and again.
        const need = 16 * (1 + random.below(random.below(2) === 0 ? 20 : bytes >> 8));
        const expected = [...heap.blocks()].find((each) => each.state === "free" && each.usable >= need)?.ptr;
        const ptr = heap.allocUnsafe(need);
        expect(ptr).toBe(expected ?? 0);
        if (ptr !== 0) live.push(ptr);
      } else {
        heap.free(live.splice(random.below(live.length), 1)[0] as number);
      }
      heap.check();
    }
  });
});

describe.each([0, 6])("rebuildIndex, with %i slots a header", (count) => {
  it("makes the index of the chunks alone, and the heap goes on as before", () => {
    const plugins = count === 0 ? [] : [slots(count, 4)];
    const [damaged, sound] = [opened(1 << 19, plugins), opened(1 << 19, plugins)];
    const random = randomOf(5);
    const live: number[] = [];
    const step = (): void => {
      if (live.length < 300 || random.below(2) === 0) {
        const size = 1 + random.below(random.below(10) === 0 ? 3000 : 250);
        const ptr = damaged.heap.allocUnsafe(size);
        expect(sound.heap.allocUnsafe(size)).toBe(ptr);
        if (ptr !== 0) live.push(ptr);
      } else {
        const ptr = live.splice(random.below(live.length), 1)[0] as number;
        damaged.heap.free(ptr);
        sound.heap.free(ptr);
      }
    };
    for (let round = 0; round < 8; round++) {
      for (let turn = 0; turn < 400; turn++) step();
      const { space, heap } = damaged;
      // What is of the index, and nothing else: payload map and page table stay.
      space.i32[space.state + DEFERRED] = random.below(2 ** 32);
      for (let word = space.hints; word < space.payloads; word++) space.i32[word] = random.below(2 ** 32);
      for (let word = space.free; word < space.pages; word++) space.i32[word] = random.below(2 ** 32);
      expect(() => heap.check()).toThrowError(/index|free map/);
      rebuildIndex(space);
      heap.check();
    }
  });
});

describe("check()", () => {
  const { heap, space } = opened(1 << 20);
  const live = Array.from({ length: 3000 }, (_, index) => heap.allocUnsafe(16 + ((index * 37) % 400)));
  for (const [index, ptr] of live.entries()) if (index % 3 === 0 && ptr !== 0) heap.free(ptr);
  const leaf = space.treeStart[0] as number;
  const above = space.bitmapStart[1] as number;

  it.each([
    ["a leaf that says too little", leaf + 3, -1, /word 3 of level 0 of the tree/],
    ["a leaf that says too much", leaf + 3, 1, /word 3 of level 0 of the tree/],
    ["a node of the tree", (space.treeStart[1] as number) + 1, 1, /word 1 of level 1 of the tree/],
    ["a level of the bitmaps above the lowest", above + 2, 1, /class 2 of node 0 of level 1/],
    ["a hint that names no node", space.hints + 1, -1, /hint of class 1 is -1/],
  ])("finds %s, and nothing else", (_name, word, change, finding) => {
    heap.check();
    const before = space.i32[word] as number;
    space.i32[word] = before + change;
    expect(() => heap.check()).toThrowError(finding);
    space.i32[word] = before;
    heap.check();
  });

  it("finds a hint that is less than that of the class below, though no chunk lies before it", () => {
    const far = opened(1 << 20);
    far.heap.allocUnsafe(100_000);
    const hole = far.heap.allocUnsafe(64);
    far.heap.allocUnsafe(64);
    far.heap.free(hole);
    const { i32, hints } = far.space;
    expect([i32[hints], i32[hints + 1]]).toEqual([0, 0]);
    i32[hints] = 2;
    expect(() => far.heap.check()).toThrowError(/hint of class 1 is 0, less than that of the class below/);
    i32[hints] = 0;
    far.heap.check();
  });

  it("lets one stretch wait whose leaf says enough, and no other", () => {
    const { heap, space } = opened(1 << 20);
    // Two holes of two stretches each, and the first is cut.
    const [hole, , other] = [8000, 64, 8000, 64].map((size) => heap.allocUnsafe(size)) as number[];
    for (const ptr of [hole, other] as number[]) heap.free(ptr);
    expect(heap.allocUnsafe(1000)).toBe(hole);
    const [stretch, sound] = [hole, other].map((ptr) => ((ptr as number) - space.areaStart) >>> 12) as [
      number,
      number,
    ];
    const { i32, state } = space;
    expect(i32[state + DEFERRED]).toBe(stretch + 1);
    expect([isPending(space, stretch), isPending(space, sound)]).toEqual([true, false]);
    const largest = (8000 + space.header - (1000 + 8 + space.header)) / 16;
    const mark = ~BOUND;
    const leaf = (of: number): number => (space.treeStart[0] as number) + of;
    const none = space.treeWords[0] as number;
    for (const [word, value, finding] of [
      [leaf(stretch), mark | largest, ""],
      [leaf(stretch), mark | (largest - 1), `word ${stretch} of level 0 `],
      [leaf(stretch), i32[leaf(stretch)] & BOUND, `word ${stretch} of level 0 `],
      [leaf(sound), i32[leaf(sound)] | mark, `word ${sound} of level 0 `],
      [state + DEFERRED, 0, `word ${stretch} of level 0 `],
      [state + DEFERRED, none + 1, `stretch ${none} waits, which there is not`],
    ] as [number, number, string][]) {
      heap.check();
      const before = i32[word] as number;
      i32[word] = value;
      if (finding === "") heap.check();
      else expect(() => heap.check(), `${value} in word ${word}`).toThrowError(finding);
      i32[word] = before;
    }
    heap.check();
  });

  it("and heaps do not follow one that names no stretch", () => {
    const { heap, space } = opened(1 << 20);
    const hole = heap.allocUnsafe(5000);
    const behind = heap.allocUnsafe(16);
    heap.free(hole);
    const prev = ((behind - space.header) >>> 2) + 1;
    const before = space.i32[prev] as number;
    expect(before).toBeLessThan(0);
    space.i32[space.state + DEFERRED] = prev - (space.treeStart[0] as number) + 1;
    expect(heap.allocUnsafe(4000)).toBe(hole);
    // The rest is in the next stretch, and what was cut before is the block's left neighbour no more.
    expect(space.i32[prev]).toBe(-(behind - space.header - (hole + 4000)) | 1);
    heap.check();
  });

  it("is not needed to see that the index promises a chunk that is not there: alloc says so, and changes nothing", () => {
    const { heap, space } = opened(1 << 20);
    const holes = [48, 48, 48, 48].map((size) => {
      const hole = heap.allocUnsafe(size);
      heap.allocUnsafe(40_000);
      return hole;
    });
    for (const hole of holes) heap.free(hole);
    for (const node of [0, 2]) {
      // Class 6 is 8 granules: the holes have 4. One where the hint's node is looked at, one beyond it.
      const word = (space.bitmaps as number) + node * CLASSES + 6;
      for (let each = 0; each <= 6; each++) space.i32[space.hints + each] = 0;
      space.i32[word] = 1 << ((((holes[node === 0 ? 0 : 2] as number) - space.areaStart) >>> 10) % 32);
      space.i32[(space.bitmapStart[1] as number) + 6] = 1 << node;
      const before = heap.memory.u8.slice();
      expect(() => heap.allocUnsafe(112), `node ${node}`).toThrowError(/index: segment \d+ does not have/);
      expect(heap.memory.u8).toEqual(before);
      space.i32[word] = 0;
      space.i32[(space.bitmapStart[1] as number) + 6] = 0;
    }
  });
});
