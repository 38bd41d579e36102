import { conformance } from "@heapwright/conformance";
import { attachHeap, createHeap, defineStack, limit, restoreHeap } from "@heapwright/core";
import { describe, expect, it } from "vitest";
import { bitCells } from "./bit-cells.js";
import { sizes } from "./sizes.js";

describe("bitCells", () => {
  it("takes the lowest free cell", () => {
    const heap = createHeap({ memory: 16384, strategy: bitCells() });
    const [first, second] = [heap.alloc(1), heap.alloc(256)];
    expect(second - first).toBe(256);
    heap.free(first);
    expect([heap.alloc(256), heap.alloc(257)]).toEqual([first, 0]);
  });

  it("has a check that can fail", () => {
    const heap = createHeap({ memory: 16384, strategy: bitCells() });
    const ptr = heap.alloc(1);
    const at = heap.memory.u32.subarray(0, ptr >>> 2).lastIndexOf(1);
    const cells = [...heap.blocks()].length;
    heap.memory.u32[at + (cells >>> 5)] |= 1 << (cells & 31);
    expect(() => heap.check()).toThrow(`there is no cell ${cells}, and it is in use`);
  });

  it.each([
    ["before", 256],
    ["after", 0],
  ])("takes back what a dead agent was about to be given, %s the store that commits", async (_, further) => {
    const stack = defineStack({ strategy: bitCells() });
    const heap = createHeap({ memory: new SharedArrayBuffer(16384), ...stack });
    const other = attachHeap(heap.descriptor(), stack);
    const kept = heap.alloc(10);
    await other.enterAsync();
    const ptr = other.alloc(10);
    // As the journal is in the midst of that call, or of the next one: made stands behind op, ptr, size and tag.
    heap.memory.u32[(heap.region.base + 64 + 32 + 16) >>> 2] = ptr + further - heap.region.base;
    expect(heap.recover(other.agent)).toMatchObject({ held: true, errors: [] });
    const used = [...heap.blocks()].filter(({ state }) => state === "used");
    expect(used.map((block) => block.ptr)).toEqual(further === 0 ? [kept] : [kept, ptr]);
  });
});

describe.each([
  ["nothing", []],
  ["plugins that ask for slots", [sizes(), limit({ bytes: 1 << 15 })]],
])("under %s", (name, plugins) => {
  const stack = defineStack({ strategy: bitCells(), plugins });
  conformance(`bitCells under ${name}`, () => createHeap({ memory: 1 << 16, ...stack }), {
    seed: 7,
    print: false,
    attach: (descriptor) => attachHeap(descriptor, stack),
    restore: (bytes) => restoreHeap(bytes, stack),
    makeShared: () => createHeap({ memory: new SharedArrayBuffer(1 << 16), ...stack }),
  });
});
