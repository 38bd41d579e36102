/**
 * The matrix: every strategy of the workspace under every stack of plugins on every kind of memory. A new strategy is one line of
 * `STRATEGIES`.
 */
import { type ArenaApi, arena } from "@heapwright/arena";
import {
  attachHeap,
  createHeap,
  failEvery,
  fallback,
  type Heap,
  limit,
  type MemorySource,
  type PluginInput,
  restoreHeap,
  type Strategy,
  segregate,
  type Tag,
} from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { slab } from "@heapwright/slab";
import { stats } from "@heapwright/stats";
import { strict } from "@heapwright/strict";
import { tlsf } from "@heapwright/tlsf";
import { trace } from "@heapwright/trace";
import { cells } from "../../../docs/examples/cells.js";
import type { ConformanceOptions } from "./conformance.js";
import type { Marks } from "./heap-subject.js";
import type { ProfileOptions } from "./profile.js";

export interface StrategyCase {
  readonly make: () => Strategy;
  /** Of the heap, its header included; default 64 KiB. */
  readonly bytes?: number;
  /** Where its heaps' marks are: `(heap) => heap.arena`. */
  readonly marks?: (heap: never) => Marks;
  /** What requests are made of, where the default would mostly be exhaustion: `{ capacity: 4096 }`. */
  readonly profile?: ProfileOptions;
  /** Stacks that cannot stand on it: `createHeap` refuses them with `ERR_COMPOSITION`. */
  readonly refuses?: readonly (keyof typeof STACKS)[];
  /** Must a large request fit again when all is freed? Default true. */
  readonly reusable?: boolean;
}

const PAGE = 65536;

/** One line each. */
export const STRATEGIES: Readonly<Record<string, StrategyCase>> = {
  hyperheap: { make: () => hyperheap() },
  cells: { make: () => cells({ bytes: 512 }), profile: { capacity: 2048 } },
  tlsf: { make: () => tlsf() },
  slab: { make: () => slab({ large: tlsf() }) },
  arena: {
    make: () => arena(),
    marks: ({ arena }: { readonly arena: ArenaApi }) => arena,
    profile: { weights: { free: 30, reset: 1 } },
  },
  "slab and hyperheap by size": {
    make: () => segregate({ upTo: 700, small: slab({ large: tlsf() }), large: hyperheap() }),
    bytes: 2 * PAGE,
  },
  "hyperheap, then tlsf": { make: () => fallback(hyperheap(), tlsf()), bytes: 2 * PAGE },
};

/** Plugins by name; made anew for each heap. */
export const STACKS = {
  "no plugin": () => [],
  stats: () => [stats({ maxTags: 8 })],
  strict: () => [strict({ stacks: "off" })],
  "stats and strict": () => [stats({ maxTags: 8 }), strict({ stacks: "off" })],
  limit: () => [limit({ bytes: 40_000 })],
  failEvery: () => [failEvery(7)],
  trace: () => [trace({ operations: 500, tags: true, clock: 9, sink: () => {} })],
} as const satisfies Readonly<Record<string, () => readonly PluginInput[]>>;

/** What a heap can be on: a source of `bytes` bytes, or of more where it can grow. */
export interface MemoryCase {
  readonly make: (bytes: number) => MemorySource;
  readonly shared: boolean;
  /** Bytes it can grow to, by itself and by somebody else. */
  readonly max?: number;
}

const MOST = 8 * PAGE;
const pages = (bytes: number): number => Math.ceil(bytes / PAGE);

export const MEMORIES: Readonly<Record<string, MemoryCase>> = {
  "an ArrayBuffer": { make: (bytes) => new ArrayBuffer(bytes), shared: false },
  "a SharedArrayBuffer": { make: (bytes) => new SharedArrayBuffer(bytes), shared: true },
  "a WebAssembly.Memory": {
    make: (bytes) => new WebAssembly.Memory({ initial: pages(bytes), maximum: pages(bytes) }),
    shared: false,
  },
  "a shared WebAssembly.Memory": {
    make: (bytes) => new WebAssembly.Memory({ initial: pages(bytes), maximum: pages(bytes), shared: true }),
    shared: true,
  },
  "a WebAssembly.Memory that others grow, too": {
    make: (bytes) => new WebAssembly.Memory({ initial: pages(bytes), maximum: MOST / PAGE }),
    shared: false,
    max: MOST,
  },
  "a SharedArrayBuffer that others grow, too": {
    make: (bytes) => new SharedArrayBuffer(bytes, { maxByteLength: MOST }),
    shared: true,
    max: MOST,
  },
};

/** Words of the header count failed requests, too. */
const COUNTS_FAILURES: readonly string[] = ["stats", "stats and strict", "failEvery"];

/** One cell of the matrix: how to make its heaps, and how to drive them. */
export function cellOf(
  { make, bytes = PAGE, marks, profile, reusable = true }: StrategyCase,
  stack: keyof typeof STACKS,
  memory: MemoryCase,
): { readonly make: () => Heap; readonly options: ConformanceOptions } {
  const parts = () => ({ strategy: make(), plugins: STACKS[stack]() as readonly PluginInput[] });
  const growth = memory.max === undefined ? {} : { growth: { max: memory.max, step: 4096 } };
  const on = (source: MemorySource) => createHeap({ memory: source, ...parts(), ...growth }) as Heap;
  return {
    make: () => on(memory.make(bytes)),
    options: {
      reusable,
      ...(profile && { profile }),
      restore: (image) => restoreHeap(image, parts()) as Heap,
      attach: (descriptor) => attachHeap(descriptor, parts()) as Heap,
      makeShared: () => createHeap({ memory: new SharedArrayBuffer(bytes), ...parts() }) as Heap,
      subject: (heap) => ({
        tags: tagsOf(heap),
        ...(COUNTS_FAILURES.includes(stack) && { volatile: "header" }),
        ...(marks && { marks: marks(heap as never) }),
      }),
    },
  };
}

/** Where there is a plugin that keeps them. */
function tagsOf(heap: Heap): readonly Tag[] {
  const { stats: counted } = heap as Partial<{ readonly stats: { tag(name: string): Tag } }>;
  return counted === undefined ? [] : ["mesh", "sound", "text"].map((name) => counted.tag(name));
}
