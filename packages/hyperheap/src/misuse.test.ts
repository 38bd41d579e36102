/**
 * Wrong arguments: each gets the code the design gives it and changes no byte, in every kind of memory, without plugins' slots
 * and with headers of 32 and 48 bytes.
 */
import type { Heap, Ptr } from "@heapwright/core";
import { beforeEach, describe, expect, it } from "vitest";
import { slots } from "../../../testing/slots.js";
import { headerBytes } from "./fixtures/header-bytes.js";
import { heapOf, KINDS, outcome, PAGE } from "./fixtures/places.js";
import { forgeThree, type Scene, sceneOf } from "./fixtures/scene.js";

/** A heap as JavaScript sees it: anything may be given. */
interface Untyped {
  alloc(size?: unknown, align?: unknown, tag?: unknown): unknown;
  allocUnsafe(size?: unknown, align?: unknown, tag?: unknown): unknown;
  realloc(ptr?: unknown, size?: unknown, align?: unknown, tag?: unknown): unknown;
  reallocUnsafe(ptr?: unknown, size?: unknown, align?: unknown, tag?: unknown): unknown;
  dup(bytes?: unknown, align?: unknown, tag?: unknown): unknown;
  scoped(size?: unknown, align?: unknown, tag?: unknown): unknown;
  goodSize(size?: unknown): unknown;
  grow(bytes?: unknown): unknown;
  free(ptr?: unknown): unknown;
  usableSize(ptr?: unknown): unknown;
  takenSize(ptr?: unknown): unknown;
}
const untyped = (heap: Heap): Untyped => heap as unknown as Untyped;

/** What is not even converted to a number. */
const ODD = [10n, 16n, Symbol("symbol"), Object.create(null)];

const BAD_SIZES = [
  0,
  -0,
  -1,
  1.5,
  Number.NaN,
  Infinity,
  -Infinity,
  2 ** 32,
  2 ** 53,
  "16",
  "",
  undefined,
  null,
  {},
  true,
  ...ODD,
];
const BAD_ALIGNS = [3, 24, 8192, -16, 1.5, Number.NaN, Infinity, 2 ** 32, "16", null, {}, true, ...ODD];
const BAD_TAGS = [
  1,
  16,
  4096,
  -1,
  -5000,
  4097.5,
  Number.NaN,
  Infinity,
  2 ** 32,
  "5000",
  null,
  {},
  true,
  ...ODD,
];
const NO_ADDRESSES = [
  Number.NaN,
  1.5,
  -1,
  -16,
  Infinity,
  2 ** 32,
  2 ** 32 + 16,
  "x",
  "16",
  undefined,
  null,
  {},
  [],
  true,
  ...ODD,
];
/** Valid sizes nobody has: what is near 2^32 wraps when it is rounded up or a header is added. */
const HUGE = [
  2 ** 32 - 1,
  2 ** 32 - 8,
  2 ** 32 - 15,
  2 ** 32 - 16,
  2 ** 32 - 17,
  2 ** 32 - 4096,
  2 ** 31,
  2 ** 31 - 1,
];

/** How a value is called in a test's message; a template would convert what cannot be converted. */
function name(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "[]" : "{}";
  return Object.is(value, -0) ? "-0" : String(value);
}

/** What every call of a list did, by its name; and the same list with one answer for all. */
function tell(heap: Heap, calls: readonly (readonly [string, () => unknown])[]): Record<string, string> {
  return Object.fromEntries(calls.map(([title, call]) => [title, outcome(heap, call)]));
}
function all(calls: readonly (readonly [string, unknown])[], answer: string): Record<string, string> {
  return Object.fromEntries(calls.map(([title]) => [title, answer]));
}

const PLACES = KINDS.flatMap((kind) => [0, 5, 9].map((count) => ({ kind, count, h: headerBytes(count) })));

describe.each(PLACES)("$kind, headers of $h bytes", ({ kind, count, h }) => {
  let heap: Heap;
  let scene: Scene;
  beforeEach(() => {
    heap = heapOf({ kind, areaBytes: 12 * PAGE, plugins: count === 0 ? [] : [slots(count, 1)] });
    scene = sceneOf(heap, h);
    heap.check();
  });

  it("refuses what is no size", () => {
    const free = untyped(heap);
    const calls = BAD_SIZES.flatMap((size) => {
      const value = name(size);
      return [
        [`alloc(${value})`, () => free.alloc(size)],
        [`alloc(${value}, 64)`, () => free.alloc(size, 64)],
        [`alloc(${value}, 4096)`, () => free.alloc(size, 4096)],
        [`allocUnsafe(${value})`, () => free.allocUnsafe(size)],
        [`realloc(block, ${value})`, () => free.realloc(scene.used, size)],
        [`realloc(run, ${value})`, () => free.realloc(scene.run, size)],
        [`realloc(0, ${value})`, () => free.realloc(0, size)],
        [`reallocUnsafe(block, ${value})`, () => free.reallocUnsafe(scene.used, size)],
        [`scoped(${value})`, () => free.scoped(size)],
        [`goodSize(${value})`, () => free.goodSize(size)],
        [`grow(${value})`, () => free.grow(size)],
      ] as const;
    });
    expect(tell(heap, calls)).toEqual(all(calls, "ERR_INVALID_SIZE"));
  });

  it("refuses what is no alignment", () => {
    const free = untyped(heap);
    const calls = BAD_ALIGNS.flatMap((align) => {
      const value = name(align);
      return [
        [`alloc(16, ${value})`, () => free.alloc(16, align)],
        [`allocUnsafe(16, ${value})`, () => free.allocUnsafe(16, align)],
        [`realloc(block, 16, ${value})`, () => free.realloc(scene.used, 16, align)],
        [`realloc(0, 16, ${value})`, () => free.realloc(0, 16, align)],
        [`reallocUnsafe(run, 16, ${value})`, () => free.reallocUnsafe(scene.run, 16, align)],
        [`dup(bytes, ${value})`, () => free.dup(new Uint8Array(16), align)],
        [`scoped(16, ${value})`, () => free.scoped(16, align)],
      ] as const;
    });
    expect(tell(heap, calls)).toEqual(all(calls, "ERR_INVALID_ALIGNMENT"));
  });

  it("refuses what is no tag, and a tag in the alignment's place", () => {
    const free = untyped(heap);
    const calls = BAD_TAGS.flatMap((tag) => {
      const value = name(tag);
      return [
        [`alloc(16, 16, ${value})`, () => free.alloc(16, 16, tag)],
        [`allocUnsafe(16, 64, ${value})`, () => free.allocUnsafe(16, 64, tag)],
        [`realloc(block, 16, 16, ${value})`, () => free.realloc(scene.used, 16, 16, tag)],
        [`reallocUnsafe(0, 16, 16, ${value})`, () => free.reallocUnsafe(0, 16, 16, tag)],
        [`dup(bytes, 16, ${value})`, () => free.dup(new Uint8Array(16), 16, tag)],
      ] as const;
    });
    expect(tell(heap, calls)).toEqual(all(calls, "ERR_INVALID_OPTION"));
    expect(outcome(heap, () => free.alloc(16, 5000))).toBe("ERR_INVALID_ALIGNMENT");
  });

  it("answers valid sizes it cannot have with 0", () => {
    const calls = HUGE.flatMap((size) => {
      const value = `2 ** 32 - ${2 ** 32 - size}`;
      return [
        [`alloc(${value})`, () => heap.alloc(size)],
        [`allocUnsafe(${value}, 32)`, () => heap.allocUnsafe(size, 32)],
        [`alloc(${value}, 2048)`, () => heap.alloc(size, 2048)],
        [`alloc(${value}, 4096)`, () => heap.alloc(size, 4096)],
        [`realloc(block, ${value})`, () => heap.realloc(scene.used, size)],
        [`realloc(last block, ${value})`, () => heap.realloc(scene.beforeTail, size)],
        [`realloc(run, ${value})`, () => heap.realloc(scene.run, size)],
        [`reallocUnsafe(block, ${value}, 4096)`, () => heap.reallocUnsafe(scene.used, size, 4096)],
        [`reallocUnsafe(0, ${value})`, () => heap.reallocUnsafe(0, size)],
      ] as const;
    });
    expect(tell(heap, calls)).toEqual(all(calls, "0"));
  });

  /** The calls that take a pointer. */
  const CALLS = {
    free: (ptr: unknown) => untyped(heap).free(ptr),
    realloc: (ptr: unknown) => untyped(heap).realloc(ptr, 24),
    reallocUnsafe: (ptr: unknown) => untyped(heap).reallocUnsafe(ptr, 5000, 64),
    usableSize: (ptr: unknown) => untyped(heap).usableSize(ptr),
    takenSize: (ptr: unknown) => untyped(heap).takenSize(ptr),
  };

  describe.each(Object.keys(CALLS) as (keyof typeof CALLS)[])("%s", (call) => {
    const pointers = (list: readonly (readonly [string, unknown])[]) =>
      list.map(([title, ptr]) => [title, () => CALLS[call](ptr)] as const);

    it("refuses what is no address", () => {
      const calls = pointers(NO_ADDRESSES.map((value) => [name(value), value]));
      expect(tell(heap, calls)).toEqual(all(calls, "ERR_INVALID_POINTER"));
    });

    it("refuses what is not in a live block or is not its start", () => {
      const calls = pointers(Object.entries(scene.invalid));
      expect(tell(heap, calls)).toEqual(all(calls, "ERR_INVALID_POINTER"));
    });

    it("tells what was freed", () => {
      const calls = pointers(Object.entries(scene.freed));
      expect(tell(heap, calls)).toEqual(all(calls, "ERR_DOUBLE_FREE"));
    });

    it("is not taken in by three consistent headers in a payload", () => {
      const forged = forgeThree(heap, scene.host, h);
      const calls = pointers(forged.map((ptr, index) => [`forged ${index}`, ptr]));
      expect(tell(heap, calls)).toEqual(all(calls, "ERR_INVALID_POINTER"));
      heap.check();
    });

    it("is not taken in by a header in freed memory that says it is used", () => {
      const { ptr, restore } = revive(heap, scene.freed["a freed block"] as Ptr, h);
      expect(outcome(heap, () => CALLS[call](ptr))).toBe("ERR_DOUBLE_FREE");
      restore();
      heap.check();
    });
  });

  it("has 0 for null: free ignores it, the others refuse it or allocate", () => {
    expect(outcome(heap, () => heap.free(0))).toBe("undefined");
    expect(outcome(heap, () => heap.free(-0))).toBe("undefined");
    expect(outcome(heap, () => heap.usableSize(0))).toBe("ERR_INVALID_POINTER");
    expect(outcome(heap, () => heap.takenSize(0))).toBe("ERR_INVALID_POINTER");
    expect(heap.usableSize(heap.realloc(0, 24))).toBeGreaterThanOrEqual(24);
  });

  it("still works after all of it", () => {
    for (const ptr of scene.live) heap.free(ptr);
    heap.check();
    expect(heap.freeBytes).toBe(heap.capacity - h);
    for (const ptr of scene.live) expect(outcome(heap, () => heap.free(ptr))).toBe("ERR_DOUBLE_FREE");
  });
});

/** Writes a used chunk's header where a merge has wiped one: as a stray write of a freed block's old holder might. */
function revive(heap: Heap, ptr: Ptr, h: number): { ptr: Ptr; restore(): void } {
  const inside = ptr + 16 + h;
  const { i32 } = heap.memory;
  const first = (inside - h) >>> 2;
  const saved = i32.slice(first, first + h / 4);
  i32.set([16 + h, -(16 + h) | 1, 0, heap.region.base - (inside - h)], first);
  return { ptr: inside, restore: () => i32.set(saved, first) };
}
