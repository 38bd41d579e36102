/** What is recorded, what is not, and what is said of it. */
import {
  type Align,
  attachHeap,
  createHeap,
  defineStack,
  failAfter,
  limit,
  restoreHeap,
} from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { stats } from "@heapwright/stats";
import { tlsf } from "@heapwright/tlsf";
import { mergeTraces, openTrace, REALLOC, type TraceOptions, type TracePart, trace } from "@heapwright/trace";
import { describe, expect, it } from "vitest";
import { rowsOf } from "./fixtures/rows.js";

const heapWith = (options: TraceOptions = {}) =>
  createHeap({ memory: 1 << 20, strategy: tlsf(), plugins: [trace(options), stats()], name: "app" });

describe("calls", () => {
  it("of every kind that makes or ends a block", () => {
    const heap = heapWith();
    const a = heap.alloc(10);
    const view = heap.allocArray(Float32Array, 5);
    const { ptr } = heap.string("abc");
    const grown = heap.reallocArray(view, 500);
    heap.scoped(7).free();
    heap.dup(new Uint8Array(9), 64);
    heap.free(grown);
    heap.free(heap.realloc(0, 33));
    heap.column(Uint8Array, 3).free();
    heap.free(a);
    heap.free(ptr);
    heap.free(0);
    expect(rowsOf(mergeTraces([heap.trace.take()]))).toEqual([
      ...["malloc 0 10", "malloc 1 20", "malloc 2 3", "realloc 1 2000"],
      ...["malloc 3 7", "free 3", "memalign 4 9 64", "free 1"],
      ...["malloc 5 33", "free 5", "malloc 6 3", "free 6", "free 0", "free 2"],
    ]);
  });

  it("a realloc says its alignment, and whether it has moved makes no difference", () => {
    const heap = heapWith();
    const a = heap.alloc(10);
    expect(heap.realloc(a, 12)).toBe(a);
    heap.alloc(1);
    const moved = heap.realloc(a, 5000, 256);
    expect(moved).not.toBe(a);
    heap.free(moved);
    const made = mergeTraces([heap.trace.take()]);
    expect(rowsOf(made)).toEqual(["malloc 0 10", "realloc 0 12", "malloc 1 1", "realloc 0 5000", "free 0"]);
    expect([...made.alignLog2]).toEqual([0, 0, 0, 8, 0]);
    expect(heap.trace.recorded).toBe(5);
  });

  it("that fail are counted, and no operations", () => {
    const heap = createHeap({
      memory: 1 << 16,
      strategy: hyperheap(),
      plugins: [trace(), limit({ bytes: 4096 }), failAfter(3)],
    });
    const a = heap.alloc(100);
    expect(heap.alloc(5000)).toBe(0);
    expect(heap.realloc(a, 8000)).toBe(0);
    expect(() => heap.free(a + 16)).toThrow();
    expect(() => heap.alloc(0)).toThrow();
    expect(() => heap.realloc(a + 16, 5)).toThrow();
    expect(heap.alloc(1)).toBe(0);
    heap.free(a);
    expect(() => heap.free(a)).toThrow();
    expect([heap.trace.recorded, heap.trace.failed]).toEqual([2, 3]);
    heap.trace.stop();
    heap.alloc(5000);
    expect(heap.trace.failed).toBe(3);
    expect(rowsOf(mergeTraces([heap.trace.take()]))).toEqual(["malloc 0 100", "free 0"]);
  });

  it("zeroed, if the app says that it asks so", () => {
    const heap = heapWith({ zeroed: true });
    heap.free(heap.alloc(8));
    heap.alloc(8, 64);
    expect(rowsOf(mergeTraces([heap.trace.take()]))).toEqual(["calloc 0 8", "free 0", "memalign 1 8 64"]);
  });

  it("with tags: those given, of a scope, kept and changed by a realloc", async () => {
    const heap = heapWith({ tags: true });
    const [mesh, sound] = [heap.stats.tag("mesh"), heap.stats.tag("sound")];
    const a = heap.alloc(8, 16, mesh);
    heap.stats.scope(sound, () => heap.alloc(8));
    heap.alloc(8);
    const b = heap.realloc(a, 4000);
    heap.free(heap.realloc(b, 9000, 16, sound));
    const made = await openTrace(await heap.trace.toBytes());
    expect(made.names).toEqual(["mesh", "sound"]);
    expect([...(made.tags ?? [])]).toEqual([1, 2, 0, 1, 2, 2]);
  });

  it("with times: no earlier than the one before, and as long as it took", async () => {
    const heap = heapWith({ clock: 2 });
    for (let i = 0; i < 4; i++) heap.alloc(8);
    await new Promise((resolve) => setTimeout(resolve, 60));
    for (let i = 0; i < 4; i++) heap.alloc(8);
    const { times = [], tickNs } = await openTrace(await heap.trace.toBytes());
    expect(tickNs).toBe(1000);
    expect([times.length, times[0], times[1]]).toEqual([8, 0, 0]);
    expect(times[4] - times[3]).toBeGreaterThan(40_000);
    expect(times[7]).toBeLessThan(60_000_000);
    expect([...times].every((time, i) => i === 0 || time >= times[i - 1])).toBe(true);
  });
});

describe("blocks that were there before", () => {
  it("their frees are left out, their reallocs begin them", () => {
    const heap = heapWith({ start: false });
    const [a, b, c] = [heap.alloc(10), heap.alloc(20), heap.alloc(30)];
    heap.trace.start();
    heap.free(a);
    heap.alloc(40);
    heap.free(heap.realloc(b, 5000));
    expect(heap.realloc(c, 31)).toBe(c);
    const made = mergeTraces([heap.trace.take()]);
    expect(rowsOf(made)).toEqual(["malloc 0 40", "malloc 1 5000", "free 1", "malloc 2 31"]);
    expect(made.leftOut).toBe(1);
  });

  it("a block whose end was not recorded ends where its address is given out again", () => {
    const heap = heapWith();
    const a = heap.alloc(10);
    const first = heap.trace.take();
    heap.free(a);
    heap.trace.start();
    heap.alloc(10);
    const made = mergeTraces([first, heap.trace.take()]);
    expect(rowsOf(made)).toEqual(["malloc 0 10", "free 0", "malloc 1 10"]);
    expect(made.implied).toBe(1);
  });
});

describe("the bound", () => {
  it("ends the recording; what there is is valid, and says that it was cut", async () => {
    const heap = heapWith({ operations: 4 });
    const ptrs = [1, 2, 3, 4, 5].map((size) => heap.alloc(size));
    expect([heap.trace.isRecording, heap.trace.recorded, heap.trace.dropped]).toEqual([false, 4, 1]);
    for (const ptr of ptrs) heap.free(ptr);
    const made = await openTrace(await heap.trace.toBytes());
    expect(rowsOf(made)).toEqual(["malloc 0 1", "malloc 1 2", "malloc 2 3", "malloc 3 4"]);
    expect([made.dropped, heap.trace.dropped]).toEqual([6, 6]);
    // Emptied it stays cut: what came now would follow a gap.
    heap.trace.take();
    heap.alloc(9);
    expect([heap.trace.dropped, heap.trace.take().words.length]).toEqual([7, 0]);
    heap.trace.start();
    heap.alloc(9);
    expect([heap.trace.isRecording, heap.trace.recorded, heap.trace.dropped]).toEqual([true, 1, 0]);
  });

  it.each([2, 3, 4, 5])("a realloc that moves is whole, with room for %i", (operations) => {
    const parts: TracePart[] = [];
    const heap = heapWith({ operations, sink: (part) => parts.push(structuredClone(part)) });
    const ptrs = [1, 2, 3, 4, 5].map((size) => heap.alloc(size));
    for (const [i, ptr] of ptrs.entries()) heap.realloc(ptr, 1000 * (i + 1));
    parts.push(heap.trace.take());
    expect(rowsOf(mergeTraces(parts)).slice(5)).toEqual(
      [0, 1, 2, 3, 4].map((i) => `realloc ${i} ${1000 * (i + 1)}`),
    );
    expect(heap.trace.recorded).toBe(10);
  });

  it("a sink gets the log itself, not a copy of it", () => {
    const given: Int32Array[] = [];
    const heap = heapWith({ operations: 2, sink: ({ words }) => given.push(words) });
    for (let i = 1; i <= 5; i++) heap.alloc(i);
    expect(given.map(({ length, buffer }) => [length, buffer === given[0].buffer])).toEqual([
      [8, true],
      [8, true],
    ]);
    expect(heap.trace.take().words.buffer).not.toBe(given[0].buffer);
  });

  it("a sink that throws: the call throws, nothing that was recorded is lost", () => {
    const parts: TracePart[] = [];
    let broken = true;
    const sink = (part: TracePart): void => {
      if (broken) throw new Error("disk full");
      parts.push(structuredClone(part));
    };
    const heap = heapWith({ operations: 2, sink });
    for (let i = 1; i <= 2; i++) heap.alloc(i);
    expect(() => heap.alloc(3)).toThrow("disk full");
    broken = false;
    heap.alloc(4);
    parts.push(heap.trace.take());
    expect(rowsOf(mergeTraces(parts))).toEqual(["malloc 0 1", "malloc 1 2", "malloc 2 4"]);
  });

  it("a sink gets what is recorded, in order, and nothing is dropped", () => {
    const parts: TracePart[] = [];
    const heap = heapWith({ operations: 4, sink: (part) => parts.push(structuredClone(part)) });
    for (let i = 1; i <= 10; i++) heap.alloc(i);
    expect(parts.map(({ number, words, dropped }) => [number, words.length, dropped])).toEqual([
      [0, 16, 0],
      [1, 16, 0],
    ]);
    expect([heap.trace.recorded, heap.trace.dropped, heap.trace.isRecording]).toEqual([10, 0, true]);
    parts.push(heap.trace.take());
    expect(mergeTraces(structuredClone(parts)).length).toBe(10);
  });
});

describe("start and stop", () => {
  it("begins anew, and ends", async () => {
    const heap = heapWith({ start: false });
    heap.alloc(1);
    expect([heap.trace.isRecording, heap.trace.recorded]).toEqual([false, 0]);
    await expect(heap.trace.toBytes()).rejects.toThrow("no operation was recorded");
    heap.trace.start();
    heap.alloc(2);
    heap.trace.start();
    heap.alloc(3);
    heap.trace.stop();
    heap.alloc(4);
    expect([heap.trace.isRecording, heap.trace.recorded, heap.trace.dropped]).toEqual([false, 1, 0]);
    expect(rowsOf(await openTrace(await heap.trace.toBytes()))).toEqual(["malloc 0 3"]);
    // Asking changes nothing.
    expect(rowsOf(await openTrace(await heap.trace.toBytes()))).toEqual(["malloc 0 3"]);
    expect(rowsOf(mergeTraces([heap.trace.take()]))).toEqual(["malloc 0 3"]);
  });
});

describe("a heap that", () => {
  it("grows: the stamp is found again", () => {
    const memory = new ArrayBuffer(65536, { maxByteLength: 1 << 20 });
    const heap = createHeap({ memory, growth: { step: 65536 }, strategy: tlsf(), plugins: [trace()] });
    for (let i = 0; i < 100; i++) heap.alloc(5000);
    const { words } = heap.trace.take();
    expect(memory.byteLength).toBeGreaterThan(500_000);
    expect(Array.from({ length: 100 }, (_, i) => words[4 * i + 3])).toEqual(
      Array.from({ length: 100 }, (_, i) => i + 1),
    );
  });

  it("is copied, or joined, is recorded by each on its own", () => {
    const stack = defineStack({ strategy: tlsf(), plugins: [trace({ operations: 100 })] });
    const heap = createHeap({ memory: 1 << 16, name: "app", ...stack });
    const ptr = heap.alloc(8);
    const copy = restoreHeap(heap.snapshot(), stack);
    copy.free(copy.toPtr(heap.toOffset(ptr)));
    expect([copy.trace.recorded, heap.trace.recorded]).toEqual([1, 1]);
    const other = attachHeap(heap.descriptor(), stack);
    other.free(ptr);
    heap.alloc(9);
    const made = mergeTraces([other.trace.take(), heap.trace.take()]);
    expect(rowsOf(made)).toEqual(["malloc 0 8", "free 0", "malloc 1 9"]);
    expect([...made.threads]).toEqual([heap.agent, other.agent, heap.agent]);
    other.detach();
    expect(other.trace.take().words.length).toBe(0);
  });

  it("has lost an agent: what the dead one did is in nobody's trace, and the others' is whole", () => {
    const stack = defineStack({ strategy: hyperheap(), plugins: [trace()] });
    const heap = createHeap({ memory: new SharedArrayBuffer(1 << 16), ...stack });
    const dead = attachHeap(heap.descriptor(), stack);
    const [mine, its] = [heap.alloc(100), dead.alloc(200)];
    dead.free(mine);
    expect(heap.recover(dead.agent).errors).toEqual([]);
    expect(heap.alloc(100)).toBe(mine);
    heap.free(its);
    const made = mergeTraces([heap.trace.take()]);
    expect(rowsOf(made)).toEqual(["malloc 0 100", "free 0", "malloc 1 100"]);
    expect([made.implied, made.leftOut]).toEqual([1, 1]);
  });
});

describe("options", () => {
  it.each([
    [{ operations: 1 }, "operations must be an integer in 2 … 8388608, not 1"],
    [{ operations: 2 ** 23 + 1 }, "operations must be"],
    [{ operations: 2.5 }, "operations must be"],
    [{ clock: -1 }, "clock must be an integer in 0 … 1048576, not -1"],
    [{ start: "yes" }, 'start must be a boolean, not "yes"'],
    [{ tags: 1 }, "tags must be a boolean"],
    [{ zeroed: null }, "zeroed must be a boolean"],
    [{ sink: {} }, "sink must be a function"],
  ])("%j is refused", (options, message) => {
    const make = () => trace(options as TraceOptions);
    expect(make).toThrowError(expect.objectContaining({ code: "ERR_INVALID_OPTION" }));
    expect(make).toThrow(`trace: ${message}`);
  });

  it("every alignment is told", () => {
    const heap = heapWith();
    const aligns = Array.from({ length: 13 }, (_, log2) => 2 ** log2);
    for (const align of aligns) heap.alloc(8, align as Align);
    const { alignLog2, ops } = mergeTraces([heap.trace.take()]);
    expect([...alignLog2]).toEqual([0, 0, 0, 0, 0, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(ops.includes(REALLOC)).toBe(false);
  });
});
