/**
 * What the packages weigh in an app's bundle, minified and gzipped: `.size-limit.json` has the limits, the READMEs state them. The built
 * packages are measured: `pnpm test` builds before it tests.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";
import { root } from "./lib/root.js";

interface Limit {
  readonly name: string;
  readonly import: string;
  readonly limit: string;
}

const limits: Limit[] = JSON.parse(readFileSync(join(root, ".size-limit.json"), "utf8"));
const bytesOf = ({ limit }: Limit): number => Number(/^(\d+) B$/.exec(limit)?.[1]);

/** What a README states: the import and its KB. */
function statements(text: string): string[] {
  return [...text.matchAll(/`(\{[^`]+\})` takes at most ([\d.]+) KB, minified\s+and\s+gzipped/g)].map(
    ([, what, size]) => `${what} ${size}`,
  );
}

/** Bytes, minified, of a program that has only this line. */
async function bundled(line: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: line, resolveDir: join(root, "packages/heapwright/dist") },
    alias: { heapwright: join(root, "packages/heapwright/dist/index.js") },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    tsconfigRaw: {},
    logLevel: "error",
  });
  return outputFiles[0].text.trim();
}

it("there is a limit for every library", () => {
  const libraries = readdirSync(join(root, "packages")).filter(
    (name) =>
      !["bench", "conformance"].includes(name) && existsSync(join(root, "packages", name, "package.json")),
  );
  expect(limits.map(({ name }) => name).sort()).toEqual(libraries.sort());
});

it("each keeps to its limit, and the limit is not far from it", () => {
  const cli = join(root, "node_modules/size-limit/bin.js");
  const printed = execFileSync(process.execPath, [cli, "--json"], { cwd: root, encoding: "utf8" });
  const measured: { name: string; size: number }[] = JSON.parse(printed);
  expect(measured.map(({ name }) => name)).toEqual(limits.map(({ name }) => name));
  const wrong = measured.flatMap(({ name, size }, index) => {
    const limit = bytesOf(limits[index]);
    return size <= limit && size >= limit * 0.9 ? [] : [`${name}: ${size} bytes, stated: ${limit}`];
  });
  expect(wrong).toEqual([]);
});

describe("the README states it", () => {
  const shown = limits.filter(({ name }) => existsSync(join(root, "packages", name, "README.md")));

  it.each(shown)("of $name", (limit) => {
    const text = readFileSync(join(root, "packages", limit.name, "README.md"), "utf8");
    expect(statements(text)).toEqual([`${limit.import} ${(bytesOf(limit) / 1000).toFixed(1)}`]);
  });

  it("of the front door, for all of them", () => {
    const text = readFileSync(join(root, "packages/heapwright/README.md"), "utf8");
    const rows = [...text.matchAll(/^\| `([^`]+)` \| `(\{[^`]+\})` \| ([\d.]+) \|$/gm)].map(
      ([, ...row]) => row,
    );
    const behind = limits.filter(({ name }) => name !== "heapwright");
    const expected = behind.map((limit) => [
      limit.name === "core" ? "@heapwright/core" : `heapwright/${limit.name}`,
      limit.import,
      (bytesOf(limit) / 1000).toFixed(1),
    ]);
    expect(rows.sort()).toEqual(expected.sort());
  });
});

describe("what is not used is left out", () => {
  it("all of it", async () => {
    expect(await bundled('import "heapwright";')).toBe("");
    expect(await bundled('import { createHeap } from "heapwright";')).toBe("");
  });

  it("all but the function that is used", async () => {
    const one = await bundled('import { isHeapError } from "heapwright"; console.log(isHeapError(1));');
    expect(one.length).toBeLessThan(1000);
    const all = await bundled('import * as door from "heapwright"; console.log(door);');
    const heap = await bundled('import { createHeap } from "heapwright"; console.log(createHeap);');
    expect(all.length).toBeGreaterThan(heap.length * 1.2);
  });
});
