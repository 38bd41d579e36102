/** What a program did is what its trace says: under every strategy, in every stack, in every order of plugins. */
import { arena } from "@heapwright/arena";
import {
  agentCache,
  createHeap,
  failEvery,
  fallback,
  type Heap,
  limit,
  type MemorySource,
  type PluginInput,
  type Strategy,
  type Tag,
} from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { slab } from "@heapwright/slab";
import { stats } from "@heapwright/stats";
import { strict } from "@heapwright/strict";
import { tlsf } from "@heapwright/tlsf";
import { decodeTrace, encodeTrace, mergeTraces, openTrace, type TraceApi, trace } from "@heapwright/trace";
import { describe, expect, it } from "vitest";
import { runProgram } from "./fixtures/program.js";
import { peakBytes, rowsOf } from "./fixtures/rows.js";

type Traced = Heap & { readonly trace: TraceApi };

const STRATEGIES: Readonly<Record<string, () => Strategy>> = {
  hyperheap: () => hyperheap(),
  tlsf: () => tlsf(),
  slab: () => slab({ large: hyperheap() }),
  "two tlsf, one after the other": () => fallback(tlsf(), tlsf()),
};

const STACKS: Readonly<Record<string, () => readonly PluginInput[]>> = {
  alone: () => [trace()],
  "before the others": () => [
    trace(),
    failEvery(9),
    limit({ bytes: 9000 }),
    stats(),
    strict({ stacks: "off" }),
  ],
  "after the others": () => [
    strict({ stacks: "off" }),
    stats(),
    limit({ bytes: 9000 }),
    failEvery(9),
    trace(),
  ],
  "with tags and times": () => [stats(), trace({ tags: true, clock: 3 }), strict({ onError: () => {} })],
  "above a front": () => [agentCache(), trace(), stats()],
};

const MEMORIES: Readonly<Record<string, () => MemorySource>> = {
  "an ArrayBuffer": () => 1 << 21,
  "a SharedArrayBuffer": () => new SharedArrayBuffer(1 << 21),
};

describe.each(Object.entries(STRATEGIES))("%s", (_strategy, strategy) => {
  describe.each(Object.entries(MEMORIES))("on %s", (_memory, memory) => {
    it.each(Object.entries(STACKS))("%s", async (stack, plugins) => {
      const heap = createHeap({
        memory: memory(),
        strategy: strategy(),
        plugins: plugins(),
      }) as unknown as Traced;
      const { stats: counted } = heap as unknown as { stats?: { tag(name: string): Tag } };
      const tags = counted === undefined ? [] : ["mesh", "sound"].map((name) => counted.tag(name));
      const told = runProgram(heap, 6000, 5, tags);
      expect(Math.min(told.moved, told.thrown + (stack === "with tags and times" ? 1 : 0))).toBeGreaterThan(
        0,
      );
      if (stack.endsWith("the others")) expect(told.failed).toBeGreaterThan(100);
      const made = await openTrace(await heap.trace.toBytes());
      expect(rowsOf(made)).toEqual(told.rows);
      expect(peakBytes(made)).toBe(told.peakBytes);
      expect([heap.trace.recorded, heap.trace.failed]).toEqual([told.rows.length, told.failed]);
      const { leftOut, implied } = mergeTraces([heap.trace.take()]);
      expect([leftOut, implied, heap.trace.dropped]).toEqual([0, 0, 0]);
    });
  });
});

it("parts are the same as the whole, however often they are taken", () => {
  const plain = createHeap({ memory: 1 << 20, strategy: tlsf(), plugins: [trace()] });
  const told = runProgram(plain, 3000, 8);
  const parts: ReturnType<typeof plain.trace.take>[] = [];
  const heap = createHeap({
    memory: 1 << 20,
    strategy: tlsf(),
    plugins: [trace({ operations: 7, clock: 5, sink: (part) => parts.push(structuredClone(part)) })],
  });
  runProgram(heap, 3000, 8);
  parts.push(heap.trace.take());
  expect(parts.length).toBeGreaterThan(300);
  for (const { words } of parts) expect(words.length).toBeLessThanOrEqual(4 * 8);
  expect(rowsOf(mergeTraces(parts.reverse()))).toEqual(told.rows);
  expect(heap.trace.recorded).toBe(told.rows.length);
});

it("an arena: marks, release and reset end blocks, the youngest first", () => {
  const heap = createHeap({ memory: 1 << 20, strategy: arena(), plugins: [trace()] });
  heap.alloc(10);
  const mark = heap.arena.mark();
  for (const _frame of [1, 2]) {
    const a = heap.alloc(20);
    heap.alloc(30);
    heap.realloc(a, 500);
    heap.arena.release(mark);
  }
  heap.alloc(40);
  heap.reset?.();
  heap.alloc(50);
  const made = mergeTraces([heap.trace.take()]);
  const frame = (a: number): string[] => [
    ...[`malloc ${a} 20`, `malloc ${a + 1} 30`, `realloc ${a} 500`],
    // It has moved: it is younger than the other one.
    ...[`free ${a}`, `free ${a + 1}`],
  ];
  expect(rowsOf(made)).toEqual([
    "malloc 0 10",
    ...frame(1),
    ...frame(3),
    ...["malloc 5 40", "free 5", "free 0", "malloc 6 50"],
  ]);
  expect(made.maxLive).toBe(3);
  expect(rowsOf(decodeTrace(encodeTrace(made), "again"))).toEqual(rowsOf(made));
});
