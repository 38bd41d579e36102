/** Growth by the heap and by somebody else, on every memory that can grow. */
import { hyperheap } from "@heapwright/hyperheap";
import { describe, expect, it } from "vitest";
import { createHeap, type GrowthOptions, type Heap, type MemorySource } from "./index.js";

const KIB = 1024;
const coded = (code: string) => expect.objectContaining({ code });

const KINDS: readonly (readonly [
  string,
  () => MemorySource,
  (memory: MemorySource, bytes: number) => void,
])[] = [
  [
    "resizable ArrayBuffer",
    () => new ArrayBuffer(64 * KIB, { maxByteLength: 1024 * KIB }),
    (memory, bytes) => (memory as ArrayBuffer).resize((memory as ArrayBuffer).byteLength + bytes),
  ],
  [
    "growable SharedArrayBuffer",
    () => new SharedArrayBuffer(64 * KIB, { maxByteLength: 1024 * KIB }),
    (memory, bytes) => (memory as SharedArrayBuffer).grow((memory as SharedArrayBuffer).byteLength + bytes),
  ],
  [
    "WebAssembly.Memory",
    () => new WebAssembly.Memory({ initial: 1, maximum: 16 }),
    (memory, bytes) => (memory as WebAssembly.Memory).grow(bytes / (64 * KIB)),
  ],
  [
    "shared WebAssembly.Memory",
    () => new WebAssembly.Memory({ initial: 1, maximum: 16, shared: true }),
    (memory, bytes) => (memory as WebAssembly.Memory).grow(bytes / (64 * KIB)),
  ],
];

describe.each(KINDS)("growth of %s", (_kind, memory, growElsewhere) => {
  const make = (growth?: GrowthOptions): { heap: Heap; source: MemorySource } => {
    const source = memory();
    const options = growth === undefined ? {} : { growth };
    return { heap: createHeap({ memory: source, strategy: hyperheap(), ...options }), source };
  };

  it("happens before 0 is returned, up to the maximum and not beyond", () => {
    const { heap } = make({ max: 512 * KIB, step: 64 * KIB });
    const live: number[] = [];
    for (let ptr = heap.alloc(10_000); ptr !== 0; ptr = heap.alloc(10_000)) {
      heap.memory.u8.fill(live.length, ptr, ptr + 10_000);
      live.push(ptr);
      heap.check();
    }
    expect(heap.memory.buffer.byteLength).toBe(512 * KIB);
    expect(heap.region.bytes).toBe(512 * KIB);
    expect(live.length).toBeGreaterThan(48);
    for (const [index, ptr] of live.entries()) {
      expect(heap.memory.u8.subarray(ptr, ptr + 10_000).every((byte) => byte === index)).toBe(true);
    }
    const before = heap.snapshot();
    expect(heap.grow(1)).toBe(false);
    expect(heap.alloc(10_000)).toBe(0);
    expect(heap.snapshot()).toEqual(before);
    for (const ptr of live) heap.free(ptr);
    heap.check();
    expect([...heap.blocks()]).toHaveLength(1);
  });

  it("does not happen for a request it would not serve", () => {
    const { heap } = make({ max: 256 * KIB });
    const before = heap.snapshot();
    for (const size of [256 * KIB, 2 ** 31, 2 ** 32 - 1]) {
      expect(heap.alloc(size)).toBe(0);
      expect(heap.alloc(size, 4096)).toBe(0);
    }
    expect(heap.snapshot()).toEqual(before);
    expect(heap.memory.buffer.byteLength).toBe(64 * KIB);
  });

  it("does not happen by itself without the option, but when asked for, where the buffer tells its maximum", () => {
    const { heap, source } = make();
    expect(heap.alloc(100 * KIB)).toBe(0);
    const tells = !(source instanceof WebAssembly.Memory);
    expect(heap.capabilities.grow).toBe(tells);
    expect(heap.grow(64 * KIB)).toBe(tells);
    expect(heap.alloc(100 * KIB) !== 0).toBe(tells);
  });

  it("leaves the block in hand and its neighbours alone when realloc grows the memory", () => {
    const { heap } = make({ max: 512 * KIB });
    const ptr = heap.alloc(40 * KIB);
    heap.memory.u8.fill(3, ptr, ptr + 40 * KIB);
    const wall = heap.alloc(64);
    const moved = heap.realloc(ptr, 100 * KIB);
    expect(moved).toBeGreaterThan(wall);
    expect(heap.memory.u8.subarray(moved, moved + 40 * KIB).every((byte) => byte === 3)).toBe(true);
    expect(heap.memory.u8.subarray(moved + 40 * KIB, moved + 100 * KIB).every((byte) => byte === 0)).toBe(
      true,
    );
    heap.check();
  });

  it("by somebody else is survived, and the next call works", () => {
    const { heap, source } = make({ max: 512 * KIB });
    const ptr = heap.alloc(100);
    growElsewhere(source, 64 * KIB);
    heap.free(ptr);
    expect(heap.alloc(100)).toBe(ptr);
    heap.check();
    expect(heap.region.bytes).toBe(64 * KIB);
  });

  it("past somebody else's pages leaves those alone and adopts what follows", () => {
    for (const lastUsed of [false, true]) {
      const { heap, source } = make({ max: 512 * KIB, step: 64 * KIB });
      const live = [heap.alloc(100)];
      if (lastUsed) {
        const rest = [...heap.blocks()].find((block) => block.state === "free") as { usable: number };
        live.push(heap.alloc(rest.usable));
        expect(heap.freeBytes).toBe(0);
      }
      growElsewhere(source, 64 * KIB);
      const guest = (): Uint8Array => {
        heap.memory.refresh();
        return heap.memory.u8.subarray(64 * KIB, 128 * KIB);
      };
      guest().fill(0xaa);
      const big = heap.alloc(40 * KIB, lastUsed ? 4096 : 16);
      expect(big).toBeGreaterThan(0);
      const bigger = heap.alloc(60 * KIB, lastUsed ? 4096 : 16);
      expect(bigger).toBeGreaterThanOrEqual(128 * KIB);
      heap.check();
      for (const ptr of [big, bigger]) heap.memory.u8.fill(0x11, ptr, ptr + 40 * KIB);
      expect(guest().every((byte) => byte === 0xaa)).toBe(true);
      expect(heap.dump()).toContain("reserved");
      for (const address of [64 * KIB, 100 * KIB, 128 * KIB - 16]) {
        expect(() => heap.free(address)).toThrowError(coded("ERR_INVALID_POINTER"));
      }
      const { usedBytes, freeBytes, overheadBytes, pageBytes, pageFreeBytes, capacity } = heap;
      expect(usedBytes + freeBytes + overheadBytes + pageBytes + pageFreeBytes).toBe(capacity);
      expect(overheadBytes).toBeGreaterThanOrEqual(64 * KIB);
      for (const ptr of [big, bigger, ...live]) heap.free(ptr);
      heap.check();
      expect(guest().every((byte) => byte === 0xaa)).toBe(true);
      // A heap with somebody else's pages inside is copied and restored like any other.
      expect(heap.usedBytes).toBe(0);
    }
  });

  it("stops at somebody else's pages if told to leave", () => {
    const { heap, source } = make({ max: 512 * KIB, foreign: "leave" });
    growElsewhere(source, 64 * KIB);
    const before = heap.snapshot();
    expect(heap.grow(64 * KIB)).toBe(false);
    expect(heap.alloc(100 * KIB)).toBe(0);
    expect(heap.snapshot()).toEqual(before);
  });

  it("above page runs makes a bridge, or pages where there is no room for one", () => {
    for (const lastUsed of [false, true]) {
      const { heap } = make({ max: 512 * KIB, step: 64 * KIB });
      const run = heap.alloc(8 * KIB, 4096);
      const freed = heap.alloc(4 * KIB, 4096);
      if (lastUsed) {
        const rest = [...heap.blocks()].find((block) => block.state === "free") as { usable: number };
        heap.alloc(rest.usable);
      }
      expect(heap.grow(64 * KIB)).toBe(true);
      heap.check();
      const small = heap.alloc(60 * KIB);
      if (lastUsed) {
        expect(small).toBe(0);
        expect(heap.pageFreeBytes).toBe(64 * KIB);
      } else {
        expect(small).toBeGreaterThanOrEqual(64 * KIB);
        heap.free(small);
      }
      const pages = heap.alloc(32 * KIB, 4096);
      expect(pages).toBeGreaterThanOrEqual(64 * KIB);
      heap.free(freed);
      heap.check();
      heap.free(run);
      heap.free(pages);
      heap.check();
    }
  });

  it("is refused for what is no byte count", () => {
    const { heap } = make({ max: 512 * KIB });
    for (const bytes of [0, -1, 1.5, Number.NaN, 2 ** 32, "5"]) {
      expect(() => heap.grow(bytes as number)).toThrowError(coded("ERR_INVALID_SIZE"));
    }
  });
});

it("is seen by code that was optimised on views of resizable buffers", () => {
  // V8 11 then takes the old length for the one of a detached view, and the heap went on with views of nothing.
  const growth = { max: 1 << 20 };
  const resizable = createHeap({ memory: 1 << 16, growth, strategy: hyperheap() });
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 16 });
  const wasm = createHeap({ memory, growth, strategy: hyperheap() });
  for (const heap of [resizable, wasm]) {
    for (let count = 0; count < 100_000; count++) heap.free(heap.alloc(64));
  }
  memory.grow(1);
  const ptr = wasm.alloc(64);
  expect(wasm.usableSize(ptr)).toBe(64);
  memory.grow(1);
  wasm.free(ptr);
  wasm.check();
});

it("does not take a byte that somebody else added", () => {
  const memory = new ArrayBuffer(65536, { maxByteLength: 1 << 20 });
  const heap = createHeap({ memory, growth: {}, strategy: hyperheap() });
  memory.resize(65537);
  new Uint8Array(memory)[65536] = 0xaa;
  expect(heap.grow(100_000)).toBe(true);
  for (let ptr = heap.alloc(1000); ptr !== 0; ptr = heap.alloc(1000)) heap.memory.u8.fill(1, ptr, ptr + 1000);
  expect(heap.memory.u8[65536]).toBe(0xaa);
  heap.check();
});

it("wastes nothing of a buffer of odd length", () => {
  const memory = new ArrayBuffer(65543, { maxByteLength: 1 << 20 });
  const heap = createHeap({ memory, growth: { foreign: "leave" }, strategy: hyperheap() });
  expect(heap.grow(1000)).toBe(true);
  expect([...heap.blocks()]).toHaveLength(1);
  heap.check();
});

describe("options", () => {
  const make = (memory: MemorySource, growth: unknown): Heap =>
    createHeap({ memory, strategy: hyperheap(), growth: growth as GrowthOptions });

  it("a byte count gives a fixed buffer unless growth.max is set", () => {
    expect(
      (createHeap({ memory: 65536, strategy: hyperheap() }).memory.buffer as ArrayBuffer).resizable,
    ).toBe(false);
    const heap = make(65536, { max: 1 << 20 });
    expect((heap.memory.buffer as ArrayBuffer).resizable).toBe(true);
    expect(heap.grow(1)).toBe(true);
    expect(heap.region.bytes % 4096).toBe(0);
  });

  it("a byte count is rounded up to whole pages from 64 KiB on", () => {
    for (const [bytes, expected] of [
      [65536, 65536],
      [65537, 69632],
      [100_000, 102_400],
      [40_000, 40_000],
    ] as const) {
      expect(createHeap({ memory: bytes, strategy: hyperheap() }).memory.buffer.byteLength).toBe(expected);
    }
  });

  it.each([
    { step: 0 },
    { step: 1.5 },
    { max: -1 },
    { max: "1" },
    { foreign: "take" },
    { steps: 5 },
    5,
    null,
  ])("%j is refused", (growth) => {
    expect(() => make(65536, growth)).toThrowError(coded("ERR_INVALID_OPTION"));
  });

  it("a WebAssembly.Memory needs a maximum", () => {
    expect(() => make(new WebAssembly.Memory({ initial: 1 }), {})).toThrowError(/growth.max/);
  });

  it("tables for the maximum must fit what there is now", () => {
    expect(() => make(65536, { max: 2 ** 31 })).toThrowError(
      expect.objectContaining({ code: "ERR_INVALID_OPTION", hint: expect.stringContaining("growth.max") }),
    );
  });
});
