/**
 * The whole kit over heaps with a front, whatever strategy is behind it: one agent alone, and several that take turns at random, free each other's blocks, leave and are followed
 * by others.
 */
import {
  agentCache,
  attachHeap,
  createHeap,
  failEvery,
  fallback,
  type Heap,
  limit,
  type MemorySource,
  type PluginInput,
  type Strategy,
  segregate,
} from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { slab } from "@heapwright/slab";
import { stats } from "@heapwright/stats";
import { strict } from "@heapwright/strict";
import { tlsf } from "@heapwright/tlsf";
import { trace } from "@heapwright/trace";
import { describe, expect, it } from "vitest";
import { operations, programs } from "../../../testing/soak.js";
import { heapSubject } from "./heap-subject.js";
import { property } from "./property.js";
import { Random } from "./random.js";
import { soak } from "./soak.js";
import type { Subject } from "./subject.js";

const OPERATIONS = operations(8_000, 0.2);

const STACKS: Readonly<Record<string, () => readonly PluginInput[]>> = {
  "agentCache alone": () => [agentCache()],
  "no spares": () => [agentCache({ spares: 0, agents: 3 })],
  "spans of 32 KiB": () => [agentCache({ spanBytes: 32768 })],
  limit: () => [agentCache(), limit({ bytes: 300_000 })],
  failEvery: () => [agentCache(), failEvery(9)],
  stats: () => [agentCache(), stats({ sizeClasses: true, shortLived: 5, maxTags: 8 })],
  strict: () => [agentCache({ agents: 3 }), strict({ stacks: "off" })],
  trace: () => [agentCache(), trace({ operations: 500 })],
  "stats and strict": () => [
    stats({ maxTags: 8 }),
    agentCache({ agents: 4 }),
    strict({ stacks: "off" }),
    limit({ bytes: 600_000 }),
  ],
};

const STRATEGIES: Readonly<Record<string, () => Strategy<string, unknown>>> = {
  hyperheap: () => hyperheap(),
  tlsf: () => tlsf(),
  slab: () => slab({ large: tlsf() }),
  "hyperheap and tlsf by size": () => segregate({ upTo: 3000, small: hyperheap(), large: tlsf() }),
  "slab, then tlsf": () => fallback(slab({ large: tlsf() }), tlsf()),
  // Spans are blocks of the first, and pages of the second.
  "tlsf, then hyperheap": () => fallback(tlsf(), hyperheap()),
  "hyperheap, then tlsf": () => fallback(hyperheap(), tlsf()),
};
/** What the strategy has to do with: nothing in front of cells, headers of every kind, what waits. */
const MOST = ["agentCache alone", "stats", "strict"];
const COMBINATIONS = Object.entries(STRATEGIES).flatMap(([strategy, make]) =>
  Object.entries(STACKS)
    .filter(([name]) => strategy === "hyperheap" || MOST.includes(name))
    .map(([name, plugins]) => ({ strategy, make, name, plugins })),
);

const MEMORIES: Readonly<Record<string, (bytes: number) => MemorySource>> = {
  "an ArrayBuffer": (bytes) => new ArrayBuffer(bytes),
  "a SharedArrayBuffer": (bytes) => new SharedArrayBuffer(bytes),
};

const WRITERS = ["alloc", "allocUnsafe", "realloc", "reallocUnsafe", "dup", "free", "resize"] as const;

/** The gate's words are in the header, as the lock's are. */
const FRONT = { givesBack: true, volatile: "header" } as const;

/** A subject whose calls are made by one of three agents each, by a seed; now and then one leaves, and another one comes. */
function several(make: () => Heap, join: (heap: Heap) => Heap, seed: number): Subject {
  const first = make();
  const random = new Random(seed);
  const heaps = [first, join(first), join(first)];
  const agents = heaps.map((heap) => heapSubject(heap, FRONT));
  const subject: Subject = { ...(agents[0] as Subject) };
  for (const key of WRITERS) {
    if (agents[0]?.[key] === undefined) continue;
    (subject as unknown as Record<string, unknown>)[key] = (...args: unknown[]) => {
      const at = random.below(agents.length);
      // Not in a call that is to change nothing: of these there is no wrong one.
      if (key === "dup" && args[1] === 16 && args[2] === 0 && at > 0 && random.below(5) === 0) {
        heaps[at]?.detach();
        heaps[at] = join(first);
        agents[at] = heapSubject(heaps[at] as Heap, FRONT);
      }
      const agent = agents[at] as unknown as Record<string, (...args: unknown[]) => unknown>;
      return agent[key]?.(...args);
    };
  }
  return subject;
}

describe.each(COMBINATIONS)("$name over $strategy", ({ make: strategy, name, plugins }) => {
  const stack = () => ({ strategy: strategy(), plugins: plugins() });
  const make = (memory: MemorySource): Heap => createHeap({ memory, ...stack() }) as Heap;
  const join = (heap: Heap): Heap => attachHeap(heap.descriptor(), stack()) as Heap;

  it.each(Object.entries(MEMORIES))("on %s: one agent keeps every promise", (_memory, source) => {
    const report = soak(() => heapSubject(make(source(1 << 20)), FRONT), {
      operations: OPERATIONS,
      seed: 5,
    });
    expect(Math.min(report.frees, report.refused, report.reallocations, report.exhausted)).toBeGreaterThan(0);
    property(() => heapSubject(make(source(192 << 10)), FRONT), { numRuns: programs(20), seed: 6 });
  });

  it("three agents that come and go keep every promise", () => {
    const target = (bytes: number) => () => several(() => make(new SharedArrayBuffer(bytes)), join, 7);
    // What waits in another agent's quarantine cannot be had.
    const reusable = !name.includes("strict");
    const report = soak(target(1 << 20), { operations: OPERATIONS, seed: 7, reusable });
    expect(Math.min(report.frees, report.refused, report.reallocations, report.exhausted)).toBeGreaterThan(0);
    property(target(256 << 10), { numRuns: programs(20), seed: 8, reusable });
  });

  it("growth, a guest's too", () => {
    const report = soak(
      () => {
        const memory = new WebAssembly.Memory({ initial: 8, maximum: 64, shared: true });
        const growth = { max: 4 << 20 };
        const heap = createHeap({ memory, ...stack(), growth }) as Heap;
        return heapSubject(heap, FRONT);
      },
      { operations: OPERATIONS, seed: 9 },
    );
    expect(Math.min(report.growths, report.foreignGrowths)).toBeGreaterThan(0);
  });
});
