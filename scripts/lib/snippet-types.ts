/** Type checks snippets, all in one program, as strictly as the sources. */
import { join } from "node:path";
import ts from "typescript";
import { root } from "./root.js";
import type { Snippet } from "./snippets.js";

/** What TypeScript finds wrong, a line each: `README.md:12: …`. What is wrong in the sources is not told here. */
export function typeErrors(snippets: readonly Snippet[]): string[] {
  const texts = new Map(snippets.map(({ module, code }) => [module, code]));
  const base = join(root, "tsconfig.base.json");
  const { config, error } = ts.readConfigFile(base, ts.sys.readFile);
  if (error !== undefined) throw new Error(String(error.messageText));
  const { options } = ts.parseJsonConfigFileContent(
    config,
    { ...ts.sys, readDirectory: () => [] },
    root,
    {},
    base,
  );
  const program = ts.createProgram({
    rootNames: [...texts.keys()],
    options: {
      ...options,
      // What a guide tells users of another package to leave; installed for the bench.
      paths: { ...options.paths, "@thi.ng/malloc": ["./packages/bench/node_modules/@thi.ng/malloc"] },
      lib: ["lib.es2024.d.ts", "lib.esnext.disposable.d.ts", "lib.dom.d.ts"],
      types: ["node"],
      allowJs: true,
      checkJs: true,
      moduleDetection: ts.ModuleDetectionKind.Force,
      // An example may name what it does not use further, and have relative imports.
      noUnusedLocals: false,
      noUnusedParameters: false,
    },
    host: hostWith(texts, options),
  });
  return snippets.flatMap((snippet) => {
    const file = program.getSourceFile(snippet.module);
    if (file === undefined) throw new Error(`${snippet.module} is not in the program`);
    const found = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
    return found.map(({ start, messageText }) => {
      const { line } = file.getLineAndCharacterOfPosition(start ?? 0);
      return `${snippet.file}:${snippet.line + line}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
    });
  });
}

/** The files of the disk, and the snippets as if they were there. */
function hostWith(texts: ReadonlyMap<string, string>, options: ts.CompilerOptions): ts.CompilerHost {
  const host = ts.createCompilerHost(options, true);
  const { fileExists, readFile, getSourceFile } = host;
  return {
    ...host,
    getCurrentDirectory: () => root,
    fileExists: (path) => texts.has(path) || fileExists(path),
    readFile: (path) => texts.get(path) ?? readFile(path),
    getSourceFile(path, version, ...rest) {
      const text = texts.get(path);
      if (text === undefined) return getSourceFile(path, version, ...rest);
      return ts.createSourceFile(path, text, version, true);
    },
  };
}
