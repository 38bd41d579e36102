import { describe, expect, it } from "vitest";
import { createMemory, isHeapError, type Memory } from "./index.js";

const resizable = (bytes: number, max: number): ArrayBuffer => new ArrayBuffer(bytes, { maxByteLength: max });
const growable = (bytes: number, max: number): SharedArrayBuffer =>
  new SharedArrayBuffer(bytes, { maxByteLength: max });

/** Every view covers the whole buffer and does not track its length. */
function expectViews(memory: Memory): void {
  const bytes = memory.buffer.byteLength;
  for (const [view, size] of [
    [memory.u8, 1],
    [memory.i8, 1],
    [memory.u16, 2],
    [memory.i16, 2],
    [memory.u32, 4],
    [memory.i32, 4],
    [memory.f32, 4],
    [memory.f64, 8],
  ] as const) {
    expect(view.buffer).toBe(memory.buffer);
    expect(view.byteOffset).toBe(0);
    expect(view.length).toBe(Math.floor(bytes / size));
  }
}

describe("createMemory", () => {
  it("wraps every kind of buffer", () => {
    for (const [source, kind, shared, max] of [
      [1000, "ArrayBuffer", false, 1000],
      [new ArrayBuffer(1001), "ArrayBuffer", false, 1001],
      [resizable(1003, 4096), "ArrayBuffer", false, 4096],
      [new SharedArrayBuffer(1000), "SharedArrayBuffer", true, 1000],
      [growable(1000, 5000), "SharedArrayBuffer", true, 5000],
      [new WebAssembly.Memory({ initial: 1 }), "WebAssembly.Memory", false, 2 ** 32],
      [new WebAssembly.Memory({ initial: 1, maximum: 3, shared: true }), "WebAssembly.Memory", true, 2 ** 32],
    ] as const) {
      const memory = createMemory(source);
      expect(memory).toMatchObject({ kind, shared, maxBytes: max, epoch: 0 });
      expectViews(memory);
    }
  });

  it("returns a Memory as it is", () => {
    const memory = createMemory(1024);
    expect(createMemory(memory)).toBe(memory);
  });

  it.each([-1, 0, 1.5, Number.NaN, 2 ** 33, "1024", null, undefined, {}, new Uint8Array(8), [1]])(
    "refuses %s",
    (source) => {
      expect(() => createMemory(source as never)).toThrowError(
        expect.objectContaining({ code: "ERR_INVALID_OPTION" }),
      );
    },
  );
});

describe("growth", () => {
  it("makes new views and counts them", () => {
    for (const source of [
      resizable(65536, 1 << 20),
      growable(65536, 1 << 20),
      new WebAssembly.Memory({ initial: 1, maximum: 4 }),
      new WebAssembly.Memory({ initial: 1, maximum: 4, shared: true }),
    ]) {
      const memory = createMemory(source);
      memory.u8[65535] = 7;
      expect(memory.grow(65536)).toBe(true);
      expect(memory.epoch).toBe(1);
      expect(memory.buffer.byteLength).toBe(131072);
      expectViews(memory);
      expect(memory.u8[65535]).toBe(7);
      memory.u8[131071] = 9;
      expect(memory.u8[131071]).toBe(9);
    }
  });

  it("is false where the buffer cannot grow, and changes nothing", () => {
    for (const source of [
      new ArrayBuffer(65536),
      new SharedArrayBuffer(65536),
      resizable(65536, 65536),
      growable(65536, 70000),
      new WebAssembly.Memory({ initial: 1, maximum: 1 }),
    ]) {
      const memory = createMemory(source);
      const { buffer, u8 } = memory;
      expect(memory.grow(65536)).toBe(false);
      expect(memory.buffer).toBe(buffer);
      expect(memory.u8).toBe(u8);
      expect(memory.epoch).toBe(0);
    }
  });

  it("by somebody else is seen by refresh, and no sooner", () => {
    const wasm = new WebAssembly.Memory({ initial: 1, maximum: 4 });
    const memory = createMemory(wasm);
    const before = memory.u8;
    wasm.grow(1);
    expect(memory.u8).toBe(before);
    expect(memory.u8.length).toBe(0);
    memory.refresh();
    expect(memory.epoch).toBe(1);
    expectViews(memory);
    memory.refresh();
    expect(memory.epoch).toBe(1);
  });

  it("keeps views of a resizable buffer at a fixed length", () => {
    const buffer = resizable(1024, 4096);
    const memory = createMemory(buffer);
    buffer.resize(2048);
    expect(memory.u8.length).toBe(1024);
    memory.refresh();
    expect(memory.u8.length).toBe(2048);
  });
});

describe("shows", () => {
  it("knows the buffers a shared WebAssembly.Memory had", () => {
    const memory = createMemory(new WebAssembly.Memory({ initial: 1, maximum: 3, shared: true }));
    const before = memory.buffer;
    memory.grow(65536);
    expect(memory.buffer).not.toBe(before);
    expect(memory.shows(before)).toBe(true);
    expect(memory.shows(new SharedArrayBuffer(65536))).toBe(false);
  });

  it("does not know a detached one", () => {
    const memory = createMemory(new WebAssembly.Memory({ initial: 1, maximum: 3 }));
    const before = memory.buffer;
    memory.grow(65536);
    expect(memory.shows(before)).toBe(false);
    expect(memory.shows(memory.buffer)).toBe(true);
  });
});

it("isHeapError tells codes apart", () => {
  let caught: unknown;
  try {
    createMemory(-1);
  } catch (error) {
    caught = error;
  }
  expect(isHeapError(caught)).toBe(true);
  expect(isHeapError(caught, "ERR_INVALID_OPTION")).toBe(true);
  expect(isHeapError(caught, "ERR_INVALID_SIZE")).toBe(false);
  expect(isHeapError(new Error("x"))).toBe(false);
  expect(isHeapError(null)).toBe(false);
});
