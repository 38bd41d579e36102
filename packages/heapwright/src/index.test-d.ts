/** What TypeScript knows of a heap made through the front door. Type-level tests: nothing here runs. */
import type * as core from "@heapwright/core";
import type { StatsApi } from "@heapwright/stats";
import { describe, expectTypeOf, it } from "vitest";
import { type ArenaApi, arena } from "./arena.js";
import type { hyperheap } from "./hyperheap.js";
import {
  attachHeap,
  createHeap,
  defineStack,
  type Heap,
  type HeapDescriptor,
  type LimitApi,
  limit,
  restoreHeap,
} from "./index.js";
import { stats } from "./stats.js";
import { type StrictApi, strict } from "./strict.js";

declare const debug: boolean;
declare const descriptor: HeapDescriptor;
declare const bytes: Uint8Array;

describe("createHeap without a strategy", () => {
  it("has the APIs of the plugins", () => {
    const heap = createHeap({ memory: 1024, plugins: [stats(), debug && strict()] });
    expectTypeOf(heap.stats).toEqualTypeOf<StatsApi>();
    expectTypeOf(heap.strict).toEqualTypeOf<StrictApi | undefined>();
    expectTypeOf(heap).toExtend<Heap>();
    expectTypeOf<Heap>().toEqualTypeOf<core.Heap>();
    // @ts-expect-error: no such plugin was picked
    heap.limit;
  });

  it("is a plain heap without plugins", () => {
    const heap = createHeap({ memory: 1024 });
    expectTypeOf<keyof typeof heap>().toEqualTypeOf<keyof Heap>();
  });

  it("still needs memory, and refuses what cannot be combined", () => {
    // @ts-expect-error: no memory
    createHeap({ plugins: [stats()] });
    // @ts-expect-error: CompositionError: two parts of the stack are named "stats"
    createHeap({ memory: 1024, plugins: [stats(), stats()] });
    // @ts-expect-error: not a strategy
    createHeap({ memory: 1024, strategy: 5 });
    // @ts-expect-error: no such option
    createHeap({ memory: 1024, strategi: arena() });
  });
});

describe("a strategy that is named", () => {
  it("has its API on the heap", () => {
    const heap = createHeap({ memory: 1024, strategy: arena(), plugins: [limit({ bytes: 10 })] });
    expectTypeOf(heap.arena).toEqualTypeOf<ArenaApi>();
    expectTypeOf(heap.limit).toEqualTypeOf<LimitApi>();
  });
});

describe("the other entry points", () => {
  it("type a stack for all agents", () => {
    const stack = defineStack({ plugins: [stats()] });
    expectTypeOf(stack.strategy).toEqualTypeOf<ReturnType<typeof hyperheap>>();
    expectTypeOf(createHeap({ memory: 1024, ...stack }).stats).toEqualTypeOf<StatsApi>();
    expectTypeOf(attachHeap(descriptor, stack).stats).toEqualTypeOf<StatsApi>();
    expectTypeOf(restoreHeap(bytes, stack).stats).toEqualTypeOf<StatsApi>();
    expectTypeOf(defineStack({ strategy: arena() }).strategy).toEqualTypeOf<ReturnType<typeof arena>>();
  });

  it("need no stack", () => {
    expectTypeOf(attachHeap(descriptor)).toExtend<Heap>();
    expectTypeOf(restoreHeap(bytes)).toExtend<Heap>();
    expectTypeOf(
      attachHeap(descriptor, { plugins: [stats()] }, { lock: "auto" }).stats,
    ).toEqualTypeOf<StatsApi>();
    // @ts-expect-error: no such plugin was picked
    attachHeap(descriptor).stats;
  });
});
