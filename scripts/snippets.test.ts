/** Every program in the documentation runs, prints what it says, and passes the type checker. See lib/snippets.ts. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { format } from "node:util";
import { describe, expect, it, vi } from "vitest";
import { root } from "./lib/root.js";
import { typeErrors } from "./lib/snippet-types.js";
import { documents, type Snippet, snippetsOf, sources } from "./lib/snippets.js";

/** Runs a program; what it printed, a line each. */
async function run(snippet: Snippet): Promise<string[]> {
  const printed: string[] = [];
  const log = vi.spyOn(console, "log").mockImplementation((...values) => {
    printed.push(...format(...values).split("\n"));
  });
  try {
    await import(/* @vite-ignore */ snippet.module);
  } finally {
    log.mockRestore();
  }
  return printed;
}

async function verify(snippet: Snippet): Promise<void> {
  const printed = await run(snippet);
  if (snippet.prints !== undefined) expect(printed).toEqual(snippet.prints);
}

const all = [...documents(), ...sources()].flatMap((file) => snippetsOf(file));
const runnable = all.filter(({ mode }) => mode === "run");
const brings = (snippet: Snippet): boolean => /from "vitest"|^conformance\(/m.test(snippet.code);

describe("programs in the documentation", () => {
  it("are found", () => {
    const files = new Set(runnable.map(({ file }) => file));
    for (const file of [
      "README.md",
      "docs/ARCHITECTURE.md",
      "docs/guides/choosing-a-strategy.md",
      "docs/guides/coming-from-thi-ng-malloc.md",
      "docs/guides/debugging-a-corrupted-heap.md",
      "docs/guides/error-codes.md",
      "docs/guides/sharing-between-workers.md",
      "docs/guides/writing-a-plugin.md",
      "docs/guides/writing-a-strategy.md",
      "packages/core/README.md",
      "packages/arena/README.md",
      "packages/hyperheap/README.md",
      "packages/slab/README.md",
      "packages/strict/README.md",
      "packages/tlsf/README.md",
      "packages/trace/README.md",
    ]) {
      expect(files).toContain(file);
    }
    expect(files).toContain("packages/core/src/create.ts");
  });

  it("pass the type checker", () => {
    expect(typeErrors(all)).toEqual([]);
  });

  for (const snippet of runnable) {
    const name = `${snippet.file}:${snippet.line}`;
    // A program that declares tests declares them here.
    if (brings(snippet)) describe(name, () => import(/* @vite-ignore */ snippet.module));
    else it(name, () => verify(snippet));
  }
});

describe("files shown in the documentation", () => {
  it.each(all.filter(({ mode }) => mode === "file"))(
    "$file:$line shows all of $shows",
    ({ code, shows = "" }) => {
      expect(code).toBe(readFileSync(join(root, shows), "utf8"));
    },
  );
});

/** The test can fail: each of these is wrong in one way. */
describe("a broken program", () => {
  const [throws, prints, mistyped, good, refused] = snippetsOf("scripts/fixtures/snippets.md");

  it("is told by what it throws", async () => {
    await expect(verify(throws)).rejects.toThrow("size must be an integer in 1 … 2^32 - 1, not 0");
  });

  it("is told by what it prints", async () => {
    await expect(verify(prints)).rejects.toThrow("expected [ '2' ] to deeply equal [ '3' ]");
  });

  it("is told by the type checker, with its place", () => {
    expect(typeErrors([mistyped])).toEqual([
      `scripts/fixtures/snippets.md:${mistyped.line + 2}: Type 'string' is not assignable to type 'number'.`,
    ]);
    expect(refused.mode).toBe("no-run");
    expect(typeErrors([good, refused])).toEqual([
      `scripts/fixtures/snippets.md:${refused.line}: Cannot find module '@heapwright/none' or its corresponding type declarations.`,
    ]);
  });

  it("is not hidden by its mark", () => {
    for (const mark of ["typescript", "tsx", "JS", "mjs", "ts norun", "ts no-run no-run"]) {
      expect(() => snippetsOf("x.md", `\`\`\`${mark}\n1;\n\`\`\`\n`)).toThrow(`x.md:1: \`${mark}\``);
    }
    expect(() => snippetsOf("x.md", "text\n```ts\n1;\n")).toThrow("x.md:2: the fenced block does not end");
  });

  it("next to a good one does no harm to it", async () => {
    await verify(good);
  });
});

describe("an example in a docstring", () => {
  it("gets its imports, a heap and a pointer", () => {
    const text =
      "const x = 1;\n/**\n * Frees.\n * @example\n * ```ts\n * heap.free(ptr);\n * isHeapError(1);\n * ```\n */\n";
    const [snippet] = snippetsOf("packages/core/src/x.ts", text);
    expect(snippet).toMatchObject({ line: 6, mode: "run" });
    expect(snippet.code).toContain('import { createHeap, isHeapError } from "@heapwright/core"; ');
    expect(snippet.code).toContain("const ptr = heap.alloc(64); heap.free(ptr);\nisHeapError(1);\n");
  });

  it("that says what it uses gets nothing", () => {
    const text =
      '/** ```\n * ```\n * ```ts\n * import { limit } from "@heapwright/core";\n * const heap = limit;\n * ```\n */';
    expect(snippetsOf("x.ts", text).map(({ code }) => code)).toEqual([
      'import { limit } from "@heapwright/core";\nconst heap = limit;\n',
    ]);
  });
});
