/** Which APIs a heap has under strict. */
import { createHeap, type Heap } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { describe, expectTypeOf, it } from "vitest";
import {
  type CheckedView,
  type DelayedFreeApi,
  delayedFree,
  fence,
  poison,
  type StrictApi,
  type StrictOptions,
  strict,
} from "./index.js";

declare const debug: boolean;
declare const options: StrictOptions;
const strategy = hyperheap();

describe("strict()", () => {
  it("brings the APIs of the parts it has", () => {
    const heap = createHeap({ memory: 1024, strategy, plugins: [strict({ tagName: (tag) => `${tag}` })] });
    expectTypeOf(heap.strict).toEqualTypeOf<StrictApi>();
    expectTypeOf(heap.delayedFree).toEqualTypeOf<DelayedFreeApi>();
    // @ts-expect-error: fences have no API
    heap.fence;
    // @ts-expect-error: neither has what catches errors
    heap.strictErrors;
    expectTypeOf<keyof typeof heap>().toEqualTypeOf<keyof Heap | "strict" | "delayedFree">();
    const without = createHeap({ memory: 1024, strategy, plugins: [strict({ delayedFree: false })] });
    expectTypeOf(without.strict).toEqualTypeOf<StrictApi>();
    // @ts-expect-error: it was left out
    without.delayedFree;
  });

  it("has optional APIs where it may be missing", () => {
    const heap = createHeap({ memory: 1024, strategy, plugins: [debug && strict()] });
    expectTypeOf(heap.strict).toEqualTypeOf<StrictApi | undefined>();
    const some = createHeap({ memory: 1024, strategy, plugins: [strict(options)] });
    expectTypeOf(some.strict).toEqualTypeOf<StrictApi>();
    expectTypeOf(some.delayedFree).toEqualTypeOf<DelayedFreeApi | undefined>();
  });

  it("cannot be had twice, nor beside its parts", () => {
    // @ts-expect-error: two parts of the stack are named "fence"
    createHeap({ memory: 1024, strategy, plugins: [strict(), fence()] });
    createHeap({ memory: 1024, strategy, plugins: [strict({ fence: false }), fence({ bytes: 8 })] });
    createHeap({ memory: 1024, strategy, plugins: [fence(), poison(), delayedFree()] });
  });
});

describe("a checked view", () => {
  it("has the elements of its typed array", () => {
    const heap = createHeap({ memory: 1024, strategy, plugins: [strict()] });
    expectTypeOf(heap.strict.view(16, Uint32Array)).toEqualTypeOf<CheckedView<number>>();
    expectTypeOf(heap.strict.view(16, BigInt64Array).get(0)).toEqualTypeOf<bigint>();
    // @ts-expect-error: not a typed array
    heap.strict.view(16, Date);
  });
});
