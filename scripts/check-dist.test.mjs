import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { findings, packageFindings } from "./check-dist.mjs";
import { withTempDir } from "./lib/workspace.mjs";

describe("a built file", () => {
  it.each([
    ["import of core", 'import { HeapError } from "@heapwright/core";', "import: @heapwright/core"],
    ["import for its effect", 'import "@heapwright/core";', "import: @heapwright/core"],
    ["re-export", 'export * from "@heapwright/core";', "import: @heapwright/core"],
    ["named re-export", 'export { createHeap } from "@heapwright/core";', "import: @heapwright/core"],
    ["require", 'var core = require("@heapwright/core");', "import: @heapwright/core"],
    ["require in an expression", 'x(__toESM(require("@heapwright/core"), 1));', "import: @heapwright/core"],
    ["dynamic import", 'const core = await import("@heapwright/core");', "import: @heapwright/core"],
    ["import with a template", "import(`@heapwright/core`);", "import: @heapwright/core"],
    ["another package", 'import x from "lodash/fp";', "import: lodash/fp"],
    ["a Node builtin", 'import { readFileSync } from "node:fs";', "import: node:fs"],
    ["a Node builtin without its scheme", 'const fs = require("fs");', "import: fs"],
    ["a builtin through process", 'process.getBuiltinModule("fs");', "import: fs"],
    [
      "require made by hand",
      "createRequire(import.meta.url);",
      "computed import: createRequire(import.meta.url)",
    ],
    ["an import of a name that is computed", "import(name);", "computed import: import(name)"],
    ["a file outside dist", 'import "../src/index.ts";', "import: ../src/index.ts"],
    ["new Function", 'new Function("return 1");', "code from text: Function"],
    ["Function without new", 'globalThis.Function("return 1");', "code from text: Function"],
    ["eval", 'eval("1");', "code from text: eval"],
  ])("is refused for %s", (_, text, finding) => {
    expect(findings("dist/index.js", `const before = 1;\n${text}\n`, [])).toEqual([
      `dist/index.js:2: ${finding}`,
    ]);
  });

  it.each([
    ["a file of its own", 'import { x } from "./chunk-1.js";'],
    ["a comment", '// import "@heapwright/core"'],
    ["a text", "const hint = 'import { createHeap } from \"@heapwright/core\"';"],
    ["a docstring", '/** `require("node:fs")` */ export const x = 1;'],
  ])("may have %s", (_, text) => {
    expect(findings("dist/index.js", text, [])).toEqual([]);
  });

  it("may import what is allowed, and its subpaths, not what only begins alike", () => {
    const text = 'import "vitest";\nimport "vitest/config";\nimport "vitest-mock";\n';
    expect(findings("dist/index.js", text, ["vitest"])).toEqual(["dist/index.js:3: import: vitest-mock"]);
  });
});

describe("a type file", () => {
  it.each([
    ["ambient types", '/// <reference types="node" />\nexport {};', "dist/index.d.ts:1: import: node"],
    [
      "an import type",
      'export declare const x: import("node:fs").Stats;',
      "dist/index.d.ts:1: import: node:fs",
    ],
    ["an import equals", 'import fs = require("fs");', "dist/index.d.ts:1: import: fs"],
  ])("is refused for %s", (_, text, finding) => {
    expect(findings("dist/index.d.ts", text, ["@heapwright/core"])).toEqual([finding]);
  });
});

describe("a package", () => {
  const build = (folder, files) =>
    withTempDir((dir) => {
      mkdirSync(join(dir, "dist"));
      for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, "dist", name), text);
      return packageFindings(folder, dir);
    });

  it("may import types from core, and is refused when it imports the code", async () => {
    const types = 'import { Strategy } from "@heapwright/core";\n';
    expect(await build("hyperheap", { "index.js": "export {};", "index.d.ts": types })).toEqual([]);
    expect(await build("hyperheap", { "index.js": types, "index.d.ts": types })).toEqual([
      "dist/index.js:1: import: @heapwright/core",
    ]);
  });

  it("is refused when only its CJS half imports", async () => {
    const files = { "index.js": "export {};", "index.cjs": 'require("@heapwright/core");', "index.d.ts": "" };
    expect(await build("hyperheap", files)).toEqual(["dist/index.cjs:1: import: @heapwright/core"]);
  });

  it("gets its peers by its name", async () => {
    const files = { "index.js": 'import "fast-check";', "index.d.ts": "" };
    expect(await build("conformance", files)).toEqual([]);
    expect(await build("tlsf", files)).toEqual(["dist/index.js:1: import: fast-check"]);
  });

  it("gets them in the entry that needs them, and in no other", async () => {
    const profile = 'import "pprof-format";';
    const files = { "pprof.js": profile, "pprof.cjs": profile, "pprof.d.ts": profile, "index.d.ts": "" };
    expect(await build("stats", { ...files, "index.js": "" })).toEqual([]);
    expect(await build("stats", { ...files, "index.js": profile })).toEqual([
      "dist/index.js:1: import: pprof-format",
    ]);
    expect(await build("tlsf", { "pprof.js": profile, "pprof.d.ts": "" })).toEqual([
      "dist/pprof.js:1: import: pprof-format",
    ]);
  });

  it("is refused when it was not built", async () => {
    expect(await build("hyperheap", {})).toEqual(["hyperheap/dist: not built"]);
    expect(await build("hyperheap", { "index.js": "" })).toEqual(["hyperheap/dist: not built"]);
  });
});
