/** What is about all blocks of a heap with a front: copies, reset, growth. */
import { describe, expect, it } from "vitest";
import {
  another,
  fill,
  findings,
  first,
  largest,
  make,
  spansOf,
  type Wanted,
} from "../fixtures/front-world.js";
import { type Heap, type MemorySource, restoreHeap } from "../index.js";

/** Fills a block with bytes that follow from where it is. */
function mark({ memory }: Heap, ptr: number, size: number, by = ptr): void {
  memory.u8.fill((by >>> 4) % 251, ptr, ptr + size);
}

function isMarked({ memory }: Heap, ptr: number, size: number, by = ptr): boolean {
  return memory.u8.subarray(ptr, ptr + size).every((byte) => byte === (by >>> 4) % 251);
}

describe("all of the heap", () => {
  it.each<[string, (bytes: number) => MemorySource]>([
    ["an ArrayBuffer", (bytes) => new ArrayBuffer(bytes)],
    ["a SharedArrayBuffer", (bytes) => new SharedArrayBuffer(bytes)],
  ])("is copied with the blocks of every agent, to %s", (_, memory) => {
    const memoryOf = (bytes: number): Wanted => ({ memory: new SharedArrayBuffer(bytes) });
    const one = first(memoryOf(4 << 20));
    const agents = [one, another(one), another(one)];
    const { region } = one.heap;
    const whole = largest(first(memoryOf(4 << 20)).heap);
    const live: number[] = [];
    for (let round = 0; round < 900; round++) {
      const { heap } = agents[round % 3] as (typeof agents)[number];
      const ptr = heap.alloc(1 + ((round * 89) % 2500));
      mark(heap, ptr, heap.usableSize(ptr));
      if (round % 4 === 0) agents[(round >> 2) % 3]?.heap.free(ptr);
      else live.push(ptr);
    }
    agents[2]?.heap.detach();
    const bytes = one.heap.snapshot();
    const copy = make(
      {},
      (stack) => restoreHeap(bytes, { memory: memory(5 << 20), base: 4096, ...stack }) as Heap,
    );
    expect(findings(copy.heap)).toBe("");
    const used = [...copy.heap.blocks()].filter(({ state }) => state === "used");
    expect(used.map(({ ptr }) => ptr - 4096)).toEqual(
      live.map((ptr) => ptr - region.base).sort((a, b) => a - b),
    );
    for (const ptr of live) expect(isMarked(copy.heap, ptr + 4096, one.heap.usableSize(ptr), ptr)).toBe(true);
    for (const ptr of live) copy.heap.free(ptr + 4096);
    expect(copy.heap.alloc(whole)).not.toBe(0);
    expect(findings(copy.heap)).toBe("");
    expect(findings(one.heap)).toBe("");
  });

  it("ends with reset, for every agent", () => {
    const one = first();
    const two = another(one);
    const whole = largest(first().heap);
    const old = [one, two].flatMap(({ heap }) => [heap.alloc(100), heap.alloc(5000), heap.alloc(100)]);
    two.heap.free(old[0] as number);
    one.heap.reset?.();
    expect(spansOf(one)).toBe(0);
    expect(findings(one.heap)).toBe("");
    for (const ptr of old)
      expect(() => two.heap.free(ptr)).toThrowError(
        expect.objectContaining({ code: expect.stringMatching(/DOUBLE_FREE|INVALID_POINTER/) }),
      );
    two.heap.free(two.heap.alloc(whole));
    for (const { heap } of [one, two, one]) expect(heap.alloc(100)).not.toBe(0);
    expect(findings(two.heap)).toBe("");
  });

  it("grows for a span, and every agent's views with it", () => {
    const memory = new WebAssembly.Memory({ initial: 2, maximum: 64, shared: true });
    const one = first({ memory, growth: { max: 4 << 20 } });
    const two = another(one);
    const before = one.heap.region.bytes;
    const blocks = fill(one.heap, 500);
    expect(one.heap.region.bytes).toBeGreaterThan(30 * before);
    for (const ptr of blocks) mark(one.heap, ptr, 500);
    for (const ptr of blocks) if (!isMarked(two.heap, ptr, 500)) expect(ptr).toBe("as it was");
    for (const ptr of blocks) two.heap.free(ptr);
    expect(findings(two.heap)).toBe("");
    expect(fill(one.heap, 500).length).toBe(blocks.length);
    expect(findings(one.heap)).toBe("");
  });
});
