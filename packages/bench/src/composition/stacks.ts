/**
 * The stacks whose difference is the cost of composing: the strategy alone, the heap with no plugin, the heap with a layer
 * that changes nothing. And the crowd: five other stacks, run before them in the same process, so that the functions
 * they share with the measured stack have seen other shapes, memories and layers.
 */
import {
  createAllocator,
  createHeap,
  failEvery,
  type Heap,
  limit,
  type MemorySource,
  type Plugin,
  type PluginInput,
} from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import type { Stack } from "../protocol.js";
import { between, seeded } from "../random.js";
import { createWasmMemory } from "../targets/wasm.js";

/** What is timed: the two functions every stack has. */
export interface Subject {
  alloc(size: number): number;
  free(ptr: number): void;
}

const BYTES = 32 << 20;

/** A layer over `alloc` and `free` that does nothing. */
export function noopLayer(): Plugin<"noop", undefined> {
  return {
    abi: 1,
    name: "noop",
    version: 1,
    phase: "account",
    create(inner) {
      const { alloc, free } = inner;
      return {
        allocator: {
          alloc: (size, align, tag) => alloc(size, align, tag),
          free: (ptr) => {
            free(ptr);
          },
        },
        api: undefined,
      };
    },
  };
}

/** Another one, from its own source: it counts. */
function countingLayer(): Plugin<"counting", { readonly calls: () => number }> {
  return {
    abi: 1,
    name: "counting",
    version: 1,
    phase: "trace",
    create(inner) {
      const { alloc, free } = inner;
      let calls = 0;
      return {
        allocator: {
          alloc(size, align, tag) {
            calls++;
            return alloc(size, align, tag);
          },
          free(ptr) {
            calls++;
            free(ptr);
          },
        },
        api: { calls: () => calls },
      };
    },
  };
}

/** The strategy with nothing above it: the one call that is not part of what apps use. */
function bareSubject(): Subject {
  const { allocator } = createAllocator({ memory: BYTES, strategy: hyperheap() });
  return {
    alloc: (size) => allocator.alloc(size, 16, 0),
    free: (ptr) => {
      allocator.free(ptr);
    },
  };
}

function heapSubject(heap: Heap): Subject {
  return {
    alloc: (size) => heap.allocUnsafe(size),
    free: (ptr) => {
      heap.free(ptr);
    },
  };
}

export function createSubject(stack: Stack): Subject {
  if (stack === "bare") return bareSubject();
  if (stack === "heap") return heapSubject(createHeap({ memory: BYTES, strategy: hyperheap() }));
  return heapSubject(createHeap({ memory: BYTES, strategy: hyperheap(), plugins: [noopLayer()] }));
}

/** Enough calls for every function on the way to have been optimised. */
const CROWD_CALLS = 20_000;

/** A mixed life: zeroed and not, aligned, resized, all sizes. */
function exercise(heap: Heap, seed: number): void {
  const random = seeded(seed);
  const held: number[] = [];
  for (let call = 0; call < CROWD_CALLS; call++) {
    const ptr =
      call % 3 === 0 ? heap.alloc(between(random, 1, 300)) : heap.allocUnsafe(between(random, 1, 300), 64);
    if (ptr !== 0) held.push(call % 5 === 0 ? heap.realloc(ptr, between(random, 1, 600)) || ptr : ptr);
    if (held.length > 60 || (held.length > 0 && call % 2 === 0)) {
      const at = between(random, 0, held.length - 1);
      heap.free(held[at]);
      held[at] = held[held.length - 1];
      held.pop();
    }
  }
  for (const ptr of held) heap.free(ptr);
}

/** Runs the five other stacks. They are returned so that nothing collects them. */
export function runCrowd(): readonly Heap[] {
  const make = (memory: MemorySource, ...plugins: readonly PluginInput[]): Heap =>
    createHeap({ memory, strategy: hyperheap(), plugins }) as Heap;
  const never = 2 ** 31;
  const heaps = [
    make(BYTES, limit({ bytes: BYTES })),
    make(new SharedArrayBuffer(BYTES), failEvery(never)),
    // The very plugin that is measured, in another heap: what every published plugin meets.
    make(createWasmMemory(BYTES), noopLayer()),
    make(BYTES, countingLayer(), limit({ bytes: BYTES })),
    make(new SharedArrayBuffer(BYTES), failEvery(never), countingLayer(), noopLayer()),
  ];
  heaps.forEach(exercise);
  return heaps;
}
