/** Frames of the engines' stacks. */
import { describe, expect, it } from "vitest";
import { parseFrames } from "./stack-frames.js";

/** `name|file|line|column` of each frame. */
const parsed = (...lines: string[]) =>
  parseFrames(lines.join("\n")).map(({ name, file, line, column }) => `${name}|${file}|${line}|${column}`);

describe("V8", () => {
  it.each([
    ["    at load (/app/mesh.js:12:7)", "load|/app/mesh.js|12|7"],
    ["    at Mesh.load [as run] (file:///app/my%20mesh.js:12:7)", "Mesh.load [as run]|/app/my mesh.js|12|7"],
    ["    at file:///app/100%.js:12:7", "(anonymous)|/app/100%.js|12|7"],
    [
      "    at new Mesh (https://cdn.example/m@1.2.3/mesh.js:1:70000)",
      "new Mesh|https://cdn.example/m@1.2.3/mesh.js|1|70000",
    ],
    ["    at /app/mesh.js:12:7", "(anonymous)|/app/mesh.js|12|7"],
    ["    at async load (/app/mesh.js:12:7)", "load|/app/mesh.js|12|7"],
    ["    at async file:///app/mesh.js:12:7", "(anonymous)|/app/mesh.js|12|7"],
    ["    at async Promise.all (index 0)", "Promise.all||0|0"],
    ["    at Array.map (<anonymous>)", "Array.map||0|0"],
    ["    at Array.map (native)", "Array.map||0|0"],
    ["    at <anonymous>", "(anonymous)||0|0"],
    [
      "    at load (C:\\Program Files (x86)\\app\\mesh.js:12:7)",
      "load|C:\\Program Files (x86)\\app\\mesh.js|12|7",
    ],
    [
      "    at C:\\Program Files (x86)\\app\\mesh.js:12:7",
      "(anonymous)|C:\\Program Files (x86)\\app\\mesh.js|12|7",
    ],
    ["    at Object.<anonymous> (C:\\app\\mesh.js:12:7)", "Object.<anonymous>|C:\\app\\mesh.js|12|7"],
    ["    at load (file:///C:/app/mesh.js:12:7)", "load|C:/app/mesh.js|12|7"],
    ["    at load (node:internal/process/task_queues:95:5)", "load|node:internal/process/task_queues|95|5"],
    ["    at eval (eval at run (file:///app/run.js:3:1), <anonymous>:1:1)", "eval|/app/run.js|3|1"],
    [
      "    at f (eval at outer (eval at run (/app (x86)/run.js:3:1), <anonymous>:1:1), <anonymous>:2:5)",
      "f|/app (x86)/run.js|3|1",
    ],
    ["    at f (eval at run (/app/run.js:3:1), named.js:2:5)", "f|named.js|2|5"],
    ["    at eval (eval at <anonymous> (/app/run.js:3:1), <anonymous>:1:1)", "eval|/app/run.js|3|1"],
    [
      "    at add (wasm://wasm/1a2b:wasm-function[12]:0x123)",
      "add|wasm://wasm/1a2b:wasm-function[12]:0x123|0|0",
    ],
  ])("%s", (line, expected) => {
    expect(parsed(line)).toEqual([expected]);
  });

  it("of this engine: eval, async, anonymous and named", async () => {
    const stacks: string[] = [];
    const note = () => void stacks.push(new Error("no @ frame\n    here").stack ?? "");
    // biome-ignore lint/security/noGlobalEval: what it looks like in a stack is what is tested
    const evaluated = eval("(function inner(note) { note(); })") as (note: () => void) => void;
    async function named(): Promise<void> {
      await null;
      [0].map(() => evaluated(note));
    }
    await named();
    const frames = parseFrames(stacks[0]?.replace(/^[\s\S]*?(?=\n {4}at )/, "") ?? "");
    expect(frames.slice(0, 3).map(({ name }) => name)).toEqual(["note", "inner", "(anonymous)"]);
    expect(frames[3]).toMatchObject({ name: "Array.map", file: "", line: 0 });
    expect(frames[4]?.name).toBe("named");
    for (const at of [0, 1, 2, 4]) {
      expect(frames[at]?.file).toMatch(/^[/A-Z].*stack-frames\.test\.ts$/);
      expect(frames[at]?.line).toBeGreaterThan(1);
      expect(frames[at]?.column).toBeGreaterThan(0);
    }
  });
});

describe("Firefox and Safari", () => {
  it.each([
    ["load@https://example.org/mesh.js:12:7", "load|https://example.org/mesh.js|12|7"],
    ["load/<@https://cdn.example/m@1.2.3/mesh.js:12:7", "load/<|https://cdn.example/m@1.2.3/mesh.js|12|7"],
    ["@https://example.org/mesh.js:12:7", "(anonymous)|https://example.org/mesh.js|12|7"],
    ["async*load@file:///app/mesh.js:12:7", "load|/app/mesh.js|12|7"],
    ["promise callback*load@file:///app/mesh.js:12:7", "load|/app/mesh.js|12|7"],
    ["setTimeout handler*@file:///C:/app/mesh.js:12:7", "(anonymous)|C:/app/mesh.js|12|7"],
    ["f@https://example.org/run.js line 26 > eval:2:96", "f|https://example.org/run.js|26|0"],
    [
      "f@https://example.org/run.js line 26 > eval line 1 > Function:2:96",
      "f|https://example.org/run.js|26|0",
    ],
    ["map@[native code]", "map||0|0"],
    ["eval code@", "eval code||0|0"],
    ["module code@https://example.org/mesh.js:12:7", "module code|https://example.org/mesh.js|12|7"],
  ])("%s", (line, expected) => {
    expect(parsed(line)).toEqual([expected]);
  });
});

describe("any text", () => {
  it("keeps the order, and leaves out what is no frame", () => {
    expect(parsed("Error: no", "    at a (/a.js:1:2)", "", "b@/b.js:3:4", "    ...")).toEqual([
      "a|/a.js|1|2",
      "b|/b.js|3|4",
    ]);
    expect(parsed("")).toEqual([]);
  });

  it("takes no more than linear time, and nothing makes it throw", () => {
    for (const part of ["eval at (", " (", ":1", "), ", "*", "@ line 1 > ", "%", "eval at eval at x ("]) {
      for (const start of ["    at ", "    at f (eval at ", "@", "f@file://"]) {
        const begun = performance.now();
        expect(parseFrames(`${start}${part.repeat(20_000)})`)).toHaveLength(1);
        expect(performance.now() - begun).toBeLessThan(2000);
      }
    }
  });
});
