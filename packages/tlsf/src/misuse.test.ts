/** Pointers that are no blocks, and free memory that was written to: the right error, and the heap as it was. */
import { createHeap, type Heap, isHeapError } from "@heapwright/core";
import { describe, expect, it } from "vitest";
import { slots } from "../../../testing/slots.js";
import { opened } from "./fixtures/opened.js";
import { linkOf } from "./space.js";
import { tlsf } from "./tlsf.js";

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

describe.each([0, 1, 5])("with %i slots", (count) => {
  it.each(CALLS)("%s refuses what is no block", (_name, call) => {
    const heap = createHeap({ memory: 64 << 10, strategy: tlsf(), plugins: [slots(count)] });
    const a = heap.alloc(100);
    const b = heap.alloc(100);
    const c = heap.alloc(100);
    heap.free(b);
    const { areaStart, areaEnd } = heap.region;
    const header = 4 * (1 + count);
    for (let offset = 1; offset < 100; offset++)
      expect(outcome(heap, () => call(heap, a + offset))).toBe("ERR_INVALID_POINTER");
    for (const ptr of [8, areaStart - 16, areaEnd, areaEnd + 16, 2 ** 32 - 16, a - header, c - 4])
      expect(outcome(heap, () => call(heap, ptr))).toBe("ERR_INVALID_POINTER");
    // The freed block, what it would be, and the top.
    for (const ptr of [b, b + 16, areaEnd - 1024])
      expect(outcome(heap, () => call(heap, ptr))).toBe("ERR_DOUBLE_FREE");
    heap.free(a);
    for (const ptr of [a, b]) expect(outcome(heap, () => call(heap, ptr))).toBe("ERR_DOUBLE_FREE");
    heap.check();
  });
});

it("headers forged inside a payload make no block", () => {
  const { heap, space } = opened(64 << 10);
  const a = heap.alloc(300);
  for (let ptr = a + 16; ptr < a + 288; ptr += 16) {
    space.i32[(ptr >>> 2) - 1] = 2;
    expect(outcome(heap, () => heap.free(ptr))).toBe("ERR_INVALID_POINTER");
  }
  heap.check();
});

/** Two free chunks of 5 granules, in one list, between blocks. */
function holes() {
  const made = opened(64 << 10);
  const { heap, space } = made;
  const [, first, between, second, behind] = Array.from({ length: 5 }, () => heap.allocUnsafe(76)) as [
    number,
    number,
    number,
    number,
    number,
  ];
  heap.free(first);
  heap.free(second);
  const at = (ptr: number): number => ptr >>> 2;
  const linkTo = (ptr: number): number => linkOf(space, (ptr - space.areaStart) >>> 4);
  return { ...made, first, between, second, behind, at, linkTo };
}
type Holes = ReturnType<typeof holes>;

const WRITTEN: readonly (readonly [string, (holes: Holes) => void])[] = [
  [
    "next, to a live block",
    ({ space, at, second, linkTo, between }) => (space.i32[at(second)] = linkTo(between)),
  ],
  ["next, far away", ({ space, at, second }) => (space.i32[at(second)] = 0x41414141)],
  ["next, negative", ({ space, at, second }) => (space.i32[at(second)] = -64)],
  ["size, by the block before", ({ space, at, second }) => (space.i32[at(second) - 1] = 0x41414141)],
];

describe("written into free memory", () => {
  it.each(WRITTEN)("%s: the next alloc of that size says so", (_name, write) => {
    const made = holes();
    write(made);
    expect(outcome(made.heap, () => made.heap.allocUnsafe(76))).toBe("ERR_HEAP_CORRUPT");
  });

  it.each([
    ...WRITTEN,
    ["prev", ({ space, at, second }: Holes) => (space.i32[at(second) + 1] = 0x41414141)] as const,
    ["foot", ({ space, at, second }: Holes) => (space.i32[at(second) + 18] = 7)] as const,
  ])("%s: freeing the block before says so", (_name, write) => {
    const made = holes();
    write(made);
    expect(outcome(made.heap, () => made.heap.free(made.between))).toBe("ERR_HEAP_CORRUPT");
  });

  it.each([
    ...WRITTEN,
    ["prev", ({ space, at, second }: Holes) => (space.i32[at(second) + 1] = 0x41414141)] as const,
    ["foot", ({ space, at, second }: Holes) => (space.i32[at(second) + 18] = 7)] as const,
  ])("%s: freeing the block behind says so", (_name, write) => {
    const made = holes();
    write(made);
    expect(outcome(made.heap, () => made.heap.free(made.behind))).toBe("ERR_HEAP_CORRUPT");
  });

  it.each(WRITTEN)("%s: growing into it says so", (_name, write) => {
    const made = holes();
    write(made);
    expect(outcome(made.heap, () => made.heap.reallocUnsafe(made.between, 100))).toBe("ERR_HEAP_CORRUPT");
  });

  it("a header of a live block that cannot be true stops its free", () => {
    for (const size of [0, -1, 0x41414141, 1 << 20, 2]) {
      const { heap, space, between, at } = holes();
      space.i32[at(between) - 1] = size;
      expect(outcome(heap, () => heap.free(between))).toBe("ERR_HEAP_CORRUPT");
    }
  });
});
