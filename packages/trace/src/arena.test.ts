/** Marks of an arena, nested, released in any order, spent or not: what lives at the end of the trace is what lives in the heap. */
import { arena } from "@heapwright/arena";
import { createHeap } from "@heapwright/core";
import { stats } from "@heapwright/stats";
import { FREE, mergeTraces, type Trace, trace } from "@heapwright/trace";
import { expect, it } from "vitest";

/** Sizes of the blocks that live at the end. */
function left({ length, maxLive, ops, ids, sizes }: Trace): number[] {
  const held = new Uint32Array(maxLive);
  for (let i = 0; i < length; i++) held[ids[i]] = ops[i] === FREE ? 0 : sizes[i];
  return [...held].filter((size) => size > 0).sort((a, b) => a - b);
}

it.each(Array.from({ length: 40 }, (_, seed) => seed + 1))("seed %i", (first) => {
  let seed = first;
  const below = (limit: number): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * limit);
  };
  const heap = createHeap({ memory: 1 << 20, strategy: arena(), plugins: [trace(), stats()] });
  const live = (): number[] =>
    [...heap.blocks()].filter(({ state }) => state === "used").map(({ ptr }) => ptr);
  const marks: number[] = [];
  const reached = { released: 0, refused: 0, freed: 0, moved: 0 };
  heap.alloc(16);
  for (let step = 0; step < 300; step++) {
    const dice = below(12);
    const blocks = live();
    const last = blocks.at(-1) ?? 0;
    if (dice < 5) heap.alloc(1 + below(3000), dice === 0 ? 256 : 16);
    else if (dice < 7) marks.push(heap.arena.mark());
    else if (dice === 7 && last !== 0) {
      heap.free(last);
      reached.freed++;
    } else if (dice < 10 && blocks.length > 0) {
      const ptr = blocks[below(blocks.length)];
      if (heap.realloc(ptr, 1 + below(3000)) !== ptr) reached.moved++;
    } else if (dice === 10 && marks.length > 0) {
      try {
        heap.arena.release(marks[below(marks.length)]);
        reached.released++;
      } catch {
        reached.refused++;
      }
    } else if (below(20) === 0) heap.reset?.();
  }
  heap.alloc(16);
  const sizes = [...heap.blocks()].filter(({ state }) => state === "used").map(({ size }) => size);
  expect(left(mergeTraces([heap.trace.take()]))).toEqual(sizes.sort((a, b) => a - b));
  expect(Math.min(reached.released, reached.freed, reached.moved)).toBeGreaterThan(0);
});
