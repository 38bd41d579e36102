/** An agent stops before each store of each operation; another one recovers, and everything is sound. */
import { attachHeap, createHeap, type Heap } from "@heapwright/core";
import { describe, expect, it } from "vitest";
import { Death, lock, mortal } from "../../../testing/mortal.js";
import { randomOf } from "../../../testing/random.js";
import { slots } from "../../../testing/slots.js";
import { type ArenaApi, arena } from "./arena.js";

type ArenaHeap = Heap & { readonly arena: ArenaApi };

const KIB = 1024;
const GROWTH = { max: 64 * KIB, step: 4 * KIB };

interface Prepared {
  readonly bytes: Uint8Array;
  readonly blocks: readonly { readonly ptr: number; readonly usable: number }[];
  readonly marks: readonly number[];
}

const liveOf = (heap: ArenaHeap) =>
  [...heap.blocks()].filter(({ state }) => state === "used").map(({ ptr, usable }) => ({ ptr, usable }));

const bufferOf = (bytes: Uint8Array | number): ArrayBuffer => {
  const length = typeof bytes === "number" ? bytes : bytes.length;
  const buffer = new ArrayBuffer(length, { maxByteLength: GROWTH.max });
  if (typeof bytes !== "number") new Uint8Array(buffer).set(bytes);
  return buffer;
};

/** A heap with gaps, padding and ended blocks between live ones. */
function prepare(seed: number, slotCount: number): Prepared {
  const buffer = bufferOf(12 * KIB);
  const heap = createHeap({
    memory: buffer,
    strategy: arena(),
    plugins: [slots(slotCount)],
    lock,
    growth: GROWTH,
  });
  const random = randomOf(seed);
  const marks: number[] = [];
  for (let step = 0; step < 40; step++) {
    const dice = random.below(20);
    const live = liveOf(heap);
    if (dice < 11) heap.allocUnsafe(1 + random.below(400), random.below(5) === 0 ? 256 : 16);
    else if (dice < 13 && live.length > 0) heap.free(live.at(-1)?.ptr as number);
    else if (dice < 16 && live.length > 0) heap.realloc(random.pick(live).ptr, 1 + random.below(600));
    else if (dice === 16) marks.push(heap.arena.mark());
    else if (dice === 17 && seed % 2 === 0 && buffer.byteLength < 32 * KIB)
      buffer.resize(buffer.byteLength + 4 * KIB);
  }
  const mark = heap.arena.mark();
  heap.allocUnsafe(100);
  heap.allocUnsafe(300);
  const later = heap.arena.mark();
  heap.allocUnsafe(40);
  heap.check();
  return { bytes: new Uint8Array(buffer.slice(0)), blocks: liveOf(heap), marks: [mark, later] };
}

type Operation = (heap: ArenaHeap, prepared: Prepared, random: ReturnType<typeof randomOf>) => unknown;

const OPERATIONS: Readonly<Record<string, Operation>> = {
  "a block": (heap, _prepared, random) => heap.allocUnsafe(1 + random.below(100)),
  "an aligned block": (heap, _prepared, random) => heap.allocUnsafe(1 + random.below(100), 512),
  "a block the area grows for": (heap) => heap.allocUnsafe(9000),
  "a block behind somebody's pages": (heap) => {
    const { buffer } = heap.memory;
    (buffer as ArrayBuffer).resize(buffer.byteLength + 4 * KIB);
    heap.allocUnsafe(9000);
  },
  "the end of the last block": (heap, { blocks }) => heap.free(blocks.at(-1)?.ptr as number),
  "the end of two blocks": (heap, { blocks }) => {
    heap.free(blocks.at(-1)?.ptr as number);
    heap.free(blocks.at(-2)?.ptr as number);
  },
  "a release": (heap, { marks }) => heap.arena.release(marks[0] as number),
  "a reset": (heap) => heap.reset?.(),
  "a grown block": (heap, { blocks }) => heap.reallocUnsafe(blocks.at(-1)?.ptr as number, 400),
  "a smaller block": (heap, { blocks }) => heap.reallocUnsafe(blocks.at(-1)?.ptr as number, 10),
  "a moved block": (heap, { blocks }, random) => heap.reallocUnsafe(random.pick(blocks).ptr, 700),
};

describe.each([0, 3])("with %i slots, an agent that dies in the making of", (slotCount) => {
  it.each(Object.entries(OPERATIONS))("%s leaves a heap that can be recovered", (name, operation) => {
    let points = 0;
    // What only makes a block takes nothing from any other.
    const makes = name.startsWith("a block") || name.startsWith("an aligned");
    const many = name === "a release" || name === "a reset" || name === "the end of two blocks";
    for (let seed = 1; seed <= 8; seed++) {
      const prepared = prepare(seed, slotCount);
      for (let stores = 0; ; stores++) {
        const buffer = bufferOf(prepared.bytes);
        const dead = mortal<ArenaHeap>(buffer, {
          strategy: arena(),
          plugins: [slots(slotCount)],
          growth: GROWTH,
        });
        dead.live(stores);
        try {
          operation(dead.heap, prepared, randomOf(seed));
          break;
        } catch (error) {
          if (!(error instanceof Death)) throw error;
        }
        points++;
        const where = `seed ${seed}, after ${stores} stores`;
        const heap = attachHeap(
          { heapwright: 1, name: "next", base: 0, memory: buffer },
          { strategy: arena(), plugins: [slots(slotCount)] },
          { lock, growth: GROWTH },
        ) as ArenaHeap;
        const { errors, operation: told } = heap.recover(dead.heap.agent);
        expect(errors.map(String), where).toEqual([]);
        heap.check();
        const after = new Map(liveOf(heap).map((block) => [block.ptr, block.usable]));
        const lost = prepared.blocks.filter(({ ptr, usable }) => after.get(ptr) !== usable);
        if (!many) expect(lost.length, where).toBeLessThanOrEqual(makes ? 0 : 1);
        // No block is there that nobody was given.
        const fresh = [...after.keys()].filter((ptr) => !prepared.blocks.some((block) => block.ptr === ptr));
        expect(fresh.length, where).toBeLessThanOrEqual(told === "none" ? 1 : 0);
        const { capacity, usedBytes, freeBytes, overheadBytes } = heap;
        expect(usedBytes + freeBytes + overheadBytes).toBe(capacity);
        expect(usedBytes).toBe([...after.values()].reduce((sum, usable) => sum + usable, 0));
        heap.reset?.();
        heap.check();
        expect(heap.usedBytes, where).toBe(0);
        expect(heap.alloc(40), where).toBe(heap.region.areaStart + (slotCount === 0 ? 0 : 16));
      }
    }
    expect(points).toBeGreaterThan(8);
  });
});
