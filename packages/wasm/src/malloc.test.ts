/** Each function, called by C, and by itself where C cannot be made to: what C expects, and what becomes of errors. */
import { createHeap, failAfter, type Heap, isHeapError, limit } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { tlsf } from "@heapwright/tlsf";
import { describe, expect, it } from "vitest";
import { type GuestOptions, makeGuest } from "./fixtures/guest.js";
import { guestRegion, type MallocCall, mallocImports } from "./index.js";

/** A guest that keeps what its heap refuses. */
function guest(options: GuestOptions = {}) {
  const refused: [code: unknown, call: MallocCall][] = [];
  const onError = (error: unknown, call: MallocCall): void => {
    refused.push([isHeapError(error) ? error.code : String(error), call]);
  };
  return { ...makeGuest({ malloc: { onError }, ...options }), refused };
}

const used = (heap: Heap): number => [...heap.blocks()].filter(({ state }) => state === "used").length;

describe("malloc and calloc", () => {
  it("of nothing is a pointer of its own, each time", () => {
    const { exports, heap, refused } = guest();
    const ptrs = [
      exports.call_malloc(0),
      exports.call_malloc(0),
      exports.call_calloc(0, 8),
      exports.call_calloc(8, 0),
      exports.call_aligned_alloc(64, 0),
      exports.call_realloc(0, 0),
    ];
    expect(exports.call_posix_memalign(64, 0)).toBe(0);
    ptrs.push(exports.get_placed());
    expect(ptrs.every((ptr) => heap.owns(ptr))).toBe(true);
    expect(new Set(ptrs).size).toBe(7);
    for (const ptr of ptrs) exports.call_free(ptr);
    expect([heap.usedBytes, refused]).toEqual([0, []]);
  });

  it("calloc zeroes what was used before", () => {
    const { exports, heap } = guest();
    const old = exports.call_malloc(1000);
    heap.memory.u8.fill(0xff, old, old + 1000);
    exports.call_free(old);
    const ptr = exports.call_calloc(100, 10);
    expect(ptr).toBe(old);
    expect(heap.memory.u8.subarray(ptr, ptr + 1000).every((byte) => byte === 0)).toBe(true);
  });

  it.each([
    [65536, 65536],
    [2, 0x80000000],
    [0x80000001, 2],
    [0xffffffff, 0xffffffff],
    [3, 0x55555556],
  ])("calloc(%d, %d) is NULL: the product is not taken modulo 2^32", (count, size) => {
    const { exports, heap, refused } = guest();
    expect(exports.call_calloc(count, size)).toBe(0);
    expect([heap.usedBytes, refused]).toEqual([0, []]);
  });

  it("too much is NULL, also what is negative as a signed number", () => {
    const { exports, heap, refused } = guest();
    for (const size of [2 << 20, 0x7fffffff, 0x80000000, 0xffffffff]) {
      expect([size, exports.call_malloc(size)]).toEqual([size, 0]);
      expect([size, exports.call_calloc(1, size)]).toEqual([size, 0]);
      expect([size, exports.call_aligned_alloc(16, size)]).toEqual([size, 0]);
      expect([size, exports.call_posix_memalign(16, size)]).toEqual([size, 48]);
      expect(exports.get_placed()).toBe(0xbad);
    }
    expect([heap.usedBytes, refused]).toEqual([0, []]);
    heap.check();
  });

  it("what a plugin refuses is NULL", () => {
    const { exports, refused } = guest({ plugins: [limit({ bytes: 1000 }), failAfter(3)] });
    expect(exports.call_malloc(2000)).toBe(0);
    const ptr = exports.call_malloc(500);
    expect(ptr).not.toBe(0);
    expect(exports.call_realloc(ptr, 1200)).toBe(0);
    expect([exports.call_malloc_usable_size(ptr), refused]).toEqual([512, []]);
  });
});

describe("realloc", () => {
  it("of NULL allocates; to nothing keeps the smallest block; keeps what fits", () => {
    const { exports, heap, refused } = guest();
    const ptr = exports.call_realloc(0, 100);
    heap.memory.u8.fill(7, ptr, ptr + 100);
    exports.call_malloc(16);
    const moved = exports.call_realloc(ptr, 5000);
    expect(moved).not.toBe(ptr);
    expect(heap.memory.u8.subarray(moved, moved + 100).every((byte) => byte === 7)).toBe(true);
    const small = exports.call_realloc(moved, 0);
    expect([exports.call_malloc_usable_size(small), used(heap)]).toEqual([16, 2]);
    exports.call_free(small);
    expect([used(heap), refused]).toEqual([1, []]);
  });

  it("too much is NULL, and the block stays", () => {
    const { exports, heap } = guest();
    const ptr = exports.call_malloc(100);
    heap.memory.u8.fill(7, ptr, ptr + 100);
    expect([exports.call_realloc(ptr, 0xfffffff0), exports.call_realloc(ptr, 4 << 20)]).toEqual([0, 0]);
    expect(exports.call_malloc_usable_size(ptr)).toBe(112);
    expect(heap.memory.u8.subarray(ptr, ptr + 100).every((byte) => byte === 7)).toBe(true);
  });
});

describe("alignment", () => {
  it("is what was asked for, up to a page", () => {
    const { exports, heap } = guest();
    for (let align = 1; align <= 4096; align *= 2) {
      expect([align, (exports.call_aligned_alloc(align, 100) >>> 0) % align]).toEqual([align, 0]);
      if (align < 4) continue;
      expect([align, exports.call_posix_memalign(align, 10)]).toEqual([align, 0]);
      expect([align, heap.owns(exports.get_placed()), exports.get_placed() % align]).toEqual([
        align,
        true,
        0,
      ]);
    }
    heap.check();
  });

  it.each([0, 3, 24, 4097, 8192, 0x80000000, 0xffffffff])("of %d is refused", (align) => {
    const { exports, heap, refused } = guest();
    expect(exports.call_aligned_alloc(align, 64)).toBe(0);
    expect(exports.call_posix_memalign(align, 64)).toBe(28);
    expect([exports.get_placed(), heap.usedBytes, refused]).toEqual([0xbad, 0, []]);
  });

  it.each([1, 2])("of %d is too small for posix_memalign, and fine for aligned_alloc", (align) => {
    const { exports } = guest();
    expect(exports.call_posix_memalign(align, 64)).toBe(28);
    expect(exports.call_aligned_alloc(align, 64)).not.toBe(0);
  });

  it("that this strategy has not is refused", () => {
    const { exports, heap, refused } = guest({
      strategy: { ...tlsf(), capabilities: { ...tlsf().capabilities, maxAlign: 64 } },
    });
    expect(heap.capabilities.maxAlign).toBe(64);
    expect([exports.call_aligned_alloc(64, 8) !== 0, exports.call_aligned_alloc(128, 8), refused]).toEqual([
      true,
      0,
      [],
    ]);
  });

  it("answers with the errno of one's choice", () => {
    const { exports } = guest({ malloc: { errno: { EINVAL: 22, ENOMEM: 12 } } });
    expect([exports.call_posix_memalign(3, 1), exports.call_posix_memalign(16, 1 << 30)]).toEqual([22, 12]);
  });

  it.each([
    ["past the memory", (bytes: number) => bytes - 2],
    ["at its end", (bytes: number) => bytes],
    ["far past it", () => 0xfffffffc],
    ["no multiple of 4", () => 1025],
  ])("posix_memalign with an `out` %s allocates nothing", (_, out) => {
    const { exports, heap, refused } = guest();
    expect(exports.place_at(out(exports.memory.buffer.byteLength), 64)).toBe(28);
    expect(heap.usedBytes).toBe(0);
    expect(refused.map(([code, { name }]) => [/^RangeError: no pointer/.test(String(code)), name])).toEqual([
      [true, "posix_memalign"],
    ]);
  });

  it("posix_memalign stores in pages that the module has just added", () => {
    const { exports, heap, refused } = guest();
    const out = exports.memory.buffer.byteLength;
    expect(exports.grow_pages(1)).toBe(1);
    expect(exports.place_at(out, 64)).toBe(0);
    const ptr = new Uint32Array(exports.memory.buffer)[out / 4];
    expect([heap.owns(ptr), heap.memory.u32[out / 4], refused]).toEqual([true, ptr, []]);
  });
});

describe("what C leaves undefined", () => {
  const wrong: [
    name: string,
    commit: (guest: ReturnType<typeof makeGuest>) => unknown,
    code: string,
    call: Partial<MallocCall>,
    answer: unknown,
  ][] = [
    [
      "a double free",
      ({ exports }) => {
        const ptr = exports.call_malloc(50);
        exports.call_free(ptr);
        return exports.call_free(ptr);
      },
      "ERR_DOUBLE_FREE",
      { name: "free" },
      undefined,
    ],
    [
      "free of an address inside a block",
      ({ exports }) => exports.call_free(exports.call_malloc(50) + 16),
      "ERR_INVALID_POINTER",
      { name: "free" },
      undefined,
    ],
    [
      "free of an address above 2 GiB",
      ({ exports }) => exports.call_free(-16),
      "ERR_INVALID_POINTER",
      { name: "free", args: [0xfffffff0] },
      undefined,
    ],
    [
      "free of the module's own data",
      ({ exports }) => exports.call_free(1024),
      "ERR_INVALID_POINTER",
      { name: "free", args: [1024] },
      undefined,
    ],
    [
      "realloc of what is freed",
      ({ exports }) => {
        const ptr = exports.call_malloc(50);
        exports.call_free(ptr);
        return exports.call_realloc(ptr, 60);
      },
      "ERR_DOUBLE_FREE",
      { name: "realloc" },
      0,
    ],
    [
      "the size of no block",
      ({ exports }) => exports.call_malloc_usable_size(64),
      "ERR_INVALID_POINTER",
      { name: "malloc_usable_size", args: [64] },
      0,
    ],
  ];

  it.each(wrong)("%s goes to onError, and C goes on", (_, commit, code, call, answer) => {
    const made = guest();
    expect(commit(made)).toBe(answer);
    expect(made.refused).toMatchObject([[code, call]]);
    made.heap.check();
    expect(made.exports.call_malloc(10)).not.toBe(0);
  });

  it.each(wrong)("%s is thrown without onError", (_, commit, code) => {
    const made = makeGuest();
    expect(() => commit(made)).toThrow(expect.objectContaining({ code }));
    made.heap.check();
  });

  it("what onError throws comes out of the module", () => {
    const stop = new Error("stop");
    const made = makeGuest({
      malloc: {
        onError: () => {
          throw stop;
        },
      },
    });
    expect(() => made.exports.call_free(1024)).toThrow(stop);
  });

  it("free(NULL) and the size of NULL are nothing", () => {
    const { exports, refused } = guest();
    exports.call_free(0);
    expect([exports.call_malloc_usable_size(0), refused]).toEqual([0, []]);
  });

  it("every function answers when the heap is gone", () => {
    const { exports, heap, refused } = guest();
    heap.detach();
    expect([
      exports.call_malloc(1),
      exports.call_calloc(1, 1),
      exports.call_realloc(64, 1),
      exports.call_aligned_alloc(16, 1),
      exports.call_posix_memalign(16, 1),
      exports.call_malloc_usable_size(64),
      exports.call_free(64),
    ]).toEqual([0, 0, 0, 0, 28, 0, undefined]);
    expect(refused.map(([code, { name }]) => [code, name])).toEqual(
      ["malloc", "calloc", "realloc", "aligned_alloc", "posix_memalign", "malloc_usable_size", "free"].map(
        (name) => ["ERR_DETACHED_HEAP", name],
      ),
    );
  });
});

it("addresses and sizes above 2 GiB reach the heap unsigned, and come back to C as they are", () => {
  const seen: unknown[] = [];
  const high = 0x8000_0040;
  const note =
    (name: string) =>
    (...args: number[]): number => {
      seen.push([name, ...args]);
      return high;
    };
  const members = ["alloc", "allocUnsafe", "reallocUnsafe", "free", "usableSize"];
  const heap = Object.fromEntries(members.map((name) => [name, note(name)])) as unknown as Heap;
  Object.assign(heap, { capabilities: { maxAlign: 4096 } });
  const { imports, bind } = mallocImports();
  bind(heap);
  const { malloc, calloc, realloc, free, aligned_alloc, malloc_usable_size } = imports.env;
  const signed = high | 0;
  expect([malloc(signed), calloc(1, signed), realloc(signed, signed), aligned_alloc(64, signed)]).toEqual(
    Array(4).fill(high),
  );
  free(signed);
  expect(malloc_usable_size(signed)).toBe(high);
  expect(seen).toEqual([
    ["allocUnsafe", high],
    ["alloc", high],
    ["reallocUnsafe", high, high],
    ["allocUnsafe", high, 64],
    ["free", high],
    ["usableSize", high],
  ]);
});

describe("bind", () => {
  const heapIn = (memory: WebAssembly.Memory, base = 64): Heap =>
    createHeap({ memory, base, strategy: hyperheap() });
  const memory = (): WebAssembly.Memory => new WebAssembly.Memory({ initial: 16 });

  it("comes before the first call", () => {
    const { imports, bind } = mallocImports();
    expect(() => imports.env.malloc(1)).toThrow("the module allocates before bind(heap)");
    const calls: MallocCall[] = [];
    const told = mallocImports({ onError: (_, call) => void calls.push(call) });
    expect([told.imports.env.malloc(-1), told.imports.env.realloc(0, 5)]).toEqual([0, 0]);
    expect(calls).toEqual([
      { name: "malloc", args: [0xffffffff] },
      { name: "realloc", args: [0, 5] },
    ]);
    bind(heapIn(memory()));
    expect(imports.env.malloc(1)).toBeGreaterThan(0);
  });

  it("comes once", () => {
    const { bind } = mallocImports();
    const heap = heapIn(memory());
    bind(heap);
    expect(() => bind(heap)).toThrow(TypeError);
  });

  it("refuses a heap that is elsewhere, or in the module's data", () => {
    const own = memory();
    const exports = { memory: own, __heap_base: { value: 1000 } };
    const { bind, imports } = mallocImports();
    expect(() => bind(heapIn(memory(), 1024), exports)).toThrow("the heap is not in the module's memory");
    expect(() => bind(heapIn(own, 960), exports)).toThrow(
      "the heap begins at 960, in the module's own data, which end at 1000",
    );
    expect(() => bind(heapIn(own, 1024), { memory: own })).toThrow("does not export `__heap_base`");
    expect(() => imports.env.malloc(1)).toThrow("before bind");
    bind(heapIn(own, 1024), exports);
    expect(imports.env.malloc(1)).toBeGreaterThan(1024);
  });

  it("names the module it is imported from", () => {
    expect(Object.keys(mallocImports({ module: "host" }).imports)).toEqual(["host"]);
    expect(Object.keys(mallocImports({ module: "host" }).imports.host).sort()).toEqual(
      ["aligned_alloc", "calloc", "free", "malloc", "malloc_usable_size", "posix_memalign", "realloc"].sort(),
    );
  });
});

describe("guestRegion", () => {
  it("begins behind __heap_base, at a multiple of 64", () => {
    const memory = new WebAssembly.Memory({ initial: 32 });
    for (const [heapBase, base] of [
      [0, 0],
      [1, 64],
      [64, 64],
      [1000, 1024],
      [-0x7fffffff, 0x80000040],
    ]) {
      if (base < memory.buffer.byteLength) {
        expect(guestRegion({ memory, __heap_base: { value: heapBase } })).toEqual({ memory, base });
        expect(guestRegion({ memory, __heap_base: heapBase }, { room: 1 })).toEqual({ memory, base });
      }
    }
    const { exports } = makeGuest();
    expect(guestRegion(exports).base).toBe(Math.ceil(exports.__heap_base.value / 64) * 64);
  });

  it("grows the memory by what is missing, in whole pages, and by no more", () => {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const exports = { memory, __heap_base: new WebAssembly.Global({ value: "i32" }, 60_000) };
    expect(guestRegion(exports, { room: 5000 }).base).toBe(60_032);
    expect(memory.buffer.byteLength).toBe(65536);
    guestRegion(exports, { room: 5600 });
    expect(memory.buffer.byteLength).toBe(2 * 65536);
    guestRegion(exports);
    expect(memory.buffer.byteLength).toBe(17 * 65536);
    guestRegion(exports);
    expect(memory.buffer.byteLength).toBe(17 * 65536);
  });

  it("takes __heap_base above 2 GiB for what it is", () => {
    const memory = { buffer: { byteLength: 2 ** 32 } as ArrayBuffer, grow: () => 0 };
    expect(guestRegion({ memory, __heap_base: { value: -0x7fffffff } }).base).toBe(0x80000040);
  });

  it("says what is missing", () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 2 });
    expect(() => guestRegion({ __heap_base: 64 })).toThrow("does not export its memory as `memory`");
    expect(() => guestRegion({ memory: null, __heap_base: 64 })).toThrow(TypeError);
    expect(() => guestRegion({ memory })).toThrow("link it with --export=__heap_base");
    expect(() => guestRegion({ memory, __heap_base: { value: 64n } })).toThrow(TypeError);
    expect(() => guestRegion({ memory, __heap_base: 64 })).toThrow(/cannot be grown by the \d+ bytes/);
    expect(memory.buffer.byteLength).toBe(65536);
    for (const room of [0, -1, 1.5, Number.NaN, 2 ** 33]) {
      expect(() => guestRegion({ memory, __heap_base: 64 }, { room })).toThrow(RangeError);
    }
  });
});
