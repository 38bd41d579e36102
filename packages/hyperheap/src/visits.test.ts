/**
 * How many words of the index an operation visits, counted by views that count: at most
 *
 *     1,000 + 200 T + 100 B        T levels of the tree, B levels of the bitmaps
 *
 * of which T grows with log16 of the region and B with log32. The constant is what three stretches full of free chunks cost: one that
 * misleads a search, the one in which it ends, and one that is settled; the mean is below a hundred.
 */
import type { Heap } from "@heapwright/core";
import { describe, expect, it } from "vitest";
import { randomOf } from "../../../testing/random.js";
import { opened } from "./fixtures/opened.js";
import type { Space } from "./space.js";

const most = (space: Space): number => 1_000 + 200 * space.treeStart.length + 100 * space.bitmapStart.length;

/** Counts reads and writes of the words in `[from, to)` of a view. */
interface Counter {
  from: number;
  to: number;
  visits: number;
}

function counting(view: Int32Array, counter: Counter): Int32Array {
  const count = (key: string | symbol): void => {
    const index = typeof key === "string" ? Number(key) : Number.NaN;
    if (index >= counter.from && index < counter.to) counter.visits++;
  };
  return new Proxy(view, {
    get(target, key) {
      count(key);
      const value = Reflect.get(target, key, target) as unknown;
      return typeof value === "function" ? value.bind(target) : value;
    },
    set(target, key, value) {
      count(key);
      return Reflect.set(target, key, value, target);
    },
  });
}

function counted(bytes: number): { heap: Heap; space: Space; visits(act: () => void): number } {
  const counter: Counter = { from: 0, to: 0, visits: 0 };
  const { heap, space } = opened(bytes, [], undefined, (memory) => {
    const i32 = counting(memory.i32, counter);
    return new Proxy(memory, {
      get: (target, key) => (key === "i32" ? i32 : Reflect.get(target, key, target)),
    });
  });
  counter.from = space.hints;
  counter.to = space.pages;
  return {
    heap,
    space,
    visits(act) {
      counter.visits = 0;
      act();
      return counter.visits;
    },
  };
}

interface Counts {
  readonly largest: number;
  readonly mean: number;
  readonly bound: number;
}

/** Random replacement over `live` blocks, then the hostile part: holes of one size all over, and requests that just do not fit them. */
function run(bytes: number, live: number, seed: number): Counts {
  const { heap, space, visits } = counted(bytes);
  const random = randomOf(seed);
  let largest = 0;
  let sum = 0;
  let operations = 0;
  const note = (act: () => void): void => {
    const count = visits(act);
    largest = Math.max(largest, count);
    sum += count;
    operations++;
  };
  const blocks: number[] = [];
  const alloc = (size: number): void =>
    note(() => {
      const ptr = heap.allocUnsafe(size);
      if (ptr !== 0) blocks.push(ptr);
    });
  const free = (at: number): void => {
    const ptr = blocks[at] as number;
    blocks[at] = blocks[blocks.length - 1] as number;
    blocks.pop();
    note(() => heap.free(ptr));
  };
  for (let count = 0; count < live; count++) alloc(8 + random.below(993));
  for (let step = 0; step < 4000; step++) {
    free(random.below(blocks.length));
    alloc(8 + random.below(993));
  }
  while (blocks.length > 0) free(blocks.length - 1);
  for (const [hole, request] of [
    [16, 32],
    [240, 256],
    [320, 336],
    [512, 1024],
    [4096, 4112],
  ] as const) {
    const holes: number[] = [];
    for (let count = 0; count < live; count++) {
      const before = blocks.length;
      alloc(hole);
      if (blocks.length > before) holes.push(blocks.pop() as number);
      alloc(16);
    }
    for (const ptr of holes) note(() => heap.free(ptr));
    for (let count = 0; count < 300; count++) alloc(count % 3 === 0 ? request : hole);
    while (blocks.length > 0) free(random.below(blocks.length));
  }
  heap.check();
  return { largest, mean: sum / operations, bound: most(space) };
}

describe("index words an operation visits", () => {
  const seen: Counts[] = [];

  it.each([
    [64 * 1024, 80],
    [1 << 20, 1200],
    [1 << 24, 6000],
    [1 << 28, 6000],
  ])("stay below the bound in %i bytes", (bytes, live) => {
    for (let seed = 1; seed <= (bytes > 1 << 20 ? 1 : 3); seed++) {
      const counts = run(bytes, live, seed);
      seen.push(counts);
      expect(counts.largest).toBeLessThanOrEqual(counts.bound);
      expect(counts.mean).toBeLessThan(100);
    }
  });

  it("were counted at all, and the bound grows with the levels only", () => {
    for (const { largest, mean } of seen) expect(Math.min(largest, mean)).toBeGreaterThan(3);
    const bounds = seen.map(({ bound }) => bound);
    // From 64 KiB to 256 MiB, 4,096 times as much: three levels of the bitmaps and three of the tree more at most.
    expect(Math.max(...bounds) - Math.min(...bounds)).toBeLessThanOrEqual(3 * 200 + 3 * 100);
    console.info(
      seen
        .map(({ largest, mean, bound }) => `at most ${largest}, mean ${mean.toFixed(1)}, bound ${bound}`)
        .join("\n"),
    );
  });
});
