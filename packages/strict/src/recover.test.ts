/** What the decorators make anew after an agent has died; every point it can die at is in the conformance package's tests. */
import { attachHeap, createHeap, defineStack, type Lock } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { delayedFree, fence, poison, strict } from "@heapwright/strict";
import { describe, expect, it } from "vitest";

const lock: Lock = { enter: () => {}, tryEnter: () => true, leave: () => {} };

describe("the quarantine", () => {
  const stack = defineStack({ strategy: hyperheap(), plugins: [poison(), delayedFree({ slots: 4 })] });

  function waiting() {
    const heap = createHeap({ memory: 1 << 17, ...stack, lock });
    const blocks = Array.from({ length: 6 }, (_, index) => heap.alloc(100 * (index + 1)));
    const run = heap.alloc(4096, 4096);
    for (const ptr of [blocks[2], run, blocks[0]]) heap.free(ptr as number);
    const dead = attachHeap(heap.descriptor(), stack, { lock });
    return { heap, blocks, run, dead: dead.agent };
  }

  it("is made anew from the blocks: order, bytes and all", () => {
    const { heap, blocks, run, dead } = waiting();
    const bytes = heap.delayedFree.bytes;
    // The ring, somewhere in the header: count 3, first 0, order 3, bytes.
    const words = heap.memory.u32.subarray(0, heap.region.areaStart / 4);
    const at = words.findIndex(
      (word, index) => word === 3 && words[index + 2] === 3 && words[index + 3] === bytes,
    );
    expect(at).toBeGreaterThan(0);
    for (const [word, wrong] of [
      [0, 0],
      [0, 2],
      [1, 3],
      [2, 4],
      [3, 7],
      [4, 9],
    ] as const) {
      const was = words[at + word] as number;
      words[at + word] = wrong;
      const { errors, held, operation } = heap.recover(dead);
      expect([errors, held, operation]).toEqual([[], false, "none"]);
      expect([heap.delayedFree.count, heap.delayedFree.bytes]).toEqual([3, bytes]);
      expect([heap.quarantinedBytes, heap.pageBytes]).toEqual([bytes, 0]);
      if (word !== 2) expect(words[at + word]).toBe(word === 1 ? 0 : was);
    }
    // In the order they were freed in: the next two drive the first one out.
    heap.free(blocks[1] as number);
    heap.free(blocks[3] as number);
    expect(() => heap.free(blocks[2] as number)).toThrowError(
      expect.objectContaining({ code: "ERR_DOUBLE_FREE" }),
    );
    expect(
      [...heap.blocks()]
        .filter(({ state }) => state === "quarantined")
        .map(({ ptr }) => ptr)
        .sort(),
    ).toEqual([run, blocks[0], blocks[1], blocks[3]].sort());
    heap.check();
  });

  it("frees what there is no place for", () => {
    const { heap, blocks, dead } = waiting();
    // Two more say that they wait, as if whoever freed them had died each time before the ring knew.
    for (const [index, order] of [
      [1, 4],
      [3, 5],
    ] as const) {
      const ptr = blocks[index] as number;
      heap.memory.u8.fill(0xcb, ptr, ptr + heap.usableSize(ptr));
      heap.memory.u32[(ptr - 8) / 4] = order;
    }
    heap.recover(dead);
    expect(heap.delayedFree.count).toBe(4);
    heap.check();
    expect(() => heap.usableSize(blocks[2] as number)).toThrowError(
      expect.objectContaining({ code: "ERR_DOUBLE_FREE" }),
    );
    heap.delayedFree.drain();
    expect(heap.quarantinedBytes).toBe(0);
    heap.check();
  });
});

describe("a fence", () => {
  it("that ends behind its block is drawn where that ends", () => {
    const stack = defineStack({ strategy: hyperheap(), plugins: [fence({ bytes: 32, before: 0 })] });
    const heap = createHeap({ memory: 1 << 17, ...stack, lock });
    const ptr = heap.alloc(100);
    const { agent } = attachHeap(heap.descriptor(), stack, { lock });
    // As if a realloc to less had given back the end, and not yet said so: 144 bytes are there for block and fence.
    heap.memory.u32[(ptr - 8) / 4] = 4000;
    expect(heap.recover(agent).errors).toEqual([]);
    expect(heap.usableSize(ptr)).toBe(112);
    heap.memory.u8[ptr + 111] = 1;
    heap.free(ptr);
  });
});

describe("the record", () => {
  it("gives a block whose free had begun its life back, and a number that is its own", () => {
    const stack = defineStack({
      strategy: hyperheap(),
      plugins: [strict({ stacks: "off", fence: false, delayedFree: false })],
    });
    const heap = createHeap({ memory: 1 << 17, ...stack, lock });
    const [one, two] = [heap.alloc(100), heap.alloc(100)];
    const { agent } = attachHeap(heap.descriptor(), stack, { lock });
    const { u32 } = heap.memory;
    const seqAt = (ptr: number) => (ptr - 24) / 4;
    u32[seqAt(one)] = (u32[seqAt(one)] as number) ^ 0x80000000;
    expect(() => heap.check()).toThrowError(/it was freed/);
    expect(heap.recover(agent).errors).toEqual([]);
    expect(heap.strict.at(one)?.seq).toBe(1);
    u32[seqAt(two)] = u32[seqAt(one)] as number;
    expect(heap.recover(agent).errors).toEqual([]);
    expect([heap.strict.at(one)?.seq, heap.strict.at(two)?.seq]).toEqual([1, 3]);
    heap.free(one);
    heap.free(two);
    heap.check();
  });
});
