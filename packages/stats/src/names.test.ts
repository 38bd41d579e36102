/** Names: what may be one, that the same one is the same tag for everybody, and what happens when there are too many. */
import { attachHeap, createHeap, defineStack, restoreHeap } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { stats } from "@heapwright/stats";
import { describe, expect, it } from "vitest";
import { unchanged } from "./fixtures/unchanged.js";
import { indexSlots } from "./names.js";
import { planState } from "./state.js";

const heapOf = (maxTags: number | undefined, memory: number | SharedArrayBuffer = 1 << 20) =>
  createHeap({
    memory,
    strategy: hyperheap(),
    plugins: [stats(maxTags === undefined ? {} : { maxTags })],
  });

const TEXTS = [
  "a",
  " a ",
  "mesh/left arm",
  "a\0b",
  "line\nfeed",
  "ä", // one code point
  "a\u0308", // two, and another name
  "\ufeffbyte order mark",
  "网格",
  "🦊",
  "x".repeat(64),
  "网".repeat(21), // 63 bytes
  "🦊".repeat(16), // 64
  "__proto__",
  "constructor",
];

describe("tag", () => {
  it("takes any text, and gives it back as it was", () => {
    const heap = heapOf(undefined);
    const tags = TEXTS.map((text) => heap.stats.tag(text));
    expect(new Set(tags).size).toBe(TEXTS.length);
    expect(Math.min(...tags)).toBeGreaterThan(4096);
    // Of an agent that has looked up nothing yet.
    const other = attachHeap(heap.descriptor(), defineStack({ strategy: hyperheap(), plugins: [stats()] }));
    expect(tags.map((tag) => other.stats.name(tag))).toEqual(TEXTS);
    expect(TEXTS.map((text) => other.stats.get(text)?.tag)).toEqual(tags);
    expect(TEXTS.map((text) => other.stats.tag(text))).toEqual(tags);
    heap.check();
  });

  it("is the same for two agents, whoever asks first", () => {
    const stack = defineStack({ strategy: hyperheap(), plugins: [stats()] });
    const one = createHeap({ memory: new SharedArrayBuffer(1 << 18), ...stack });
    const two = attachHeap(one.descriptor(), stack);
    for (let each = 0; each < 60; each++) {
      const [first, second] = each % 2 === 0 ? [one, two] : [two, one];
      expect(second.stats.get(`tag ${each}`)).toBeUndefined();
      expect(first.stats.tag(`tag ${each}`)).toBe(second.stats.tag(`tag ${each}`));
    }
    expect(one.stats.all().map(({ name }) => name)).toEqual(two.stats.all().map(({ name }) => name));
  });

  it("is the same in a snapshot that is restored elsewhere, with its figures", () => {
    const heap = heapOf(undefined);
    const mesh = heap.stats.tag("mesh");
    const ptr = heap.alloc(100, 16, mesh);
    const memory = new ArrayBuffer(4 << 20);
    const copy = restoreHeap(heap.snapshot(), {
      memory,
      base: 1 << 20,
      strategy: hyperheap(),
      plugins: [stats()],
    });
    expect(copy.stats.tag("mesh")).toBe(mesh);
    expect(copy.stats.toJSON()).toEqual(heap.stats.toJSON());
    copy.free(copy.toPtr(heap.toOffset(ptr)));
    expect(copy.stats.get("mesh")?.liveBlocks).toBe(0);
    expect(heap.stats.get("mesh")?.liveBlocks).toBe(1);
    copy.check();
  });

  it.each([
    ["", "must not be empty"],
    ["x".repeat(65), "at most 64 bytes"],
    ["网".repeat(22), "at most 64 bytes of UTF-8, and .* has 66"],
    ["y".repeat(100_000), "has 100000$"],
    ["a\ud800b", "half of a surrogate pair"],
    ["\udc00", "half of a surrogate pair"],
    [5, "must be text"],
    [undefined, "must be text"],
    [Symbol("mesh"), "must be text"],
    [{ toString: () => "mesh" }, "must be text"],
  ])("refuses %s before anything changes", (name, why) => {
    const heap = heapOf(undefined);
    const before = heap.snapshot();
    expect(() => heap.stats.tag(name as string)).toThrowError(
      expect.objectContaining({ code: "ERR_INVALID_OPTION", message: expect.stringMatching(why) }),
    );
    expect(unchanged(heap, before)).toBe(true);
  });

  it.each([1, 2, 3, 64, 1000])(
    "the %ith of as many still fits, one more is ERR_TAGS_FULL and changes nothing",
    (maxTags) => {
      const heap = heapOf(maxTags);
      expect(heap.stats.maxTags).toBe(maxTags);
      const tags = Array.from({ length: maxTags }, (_, index) => heap.stats.tag(`tag ${index}`));
      const ptr = heap.alloc(100, 16, tags.at(-1));
      const before = heap.snapshot();
      expect(() => heap.stats.tag("one more")).toThrowError(
        expect.objectContaining({ code: "ERR_TAGS_FULL", message: expect.stringContaining(`${maxTags}`) }),
      );
      expect(unchanged(heap, before)).toBe(true);
      expect(heap.stats.get("one more")).toBeUndefined();
      expect(heap.stats.tag("tag 0")).toBe(tags[0]);
      heap.free(ptr);
      heap.check();
    },
  );

  it("has room for thousands, and finds each", () => {
    const heap = heapOf(20_000, 8 << 20);
    const names = Array.from({ length: 20_000 }, (_, index) => `/scene/${index % 7}/${index}`);
    const tags = names.map((name) => heap.stats.tag(name));
    const other = attachHeap(heap.descriptor(), defineStack({ strategy: hyperheap(), plugins: [stats()] }));
    expect(names.every((name, index) => other.stats.get(name)?.tag === tags[index])).toBe(true);
    expect(other.stats.get("/scene/0/1")).toBeUndefined();
    for (const index of [0, 777, 19_999]) heap.alloc(index + 1, 16, tags[index]);
    expect(other.stats.all()[777]).toMatchObject({ name: "/scene/0/777", currentBytes: 778 });
    expect(other.stats.totals()).toMatchObject({ currentBytes: 1 + 778 + 20_000, liveBlocks: 3 });
    heap.check();
  });

  it("of another heap is refused, if it is not one here by chance", () => {
    const [one, two] = [heapOf(4), heapOf(4)];
    const tag = one.stats.tag("mesh");
    expect(() => two.alloc(10, 16, tag)).toThrowError(
      expect.objectContaining({ code: "ERR_INVALID_OPTION" }),
    );
  });
});

describe("maxTags", () => {
  it.each([
    [1 << 17, 64],
    [2 << 20, 128],
    [64 << 20, 4096],
  ])("in a heap of %i bytes is %i, at up to 170 bytes each", (memory, expected) => {
    const counted = heapOf(undefined, memory);
    expect(counted.stats.maxTags).toBe(expected);
    expect(planState(expected, false, 1).bytes / expected).toBeLessThan(170);
    for (let index = 0; index < expected; index++) counted.stats.tag(`tag ${index}`);
    expect(() => counted.stats.tag("one more")).toThrowError(
      expect.objectContaining({ code: "ERR_TAGS_FULL" }),
    );
  });

  it("is what the heap was made with, for who attaches; another one given is another stack", () => {
    const heap = heapOf(5);
    const strategy = hyperheap();
    expect(attachHeap(heap.descriptor(), { strategy, plugins: [stats()] }).stats.maxTags).toBe(5);
    expect(() => attachHeap(heap.descriptor(), { strategy, plugins: [stats({ maxTags: 6 })] })).toThrowError(
      expect.objectContaining({ code: "ERR_INCOMPATIBLE_HEAP", message: expect.stringContaining("maxTags") }),
    );
    expect(() =>
      attachHeap(heap.descriptor(), { strategy, plugins: [stats({ shortLived: 2 })] }),
    ).toThrowError(expect.objectContaining({ code: "ERR_INCOMPATIBLE_HEAP" }));
  });

  it("stays when the heap grows, and is counted for all it can become", () => {
    const heap = createHeap({
      memory: 1 << 18,
      growth: { max: 4 << 20 },
      strategy: hyperheap(),
      plugins: [stats()],
    });
    expect(heap.stats.maxTags).toBe(256);
    const tag = heap.stats.tag("mesh");
    expect(heap.alloc(1 << 20, 16, tag)).not.toBe(0);
    expect(heap.stats.get("mesh")).toMatchObject({ currentBytes: 1 << 20, failures: 0 });
    expect(heap.stats.totals().capacity).toBe(heap.capacity);
    heap.check();
  });

  it.each([0, -1, 65_537, 1.5, Number.NaN, "8", null])("refuses %s where it is written", (maxTags) => {
    expect(() => stats({ maxTags: maxTags as number })).toThrowError(
      expect.objectContaining({ code: "ERR_INVALID_OPTION", message: expect.stringContaining("maxTags") }),
    );
  });

  it("so are the other options", () => {
    for (const wrong of [
      { sizeClasses: 1 },
      { shortLived: -1 },
      { shortLived: 2 ** 31 + 1 },
      { shortLived: true },
    ])
      expect(() => stats(wrong as object)).toThrowError(
        expect.objectContaining({ code: "ERR_INVALID_OPTION" }),
      );
  });
});

describe("indexSlots", () => {
  it("is a power of two, and leaves at least half of them free", () => {
    for (const maxTags of [1, 2, 3, 4, 5, 63, 64, 65, 4095, 4096, 65_535, 65_536]) {
      const slots = indexSlots(maxTags);
      expect(Math.log2(slots) % 1).toBe(0);
      expect(slots).toBeGreaterThanOrEqual(2 * maxTags);
      expect(slots).toBeLessThan(4 * maxTags);
    }
  });
});
