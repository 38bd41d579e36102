/** Paths and patterns, over hand-made names and over a heap. */
import { createHeap } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { stats } from "@heapwright/stats";
import { describe, expect, it } from "vitest";
import { escapeName, matches } from "./query.js";

function scene() {
  const heap = createHeap({
    memory: 1 << 18,
    strategy: hyperheap(),
    plugins: [stats({ shortLived: 2 })],
    name: "scene",
  });
  for (const [index, name] of [
    "mesh",
    "texture",
    "texture/normal",
    "*",
    ".heap",
    "(untagged)",
    "100%",
  ].entries())
    heap.alloc(100 + index, 16, heap.stats.tag(name));
  return heap;
}

const pathsOf = (samples: readonly { readonly path: string }[]) => samples.map(({ path }) => path);

describe("query", () => {
  it("finds a figure with its type, unit and description", () => {
    const heap = scene();
    expect(heap.stats.query("/scene/mesh/allocations")).toEqual([
      {
        path: "/scene/mesh/allocations",
        value: 1,
        type: "counter",
        unit: "{block}",
        description: "Blocks ever made",
      },
    ]);
    expect(heap.stats.query("/scene/mesh")).toMatchObject([{ value: 100, type: "gauge", unit: "By" }]);
    expect(heap.stats.query("/scene")).toMatchObject([{ path: "/scene", value: 721, unit: "By" }]);
    expect(heap.stats.query("/scene/.heap/fragmentation")).toMatchObject([{ type: "gauge", unit: "1" }]);
  });

  it("finds the same figure of every tag, and only of tags", () => {
    const heap = scene();
    expect(pathsOf(heap.stats.query("/scene/*/frees"))).toEqual([
      "/scene/mesh/frees",
      "/scene/texture/frees",
      "/scene/texture%2Fnormal/frees",
      "/scene/%2A/frees",
      "/scene/%2Eheap/frees",
      "/scene/%28untagged)/frees",
      "/scene/100%25/frees",
    ]);
    heap.alloc(1);
    expect(pathsOf(heap.stats.query("/scene/*/frees"))[0]).toBe("/scene/(untagged)/frees");
    expect(heap.stats.query("/*/*").map(({ value }) => value)).toEqual([
      1, 100, 101, 102, 103, 104, 105, 106,
    ]);
  });

  it("finds everything, the heap's own figures too, each path once", () => {
    const heap = scene();
    const all = heap.stats.query("/**");
    // The heap, 7 tags, 13 figures of each and of the heap, 4 only a heap has.
    expect(all).toHaveLength(1 + 7 + 8 * 13 + 4);
    expect(new Set(pathsOf(all)).size).toBe(all.length);
    for (const { path, value } of all) expect(heap.stats.query(path)).toMatchObject([{ path, value }]);
    expect(heap.stats.query("/scene/**")).toEqual(all);
    expect(heap.stats.query("/**/frees")).toHaveLength(8);
    expect(heap.stats.query("/scene/.heap/*")).toHaveLength(17);
  });

  it("finds nothing where there is nothing", () => {
    const heap = scene();
    for (const pattern of [
      "/",
      "/other",
      "/scene/mesh/",
      "/scene/sound",
      "/scene/mesh/size",
      "//scene",
      "/*/*/*/*",
    ])
      expect(heap.stats.query(pattern)).toEqual([]);
  });

  it.each([[""], ["scene/mesh"], [5], [undefined], [/mesh/]])("refuses %s", (pattern) => {
    expect(() => scene().stats.query(pattern as string)).toThrowError(
      expect.objectContaining({ code: "ERR_INVALID_OPTION" }),
    );
  });
});

describe("matches", () => {
  it.each([
    ["/a/*/c", "/a/b/c", true],
    ["/a/*/c", "/a/c", false],
    ["/a/b*", "/a/b", true],
    ["/a/*b", "/a/bab", true],
    ["/a/*b*d", "/a/abcbcd", true],
    ["/a/*b*d", "/a/acd", false],
    ["/a/**/c", "/a/c", true],
    ["/a/**/c", "/a/b/b/c", true],
    ["/**/b/**", "/a/b/c", true],
    ["/**/**/c", "/c", true],
    ["/a/**", "/a", true],
    ["/a/***", "/a/b", true],
    ["/a/***", "/a", false],
    ["/a/*/c", "/a/.heap/c", false],
    ["/a/.h*/c", "/a/.heap/c", true],
    ["/a/**/c", "/a/.heap/c", true],
    ["/a/.", "/a/b", false],
    ["/a/(b|c)", "/a/b", false],
    ["/a/[ab]+", "/a/a", false],
  ])("%s and %s: %s", (pattern, path, expected) => {
    expect(matches(pattern, path)).toBe(expected);
  });

  it("is not slow for any pattern", () => {
    const name = "a".repeat(64);
    expect(matches(`/${"*a".repeat(30)}*b`, `/${name}`)).toBe(false);
    expect(matches(`/${"**/".repeat(12)}b`, "/a/b/c")).toBe(false);
  });
});

describe("escapeName", () => {
  it("can be undone, and never reads as something else", () => {
    for (const name of [
      "a/b",
      "%2F",
      "*",
      "**",
      ".",
      "..",
      ".heap",
      "(untagged)",
      "a.b(c)",
      "",
      "%",
      "网/格",
    ]) {
      const escaped = escapeName(name);
      expect(decodeURIComponent(escaped)).toBe(name);
      expect(escaped).not.toMatch(/[/*]|^[.(]/);
    }
  });
});
