/** What is held in vain goes to who needs it; and what a heap with a front does where there are no gates, or where its agent leaves inside one. */
import { hyperheap } from "@heapwright/hyperheap";
import { stats } from "@heapwright/stats";
import { delayedFree } from "@heapwright/strict";
import { describe, expect, it } from "vitest";
import { agentCache, atomicsLock, attachHeap, createHeap, type Heap, limit } from "../index.js";

const lock = atomicsLock({ timeoutMs: 100 });

function pair() {
  const stack = {
    strategy: hyperheap(),
    plugins: [agentCache({ agents: 4 }), stats({ maxTags: 4 }), limit({ bytes: 1 << 20 })],
  } as const;
  const one = createHeap({ memory: new SharedArrayBuffer(1 << 20), ...stack, lock });
  return { one, two: attachHeap(one.descriptor(), stack, { lock }) };
}

describe("what another agent holds in vain", () => {
  it("can be had: a whole heap of cells that were freed by others, and not collected", () => {
    const { one, two } = pair();
    const blocks: number[] = [];
    for (let ptr = one.alloc(100); ptr !== 0; ptr = one.alloc(100)) blocks.push(ptr);
    expect(blocks.length).toBeGreaterThan(4000);
    const { failures } = one.stats.totals();
    for (const ptr of blocks) two.free(ptr);
    for (const size of [5000, 300_000, 64]) {
      const ptr = two.realloc(two.alloc(size), size + 1);
      expect(ptr, `${size} bytes`).not.toBe(0);
      two.free(ptr);
    }
    // A request that was made again is one request.
    expect(two.stats.totals()).toMatchObject({ failures, currentBytes: 0, allocations: blocks.length + 3 });
    one.check();
  });

  it("can be had by who asks for an alignment, or resizes", () => {
    const asks: readonly ((heap: Heap) => number)[] = [
      (heap) => heap.alloc(300_000, 256),
      (heap) => heap.alloc(300_000, 4096),
      (heap) => heap.realloc(heap.alloc(60_000), 400_000),
      (heap) => heap.reallocUnsafe(0, 400_000, 64),
      (heap) => heap.allocArray(Float64Array, 40_000).byteOffset,
    ];
    for (const ask of asks) {
      const { one, two } = pair();
      const blocks = Array.from({ length: 6000 }, () => one.allocUnsafe(100)).filter((ptr) => ptr !== 0);
      for (const ptr of blocks) two.free(ptr);
      expect(ask(two)).not.toBe(0);
      one.check();
    }
  });

  it("is not asked for where there is none: nobody has to stand still", async () => {
    const { one, two } = pair();
    const blocks: number[] = [];
    for (let ptr = two.alloc(5000); ptr !== 0; ptr = two.alloc(5000)) blocks.push(ptr);
    expect(two.alloc(9000)).toBe(0);
    for (const ptr of blocks) one.free(ptr);
    one.check();
  });
});

describe("an agent that leaves during its enterAsync", () => {
  it("leaves its gate as soon as it comes out, and everybody goes on", async () => {
    const { one, two } = pair();
    const ptr = two.alloc(100);
    const held = await two.enterAsync();
    two.detach();
    held.leave();
    one.check();
    one.free(ptr);
    const three = attachHeap(
      one.descriptor(),
      { strategy: hyperheap(), plugins: [agentCache(), stats(), limit({ bytes: 1 << 20 })] },
      { lock },
    );
    three.free(three.alloc(100));
    one.check();
  });
});

describe("without a lock", () => {
  it("recovery takes no block for one that nobody was given", () => {
    const stack = { strategy: hyperheap(), plugins: [agentCache()] } as const;
    const heap = createHeap({ memory: 1 << 20, ...stack });
    const { agent } = attachHeap(heap.descriptor(), stack);
    const [small, large] = [heap.alloc(50), heap.alloc(50_000)];
    expect(heap.recover(agent).errors).toEqual([]);
    for (const ptr of [small, large]) heap.free(ptr);
    heap.check();
  });
});

describe("a quarantine of an agent that leaves", () => {
  it("comes to an end, whatever its record says", () => {
    const stack = { strategy: hyperheap(), plugins: [agentCache(), delayedFree({ slots: 4 })] } as const;
    const one = createHeap({ memory: new SharedArrayBuffer(1 << 20), ...stack, lock });
    const two = attachHeap(one.descriptor(), stack, { lock });
    const blocks = Array.from({ length: 4 }, () => two.alloc(5000));
    for (const ptr of blocks) two.free(ptr);
    // Its ring: the places of the first two are overwritten.
    const words = one.memory.u32.subarray(0, one.region.areaStart / 4);
    const at = words.indexOf(one.toOffset(blocks[0] as number));
    expect(at).toBeGreaterThan(0);
    words[at] = 48;
    words[at + 2] = 0;
    expect(() => two.detach()).toThrowError(expect.objectContaining({ code: "ERR_INVALID_POINTER" }));
    expect(() => two.alloc(1)).toThrowError(expect.objectContaining({ code: "ERR_DETACHED_HEAP" }));
  });
});
