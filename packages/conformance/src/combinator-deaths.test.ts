/** An agent stops before each store of a strategy made of strategies; another one recovers: nothing of anybody else's is lost. */
import {
  attachHeap,
  createHeap,
  fallback,
  type Heap,
  type PluginInput,
  type Strategy,
  segregate,
} from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { stats } from "@heapwright/stats";
import { strict } from "@heapwright/strict";
import { describe, expect, it } from "vitest";
import { cells } from "../../../docs/examples/cells.js";
import { Death, lock, mortal } from "../../../testing/mortal.js";
import { Random } from "./random.js";

const STRATEGIES: Readonly<Record<string, () => Strategy<string, unknown>>> = {
  "cells and hyperheap by size": () =>
    segregate({ upTo: 300, small: cells({ bytes: 512 }), large: hyperheap() }),
  "cells, then hyperheap": () => fallback(cells({ bytes: 256 }), hyperheap(), { share: 0.2 }),
  "hyperheap, then a pair": () =>
    fallback(hyperheap(), segregate({ upTo: 200, small: hyperheap(), large: hyperheap() }), { share: 0.3 }),
};
const STACKS: Readonly<Record<string, () => readonly PluginInput[]>> = {
  "no plugin": () => [],
  "stats and strict": () => [stats({ maxTags: 4 }), strict({ stacks: "off", delayedFree: { slots: 4 } })],
};

interface Kept {
  readonly ptr: number;
  readonly size: number;
  readonly byte: number;
}

const OPERATIONS: Readonly<Record<string, (heap: Heap, blocks: readonly Kept[], random: Random) => void>> = {
  "a small block": (heap) => heap.allocUnsafe(40),
  "a larger block": (heap, _blocks, random) => heap.allocUnsafe(300 + random.below(600)),
  "a page run": (heap) => heap.allocUnsafe(3000, 4096),
  "a block's end": (heap, blocks, random) => heap.free(random.pick(blocks).ptr),
  "a block made and ended": (heap) => heap.free(heap.allocUnsafe(60)),
  "a block that grows": (heap, blocks, random) => {
    const block = random.pick(blocks);
    heap.reallocUnsafe(block.ptr, block.size + 300);
  },
};

function prepare(make: (memory: ArrayBuffer) => Heap, seed: number) {
  const buffer = new ArrayBuffer(96 << 10);
  const heap = make(buffer);
  const random = new Random(seed);
  const blocks: Kept[] = [];
  for (let step = 0; step < 70; step++) {
    if (random.below(100) < 65) {
      const size = 1 + random.below(random.below(3) === 0 ? 1500 : 250);
      const ptr = heap.allocUnsafe(size, random.below(20) === 0 ? 4096 : 16);
      if (ptr === 0) continue;
      const byte = 1 + random.below(255);
      heap.memory.u8.fill(byte, ptr, ptr + size);
      blocks.push({ ptr, size, byte });
    } else if (blocks.length > 0) heap.free(blocks.splice(random.below(blocks.length), 1)[0]?.ptr as number);
  }
  heap.check();
  return { bytes: new Uint8Array(buffer.slice(0)), blocks };
}

describe.each(Object.entries(STRATEGIES))("%s", (_name, strategy) => {
  describe.each(Object.entries(STACKS))("with %s", (_stack, plugins) => {
    it.each(Object.entries(OPERATIONS))("an agent can die before any store of %s", (name, operation) => {
      let points = 0;
      for (let seed = 1; seed <= 3; seed++) {
        const { bytes, blocks } = prepare(
          (memory) => createHeap({ memory, strategy: strategy(), plugins: plugins(), lock }) as Heap,
          seed,
        );
        for (let stores = 0; ; stores++) {
          const buffer = bytes.slice().buffer;
          const dead = mortal(buffer, { strategy: strategy(), plugins: plugins() });
          dead.live(stores);
          try {
            operation(dead.heap, blocks, new Random(seed));
            break;
          } catch (error) {
            if (!(error instanceof Death)) throw error;
          }
          points++;
          const where = `seed ${seed}, after ${stores} stores`;
          const heap = attachHeap(
            { heapwright: 1, name: "next", base: 0, memory: buffer },
            { strategy: strategy(), plugins: plugins() },
            { lock },
          ) as Heap;
          const { errors, operation: told } = heap.recover(dead.heap.agent);
          expect(errors.map(String), where).toEqual([]);
          const live = new Set(
            [...heap.blocks()].flatMap(({ ptr, state }) =>
              state === "used" || state === "page" ? [ptr] : [],
            ),
          );
          const lost = blocks.filter(({ ptr }) => !live.has(ptr));
          const isAboutOne = name === "a block's end" || name === "a block that grows";
          expect(lost.length, where).toBeLessThanOrEqual(isAboutOne ? 1 : 0);
          for (const { ptr, size, byte } of blocks) {
            if (!live.delete(ptr)) continue;
            const isSame = heap.memory.u8.subarray(ptr, ptr + size).every((each) => each === byte);
            if (!isSame && !isAboutOne) throw new Error(`${where}: the bytes at ${ptr} have changed`);
          }
          // One that was handed out is somebody's, if nobody was told that it is not.
          const mayHaveOne = told === "none" || (name === "a block made and ended" && told === "free");
          expect(live.size, where).toBeLessThanOrEqual(mayHaveOne ? 1 : 0);
          heap.reset?.();
          heap.check();
          expect(heap.usedBytes + heap.pageBytes, where).toBe(0);
        }
      }
      expect(points).toBeGreaterThan(8);
    });
  });
});
