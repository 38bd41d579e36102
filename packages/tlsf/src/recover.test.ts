/** An agent stops before each store of each operation; another one recovers, and everything is sound. */
import { createHeap, type Heap } from "@heapwright/core";
import { describe, expect, it } from "vitest";
import { Death } from "../../../testing/mortal.js";
import { randomOf } from "../../../testing/random.js";
import { slots } from "../../../testing/slots.js";
import { mortal } from "./fixtures/mortal.js";
import { tlsf } from "./tlsf.js";

const BYTES = 48 << 10;

interface Prepared {
  /** Bytes of the whole buffer. */
  readonly bytes: Uint8Array;
  /** Live blocks and their usable sizes. */
  readonly blocks: readonly { readonly ptr: number; readonly usable: number }[];
}

const liveOf = (heap: Heap) =>
  [...heap.blocks()].filter(({ state }) => state === "used").map(({ ptr, usable }) => ({ ptr, usable }));

/** A heap with holes of all sizes, mostly a cursor, in some no top. */
function prepare(seed: number, slotCount: number): Prepared {
  const buffer = new ArrayBuffer(BYTES);
  const heap = createHeap({ memory: buffer, strategy: tlsf(), plugins: [slots(slotCount)] });
  const random = randomOf(seed);
  const live: number[] = [];
  for (let step = 0; step < 160; step++) {
    if (random.below(100) < 62) {
      const align = random.below(8) === 0 ? 256 : 16;
      const ptr = heap.allocUnsafe(1 + random.below(random.below(4) === 0 ? 2000 : 200), align);
      if (ptr !== 0) live.push(ptr);
    } else if (live.length > 0) heap.free(live.splice(random.below(live.length), 1)[0] as number);
  }
  if (seed % 3 === 0) while (heap.allocUnsafe(500) !== 0);
  heap.check();
  return { bytes: new Uint8Array(buffer.slice(0)), blocks: liveOf(heap) };
}

type Operation = (heap: Heap, prepared: Prepared, random: ReturnType<typeof randomOf>) => unknown;
const pick = ({ blocks }: Prepared, random: ReturnType<typeof randomOf>) => random.pick(blocks);

const OPERATIONS: Readonly<Record<string, Operation>> = {
  "a small block": (heap, _prepared, random) => heap.allocUnsafe(1 + random.below(60)),
  "a block of some size": (heap, _prepared, random) => heap.allocUnsafe(100 + random.below(800)),
  "a larger block": (heap, _prepared, random) => heap.allocUnsafe(1024 + random.below(6000)),
  "most of what is free": (heap) => heap.allocUnsafe(Math.max(16, heap.freeBytes >>> 1)),
  "an aligned block": (heap, _prepared, random) => heap.allocUnsafe(1 + random.below(500), 256),
  "a span": (heap) => heap.allocUnsafe(1000, 1024),
  "a block's end": (heap, prepared, random) => heap.free(pick(prepared, random).ptr),
  "the end of two blocks": (heap, { blocks }, random) => {
    const at = random.below(blocks.length - 1);
    heap.free(blocks[at]?.ptr as number);
    heap.free(blocks[at + 1]?.ptr as number);
  },
  "a smaller block": (heap, prepared, random) => {
    const block = pick(prepared, random);
    heap.reallocUnsafe(block.ptr, 1 + random.below(block.usable));
  },
  "a grown block": (heap, prepared, random) => {
    const block = pick(prepared, random);
    heap.reallocUnsafe(block.ptr, block.usable + 1 + random.below(400));
  },
  "an empty heap": (heap) => heap.reset?.(),
};

/** Runs the operation until it has stored `stores` times. */
function interrupted(
  prepared: Prepared,
  operation: Operation,
  seed: number,
  slotCount: number,
  stores: number,
) {
  const buffer = prepared.bytes.slice().buffer;
  const dead = mortal({ heapwright: 1, name: "dead", base: 0, memory: buffer }, [slots(slotCount)]);
  dead.live(stores);
  try {
    operation(dead.heap, prepared, randomOf(seed));
    return { buffer, died: false };
  } catch (error) {
    if (!(error instanceof Death)) throw error;
    return { buffer, died: true };
  }
}

describe.each([0, 1, 5])("with %i slots, an agent that dies in the making of", (slotCount) => {
  it.each(Object.entries(OPERATIONS))(
    "%s leaves a heap that can be recovered, before each store",
    (name, operation) => {
      const mayLose = name === "an empty heap" ? BYTES : name === "the end of two blocks" ? 2 : 1;
      let points = 0;
      for (let seed = 1; seed <= 12; seed++) {
        const prepared = prepare(seed, slotCount);
        for (let stores = 0; ; stores++) {
          const { buffer, died } = interrupted(prepared, operation, seed, slotCount, stores);
          if (!died) break;
          // The many stores of a reset are alike.
          if (name === "an empty heap" && stores > 40 && stores % 37 !== 0) continue;
          points++;
          const next = mortal({ heapwright: 1, name: "next", base: 0, memory: buffer }, [slots(slotCount)]);
          const { heap, space } = next;
          next.recover();
          const where = `seed ${seed}, after ${stores} stores`;
          expect(() => heap.check(), where).not.toThrow();
          const after = new Map(liveOf(heap).map((block) => [block.ptr, block]));
          const lost = prepared.blocks.filter(({ ptr, usable }) => after.get(ptr)?.usable !== usable);
          // At most what it was about: freed, resized or moved; and no block is there that nobody was given.
          expect(lost.length, where).toBeLessThanOrEqual(mayLose);
          expect(after.size, where).toBeLessThanOrEqual(prepared.blocks.length);
          for (const ptr of after.keys()) heap.free(ptr);
          heap.check();
          const room = (space.granules - space.first) * 16 - space.header;
          expect([heap.usedBytes, heap.freeBytes], where).toEqual([0, room]);
        }
      }
      expect(points).toBeGreaterThan(30);
    },
  );
});
