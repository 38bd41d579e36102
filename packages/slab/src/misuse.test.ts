/** Pointers that are no blocks: the right error, and the heap as it was. */
import { type Heap, isHeapError } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { tlsf } from "@heapwright/tlsf";
import { describe, expect, it } from "vitest";
import { slots } from "../../../testing/slots.js";
import { opened } from "./fixtures/opened.js";
import { slab } from "./slab.js";
import { classAt, HEAD } from "./space.js";

/** The code of what a call throws, and whether it changed a byte. */
function outcome(heap: Heap, act: () => unknown): string {
  const before = heap.memory.u8.slice();
  let code = "nothing";
  try {
    act();
  } catch (error) {
    if (!isHeapError(error)) throw error;
    code = error.code;
  }
  const after = heap.memory.u8;
  return before.every((byte, at) => after[at] === byte) ? code : `${code}, and bytes have changed`;
}

const CALLS: readonly (readonly [string, (heap: Heap, ptr: number) => unknown])[] = [
  ["free", (heap, ptr) => heap.free(ptr)],
  ["realloc", (heap, ptr) => heap.realloc(ptr, 20)],
  ["usableSize", (heap, ptr) => heap.usableSize(ptr)],
  ["takenSize", (heap, ptr) => heap.takenSize(ptr)],
];

const LARGE = [tlsf, hyperheap] as const;

describe.each(LARGE.flatMap((large) => [0, 1, 5].map((count) => ({ large, name: large.name, count }))))(
  "over $name with $count slots",
  ({ large, count }) => {
    it.each(CALLS)("%s refuses what is no block", (_name, call) => {
      const { heap, space } = opened(64 << 10, { large: large(), plugins: [slots(count)] });
      // Cells of 112 bytes: seven granules, so that they cross units.
      const cells = Array.from({ length: 12 }, () => heap.alloc(112 - space.header));
      const [a, b] = [cells[3], cells[8]] as [number, number];
      const big = heap.alloc(3000);
      heap.free(b);
      const { areaStart, areaEnd } = heap.region;
      for (let offset = 1; offset < 112 - space.header; offset++)
        expect(outcome(heap, () => call(heap, a + offset))).toBe("ERR_INVALID_POINTER");
      const rest = (a & -2048) + 2048 - 16;
      for (const ptr of [8, areaStart - 16, areaEnd, areaEnd + 16, 2 ** 32 - 16, rest, big + 16, big + 2048])
        expect(outcome(heap, () => call(heap, ptr))).toBe("ERR_INVALID_POINTER");
      if (count > 0) expect(outcome(heap, () => call(heap, a - 16))).toBe("ERR_INVALID_POINTER");
      // The freed cell, what lies in it, a cell that never was.
      for (const ptr of [b, b + 16, (a & -2048) + 112 * 14 + space.header])
        expect(outcome(heap, () => call(heap, ptr))).toBe("ERR_DOUBLE_FREE");
      heap.free(a);
      expect(outcome(heap, () => call(heap, a))).toBe("ERR_DOUBLE_FREE");
      heap.free(big);
      expect(outcome(heap, () => call(heap, big))).toBe("ERR_DOUBLE_FREE");
      heap.check();
    });
  },
);

it("a pointer into a span that was given back is one into free memory", () => {
  const { heap } = opened(64 << 10);
  const ptr = heap.alloc(64);
  heap.free(ptr);
  heap.slab.trim();
  for (const offset of [0, 16, 64, 1024])
    expect(outcome(heap, () => heap.free(ptr + offset))).toBe("ERR_DOUBLE_FREE");
});

it("what is written into a cell, live or free, changes no call", () => {
  const { heap } = opened(64 << 10);
  const blocks = Array.from({ length: 40 }, () => heap.alloc(48));
  for (const ptr of blocks.filter((_, index) => index % 2 === 0)) heap.free(ptr);
  const span = (blocks[0] as number) & -2048;
  heap.memory.u8.fill(0x41, span, span + 2032);
  const again = Array.from({ length: 22 }, () => heap.allocUnsafe(48));
  expect(new Set([...again, ...blocks.filter((_, index) => index % 2 === 1)]).size).toBe(42);
  expect(again.every((ptr) => ptr >= span && ptr < span + 2048 && (ptr - span) % 48 === 0)).toBe(true);
  heap.check();
});

it("a list that leads to what is no span of the class is not followed", () => {
  for (const planted of [-1, 0x1fffff, 4]) {
    const { heap, space } = opened(64 << 10);
    const blocks = Array.from({ length: 70 }, () => heap.alloc(64));
    heap.free(blocks[0] as number);
    space.i32[classAt(space, 4)] = 0;
    space.i32[classAt(space, 4) + HEAD] = planted;
    expect(outcome(heap, () => heap.alloc(64))).toBe("ERR_HEAP_CORRUPT");
  }
});

describe("options", () => {
  it.each([0, 8, 24, 528, -16, 16.5, Number.NaN])("upTo %d is refused", (upTo) => {
    expect(() => slab({ large: tlsf(), upTo })).toThrow(RangeError);
  });

  it("a large that cannot be stood on is refused, by name", () => {
    for (const large of [undefined, null, 5, {}, { create() {} }])
      expect(() => slab({ large: large as never })).toThrow(/large must be a strategy/);
    const capabilities = tlsf().capabilities;
    expect(() => slab({ large: { ...tlsf(), capabilities: { ...capabilities, free: "last" } } })).toThrow(
      /"tlsf" frees last/,
    );
    expect(() => slab({ large: { ...tlsf(), capabilities: { ...capabilities, maxAlign: 1024 } } })).toThrow(
      /"tlsf" aligns to 1024/,
    );
  });
});
