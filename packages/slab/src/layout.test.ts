/** The bytes as space.ts draws them, held against the constants and against a heap. */
import { hyperheap } from "@heapwright/hyperheap";
import { tlsf } from "@heapwright/tlsf";
import { expect, it } from "vitest";
import { slots } from "../../../testing/slots.js";
import { opened } from "./fixtures/opened.js";
import {
  CAPACITY,
  COUNTER,
  CURSOR,
  cellsIn,
  classAt,
  HEAD,
  kindOf,
  linkOf,
  liveIn,
  NEXT_AT,
  pairAt,
  SPAN_BYTES,
  SPANS,
  SPARE,
  SPARE_BYTES,
  spanAddress,
  spanAt,
  spanPair,
  TAIL,
  UNLISTED,
} from "./space.js";

it("a class and the pairs of its span are where they are drawn", () => {
  const { heap, space } = opened(1 << 20);
  const { i32, state } = space;
  const blocks = [heap.alloc(100), heap.alloc(100), heap.alloc(100)] as const;
  heap.free(blocks[1]);
  const start = blocks[0];
  expect([start % 2048, space.origin % 2048, blocks[2] - start]).toEqual([0, 0, 224]);
  expect(space.classes - state).toBe(16);
  expect(space.map - space.classes).toBe(33 * 8);

  // |cursor |counter |head |tail |spare |spans |
  const span = (start - space.origin) / 2048 + 1;
  const pair = space.map + 2 + (2 * (start - space.origin)) / 512;
  expect([spanAt(space, start), spanPair(space, span), spanAddress(space, span)]).toEqual([
    span,
    pair,
    start,
  ]);
  const at = space.classes + 8 * 7;
  expect([...i32.subarray(at, at + 8)]).toEqual([
    pair - space.map,
    pair + 5 - space.map,
    span,
    span,
    0,
    1,
    0,
    0,
  ]);
  expect([CURSOR, COUNTER, HEAD, TAIL, SPARE, SPANS]).toEqual([0, 1, 2, 3, 4, 5]);

  // |free |link |size |unit |class - 1 |: cells of 112 bytes begin at granules 0, 7, 14 … and 3 granules into unit 1.
  const kind = (unit: number, link: number): number => (link << 11) | (1 << 9) | (unit << 5) | 6;
  const grid = (unit: number): number => {
    let bits = 0;
    for (let cell = 0; (cell + 1) * 112 <= 2048 - 16; cell++)
      if ((cell * 7) >>> 5 === unit) bits |= 1 << ((cell * 7) & 31);
    return bits;
  };
  const taken = (1 << 0) | (1 << 14);
  expect([...i32.subarray(pair, pair + 8)]).toEqual([
    grid(0) & ~taken,
    kind(0, 0),
    grid(1),
    kind(1, 0),
    grid(2),
    kind(2, 2),
    grid(3),
    kind(3, 0),
  ]);
  expect([kindOf(7, 2, 1), liveIn(space, pair), pairAt(space, 4 * (span - 1))]).toEqual([
    kind(2, 0),
    2,
    pair,
  ]);
  expect([CAPACITY, SPAN_BYTES, SPARE_BYTES].map((word) => i32[state + word])).toEqual([18 * 112, 2044, 0]);
  expect(heap.slab.spanBytes).toBe(2044);
});

it("spans of a class are linked by number, and a full one says that it is in no list", () => {
  const { heap, space } = opened(1 << 20);
  const cells = cellsIn(space, 8, 1);
  const blocks = Array.from({ length: 2 * cells + 1 }, () => heap.alloc(128));
  const at = classAt(space, 8);
  const { i32 } = space;
  const [first, second, third] = [0, cells, 2 * cells].map((index) =>
    spanAt(space, (blocks[index] as number) & -2048),
  ) as [number, number, number];
  expect([i32[at + HEAD], i32[at + TAIL], i32[at + SPANS]]).toEqual([third, third, 3]);
  for (const full of [first, second]) expect(i32[spanPair(space, full) + 5] & UNLISTED).toBe(UNLISTED);
  heap.free(blocks[cells] as number);
  heap.free(blocks[0] as number);
  expect([i32[at + HEAD], i32[at + TAIL]]).toEqual([third, first]);
  const next = (span: number): number => linkOf(i32[spanPair(space, span) + NEXT_AT]);
  expect([next(third), next(second), next(first)]).toEqual([second, first, 0]);
  const before = (span: number): number => linkOf(i32[spanPair(space, span) + 3]);
  expect([before(third), before(second), before(first)]).toEqual([0, third, second]);
});

it.each([
  ["tlsf", tlsf],
  ["hyperheap", hyperheap],
] as const)(
  "over %s cells lie side by side in spans of 2, 4 and 8 KiB, each at a multiple of 2 KiB",
  (_, large) => {
    const { heap, space } = opened(1 << 20, { large: large() });
    const starts = new Map<number, number>();
    let last = 0;
    for (let block = 0; block < 3000; block++) {
      const ptr = heap.alloc(64);
      if (ptr !== last + 64) starts.set(ptr, 0);
      const start = [...starts.keys()].at(-1) as number;
      starts.set(start, ptr + 64 - start);
      last = ptr;
    }
    const sizes = [...starts.values()].slice(0, -1).map((bytes) => Math.ceil(bytes / 2048) * 2048);
    expect([...starts.keys()].every((ptr) => ptr % 2048 === 0)).toBe(true);
    expect(sizes.slice(0, 12)).toEqual([2048, 2048, 2048, 2048, ...Array.from({ length: 8 }, () => 4096)]);
    expect(new Set(sizes.slice(12))).toEqual(new Set([8192]));
    expect(space.tail).toBe(16);
    heap.check();
  },
);

it.each([0, 1, 2, 5])(
  "with %i slots every class has its payloads, aligned, and the slots before them",
  (count) => {
    const { heap, space } = opened(1 << 20, { plugins: [slots(count)] });
    const { slots: words } = heap as unknown as {
      readonly slots: import("../../../testing/slots.js").SlotsApi;
    };
    const header = 16 * Math.ceil(count / 4);
    expect(space.header).toBe(header);
    for (let size = 1; size <= 512; size++) {
      const ptr = heap.alloc(size);
      const isCell = Math.ceil(size / 16) * 16 + header <= 512;
      expect([ptr % 16, heap.usableSize(ptr) >= heap.goodSize(size)]).toEqual([0, true]);
      if (isCell)
        expect([heap.usableSize(ptr), heap.takenSize(ptr)]).toEqual([
          Math.ceil(size / 16) * 16,
          Math.ceil(size / 16) * 16 + header,
        ]);
      for (let index = 0; index < count; index++)
        expect(words.address(ptr, index)).toBe(ptr - 4 * (count - index));
    }
  },
);

it("the map takes 1/64 of the region, and begins with a pair that is 0", () => {
  const { heap, space } = opened(16 << 20);
  const plain = tlsf().stateBytes;
  expect(typeof plain).toBe("function");
  const own = space.largeState - space.state * 4;
  expect((own - 64 - 33 * 32) / heap.region.bytes).toBeLessThan(0.0157);
  heap.alloc(40);
  expect([space.i32[space.map], space.i32[space.map + 1]]).toEqual([0, 0]);
});

it("goodSize promises no more than a large block has that shrank to a cell's size in place", () => {
  const { heap } = opened(1 << 20);
  const ptr = heap.alloc(3000);
  for (let size = 512; size > 0; size--) {
    expect(heap.realloc(ptr, size)).toBe(ptr);
    expect(heap.usableSize(ptr)).toBeGreaterThanOrEqual(heap.goodSize(size));
    expect(heap.goodSize(size)).toBeGreaterThanOrEqual(size);
  }
});

it("a small request with an alignment is a cell whose size is a multiple of it", () => {
  const { heap } = opened(1 << 20);
  for (const align of [32, 64, 128, 256, 512] as const) {
    for (let size = 1; size <= 512; size += 13) {
      const ptr = heap.alloc(size, align);
      expect([ptr % align, heap.usableSize(ptr)]).toEqual([0, Math.ceil(size / align) * align]);
    }
  }
  heap.check();
});
