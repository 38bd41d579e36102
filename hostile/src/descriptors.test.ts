/** Descriptors that a message may bring: of wrong types, sizes, offsets and prototypes. */
import { attachHeap, createHeap, type Heap, type HeapDescriptor, isHeapError } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { expect, it } from "vitest";
import { Random } from "./random.js";

const COUNT = Math.round(2000 * Math.max(0.1, Number(process.env.HEAPWRIGHT_SOAK) || 1));
const BYTES = 16384;

/** What can be sent. */
const VALUES: readonly (() => unknown)[] = [
  () => undefined,
  () => null,
  () => 0,
  () => -0,
  () => 1,
  () => 63,
  () => 64,
  () => BYTES,
  () => BYTES - 64,
  () => -64,
  () => 0.5,
  () => 2 ** 31,
  () => 2 ** 32,
  () => 2 ** 53,
  () => Number.NaN,
  () => Number.POSITIVE_INFINITY,
  () => "0",
  () => "heap",
  () => true,
  () => 1n,
  () => [],
  () => [0],
  () => ({}),
  () => ({ buffer: new ArrayBuffer(BYTES), grow: 1 }),
  () => Object.create(null),
  () => new Date(0),
  () => new Map([["base", 0]]),
  () => /x/,
  () => new Error("x"),
  () => new Uint8Array(BYTES),
  () => new ArrayBuffer(0),
  () => new ArrayBuffer(7),
  () => new ArrayBuffer(BYTES),
  () => new ArrayBuffer(8, { maxByteLength: BYTES }),
  () => new SharedArrayBuffer(BYTES),
  () => new WebAssembly.Memory({ initial: 0 }),
  () => new WebAssembly.Memory({ initial: 1 }),
];
const FIELDS = ["heapwright", "name", "base", "memory"] as const;

function mutated(random: Random, descriptor: HeapDescriptor): unknown {
  if (random.below(20) === 0) return random.pick(VALUES)();
  let changed: Record<string, unknown> = { ...descriptor };
  for (let left = 1 + random.below(3); left > 0; left--) {
    const field = random.pick(FIELDS);
    switch (random.below(6)) {
      case 0:
        delete changed[field];
        break;
      case 1:
        changed[random.pick(["length", "toString", "byteLength", "then"])] = random.pick(VALUES)();
        break;
      case 2:
        // What is inherited is not the sender's, but reads the same.
        changed = Object.assign(Object.create({ [field]: random.pick(VALUES)() }), changed, {
          [field]: undefined,
        });
        delete changed[field];
        break;
      default:
        changed[field] = random.pick(VALUES)();
    }
  }
  return changed;
}

it("are refused in words, or bring a heap", () => {
  let attached = 0;
  for (let seed = 1; seed <= COUNT; seed++) {
    const random = new Random(seed);
    const original = createHeap({ memory: new ArrayBuffer(BYTES), strategy: hyperheap() });
    const descriptor = mutated(random, original.descriptor());
    try {
      const heap = attachHeap(descriptor as HeapDescriptor, { strategy: hyperheap() }) as Heap;
      heap.free(heap.alloc(100));
      heap.check();
      attached++;
    } catch (error) {
      expect(isHeapError(error), `seed ${seed}: ${(error as Error).stack}`).toBe(true);
      expect((error as Error).message, `seed ${seed}`).toMatch(/attachHeap|base|name|memory|heap/);
    }
  }
  expect(attached).toBeGreaterThan(COUNT / 20);
  expect(attached).toBeLessThan(COUNT / 2);
});
