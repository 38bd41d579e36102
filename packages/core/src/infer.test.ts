/**
 * What people read of the types: the declarations made from a heap, and the errors for a stack that cannot be. Compiled with
 * the built declarations, as a user does.
 */
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, it } from "vitest";

const FOLDER = fileURLToPath(new URL("../../hyperheap/src/", import.meta.url));
const PRELUDE = `
  import { createHeap, failEvery, limit, type Plugin } from "@heapwright/core";
  import { hyperheap } from "@heapwright/hyperheap";
  export interface StatsApi { readonly count: number }
  export declare function stats(): Plugin<"stats", StatsApi>;
  export declare const debug: boolean;
`;

/** Declarations and errors of a module that lies where the packages are found. */
function compile(source: string): { declarations: string; errors: string[] } {
  const name = `${FOLDER}consumer.ts`;
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ["lib.es2022.d.ts"],
    types: [],
    strict: true,
    declaration: true,
    emitDeclarationOnly: true,
    paths: { "@heapwright/*": [fileURLToPath(new URL("../../*/dist/index.d.ts", import.meta.url))] },
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  host.getSourceFile = (file, ...rest) =>
    file === name
      ? ts.createSourceFile(file, PRELUDE + source, ts.ScriptTarget.ES2022)
      : getSourceFile(file, ...rest);
  host.fileExists = (file) => file === name || fileExists(file);
  host.readFile = (file) => (file === name ? PRELUDE + source : readFile(file));
  let declarations = "";
  const program = ts.createProgram([name], options, host);
  program.emit(undefined, (_file, text) => {
    declarations = text;
  });
  const errors = ts
    .getPreEmitDiagnostics(program)
    .map((diagnostic) => ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n"));
  return { declarations: declarations.replace(/\s+/g, " "), errors };
}

describe("declarations", () => {
  it("spell a heap's APIs inline", () => {
    const { declarations, errors } = compile(`
      export const one = createHeap({ memory: 1024, strategy: hyperheap(), plugins: [stats()] });
      export const two = createHeap({ memory: 1024, strategy: hyperheap(), plugins: [failEvery(2), stats(), limit({ bytes: 5 })] });
      export const maybe = createHeap({ memory: 1024, strategy: hyperheap(), plugins: [debug && stats()] });
      export const none = createHeap({ memory: 1024, strategy: hyperheap() });
    `);
    expect(errors).toEqual([]);
    const core = String.raw`(import\("@heapwright/core"\)\.)?`;
    expect(declarations).toMatch(new RegExp(`const one: ${core}Heap & \\{ readonly stats: StatsApi; \\}`));
    const parts = [`failEvery: ${core}FailApi`, "stats: StatsApi", `limit: ${core}LimitApi`];
    const any = parts.map((part) => `readonly ${part}; `).join("|");
    expect(declarations).toMatch(new RegExp(`const two: ${core}Heap & \\{ (?:${any}){3}\\}`));
    expect(declarations).toMatch(
      new RegExp(`const maybe: ${core}Heap & \\{ readonly stats\\?: StatsApi( \\| undefined)?; \\}`),
    );
    expect(declarations).toMatch(new RegExp(`const none: ${core}Heap( & \\{\\})?;`));
  });
});

describe("errors", () => {
  it("say in words why a stack cannot be", () => {
    const twice = compile(
      `createHeap({ memory: 1024, strategy: hyperheap(), plugins: [stats(), stats()] });`,
    ).errors;
    expect(twice.join("\n")).toContain(`CompositionError: two parts of the stack are named \\"stats\\"`);
    const member = compile(`
      declare const wrong: Plugin<"alloc", { readonly x: number }>;
      createHeap({ memory: 1024, strategy: hyperheap(), plugins: [wrong] });`).errors;
    expect(member.join("\n")).toContain(
      `CompositionError: \\"alloc\\" is a member of Heap and cannot name a plugin`,
    );
  });
});
