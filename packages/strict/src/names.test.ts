/** Names of tags in reports and leaks: the stack's own, where a plugin keeps them, unless the option says otherwise. */
import { createHeap, type HeapError, type Plugin } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { stats } from "@heapwright/stats";
import { type StrictOptions, strict } from "@heapwright/strict";
import { describe, expect, it } from "vitest";
import { caught } from "./fixtures/caught.js";

const make = (options: StrictOptions = {}) =>
  createHeap({
    memory: 1 << 20,
    strategy: hyperheap(),
    plugins: [strict({ stacks: "off", ...options }), stats()],
  });
type Named = ReturnType<typeof make>;

function overflow(heap: Named, tag: number): HeapError {
  const ptr = heap.alloc(10, 16, tag as never);
  heap.memory.u8[ptr + 10] ^= 0xff;
  return caught(() => heap.free(ptr));
}

describe("a tag whose name stats keeps", () => {
  it("is named in a report, in its block, and by at()", () => {
    const heap = make();
    const error = overflow(heap, heap.stats.tag("png.row"));
    expect(error.message).toMatch(
      /^1 byte written past the end of block #1 \(10 bytes, tag "png\.row"\) at 0x/,
    );
    expect(error.block?.tag).toBe("png.row");
    const untagged = heap.alloc(10);
    expect(heap.strict.at(untagged)?.tag).toBe(0);
    expect(heap.strict.at(error.ptr as number)?.tag).toBe("png.row");
  });

  it("groups leaks, those of a scope and of blocks that have moved, too", () => {
    const heap = make();
    const [row, mesh] = ["png.row", "mesh"].map((name) => heap.stats.tag(name));
    heap.alloc(100, 16, row);
    heap.realloc(heap.alloc(10, 16, row), 9000);
    heap.stats.scope(mesh, () => heap.alloc(50));
    expect(heap.strict.leaks()).toMatchObject([
      { tag: "png.row", count: 2, bytes: 9100 },
      { tag: "mesh", count: 1, bytes: 50 },
    ]);
  });

  it("has the name the option gives it, where that gives one", () => {
    const heap = make({ tagName: (tag) => (tag === row ? "a row" : undefined) });
    const row = heap.stats.tag("png.row");
    expect(overflow(heap, row).block?.tag).toBe("a row");
    expect(overflow(heap, heap.stats.tag("mesh")).block?.tag).toBe("mesh");
  });
});

it("without names a tag is its number", () => {
  const heap = createHeap({ memory: 65536, strategy: hyperheap(), plugins: [strict({ stacks: "off" })] });
  heap.alloc(10, 16, 5000 as never);
  expect(heap.strict.leaks()).toMatchObject([{ tag: 5000 }]);
});

it("a layer above that brings no realloc does not lose the tag of a block it moves", () => {
  const passing: Plugin<"passing", undefined> = {
    abi: 1,
    name: "passing",
    version: 1,
    phase: "limit",
    create: ({ alloc }) => ({
      allocator: { alloc: (size, align, tag) => alloc(size, align, tag) },
      api: undefined,
    }),
  };
  const heap = createHeap({
    memory: 65536,
    strategy: hyperheap(),
    plugins: [passing, strict({ stacks: "off" })],
  });
  const ptr = heap.alloc(10, 16, 5000 as never);
  heap.alloc(10, 16, 6000 as never);
  expect(heap.realloc(ptr, 3000)).not.toBe(ptr);
  expect(heap.strict.leaks()).toMatchObject([{ tag: 5000, bytes: 3000 }, { tag: 6000 }]);
});
