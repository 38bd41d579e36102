/** What TypeScript knows of a stack. Type-level tests: nothing here runs. */
import { describe, expectTypeOf, it } from "vitest";
import {
  attachHeap,
  createHeap,
  defineStack,
  type FailApi,
  failEvery,
  type Heap,
  type HeapDescriptor,
  type LimitApi,
  limit,
  type Plugin,
  type PluginInput,
  restoreHeap,
  type Strategy,
} from "./index.js";

interface StatsApi {
  tag(name: string): number;
}
interface FenceApi {
  readonly bytes: number;
}
interface StrictApi {
  leaks(): number[];
}
declare function stats(): Plugin<"stats", StatsApi>;
declare function fence(): Plugin<"fence", FenceApi>;
declare function quiet(): Plugin<"quiet", undefined>;
declare function strict(): readonly [
  Plugin<"fence", FenceApi>,
  Plugin<"poison", undefined>,
  Plugin<"strict", StrictApi>,
];
declare function plain(): Strategy<"plain", undefined>;
declare function arena(): Strategy<"arena", { mark(): number }>;
declare const debug: boolean;
declare const descriptor: HeapDescriptor;

describe("plugins", () => {
  it("add their API under their name, in any order", () => {
    const one = createHeap({ memory: 1024, strategy: plain(), plugins: [stats(), fence()] });
    const other = createHeap({ memory: 1024, strategy: plain(), plugins: [fence(), stats()] });
    expectTypeOf(one.stats).toEqualTypeOf<StatsApi>();
    expectTypeOf(one.fence).toEqualTypeOf<FenceApi>();
    expectTypeOf(other.stats).toEqualTypeOf<StatsApi>();
    expectTypeOf(one).toExtend<Heap>();
    // @ts-expect-error: no such plugin was picked
    one.strict;
    // @ts-expect-error: APIs are readonly
    one.stats = other.stats;
  });

  it("add nothing when they have no API", () => {
    const heap = createHeap({ memory: 1024, strategy: plain(), plugins: [quiet()] });
    // @ts-expect-error: quiet has no API
    heap.quiet;
    expectTypeOf<keyof typeof heap>().toEqualTypeOf<keyof Heap>();
  });

  it("of core are typed like any other", () => {
    const heap = createHeap({
      memory: 1024,
      strategy: plain(),
      plugins: [limit({ bytes: 10 }), failEvery(3)],
    });
    expectTypeOf(heap.limit).toEqualTypeOf<LimitApi>();
    expectTypeOf(heap.failEvery).toEqualTypeOf<FailApi>();
  });

  it("in a bundle are flattened", () => {
    const heap = createHeap({ memory: 1024, strategy: plain(), plugins: [stats(), strict()] });
    expectTypeOf(heap.strict).toEqualTypeOf<StrictApi>();
    expectTypeOf(heap.fence).toEqualTypeOf<FenceApi>();
  });

  it("behind a condition have an optional API", () => {
    const heap = createHeap({ memory: 1024, strategy: plain(), plugins: [stats(), debug && strict()] });
    expectTypeOf(heap.stats).toEqualTypeOf<StatsApi>();
    expectTypeOf(heap.strict).toEqualTypeOf<StrictApi | undefined>();
    const chosen = createHeap({ memory: 1024, strategy: plain(), plugins: [debug ? stats() : fence()] });
    expectTypeOf(chosen.stats).toEqualTypeOf<StatsApi | undefined>();
    expectTypeOf(chosen.fence).toEqualTypeOf<FenceApi | undefined>();
    const nothing = createHeap({
      memory: 1024,
      strategy: plain(),
      plugins: [debug ? stats() : null, undefined],
    });
    expectTypeOf(nothing.stats).toEqualTypeOf<StatsApi | undefined>();
  });

  it("may be spread: a tuple keeps what it is, an array makes APIs optional", () => {
    const tuple = [stats(), fence()] as const;
    const some: Plugin<"stats", StatsApi>[] = [];
    const one = createHeap({ memory: 1024, strategy: plain(), plugins: [...tuple, quiet()] });
    expectTypeOf(one.stats).toEqualTypeOf<StatsApi>();
    const two = createHeap({ memory: 1024, strategy: plain(), plugins: [fence(), ...some] });
    expectTypeOf(two.stats).toEqualTypeOf<StatsApi | undefined>();
    expectTypeOf(two.fence).toEqualTypeOf<FenceApi>();
    const three = createHeap({ memory: 1024, strategy: plain(), plugins: [...some, fence()] });
    expectTypeOf(three.stats).toEqualTypeOf<StatsApi | undefined>();
    expectTypeOf(three.fence).toEqualTypeOf<FenceApi>();
  });

  it("of no known kind leave a plain heap", () => {
    const plugins: readonly PluginInput[] = [];
    const heap = createHeap({ memory: 1024, strategy: plain(), plugins });
    expectTypeOf(heap).toExtend<Heap>();
  });

  it("of a third party need only the types", () => {
    const mine: Plugin<"mine", { readonly count: number }> = {
      abi: 1,
      name: "mine",
      version: 1,
      phase: "account",
      create: (inner) => ({ allocator: { free: (ptr) => inner.free(ptr) }, api: { count: 0 } }),
    };
    const heap = createHeap({ memory: 1024, strategy: plain(), plugins: [mine] });
    expectTypeOf(heap.mine.count).toEqualTypeOf<number>();
  });
});

describe("strategies", () => {
  it("may add an API", () => {
    const heap = createHeap({ memory: 1024, strategy: arena() });
    expectTypeOf(heap.arena.mark()).toEqualTypeOf<number>();
  });
});

describe("stacks that cannot be", () => {
  it("two plugins of one name", () => {
    // @ts-expect-error: CompositionError: two parts of the stack are named "stats"
    createHeap({ memory: 1024, strategy: plain(), plugins: [stats(), stats()] });
    // @ts-expect-error: the bundle brings a fence, too
    createHeap({ memory: 1024, strategy: plain(), plugins: [strict(), fence()] });
    // @ts-expect-error: a strategy's name counts
    createHeap({ memory: 1024, strategy: arena(), plugins: [{} as Plugin<"arena", undefined>] });
  });

  it("a name that is a member of Heap", () => {
    // @ts-expect-error: CompositionError: "alloc" is a member of Heap and cannot name a plugin
    createHeap({ memory: 1024, strategy: plain(), plugins: [{} as Plugin<"alloc", { x: number }>] });
    // @ts-expect-error: without an API as well
    defineStack({ strategy: plain(), plugins: [{} as Plugin<"memory", undefined>] });
  });

  it("is no plugin at all", () => {
    // @ts-expect-error: the function was not called
    createHeap({ memory: 1024, strategy: plain(), plugins: [stats] });
    // @ts-expect-error: a strategy is not a plugin
    createHeap({ memory: 1024, strategy: plain(), plugins: [arena()] });
  });
});

describe("one stack for all agents", () => {
  it("types createHeap, attachHeap and restoreHeap", () => {
    const stack = defineStack({ strategy: arena(), plugins: [stats(), debug && strict()] });
    const made = createHeap({ memory: 1024, ...stack });
    const joined = attachHeap(descriptor, stack);
    const copied = restoreHeap(new Uint8Array(0), stack);
    expectTypeOf(made.stats).toEqualTypeOf<StatsApi>();
    expectTypeOf(joined.stats).toEqualTypeOf<StatsApi>();
    expectTypeOf(copied.strict).toEqualTypeOf<StrictApi | undefined>();
    expectTypeOf(joined.arena.mark()).toEqualTypeOf<number>();
    expectTypeOf<keyof typeof made>().toEqualTypeOf<keyof typeof joined>();
  });
});

describe("typed helpers", () => {
  it("give the array asked for", () => {
    const heap = createHeap({ memory: 1024, strategy: plain() });
    expectTypeOf(heap.allocArray(Float32Array, 3)).toExtend<Float32Array>();
    expectTypeOf(heap.reallocArray(heap.allocArray(Uint16Array, 3), 5)).toExtend<Uint16Array>();
    expectTypeOf(heap.column(Float64Array, 3).view).toExtend<Float64Array>();
    // @ts-expect-error: 3 is not an alignment
    heap.alloc(16, 3);
    // @ts-expect-error: a plain number is not a tag
    heap.alloc(16, 16, 5000);
  });
});
