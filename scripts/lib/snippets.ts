/**
 * Snippets: the programs in the documentation, found so that a test can run them.
 *
 * In Markdown every fenced block that is marked `ts` or `js` is a complete program. What stands behind the mark decides:
 *
 *     ```ts             runs, and must not throw
 *     ```ts no-run      is type checked only
 *     ```ts file=x.ts   shows all of x.ts (beside the Markdown file), whose own test runs it
 *
 * A comment `//=> text` behind a `console.log`, or on lines of its own after it, is what the program prints: where there is one,
 * all printed lines are compared. In a docstring, imports from our packages are put in front, and `heap`, `ptr` and `memory` exist.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import ts from "typescript";
import { packageExports } from "./package-exports.js";
import { root } from "./root.js";

export interface Snippet {
  /** The file it stands in, relative to the repository, and the line its code begins on, from 1. */
  readonly file: string;
  readonly line: number;
  readonly language: "ts" | "js";
  readonly mode: "run" | "no-run" | "file";
  /** For mode "file": the file it shows, relative to the repository. */
  readonly shows?: string;
  readonly code: string;
  /** Lines it is said to print; undefined where nothing is said. */
  readonly prints: readonly string[] | undefined;
  /** The module it becomes: beside its file, so that relative imports work. No such file exists. */
  readonly module: string;
}

/** Marks that would hide a program from the test. */
const OTHER_MARKS = /^(typescript|javascript|[mc]?[tj]sx?)$/i;
const MODULE = /^(?<file>.+\.(?:md|ts))\.L(?<line>\d+)\.(?:ts|js)$/;

/** Every Markdown file whose snippets are run. */
export function documents(): string[] {
  const packages = readdirSync(join(root, "packages")).map((name) => `packages/${name}/README.md`);
  const docs = ["docs", "docs/guides"].flatMap((dir) =>
    readdirSync(join(root, dir))
      .filter((name) => name.endsWith(".md"))
      .map((name) => `${dir}/${name}`),
  );
  return ["README.md", ...docs, ...packages].filter((file) => existsSync(join(root, file)));
}

/** Every source file that ships. */
export function sources(): string[] {
  return readdirSync(join(root, "packages")).flatMap((name) => {
    const dir = `packages/${name}/src`;
    if (!existsSync(join(root, dir))) return [];
    return readdirSync(join(root, dir))
      .filter((file) => file.endsWith(".ts") && !/\.test(-d)?\.ts$/.test(file))
      .map((file) => `${dir}/${file}`);
  });
}

/** The snippets of a Markdown or TypeScript file. */
export function snippetsOf(file: string, text = readFileSync(join(root, file), "utf8")): Snippet[] {
  return file.endsWith(".md") ? fromMarkdown(file, text) : fromDocstrings(file, text);
}

/** The snippet that a module's path names; undefined if it names none. */
export function snippetAt(path: string): Snippet | undefined {
  const named = MODULE.exec(path)?.groups;
  if (named === undefined || !named.file.startsWith(root) || !existsSync(named.file)) return undefined;
  return snippetsOf(relative(root, named.file)).find(({ line }) => line === Number(named.line));
}

interface Fence {
  readonly mark: string;
  readonly line: number;
  readonly code: string;
}

/** Fenced blocks, of any mark. Throws if one does not end. */
function fences(file: string, text: string): Fence[] {
  const found: Fence[] = [];
  const lines = text.split("\n");
  for (let at = 0; at < lines.length; at++) {
    const open = /^(?<indent> *)(?<fence>`{3,}|~{3,}) *(?<mark>[^`]*)$/.exec(lines[at])?.groups;
    if (open === undefined) continue;
    const close = new RegExp(`^ *${open.fence[0]}{${open.fence.length},} *$`);
    const end = lines.findIndex((line, index) => index > at && close.test(line));
    if (end < 0) throw new Error(`${file}:${at + 1}: the fenced block does not end`);
    const code = lines.slice(at + 1, end).map((line) => line.replace(open.indent, ""));
    found.push({ mark: open.mark.trim(), line: at + 2, code: `${code.join("\n")}\n` });
    at = end;
  }
  return found;
}

function fromMarkdown(file: string, text: string): Snippet[] {
  return fences(file, text).flatMap((fence) => toSnippet(file, fence) ?? []);
}

function toSnippet(file: string, { mark, line, code }: Fence): Snippet | undefined {
  const [language = "", ...rest] = mark.split(/\s+/);
  const wrong = (why: string): Error => new Error(`${file}:${line - 1}: \`${mark}\`: ${why}`);
  if (language !== "ts" && language !== "js") {
    if (OTHER_MARKS.test(language)) throw wrong("programs are marked ts or js");
    return undefined;
  }
  const [option] = rest;
  const shows = /^file=(\S+)$/.exec(option ?? "")?.[1];
  if (rest.length > 1 || (option !== undefined && option !== "no-run" && shows === undefined)) {
    throw wrong("behind the mark may stand no-run or file=name");
  }
  return {
    file,
    line,
    language,
    mode: shows !== undefined ? "file" : option === "no-run" ? "no-run" : "run",
    ...(shows !== undefined && { shows: join(dirname(file), shows) }),
    code,
    prints: printedBy(code),
    module: join(root, `${file}.L${line}.${language}`),
  };
}

function printedBy(code: string): string[] | undefined {
  const lines = [...code.matchAll(/\/\/=> ?(.*)$/gm)].map(([, text]) => text.trimEnd());
  return lines.length === 0 ? undefined : lines;
}

/** Fenced blocks in `/** … *​/` comments. */
function fromDocstrings(file: string, text: string): Snippet[] {
  return [...text.matchAll(/\/\*\*[\s\S]*?\*\//g)].flatMap(({ 0: comment, index }) => {
    const bare = comment
      .split("\n")
      .map((line) => line.replace(/^\s*\/?\*+\/? ?/, ""))
      .join("\n");
    const before = text.slice(0, index).split("\n").length - 1;
    return fences(file, bare).flatMap((fence) => {
      const snippet = toSnippet(file, { ...fence, line: fence.line + before });
      return snippet === undefined ? [] : { ...snippet, code: preamble(snippet.code) + snippet.code };
    });
  });
}

/** What a docstring's example may use without saying where it comes from. */
function preamble(code: string): string {
  const missing = freeNames(code);
  const lines: string[] = [];
  if (missing.has("heap") || missing.has("ptr")) {
    lines.push("const heap = createHeap({ memory: 1 << 20, strategy: hyperheap() });");
    for (const name of ["createHeap", "hyperheap"]) missing.add(name);
  }
  if (missing.has("ptr")) lines.push("const ptr = heap.alloc(64);");
  if (missing.has("memory")) lines.push("const memory = new SharedArrayBuffer(1 << 20);");
  for (const [name, exported] of packageExports()) {
    const used = exported.filter((one) => missing.has(one));
    if (used.length > 0) lines.unshift(`import { ${used.join(", ")} } from "${name}";`);
  }
  // No line of its own: the example's lines keep their numbers.
  return lines.length === 0 ? "" : `${lines.join(" ")} `;
}

/** Identifiers a program uses and does not declare; scopes are not told apart. */
function freeNames(code: string): Set<string> {
  const used = new Set<string>();
  const declared = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) {
      const { parent } = node;
      const isMember =
        (ts.isPropertyAccessExpression(parent) && parent.name === node) ||
        (ts.isPropertyAssignment(parent) && parent.name === node);
      const isDeclared = ts.isImportSpecifier(parent) || ("name" in parent && parent.name === node);
      if (isDeclared && !ts.isShorthandPropertyAssignment(parent)) declared.add(node.text);
      else if (!isMember) used.add(node.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile("example.ts", code, ts.ScriptTarget.Latest, true));
  for (const name of declared) used.delete(name);
  return used;
}
