/** The guides are complete: every error code has its heading, every member of what is left behind its counterpart. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { HEAP_ERROR_CODES } from "@heapwright/core";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { root } from "../scripts/lib/root.js";

const read = (file: string): string => readFileSync(join(root, file), "utf8");

describe("error-codes.md", () => {
  it("has a heading for every code, and for no other", () => {
    const headings = [...read("docs/guides/error-codes.md").matchAll(/^#+ .*?(ERR_\w+).*$/gm)].map(
      ([, code]) => code,
    );
    expect(headings.sort()).toEqual(Object.keys(HEAP_ERROR_CODES).sort());
  });
});

describe("coming-from-thi-ng-malloc.md", () => {
  const place = "packages/bench/node_modules/@thi.ng/malloc";

  /** Public members of an interface or class in the package's type declarations. */
  function membersOf(file: string, name: string): string[] {
    const source = ts.createSourceFile(file, read(`${place}/${file}`), ts.ScriptTarget.Latest);
    const found = source.statements.find(
      (one) => (ts.isInterfaceDeclaration(one) || ts.isClassDeclaration(one)) && one.name?.text === name,
    ) as ts.InterfaceDeclaration | ts.ClassDeclaration | undefined;
    if (found === undefined) throw new Error(`${file} has no ${name}`);
    const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected;
    return [...found.members]
      .filter((member) => (ts.getCombinedModifierFlags(member as ts.Declaration) & hidden) === 0)
      .flatMap(({ name }) => (name !== undefined && ts.isIdentifier(name) ? name.text : []));
  }

  /** What stands in backticks in the first cell of a table's rows: `a`, `b(c)`, `d.e`. */
  const rows = read("docs/guides/coming-from-thi-ng-malloc.md").matchAll(/^\| (?<cell>.*?) \|/gm);
  const named = new Set(
    [...rows].flatMap(({ groups }) => [...(groups?.cell ?? "").matchAll(/`(\w+)/g)].map(([, name]) => name)),
  );

  it.each([
    ["api.d.ts", "MemPoolOpts", 9],
    ["api.d.ts", "MemPoolStats", 5],
    ["api.d.ts", "IMemPool", 5],
    ["api.d.ts", "IMemPoolArray", 5],
    ["pool.d.ts", "MemPool", 11],
  ])("has a row for every public member of %s %s", (file, type, count) => {
    const members = membersOf(file, type);
    expect(new Set(members).size).toBe(count);
    expect(members.filter((name) => !named.has(name))).toEqual([]);
  });
});
