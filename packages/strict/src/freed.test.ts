/** What is done to freed blocks: written to, freed again, and by whom; and the quarantine that makes it visible. */
import { attachHeap, createHeap, defineStack, type Heap } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { delayedFree, fence, poison, strict } from "@heapwright/strict";
import { describe, expect, it } from "vitest";
import { cells } from "../../../docs/examples/cells.js";
import { caught } from "./fixtures/caught.js";
import { SCENES } from "./fixtures/scenes.js";

/** Frees so many other blocks that whatever waited has left. */
function flush(heap: Heap, blocks = 64): void {
  const ptrs = Array.from({ length: blocks }, () => heap.alloc(16));
  for (const ptr of ptrs) heap.free(ptr);
}

const BLOCKS: readonly (readonly [string, (heap: Heap, size: number) => number])[] = [
  ["a new block", (heap, size) => heap.alloc(size)],
  ["after realloc", (heap, size) => heap.realloc(heap.alloc(3), size)],
  [
    "after a realloc that moved",
    (heap, size) => {
      const ptr = heap.alloc(3);
      heap.alloc(size + 1);
      return heap.realloc(ptr, size);
    },
  ],
];

describe.each(SCENES)("in %s", (_scene, make) => {
  const fresh = () => make([strict({ stacks: "all" })]);

  describe.each(BLOCKS)("%s", (_kind, block) => {
    it.each([
      ["its first byte", 0, 1],
      ["some bytes", 17, 6],
      ["its fence", 100, 4],
    ])("write after free: %s, found by check()", (_what, offset, count) => {
      const heap = fresh();
      const ptr = block(heap, 100);
      heap.free(ptr);
      heap.memory.u8.fill(1, ptr + offset, ptr + offset + count);
      const error = caught(() => heap.check());
      expect(error).toMatchObject({ code: "ERR_USE_AFTER_FREE", ptr, offset, relativeTo: "block" });
      expect(error.block).toMatchObject({ ptr, size: 100, state: "quarantined" });
      expect(error.bytes).toEqual({
        from: ptr + offset,
        to: ptr + offset + count,
        expected: new Uint8Array(count).fill(0xcb),
        actual: new Uint8Array(count).fill(1),
      });
      heap.check();
    });

    it("write after free is found at eviction, with both stacks", () => {
      const heap = fresh();
      function maker(): number {
        return block(heap, 50);
      }
      function breaker(ptr: number): void {
        heap.free(ptr);
      }
      const ptr = maker();
      breaker(ptr);
      heap.memory.u8[ptr + 49] = 0;
      const error = caught(() => flush(heap));
      expect(error).toMatchObject({ code: "ERR_USE_AFTER_FREE", ptr, offset: 49, block: { ptr, size: 50 } });
      expect(error.foundAt).toBe(`free(), agent ${heap.agent}`);
      expect(error.allocatedAt).toContain("maker");
      expect(error.freedAt).toContain("breaker");
      const freed = error.cause as Error;
      expect([freed.message, (freed.cause as Error).message]).toEqual([
        `freed: block #${error.block?.seq}`,
        `allocated: block #${error.block?.seq}`,
      ]);
      heap.check();
    });

    it("double free: at once, while it waits, and after it has left", () => {
      const heap = fresh();
      const ptr = block(heap, 40);
      const seq = heap.dump().length > 0 ? caughtSeq(heap, ptr) : 0;
      heap.free(ptr);
      const before = Buffer.from(heap.snapshot());
      const once = caught(() => heap.free(ptr));
      expect(once).toMatchObject({ code: "ERR_DOUBLE_FREE", ptr, offset: 0 });
      expect(once.block).toMatchObject({ ptr, size: 40, seq, state: "quarantined" });
      expect(once.message).toContain("by agent");
      expect(before.equals(heap.snapshot())).toBe(true);
      flush(heap, 30);
      expect(caught(() => heap.free(ptr))).toMatchObject({ code: "ERR_DOUBLE_FREE", ptr });
      flush(heap, 70);
      expect(caught(() => heap.free(ptr)).code).toBe("ERR_DOUBLE_FREE");
      heap.check();
    });

    it("double free after a merge says who it was", () => {
      const heap = make([strict({ delayedFree: false, stacks: "all" })]);
      heap.alloc(16);
      const left = heap.alloc(48);
      const ptr = block(heap, 40);
      const right = heap.alloc(48);
      heap.alloc(16);
      const seq = caughtSeq(heap, ptr);
      for (const each of [left, ptr, right]) heap.free(each);
      const error = caught(() => heap.free(ptr));
      expect(error).toMatchObject({
        code: "ERR_DOUBLE_FREE",
        ptr,
        block: { ptr, size: 40, seq, state: "free" },
      });
      expect(error.message).toContain(`block #${seq} (40 bytes) at`);
      heap.check();
    });

    it("pointers into, beside and outside of it", () => {
      const heap = fresh();
      const ptr = block(heap, 200);
      const invalid = { code: "ERR_INVALID_POINTER" };
      for (const bad of [ptr + 16, ptr + 1, ptr - 16, heap.region.areaEnd, 4, 2 ** 32 - 16])
        expect(
          caught(() => heap.free(bad)),
          String(bad - ptr),
        ).toMatchObject({ ...invalid, ptr: bad });
      expect(caught(() => heap.free(ptr + 32)).message).toContain("(200 bytes) at");
      heap.free(ptr);
      for (const inside of [ptr + 16, ptr + 208])
        expect(caught(() => heap.free(inside))).toMatchObject({ code: "ERR_DOUBLE_FREE", ptr: inside });
      expect(caught(() => heap.free(ptr + 8))).toMatchObject(invalid);
      for (const call of ["usableSize", "takenSize"] as const)
        expect(caught(() => heap[call](ptr)).code).toBe("ERR_DOUBLE_FREE");
      expect(caught(() => heap.realloc(ptr, 10))).toMatchObject({
        code: "ERR_DOUBLE_FREE",
        block: { ptr, size: 200 },
      });
      heap.check();
    });
  });

  it("inside a page run, live and freed", () => {
    const heap = fresh();
    if (heap.capabilities.maxAlign < 4096) return expect(heap.capabilities.maxAlign).toBe(16);
    const ptr = heap.alloc(9000, 4096);
    for (const bad of [ptr + 4096, ptr + 16])
      expect(caught(() => heap.free(bad))).toMatchObject({
        code: "ERR_INVALID_POINTER",
        block: { ptr, size: 9000 },
      });
    heap.free(ptr);
    for (const bad of [ptr, ptr + 4096, ptr + 16])
      expect(caught(() => heap.free(bad))).toMatchObject({ code: "ERR_DOUBLE_FREE", block: { ptr } });
    heap.memory.u8[ptr + 8999] = 1;
    expect(caught(() => heap.check())).toMatchObject({ code: "ERR_USE_AFTER_FREE", offset: 8999 });
    heap.check();
  });
});

/** Number of a live block, as the dump shows it. */
function caughtSeq(heap: Heap, ptr: number): number {
  const line = heap
    .dump()
    .split("\n")
    .find((each) => each.startsWith(`0x${ptr.toString(16).padStart(8, "0")}`));
  return Number(/#(\d+)/.exec(line ?? "")?.[1]);
}

describe("words of the heap", () => {
  it.each(BLOCKS)("a header that was overwritten is corrupt, at free and at check: %s", (_kind, block) => {
    const heap = createHeap({ memory: 1 << 20, strategy: hyperheap(), plugins: [strict()] });
    const ptr = block(heap, 100);
    heap.alloc(100);
    const header = ptr - 48;
    for (let word = header >>> 2; word < (ptr - 16) >>> 2; word++) {
      const own = heap.memory.u32[word];
      // The tag and the agent can be anything.
      heap.memory.u32[word] = own ^ 0x7abcdef0;
      let found = "";
      try {
        heap.check();
      } catch (error) {
        found = (error as { code: string }).code;
      }
      const place = (word - (header >>> 2)) * 4;
      expect([place, found]).toEqual([place, [16, 20].includes(place) ? "" : "ERR_HEAP_CORRUPT"]);
      heap.memory.u32[word] = own;
    }
    heap.check();
    heap.memory.u32[header >>> 2] = 12;
    expect(caught(() => heap.free(ptr)).code).toBe("ERR_HEAP_CORRUPT");
  });

  it("the size a fence keeps is not believed", () => {
    const heap = createHeap({ memory: 65536, strategy: hyperheap(), plugins: [fence({ before: 0 })] });
    const ptr = heap.alloc(100);
    const slot = (ptr - 16) / 4 + 2;
    expect(heap.memory.u32[slot]).toBe(100);
    for (const size of [0, 113, 1 << 20, 2 ** 32 - 1]) {
      heap.memory.u32[slot] = size;
      for (const call of [
        () => heap.free(ptr),
        () => heap.usableSize(ptr),
        () => heap.realloc(ptr, 9),
        () => heap.check(),
      ])
        expect(caught(call)).toMatchObject({ code: "ERR_HEAP_CORRUPT", ptr });
    }
    heap.memory.u32[slot] = 100;
    heap.free(ptr);
  });

  it.each(BLOCKS)(
    "an overwritten word of the free list is a write after free while it waits, corrupt afterwards: %s",
    (_kind, block) => {
      const heap = createHeap({ memory: 1 << 16, strategy: cells({ bytes: 256 }), plugins: [strict()] });
      const ptr = block(heap, 64);
      heap.free(ptr);
      heap.memory.u32[ptr >>> 2] = 3;
      expect(caught(() => heap.check())).toMatchObject({ code: "ERR_USE_AFTER_FREE", ptr, offset: 0 });
      heap.delayedFree.drain();
      heap.memory.u32[ptr >>> 2] = 3;
      expect(caught(() => heap.check()).code).toBe("ERR_HEAP_CORRUPT");
    },
  );

  it.each(BLOCKS)("a free chunk's header that was overwritten is corrupt: %s", (_kind, block) => {
    const heap = createHeap({ memory: 1 << 20, strategy: hyperheap(), plugins: [strict()] });
    const ptr = block(heap, 100);
    heap.alloc(100);
    heap.free(ptr);
    heap.delayedFree.drain();
    for (const word of [0, 1, 3]) {
      const at = ((ptr - 48) >>> 2) + word;
      const own = heap.memory.u32[at];
      heap.memory.u32[at] = own ^ 0x1230;
      expect(caught(() => heap.check()).code, `word ${word}`).toBe("ERR_HEAP_CORRUPT");
      heap.memory.u32[at] = own;
    }
    heap.check();
  });

  it("the quarantine's record is verified", () => {
    const heap = createHeap({
      memory: 65536,
      strategy: hyperheap(),
      plugins: [delayedFree({ slots: 4 }), poison()],
    });
    const ptrs = [heap.alloc(16), heap.alloc(32), heap.alloc(48)];
    for (const ptr of ptrs) heap.free(ptr);
    const { u32 } = heap.memory;
    const record = u32.indexOf(3, (heap.region.base + 128) >>> 2);
    expect([...u32.subarray(record, record + 5)]).toEqual([3, 0, 3, 96, 0]);
    for (const word of [0, 1, 2, 3, 8, 10, 12]) {
      u32[record + word] ^= 16;
      expect(caught(() => heap.check()).message, `word ${word}`).toMatch(/quarantine/);
      u32[record + word] ^= 16;
    }
    heap.check();
  });
});

describe("every free", () => {
  it("finds a write after free at the next one, wherever the block waits", () => {
    const heap = createHeap({
      memory: 1 << 20,
      strategy: hyperheap(),
      plugins: [strict({ delayedFree: { verify: "every-free" } })],
    });
    const ptrs = Array.from({ length: 20 }, () => heap.alloc(100));
    const last = heap.alloc(16);
    for (const ptr of ptrs) heap.free(ptr);
    heap.memory.u8[ptrs[13] + 5] = 1;
    expect(caught(() => heap.free(last))).toMatchObject({
      code: "ERR_USE_AFTER_FREE",
      ptr: ptrs[13],
      offset: 5,
    });
    heap.free(last);
  });
});

describe("two agents on one heap", () => {
  const stack = defineStack({ strategy: hyperheap(), plugins: [strict({ stacks: "all" })] });

  it("a block freed by one and again by the other is one double free", () => {
    const heap = createHeap({ memory: new SharedArrayBuffer(1 << 20), ...stack });
    const other = attachHeap(structuredClone(heap.descriptor()), stack);
    const ptr = heap.alloc(10);
    heap.free(ptr);
    const error = caught(() => other.free(ptr));
    expect(error).toMatchObject({ code: "ERR_DOUBLE_FREE", ptr, freedAt: "agent 1" });
    expect(error.foundAt).toBe("free(), agent 2");
    expect([heap.strict.reports.length, other.strict.reports.length]).toEqual([0, 1]);
    heap.check();
  });

  it("sees who allocated and who freed, and another's overflow", () => {
    const heap = createHeap({ memory: new SharedArrayBuffer(1 << 20), ...stack });
    const other = attachHeap(structuredClone(heap.descriptor()), stack);
    const ptr = heap.alloc(10);
    heap.memory.u8[ptr + 10] = 0;
    const error = caught(() => other.free(ptr));
    expect(error.message).toContain("found at free(), agent 2");
    expect(error.allocatedAt).toMatch(/^alloc #1, agent 1/);
    other.free(ptr);
    expect(caught(() => heap.free(ptr)).freedAt).toMatch(/^agent 2/);
    expect(heap.delayedFree.count).toBe(1);
    expect(heap.quarantinedBytes).toBe(other.quarantinedBytes);
  });
});
