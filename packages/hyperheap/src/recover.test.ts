/** An agent stops before each store of each operation; another one recovers, and everything is sound. */
import { createHeap, type Heap } from "@heapwright/core";
import { describe, expect, it } from "vitest";
import { Death } from "../../../testing/mortal.js";
import { randomOf } from "../../../testing/random.js";
import { slots } from "../../../testing/slots.js";
import { mortal } from "./fixtures/mortal.js";
import { hyperheap } from "./hyperheap.js";

const BYTES = 96 << 10;

interface Prepared {
  /** Bytes of the whole buffer. */
  readonly bytes: Uint8Array;
  /** Live blocks and their usable sizes, by kind. */
  readonly blocks: readonly { readonly ptr: number; readonly usable: number; readonly isRun: boolean }[];
  readonly last: number;
}

const liveOf = (heap: Heap) =>
  [...heap.blocks()]
    .filter(({ state }) => state === "used" || state === "page")
    .map(({ ptr, usable, state }) => ({ ptr, usable, isRun: state === "page" }));

/** A heap with holes of all sizes, used and freed page runs. */
function prepare(seed: number, slotCount: number): Prepared {
  const buffer = new ArrayBuffer(BYTES);
  const heap = createHeap({ memory: buffer, strategy: hyperheap(), plugins: [slots(slotCount)] });
  const random = randomOf(seed);
  const live: number[] = [];
  let last = 0;
  for (let step = 0; step < 160; step++) {
    if (random.below(100) < 62) {
      const dice = random.below(10);
      const align = dice === 0 ? 4096 : dice === 1 ? 256 : 16;
      const ptr = heap.allocUnsafe(1 + random.below(random.below(4) === 0 ? 3000 : 200), align as 16);
      if (ptr !== 0) {
        live.push(ptr);
        last = ptr;
      }
    } else if (live.length > 0) heap.free(live.splice(random.below(live.length), 1)[0] as number);
  }
  // In some heaps no chunk in front of the page runs is free.
  if (seed % 3 === 0) {
    const chunks = [...heap.blocks()].filter(({ ptr, state }) => state !== "page" && ptr % 4096 !== 0);
    const tail = chunks.at(-1);
    if (tail?.state === "free") last = heap.allocUnsafe(tail.usable) || last;
  }
  heap.check();
  return { bytes: new Uint8Array(buffer.slice(0)), blocks: liveOf(heap), last };
}

type Operation = (heap: Heap, prepared: Prepared, random: ReturnType<typeof randomOf>) => unknown;

const pick = ({ blocks }: Prepared, random: ReturnType<typeof randomOf>, isRun?: boolean) => {
  const found = blocks.filter((block) => isRun === undefined || block.isRun === isRun);
  return found.length === 0 ? blocks[0] : found[random.below(found.length)];
};

const OPERATIONS: Readonly<Record<string, Operation>> = {
  "a small block": (heap, _prepared, random) => heap.allocUnsafe(1 + random.below(60)),
  "a larger block": (heap, _prepared, random) => heap.allocUnsafe(200 + random.below(6000)),
  "most of what is free": (heap) => heap.allocUnsafe(Math.max(16, heap.freeBytes >>> 1)),
  "an aligned block": (heap, _prepared, random) => heap.allocUnsafe(1 + random.below(500), 256),
  "a page run": (heap, _prepared, random) => heap.allocUnsafe(1 + random.below(9000), 4096),
  "a block's end": (heap, prepared, random) => heap.free(pick(prepared, random, false)?.ptr as number),
  "a run's end": (heap, prepared, random) => heap.free(pick(prepared, random, true)?.ptr as number),
  "the end of the run next to the chunks": (heap, { blocks }) =>
    heap.free((blocks.find(({ isRun }) => isRun) ?? blocks[0])?.ptr as number),
  "a smaller block": (heap, prepared, random) => {
    const block = pick(prepared, random);
    heap.reallocUnsafe(block?.ptr as number, 1 + random.below(block?.usable as number));
  },
  "a grown block": (heap, prepared, random) => {
    const block = pick(prepared, random);
    heap.reallocUnsafe(block?.ptr as number, (block?.usable as number) + 1 + random.below(400));
  },
  "a run of other length": (heap, prepared, random) => {
    const block = pick(prepared, random, true);
    heap.reallocUnsafe(block?.ptr as number, 1 + random.below(20_000));
  },
};

/** Runs the operation until it has stored `stores` times; what it was about. */
function interrupted(
  prepared: Prepared,
  operation: Operation,
  seed: number,
  slotCount: number,
  stores: number,
) {
  const buffer = prepared.bytes.slice().buffer;
  const plugins = [slots(slotCount)];
  const dead = mortal({ heapwright: 1, name: "dead", base: 0, memory: buffer }, plugins);
  dead.live(stores);
  let died = false;
  try {
    operation(dead.heap, prepared, randomOf(seed));
  } catch (error) {
    if (!(error instanceof Death)) throw error;
    died = true;
  }
  return { buffer, died, stores: dead.stores };
}

describe.each([0, 3])("with %i slots, an agent that dies in the making of", (slotCount) => {
  it.each(Object.entries(OPERATIONS))(
    "%s leaves a heap that can be recovered, before each store",
    (_name, operation) => {
      let points = 0;
      for (let seed = 1; seed <= 12; seed++) {
        const prepared = prepare(seed, slotCount);
        for (let stores = 0; ; stores++) {
          const { buffer, died } = interrupted(prepared, operation, seed, slotCount, stores);
          if (!died) break;
          points++;
          const next = mortal({ heapwright: 1, name: "next", base: 0, memory: buffer }, [slots(slotCount)]);
          const { heap } = next;
          next.recover();
          const where = `seed ${seed}, after ${stores} stores`;
          expect(() => heap.check(), where).not.toThrow();
          const after = new Map(liveOf(heap).map((block) => [block.ptr, block]));
          const lost = prepared.blocks.filter(({ ptr, usable }) => after.get(ptr)?.usable !== usable);
          // At most the block it was about: freed, resized or moved; and no block is there that nobody was given.
          expect(lost.length, where).toBeLessThanOrEqual(1);
          expect(after.size, where).toBeLessThanOrEqual(prepared.blocks.length);
          // All that is free can be had, all that lives be freed.
          for (const ptr of after.keys()) heap.free(ptr);
          heap.check();
          const { areaStart, areaEnd } = heap.region;
          const { freeBytes, pageFreeBytes, usedBytes, pageBytes } = heap;
          expect([usedBytes, pageBytes, pageFreeBytes], where).toEqual([0, 0, 0]);
          expect(freeBytes, where).toBe(areaEnd - areaStart - next.space.header);
        }
      }
      expect(points).toBeGreaterThan(30);
    },
  );
});
