/** What `heap.strict` tells: leaks, blocks, checked views, and what the collector found. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { attachHeap, createHeap, defineStack } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { type CollectedBlock, strict } from "@heapwright/strict";
import { describe, expect, it, vi } from "vitest";
import { cells } from "../../../docs/examples/cells.js";
import { caught } from "./fixtures/caught.js";

describe("leaks", () => {
  it("are grouped by tag and place, the most bytes first", () => {
    const names: Record<number, string> = { 5000: "mesh" };
    const heap = createHeap({
      memory: 1 << 20,
      strategy: hyperheap(),
      plugins: [strict({ stacks: "all", tagName: (tag) => names[tag] })],
    });
    const loads = (size: number): number => heap.alloc(size, 16, 5000 as never);
    function renders(): number {
      return heap.alloc(1000);
    }
    const meshes = [10, 20, 30].map(loads);
    const large = renders();
    heap.free(renders());
    const [first, second] = heap.strict.leaks();
    expect(first).toMatchObject({
      tag: 0,
      count: 1,
      bytes: 1000,
      blocks: [{ ptr: large, size: 1000, seq: 4, agent: 1 }],
    });
    expect(first?.stack).toContain("renders");
    expect(second).toMatchObject({ tag: "mesh", count: 3, bytes: 60 });
    expect(second?.blocks.map(({ ptr }) => ptr)).toEqual(meshes);
    // A reallocated block is a new one, and keeps its tag.
    const seq = heap.strict.seq;
    heap.realloc(meshes[0] as number, 500);
    expect(heap.strict.leaks({ after: seq })).toMatchObject([{ tag: "mesh", count: 1, bytes: 500 }]);
    for (const { blocks } of heap.strict.leaks()) for (const { ptr } of blocks) heap.free(ptr);
    expect(heap.strict.leaks()).toEqual([]);
  });

  it("have the requested sizes without a fence, too, and are those of all agents", () => {
    const stack = defineStack({ strategy: hyperheap(), plugins: [strict({ fence: false })] });
    const heap = createHeap({ memory: new SharedArrayBuffer(65536), ...stack });
    const other = attachHeap(structuredClone(heap.descriptor()), stack);
    heap.alloc(10);
    other.alloc(5000, 4096);
    expect(heap.strict.leaks()).toMatchObject([
      {
        count: 2,
        bytes: 5010,
        blocks: [
          { size: 10, agent: 1 },
          { size: 5000, agent: 2 },
        ],
      },
    ]);
    expect([...heap.blocks()].filter(({ state }) => state !== "free").map(({ size }) => size)).toEqual([
      10, 5000,
    ]);
  });
});

describe("at", () => {
  it("tells whose an address is", () => {
    const heap = createHeap({ memory: 65536, strategy: hyperheap(), plugins: [strict({ stacks: "off" })] });
    const ptr = heap.alloc(100);
    expect(heap.strict.at(ptr + 40)).toMatchObject({
      ptr,
      size: 100,
      seq: 1,
      agent: 1,
      state: "used",
      offset: 40,
    });
    expect(heap.strict.at(ptr + 101)).toMatchObject({ ptr, offset: 101 });
    heap.free(ptr);
    expect(heap.strict.at(ptr)).toMatchObject({ state: "quarantined" });
    expect(heap.strict.at(heap.region.areaEnd - 1)).toBeUndefined();
    expect(heap.strict.at(8)).toBeUndefined();
  });

  it("is in the dump: number and agent of each block", () => {
    const heap = createHeap({ memory: 65536, strategy: hyperheap(), plugins: [strict({ stacks: "off" })] });
    heap.alloc(100);
    heap.free(heap.alloc(50));
    const lines = heap.dump().split("\n");
    expect(lines[2]).toMatch(/used +100 {2}#1, agent 1$/);
    expect(lines[3]).toMatch(/quarantined +128 {2}size 50 {2}#2, agent 1$/);
  });
});

const KINDS = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
] as const;

describe("checked views", () => {
  const make = () =>
    createHeap({ memory: 1 << 20, strategy: hyperheap(), plugins: [strict({ stacks: "off" })] });

  it.each(KINDS)("of %o read and write what a typed array does", (type) => {
    const heap = make();
    const ptr = heap.alloc(100);
    const view = heap.strict.view(ptr, type);
    const plain = new type(heap.memory.buffer as ArrayBuffer, ptr, view.length);
    expect([view.ptr, view.length, view.seq, view.isLive]).toEqual([
      ptr,
      Math.floor(100 / type.BYTES_PER_ELEMENT),
      1,
      true,
    ]);
    for (let index = 0; index < view.length; index++) {
      view.set(index, index * 37 - 5);
      if (plain[index] !== view.get(index)) expect.unreachable(`index ${index}`);
    }
    expect(view.toArray()).toEqual([...plain]);
    for (const index of [view.length, view.length + 1, 2 ** 32, 2 ** 53, 0.5, Number.NaN, "x" as never]) {
      for (const call of [() => view.get(index), () => view.set(index, 1)])
        expect(caught(call)).toMatchObject({ code: "ERR_HEAP_OVERFLOW", ptr, block: { seq: 1 } });
    }
    expect(caught(() => view.get(-1)).code).toBe("ERR_HEAP_UNDERFLOW");
    heap.free(ptr);
    expect(view.isLive).toBe(false);
    for (const call of [() => view.get(0), () => view.set(0, 1), () => view.toArray()])
      expect(caught(call)).toMatchObject({ code: "ERR_USE_AFTER_FREE", ptr });
    heap.check();
  });

  it("of bigint", () => {
    const heap = make();
    const view = heap.strict.view(heap.alloc(16), BigInt64Array);
    view.set(1, -5n);
    expect(view.toArray()).toEqual([0n, -5n]);
    expect(heap.strict.view(heap.alloc(8), BigUint64Array).get(0)).toBe(0n);
  });

  it("throw when the block was freed and given out again, reallocated, or the heap was reset", () => {
    const heap = createHeap({
      memory: 65536,
      strategy: hyperheap(),
      plugins: [strict({ delayedFree: false })],
    });
    const ptr = heap.alloc(40);
    const view = heap.strict.view(ptr, Uint8Array, 3);
    heap.free(ptr);
    expect(heap.alloc(40)).toBe(ptr);
    expect(caught(() => view.get(0)).code).toBe("ERR_USE_AFTER_FREE");
    const again = heap.strict.view(ptr, Uint8Array);
    expect(heap.realloc(ptr, 30)).toBe(ptr);
    expect(caught(() => again.get(35)).code).toBe("ERR_USE_AFTER_FREE");
    const last = heap.strict.view(ptr, Uint8Array);
    heap.reset?.();
    expect(last.isLive).toBe(false);
  });

  it("survive the growth of the memory, and see frees by other agents", () => {
    const stack = defineStack({ strategy: hyperheap(), plugins: [strict()] });
    const memory = new WebAssembly.Memory({ initial: 2, maximum: 64, shared: true });
    const heap = createHeap({ memory, growth: { max: 1 << 22 }, ...stack });
    const other = attachHeap(heap.descriptor(), stack);
    const ptr = heap.alloc(64);
    const view = heap.strict.view(ptr, Uint32Array);
    view.set(3, 77);
    memory.grow(2);
    heap.alloc(200_000);
    expect(view.get(3)).toBe(77);
    other.free(ptr);
    expect(caught(() => view.get(3)).code).toBe("ERR_USE_AFTER_FREE");

    const plain = new WebAssembly.Memory({ initial: 2, maximum: 64 });
    const detaching = createHeap({ memory: plain, growth: { max: 1 << 22 }, ...stack });
    const mine = detaching.strict.view(detaching.alloc(64), Float64Array);
    mine.set(7, 1.5);
    plain.grow(1);
    expect([mine.get(7), mine.isLive]).toEqual([1.5, true]);
    plain.grow(1);
    mine.set(0, 2);
    expect(mine.toArray()[0]).toBe(2);
  });

  it("work for page runs and over strategies without headers", () => {
    const heap = make();
    const run = heap.alloc(5000, 4096);
    const view = heap.strict.view(run, Float64Array);
    expect(view.length).toBe(625);
    view.set(624, 3);
    heap.free(run);
    expect(caught(() => view.get(624)).code).toBe("ERR_USE_AFTER_FREE");
    const small = createHeap({ memory: 65536, strategy: cells({ bytes: 256 }), plugins: [strict()] });
    const cell = small.alloc(8);
    expect(small.strict.view(cell, Int16Array).length).toBe(4);
  });

  it("are refused for what is no block, no type, or too long", () => {
    const heap = make();
    const ptr = heap.alloc(16);
    expect(caught(() => heap.strict.view(ptr + 16, Uint8Array)).code).toBe("ERR_INVALID_POINTER");
    expect(caught(() => heap.strict.view(Number.NaN, Uint8Array)).code).toBe("ERR_INVALID_POINTER");
    expect(caught(() => heap.strict.view(ptr, Array as never)).code).toBe("ERR_INVALID_OPTION");
    expect(caught(() => heap.strict.view(ptr, Uint32Array, 5)).code).toBe("ERR_INVALID_SIZE");
    expect(heap.strict.view(ptr, Uint32Array, 0).length).toBe(0);
    heap.free(ptr);
    expect(caught(() => heap.strict.view(ptr, Uint8Array)).code).toBe("ERR_DOUBLE_FREE");
  });
});

describe("a view of a heap that is over", () => {
  it("is not live, says so without throwing, and its accesses throw", () => {
    const memory = new WebAssembly.Memory({ initial: 2, maximum: 8 });
    const heap = createHeap({ memory, strategy: hyperheap(), plugins: [strict()] });
    const view = heap.strict.view(heap.alloc(16), Uint8Array);
    memory.grow(1);
    expect(view.isLive).toBe(true);
    heap.detach();
    memory.grow(1);
    expect(view.isLive).toBe(false);
    for (const access of [() => view.get(0), () => view.set(0, 1), () => view.toArray()])
      expect(caught(access).code).toBe("ERR_DETACHED_HEAP");
  });
});

describe("collected objects", () => {
  /** A registry whose collector is the test. */
  function withCollector(): { collect(object: object): void; restore(): void } {
    const entries = new Map<object, { held: unknown; call: (held: unknown) => void }>();
    class Registry {
      readonly call: (held: unknown) => void;
      constructor(call: (held: unknown) => void) {
        this.call = call;
      }
      register(object: object, held: unknown): void {
        entries.set(object, { held, call: this.call });
      }
      unregister(object: object): void {
        entries.delete(object);
      }
    }
    vi.stubGlobal("FinalizationRegistry", Registry);
    return {
      collect(object) {
        const entry = entries.get(object);
        entries.delete(object);
        entry?.call(entry.held);
      },
      restore: () => vi.unstubAllGlobals(),
    };
  }

  it("are reported with the last that stood for a block that was not freed", () => {
    const collector = withCollector();
    const lost: CollectedBlock[] = [];
    const heap = createHeap({
      memory: 1 << 20,
      strategy: hyperheap(),
      plugins: [strict({ stacks: "all", collected: (block) => lost.push(block) })],
    });
    const array = heap.strict.track(heap.allocArray(Float32Array, 10));
    const view = heap.strict.view(array.byteOffset, Float32Array);
    const freed = heap.strict.view(heap.alloc(30), Uint8Array);
    const column = heap.strict.track(heap.column(Uint8Array, 20));
    collector.collect(array);
    expect(lost).toEqual([]);
    collector.collect(view);
    expect(lost).toMatchObject([{ ptr: view.ptr, size: 40, seq: 1, tag: 0 }]);
    expect(lost[0]?.stack).toBeTypeOf("string");
    heap.free(freed.ptr);
    collector.collect(freed);
    column.resize(5000);
    heap.strict.track(column);
    collector.collect(column);
    expect(lost).toMatchObject([{}, { ptr: column.ptr, size: 5000 }]);
    collector.restore();
  });

  it("are reported by a real collector, too", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const lost: CollectedBlock[] = [];
    const heap = createHeap({
      memory: 65536,
      strategy: hyperheap(),
      plugins: [strict({ stacks: "off", collected: (block) => lost.push(block) })],
    });
    const kept = heap.strict.view(heap.alloc(8), Uint8Array);
    (() => heap.strict.view(heap.alloc(24), Uint8Array).set(0, 1))();
    for (let turn = 0; turn < 100 && lost.length === 0; turn++) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(lost).toMatchObject([{ size: 24, seq: 2 }]);
    expect(kept.get(0)).toBe(0);
  });

  it("go to the console, and need the option", () => {
    const collector = withCollector();
    const lines: string[] = [];
    vi.spyOn(console, "error").mockImplementation((text: string) => void lines.push(text));
    const heap = createHeap({
      memory: 65536,
      strategy: hyperheap(),
      plugins: [strict({ stacks: "off", collected: true })],
    });
    const handle = heap.strict.track({}, heap.alloc(10));
    collector.collect(handle);
    expect(lines).toEqual([
      expect.stringMatching(/^heap "heap": block #1 \(10 bytes\) at 0x\w+ was never freed/),
    ]);
    vi.restoreAllMocks();
    collector.restore();
    const plain = createHeap({ memory: 65536, strategy: hyperheap(), plugins: [strict()] });
    expect(caught(() => plain.strict.track({}, plain.alloc(10))).code).toBe("ERR_UNSUPPORTED");
  });
});
