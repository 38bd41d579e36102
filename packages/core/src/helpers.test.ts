import { hyperheap } from "@heapwright/hyperheap";
import { describe, expect, it } from "vitest";
import { createHeap, type Heap } from "./index.js";

const coded = (code: string) => expect.objectContaining({ code });

/** Heaps on every memory; those that grow detach or replace their buffers in different ways. */
const KINDS: readonly (readonly [string, () => Heap])[] = [
  ["ArrayBuffer", () => createHeap({ memory: 1 << 16, strategy: hyperheap() })],
  [
    "resizable ArrayBuffer",
    () => createHeap({ memory: 1 << 16, growth: { max: 1 << 20 }, strategy: hyperheap() }),
  ],
  ["SharedArrayBuffer", () => createHeap({ memory: new SharedArrayBuffer(1 << 16), strategy: hyperheap() })],
  [
    "growable SharedArrayBuffer",
    () =>
      createHeap({
        memory: new SharedArrayBuffer(1 << 16, { maxByteLength: 1 << 20 }),
        growth: {},
        strategy: hyperheap(),
      }),
  ],
  [
    "WebAssembly.Memory",
    () =>
      createHeap({
        memory: new WebAssembly.Memory({ initial: 1 }),
        growth: { max: 1 << 20 },
        strategy: hyperheap(),
      }),
  ],
  [
    "shared WebAssembly.Memory",
    () =>
      createHeap({
        memory: new WebAssembly.Memory({ initial: 1, maximum: 16, shared: true }),
        growth: { max: 1 << 20 },
        strategy: hyperheap(),
      }),
  ],
];

describe.each(KINDS)("typed helpers on %s", (kind, make) => {
  const grows = kind !== "ArrayBuffer" && kind !== "SharedArrayBuffer";

  it("allocArray gives zeroed typed arrays, freed by their view", () => {
    const heap = make();
    const before = heap.freeBytes;
    const types = [
      Uint8Array,
      Int16Array,
      Uint32Array,
      Float32Array,
      Float64Array,
      BigInt64Array,
      Uint8ClampedArray,
    ] as const;
    const views = types.map((type) => heap.allocArray(type as typeof Uint8Array, 10));
    for (const [index, view] of views.entries()) {
      expect(view).toBeInstanceOf(types[index]);
      expect(view.length).toBe(10);
      expect(view.byteOffset % 16).toBe(0);
      expect([...view].every((value) => Number(value) === 0)).toBe(true);
    }
    for (const view of views) heap.free(view);
    expect(heap.freeBytes).toBe(before);
    expect(() => heap.free(views[0] as Uint8Array)).toThrowError(coded("ERR_DOUBLE_FREE"));
    heap.check();
  });

  it("accepts length 0", () => {
    const heap = make();
    const before = heap.freeBytes;
    const view = heap.allocArray(Float64Array, 0);
    const column = heap.column(Float32Array, 0);
    const string = heap.string("");
    expect([view.length, column.length, string.bytes]).toEqual([0, 0, 0]);
    expect(heap.text(string.ptr, 0)).toBe("");
    expect(heap.read(string.ptr, 0)).toEqual(new Uint8Array(0));
    const dup = heap.dup(new Uint8Array(0));
    expect(dup).toBeGreaterThan(0);
    heap.free(view);
    column.free();
    heap.free(string.ptr);
    heap.free(dup);
    expect(heap.freeBytes).toBe(before);
  });

  it("reallocArray keeps elements and zeroes new ones, also after shrinking", () => {
    const heap = make();
    let view = heap.allocArray(Uint32Array, 100);
    view.fill(7);
    heap.alloc(16);
    view = heap.reallocArray(view, 10);
    view = heap.reallocArray(view, 500);
    expect([...view.subarray(0, 10)]).toEqual(new Array(10).fill(7));
    expect(view.subarray(10).every((value) => value === 0)).toBe(true);
    expect(() => heap.reallocArray(view, -1)).toThrowError(coded("ERR_INVALID_SIZE"));
    expect(() => heap.reallocArray(view, 2 ** 31)).toThrowError(coded("ERR_OUT_OF_MEMORY"));
    heap.free(view);
    heap.check();
  });

  it("columns grow, and their view survives the growth of the memory", () => {
    const heap = make();
    const column = heap.column(Float32Array, 100, { align: 64 });
    expect(column.ptr % 64).toBe(0);
    column.view.fill(1.5);
    if (grows) expect(heap.grow(1 << 16)).toBe(true);
    expect(column.view.length).toBe(100);
    expect(column.view.every((value) => value === 1.5)).toBe(true);
    column.resize(1000);
    expect(column.ptr % 64).toBe(0);
    expect(column.view[99]).toBe(1.5);
    expect(column.view.subarray(100).every((value) => value === 0)).toBe(true);
    column.resize(10);
    column.resize(20);
    expect([...column.view]).toEqual([...new Array(10).fill(1.5), ...new Array(10).fill(0)]);
    expect(() => column.resize(1e9)).toThrowError(coded("ERR_OUT_OF_MEMORY"));
    expect(column.length).toBe(20);
    column.free();
    column.free();
    expect(column.ptr).toBe(0);
    expect(() => column.view).toThrowError(coded("ERR_INVALID_POINTER"));
    expect(() => column.resize(5)).toThrowError(coded("ERR_INVALID_POINTER"));
    heap.check();
  });

  it("a view made before a growth is freed, or refused as detached, never taken for 0", () => {
    if (!grows) return expect(make().grow(1 << 16)).toBe(false);
    const heap = make();
    const view = heap.allocArray(Uint8Array, 100);
    const used = heap.usedBytes;
    expect(heap.grow(1 << 16)).toBe(true);
    if (kind === "WebAssembly.Memory") {
      expect(() => heap.free(view)).toThrowError(coded("ERR_DETACHED_VIEW"));
      expect(() => heap.reallocArray(view, 5)).toThrowError(coded("ERR_DETACHED_VIEW"));
      expect(() => heap.dup(view)).toThrowError(coded("ERR_DETACHED_VIEW"));
      expect(heap.usedBytes).toBe(used);
    } else {
      heap.free(view);
      expect(heap.usedBytes).toBe(used - 112);
    }
    return heap.check();
  });

  it("strings and bytes come back as they were", () => {
    const heap = make();
    for (const text of ["a", "\ufeffgrüße", "漢字 🙂", "x".repeat(5000)]) {
      const { ptr, bytes } = heap.string(text);
      expect(bytes).toBe(new TextEncoder().encode(text).length);
      expect(heap.text(ptr, bytes)).toBe(text);
      expect(heap.read(ptr, bytes)).toEqual(new TextEncoder().encode(text));
      heap.free(ptr);
    }
    const copy = heap.read(heap.alloc(16), 16);
    expect(copy.buffer).not.toBe(heap.memory.buffer);
  });

  it("dup copies any view, also one of the heap itself while that grows", () => {
    const heap = make();
    const source = new DataView(new Uint8Array([1, 2, 3, 4, 5]).buffer, 1, 3);
    expect([...heap.read(heap.dup(source), 3)]).toEqual([2, 3, 4]);
    const own = heap.allocArray(Uint8Array, 40_000);
    own.fill(9);
    const copy = heap.dup(own);
    if (!grows) return expect(copy).toBe(0);
    expect(heap.read(copy, 40_000).every((byte) => byte === 9)).toBe(true);
    return heap.check();
  });

  it("scopes end with using", () => {
    const heap = make();
    const before = heap.usedBytes;
    const scope = heap.scoped(100, 64);
    expect(scope.ptr % 64).toBe(0);
    expect(heap.usedBytes).toBeGreaterThan(before);
    const dispose = (scope as unknown as Record<symbol, () => void>)[
      Symbol.dispose ?? Symbol.for("nodejs.dispose")
    ];
    dispose?.call(scope);
    expect(heap.usedBytes).toBe(before);
    scope.free();
    expect(() => heap.scoped(1 << 30)).toThrowError(coded("ERR_OUT_OF_MEMORY"));
  });

  it("refuses what is not its own", () => {
    const heap = make();
    const before = heap.snapshot();
    const pointer = coded("ERR_INVALID_POINTER");
    expect(() => heap.free(new Uint8Array(16))).toThrowError(pointer);
    expect(() => heap.free(new Uint8Array(heap.memory.buffer))).toThrowError(pointer);
    expect(() => heap.free({} as never)).toThrowError(pointer);
    expect(() => heap.free(undefined as never)).toThrowError(pointer);
    expect(() => heap.reallocArray(new Uint8Array(16), 8)).toThrowError(pointer);
    expect(() => heap.read(heap.region.areaEnd - 8, 9)).toThrowError(pointer);
    expect(() => heap.read(0, 8)).toThrowError(pointer);
    expect(() => heap.text(Number.NaN, 8)).toThrowError(pointer);
    expect(() => heap.read(heap.region.areaStart, -1)).toThrowError(coded("ERR_INVALID_SIZE"));
    expect(() => heap.toOffset(0)).toThrowError(pointer);
    expect(() => heap.toOffset(heap.region.areaEnd)).toThrowError(pointer);
    expect(() => heap.toPtr(-1)).toThrowError(pointer);
    expect(() => heap.toPtr("64" as never)).toThrowError(pointer);
    expect(() => heap.allocArray(Uint8Array, 1.5)).toThrowError(coded("ERR_INVALID_SIZE"));
    expect(() => heap.allocArray(Float64Array, 2 ** 30)).toThrowError(coded("ERR_OUT_OF_MEMORY"));
    expect(() => heap.allocArray({} as never, 5)).toThrowError(coded("ERR_INVALID_OPTION"));
    const gone = new DataView(new ArrayBuffer(8), 4);
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    expect(() => heap.dup(gone)).toThrowError(coded("ERR_DETACHED_VIEW"));
    expect(() => heap.column(Uint8Array, 4, null as never)).toThrowError(coded("ERR_INVALID_OPTION"));
    expect(() => heap.dup([1, 2] as never)).toThrowError(coded("ERR_INVALID_OPTION"));
    expect(() => heap.string(5 as never)).toThrowError(coded("ERR_INVALID_OPTION"));
    expect(heap.snapshot()).toEqual(before);
  });

  it("names addresses by offsets and back", () => {
    const heap = make();
    const ptr = heap.alloc(100);
    expect(heap.toPtr(heap.toOffset(ptr))).toBe(ptr);
  });
});

it("offsets do not depend on the base", () => {
  const heap = createHeap({ memory: new ArrayBuffer(1 << 17), base: 4096, strategy: hyperheap() });
  const ptr = heap.alloc(16);
  expect(heap.toOffset(ptr)).toBe(ptr - 4096);
});
