/**
 * How many words an operation reads and writes, counted by views that count: a constant, whatever the size of the region and however many
 * blocks there are.
 */
import type { Heap } from "@heapwright/core";
import { expect, it } from "vitest";
import { randomOf } from "../../../testing/random.js";
import { opened } from "./fixtures/opened.js";

/** A free with two merges; an alloc whose search looks at every level, and whose cursor goes into its list. Seen: 87. */
const MOST = 120;
/** An aligned one may look at eight chunks of each class between the one that may and the one that must fit. */
const MOST_ALIGNED = 20_000;

function counted(bytes: number): { heap: Heap; visits(act: () => void): number } {
  let visits = 0;
  const { heap } = opened(bytes, [], undefined, (memory) => {
    const i32 = new Proxy(memory.i32, {
      get(target, key) {
        if (typeof key === "string") visits++;
        const value = Reflect.get(target, key, target) as unknown;
        return typeof value === "function" ? value.bind(target) : value;
      },
      set(target, key, value) {
        visits++;
        return Reflect.set(target, key, value, target);
      },
    });
    return new Proxy(memory, {
      get: (target, key) => (key === "i32" ? i32 : Reflect.get(target, key, target)),
    });
  });
  return {
    heap,
    visits(act) {
      visits = 0;
      act();
      return visits;
    },
  };
}

const seen: number[] = [];

it.each([
  [64 << 10, 50],
  [1 << 20, 900],
  [1 << 24, 6000],
  [1 << 28, 12_000],
])("in %i bytes no operation touches more words than a constant", (bytes, live) => {
  const { heap, visits } = counted(bytes);
  const random = randomOf(bytes);
  let largest = 0;
  const blocks: number[] = [];
  const alloc = (size: number): void => {
    largest = Math.max(
      largest,
      visits(() => {
        const ptr = heap.allocUnsafe(size);
        if (ptr !== 0) blocks.push(ptr);
      }),
    );
  };
  const free = (at: number): void => {
    const [ptr] = blocks.splice(at, 1, blocks[blocks.length - 1] as number);
    blocks.pop();
    largest = Math.max(
      largest,
      visits(() => heap.free(ptr as number)),
    );
  };
  for (let count = 0; count < live; count++) alloc(8 + random.below(993));
  for (let step = 0; step < 3000; step++) {
    free(random.below(blocks.length));
    alloc(8 + random.below(random.below(10) === 0 ? 20_000 : 993));
  }
  // Holes of one size everywhere, and requests that just do not fit them.
  for (const [hole, request] of [
    [12, 28],
    [508, 1020],
    [4092, 4100],
  ] as const) {
    while (blocks.length > 0) free(blocks.length - 1);
    for (let count = 0; count < live * 2; count++) alloc(hole);
    for (let at = blocks.length - 1; at >= 0; at -= 2) free(at);
    for (let count = 0; count < 300; count++) alloc(request);
  }
  heap.check();
  seen.push(largest);
  expect(largest).toBeGreaterThan(20);
  expect(largest).toBeLessThanOrEqual(MOST);
  const aligned = visits(() => heap.allocUnsafe(1000, 1024));
  expect(aligned).toBeLessThanOrEqual(MOST_ALIGNED);
});

it("which does not grow with the region", () => {
  console.info(`words touched at most: ${seen.join(", ")}`);
  expect(Math.max(...seen) / Math.min(...seen)).toBeLessThan(2);
});
