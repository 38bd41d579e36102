/** What a report says, what becomes of it, and who is asked for it. */
import { createHeap, type HeapError } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { delayedFree, fence, formatReport, poison, type StrictOptions, strict } from "@heapwright/strict";
import { afterEach, describe, expect, it, vi } from "vitest";
import { caught } from "./fixtures/caught.js";

const make = (options: StrictOptions = {}) =>
  createHeap({ memory: 1 << 20, strategy: hyperheap(), plugins: [strict({ stacks: "off", ...options })] });

afterEach(() => {
  vi.restoreAllMocks();
});

describe("the text of a report", () => {
  it("says what happened, to which block, where, and which bytes", () => {
    const heap = make({ tagName: (tag) => (tag === 5000 ? "png.row" : undefined) });
    const ptr = heap.alloc(10, 16, 5000 as never);
    heap.memory.u8.fill(0x41, ptr, ptr + 10);
    heap.memory.u8[ptr + 10] = 0;
    heap.alloc(16);
    const at = (address: number): string => `0x${address.toString(16)}`;
    const error = caught(() => heap.free(ptr));
    const [pattern, ...more] = Array.from(heap.read(ptr + 10, 6), (byte) => byte.toString(16));
    expect(String(error).split("\n")).toEqual([
      `HeapOverflowError [ERR_HEAP_OVERFLOW]: 1 byte written past the end of block #1 (10 bytes, tag "png.row") at ${at(ptr)}`,
      "  found at free(), agent 1; written some time after alloc #1 (now #2)",
      `  first bad byte ${at(ptr + 10)} (+0 past the end): expected ${pattern}, found 00, looks like a string terminator`,
      `  ${at(ptr)}  41 41 41 41 41 41 41 41  41 41|00<${more.join(" ")}   AAAAAAAAAA|.<.....`,
    ]);
    expect(error.block).toEqual({ ptr, size: 10, tag: "png.row", seq: 1, state: "used" });
    expect(error.hint).toContain("heap.check()");
    expect(JSON.parse(JSON.stringify(error))).toMatchObject({
      name: "HeapOverflowError",
      code: "ERR_HEAP_OVERFLOW",
      ptr,
      offset: 0,
      relativeTo: "end of block",
      bytes: { from: ptr + 10, to: ptr + 11, actual: [0] },
      allocatedAt: "alloc #1, agent 1",
    });
  });

  it("without the record says what the decorator knows", () => {
    const heap = createHeap({
      memory: 65536,
      strategy: hyperheap(),
      plugins: [fence(), poison(), delayedFree()],
    });
    const ptr = heap.alloc(10);
    heap.memory.u8[ptr - 2] = 7;
    const under = caught(() => heap.free(ptr));
    expect(under.message).toMatch(
      /^1 byte written before the block \(10 bytes\) at 0x\w+\n {2}found at free\(\)\n/,
    );
    heap.free(ptr);
    heap.memory.u8.set([104, 101, 108, 108, 111], ptr + 3);
    expect(caught(() => heap.delayedFree.drain()).message).toMatch(
      /^5 bytes written to the block \(\d+ bytes\) at 0x\w+ after it was freed by agent 1\n {2}found at drain\(\)\n.*looks like the text "hello"/,
    );
  });

  it.each([
    [[0], "a string terminator"],
    [[0, 0, 0, 0], "zeroing that went too far"],
    [[9, 9, 9], "a fill with 09"],
    [[0, 0, 0x80, 0x3f], "the 32-bit float 1"],
    [[0, 0, 0, 0, 0, 0, 0xf8, 0x3f], "the number 1.5"],
    [[1, 2, 0, 0], "the integer 513"],
    [[104, 105, 33, 0], 'the text "hi!"'],
  ])("guesses what %j are", (bytes, guess) => {
    const heap = make();
    const ptr = heap.alloc(16);
    heap.memory.u8.set(bytes, ptr + 16);
    expect(caught(() => heap.free(ptr)).message).toContain(`looks like ${guess}\n`);
  });

  it("marks each bad byte, cuts what is long, and shows far bytes without the way there", () => {
    const heap = make();
    const ptr = heap.alloc(64);
    heap.memory.u8.fill(1, ptr + 64, ptr + 128);
    const long = caught(() => heap.free(ptr)).message.split("\n");
    expect(long[0]).toContain("at least 64 bytes written past the end");
    expect(long.slice(3)).toHaveLength(5);
    expect(long[4]).toContain("|01<01<01<");
    heap.free(ptr);
    heap.memory.u8[ptr + 60] = 1;
    heap.memory.u8[ptr + 63] = 1;
    const far = caught(() => heap.check()).message.split("\n");
    expect(far).toHaveLength(4);
    expect(far[3]).toContain("cb cb cb cb 01<cb cb 01<");
  });

  it("names stacks only where there is a block that could have some, and has none", () => {
    const bare = make();
    expect(caught(() => bare.free(bare.alloc(100) + 16)).hint).toContain('stacks: "all"');
    expect(caught(() => bare.free(bare.region.areaEnd - 64)).hint).toBeUndefined();
    const all = make({ stacks: "all" });
    expect(caught(() => all.free(all.alloc(100) + 16)).hint).toBeUndefined();
  });

  it("is exported whole: hint, stacks, and every finding of a check", () => {
    const heap = make({ stacks: "all" });
    function allocates(): number {
      return heap.alloc(20);
    }
    const [a, b] = [allocates(), allocates()];
    heap.memory.u8[a + 20] = 1;
    heap.memory.u8[b - 1] = 1;
    const error = caught(() => heap.check());
    expect(error.errors).toHaveLength(2);
    const text = formatReport(error);
    expect(text).toContain("HeapCorruptError [ERR_HEAP_CORRUPT]: 2 findings; first: 1 byte written past");
    expect(text).toContain("HeapUnderflowError [ERR_HEAP_UNDERFLOW]: 1 byte written before block #2");
    expect(text).toContain("[cause]: allocated: block #1");
    expect(text).toContain("hint: ");
    expect(text.match(/at allocates/g)).toHaveLength(2);
    expect(formatReport(new Error("plain"))).toBe("Error: plain");
    expect(formatReport("no error")).toBe("no error");
  });
});

describe("onError", () => {
  it("a function gets each bug once, and the program goes on", () => {
    const found: HeapError[] = [];
    const heap = make({ onError: (error) => found.push(error as HeapError) });
    const codes = (): string[] => found.splice(0).map(({ code }) => code);
    const ptr = heap.alloc(10);
    heap.memory.u8[ptr + 10] = 1;
    heap.check();
    expect(codes()).toEqual(["ERR_HEAP_OVERFLOW"]);
    heap.check();
    heap.memory.u8[ptr + 12] = 1;
    heap.memory.u8[ptr - 3] = 1;
    heap.free(ptr);
    expect(codes().sort()).toEqual(["ERR_HEAP_OVERFLOW", "ERR_HEAP_UNDERFLOW"]);
    expect(heap.delayedFree?.count).toBe(1);
    heap.free(ptr);
    expect(codes()).toEqual(["ERR_DOUBLE_FREE"]);
    heap.free(heap.region.areaEnd);
    expect(codes()).toEqual(["ERR_INVALID_POINTER"]);
    heap.memory.u8[ptr] = 1;
    const other = heap.alloc(100);
    heap.memory.u8.fill(1, other + 100, other + 103);
    const moved = heap.realloc(other, 5000);
    expect(codes()).toEqual(["ERR_HEAP_OVERFLOW"]);
    heap.free(moved);
    for (let block = 0; block < 64; block++) heap.free(heap.alloc(8));
    expect(codes()).toEqual(["ERR_USE_AFTER_FREE"]);
    expect(heap.strict.reports).toHaveLength(7);
    expect(() => heap.realloc(ptr, 10)).toThrow(); // there is no block to go on with
    heap.check();
    expect(codes()).toEqual([]);
  });

  it("keeps what was found, each once, where it is thrown, too", () => {
    const heap = make({});
    const [a, b] = [heap.alloc(20), heap.alloc(20)];
    heap.memory.u8[a + 20] = 1;
    heap.memory.u8[b - 1] = 1;
    const several = caught(() => heap.check());
    const codes = (): unknown[] => heap.strict.reports.map((error) => (error as HeapError).code);
    expect(heap.strict.reports.map((error) => error.message)).toEqual(
      several.errors?.map(({ message }) => message),
    );
    expect(heap.strict.reports).toMatchObject([
      { code: "ERR_HEAP_OVERFLOW", foundAt: "check(), agent 1" },
      { code: "ERR_HEAP_UNDERFLOW", foundAt: "check(), agent 1" },
    ]);
    heap.check();
    heap.memory.u8[b + 20] = 1;
    expect(caught(() => heap.check()).code).toBe("ERR_HEAP_OVERFLOW");
    expect(codes().slice(2)).toEqual(["ERR_HEAP_OVERFLOW"]);
    heap.memory.u8[b + 20] = 1;
    expect(caught(() => heap.free(b)).code).toBe("ERR_HEAP_OVERFLOW");
    heap.free(b);
    expect(caught(() => heap.free(b)).code).toBe("ERR_DOUBLE_FREE");
    expect(codes().slice(3)).toEqual(["ERR_HEAP_OVERFLOW", "ERR_DOUBLE_FREE"]);
    heap.check();
    expect(codes()).toHaveLength(5);
  });

  it("report writes to the console", () => {
    const lines: string[] = [];
    vi.spyOn(console, "error").mockImplementation((text: string) => void lines.push(text));
    const heap = make({ onError: "report" });
    const ptr = heap.alloc(10);
    heap.memory.u8[ptr + 10] = 1;
    heap.free(ptr);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^heap "heap": HeapOverflowError \[ERR_HEAP_OVERFLOW\]: 1 byte written/);
  });

  it("a broken heap is thrown in any case", () => {
    const heap = make({ onError: () => {} });
    const ptr = heap.alloc(10);
    heap.alloc(10);
    heap.memory.u32[(ptr - 48) >>> 2] = 12;
    expect(caught(() => heap.free(ptr)).code).toBe("ERR_HEAP_CORRUPT");
    expect(caught(() => heap.check()).code).toBe("ERR_HEAP_CORRUPT");
  });

  it("a realloc that throws has done nothing: the block is there, and nothing is lost", () => {
    const heap = make();
    const dead = heap.alloc(40);
    const ptr = heap.alloc(40);
    heap.alloc(40);
    heap.free(dead);
    for (let block = 0; block < 63; block++) heap.free(heap.alloc(8));
    heap.memory.u8[dead] = 1;
    heap.memory.u8.fill(3, ptr, ptr + 40);
    const live = () => heap.strict.leaks().flatMap(({ blocks }) => blocks.map((block) => block.ptr));
    const before = live();
    expect(caught(() => heap.realloc(ptr, 5000))).toMatchObject({
      code: "ERR_USE_AFTER_FREE",
      ptr: dead,
      foundAt: "realloc(), agent 1",
    });
    expect(live()).toEqual(before);
    expect(heap.read(ptr, 40).every((byte) => byte === 3)).toBe(true);
    const moved = heap.realloc(ptr, 5000);
    expect(heap.read(moved, 40).every((byte) => byte === 3)).toBe(true);
    heap.check();
  });
});

describe("options", () => {
  it.each([
    () => fence({ bytes: -1 }),
    () => fence({ bytes: 1.5 }),
    () => fence({ before: 6 }),
    () => fence({ before: 2048 }),
    () => poison({ freed: 256 }),
    () => poison({ fresh: -1 }),
    () => delayedFree({ slots: 0 }),
    () => delayedFree({ bytes: 2 ** 32 }),
    () => delayedFree({ verify: "always" as never }),
    () => strict({ stacks: "some" as never }),
    () => strict({ onError: 3 as never }),
    () => strict({ tagName: "x" as never }),
    () => strict({ collected: 1 as never }),
  ])("that are wrong are refused: %s", (call) => {
    expect(call).toThrowError(expect.objectContaining({ name: "RangeError", code: "ERR_INVALID_OPTION" }));
  });
});
