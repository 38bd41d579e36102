/** An agent stops before each store of each operation; another one recovers, and nothing of anybody else's is lost. */
import { attachHeap, createHeap } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { tlsf } from "@heapwright/tlsf";
import { describe, expect, it } from "vitest";
import { Death, lock, mortal } from "../../../testing/mortal.js";
import { type Random, randomOf } from "../../../testing/random.js";
import { slots } from "../../../testing/slots.js";
import type { SlabHeap } from "./fixtures/opened.js";
import { slab } from "./slab.js";

const BYTES = 64 << 10;

interface Kept {
  readonly ptr: number;
  readonly size: number;
  readonly byte: number;
}

interface Prepared {
  readonly bytes: Uint8Array;
  readonly blocks: readonly Kept[];
}

const SIZES = [16, 64, 100, 200, 480];
const isLive = ({ state }: { readonly state: string }): boolean => state === "used" || state === "page";

/** Full spans, spans with holes, spares and large blocks; in some no room for a span any more. */
function prepare(make: (memory: ArrayBuffer) => SlabHeap, seed: number): Prepared {
  const buffer = new ArrayBuffer(BYTES);
  const heap = make(buffer);
  const random = randomOf(seed);
  const blocks: Kept[] = [];
  const take = (size: number): boolean => {
    const ptr = heap.allocUnsafe(size);
    if (ptr === 0) return false;
    const byte = 1 + random.below(255);
    heap.memory.u8.fill(byte, ptr, ptr + size);
    blocks.push({ ptr, size, byte });
    return true;
  };
  for (let step = 0; step < 220; step++) {
    if (random.below(100) < 62) take(random.below(12) === 0 ? 600 + random.below(2000) : random.pick(SIZES));
    else if (blocks.length > 0) heap.free(blocks.splice(random.below(blocks.length), 1)[0]?.ptr as number);
  }
  if (seed % 3 === 0) while (take(700));
  // A span of its own, which may be the spare next.
  take(320);
  heap.check();
  return { bytes: new Uint8Array(buffer.slice(0)), blocks };
}

/** What an operation may cost: the blocks it was about. */
type Operation = (heap: SlabHeap, blocks: readonly Kept[], random: Random) => readonly Kept[];

const MANY = "cells until a span is full, and one more";

const OPERATIONS: Readonly<Record<string, Operation>> = {
  "a cell"(heap, _blocks, random) {
    heap.allocUnsafe(random.pick(SIZES));
    return [];
  },
  "the first cell of a class, and its span"(heap, _blocks, random) {
    heap.allocUnsafe(16 * random.pick([3, 6, 9, 17, 23]));
    return [];
  },
  [MANY](heap) {
    for (let count = 0; count < 5; count++) heap.allocUnsafe(480);
    return [];
  },
  "an aligned cell"(heap) {
    heap.allocUnsafe(100, 128);
    return [];
  },
  "a large block"(heap, _blocks, random) {
    heap.allocUnsafe(600 + random.below(3000));
    return [];
  },
  "a large block for which spares go back"(heap) {
    heap.allocUnsafe(Math.floor(heap.freeBytes / 3));
    return [];
  },
  "a block's end"(heap, blocks, random) {
    const block = random.pick(blocks);
    heap.free(block.ptr);
    return [block];
  },
  "the end of a span's only cell"(heap, blocks) {
    const block = blocks.at(-1) as Kept;
    heap.free(block.ptr);
    return [block];
  },
  "the end of a class"(heap, blocks) {
    const all = blocks.filter(({ size }) => size === 480);
    for (const { ptr } of all) heap.free(ptr);
    return all;
  },
  "a trim"(heap, blocks) {
    const block = blocks.at(-1) as Kept;
    heap.free(block.ptr);
    heap.slab.trim();
    return [block];
  },
  "a block that moves"(heap, blocks, random) {
    const block = random.pick(blocks);
    heap.reallocUnsafe(block.ptr, block.size + 300);
    return [block];
  },
  "a block in place"(heap, blocks, random) {
    const block = random.pick(blocks);
    heap.reallocUnsafe(block.ptr, 1 + random.below(block.size));
    return [block];
  },
  "an empty heap"(heap, blocks) {
    heap.reset?.();
    return blocks;
  },
};

const CASES = [
  { name: "tlsf", large: tlsf, count: 0 },
  { name: "tlsf", large: tlsf, count: 5 },
  { name: "hyperheap", large: hyperheap, count: 0 },
] as const;

describe.each(CASES)(
  "over $name with $count slots, an agent that dies in the making of",
  ({ large, count }) => {
    const plugins = () => [slots(count)];
    const make = (memory: ArrayBuffer) =>
      createHeap({ memory, strategy: slab({ large: large() }), plugins: plugins(), lock }) as SlabHeap;
    const join = (memory: ArrayBuffer) =>
      attachHeap(
        { heapwright: 1, name: "next", base: 0, memory },
        { strategy: slab({ large: large() }), plugins: plugins() },
        { lock },
      ) as SlabHeap;

    it.each(Object.entries(OPERATIONS))(
      "%s leaves a heap that can be recovered, before each store",
      (name, operation) => {
        let points = 0;
        for (let seed = 1; seed <= 6; seed++) {
          const { bytes, blocks } = prepare(make, seed);
          const about = operation(join(bytes.slice().buffer), blocks, randomOf(seed));
          for (let stores = 0; ; stores++) {
            const buffer = bytes.slice().buffer;
            const dead = mortal<SlabHeap>(buffer, { strategy: slab({ large: large() }), plugins: plugins() });
            dead.live(stores);
            try {
              operation(dead.heap, blocks, randomOf(seed));
              break;
            } catch (error) {
              if (!(error instanceof Death)) throw error;
            }
            // The many stores of a reset are alike.
            if (name === "an empty heap" && stores > 60 && stores % 31 !== 0) continue;
            points++;
            const where = `seed ${seed}, after ${stores} stores`;
            const heap = join(buffer);
            const { errors, operation: told } = heap.recover(dead.heap.agent);
            expect(errors.map(String), where).toEqual([]);
            // What was handed out before is somebody's.
            const made = name === MANY ? 5 : 1;
            verify(heap, blocks, about, told === "none" ? made : made - 1, where);
          }
        }
        expect(points).toBeGreaterThan(30);
      },
    );
  },
);

/** @param mayHave Blocks that are there and were not before. */
function verify(
  heap: SlabHeap,
  blocks: readonly Kept[],
  about: readonly Kept[],
  mayHave: number,
  where: string,
): void {
  const { u8 } = heap.memory;
  const live = new Set([...heap.blocks()].filter(isLive).map(({ ptr }) => ptr));
  const subjects = new Set(about.map(({ ptr }) => ptr));
  for (const { ptr, size, byte } of blocks) {
    const isThere = live.delete(ptr);
    if (subjects.has(ptr)) continue;
    if (!isThere) throw new Error(`${where}: the block at ${ptr} is gone`);
    if (!u8.subarray(ptr, ptr + size).every((each) => each === byte))
      throw new Error(`${where}: the bytes at ${ptr} have changed`);
  }
  expect(live.size, where).toBeLessThanOrEqual(mayHave);
  for (const ptr of [...heap.blocks()].filter(isLive).map((block) => block.ptr)) heap.free(ptr);
  heap.slab.trim();
  heap.check();
  expect([heap.usedBytes, heap.pageBytes, heap.slab.spanBytes], where).toEqual([0, 0, 0]);
}
