// Proves on the built files what the packages promise: strategies and plugins take only types from core, so that two
// copies of core in one app do no harm; nothing but the bench needs Node; nothing compiles code at run time.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import ts from "typescript";
import { publishablePackages, report } from "./lib/workspace.mjs";

/**
 * What the files of a package may import at run time, besides each other; of an entry that is named, what that one may. A package that is
 * not named here is a strategy or a plugin and may import nothing.
 */
const RUNTIME_IMPORTS = {
  conformance: ["fast-check", "vitest"],
  "stats/pprof": ["pprof-format"],
  heapwright: ["@heapwright/core", "@heapwright/hyperheap"],
  // Each subpath is the package of its name, and nothing else.
  ...Object.fromEntries(
    ["arena", "hyperheap", "slab", "stats", "strict", "tlsf", "trace", "wasm"].map((name) => [
      `heapwright/${name}`,
      [`@heapwright/${name}`],
    ]),
  ),
};

/** Not looked at: the bench is a Node program with dependencies of its own. */
const PROGRAMS = ["bench"];

/** What the type files of any package may import besides. */
const TYPE_IMPORTS = ["@heapwright/core"];

/**
 * Every module a file names, and every way to compile code, with the line it stands on.
 * @returns {{ line: number, kind: "import" | "computed import" | "code from text", name: string }[]}
 */
export function references(fileName, text) {
  const file = ts.createSourceFile(fileName, text, ts.ScriptTarget.Latest, true);
  const found = [];
  const add = (node, kind, name) => {
    found.push({ line: file.getLineAndCharacterOfPosition(node.getStart()).line + 1, kind, name });
  };
  const addModule = (node, specifier) => {
    if (specifier !== undefined && ts.isStringLiteralLike(specifier)) add(node, "import", specifier.text);
    else add(node, "computed import", node.getText().slice(0, 60));
  };
  const visit = (node) => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier) {
      addModule(node, node.moduleSpecifier);
    } else if (ts.isExternalModuleReference(node)) {
      addModule(node, node.expression);
    } else if (ts.isImportTypeNode(node)) {
      addModule(node, ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined);
    } else if (ts.isCallExpression(node) || ts.isNewExpression(node)) {
      const callee = node.expression;
      const name = ts.isPropertyAccessExpression(callee) ? callee.name.text : callee.getText();
      if (callee.kind === ts.SyntaxKind.ImportKeyword) addModule(node, node.arguments?.[0]);
      else if (LOADERS.has(name)) addModule(node, node.arguments?.[0]);
      else if (name === "eval" || name === "Function") add(node, "code from text", name);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  for (const { fileName: name } of file.typeReferenceDirectives)
    found.push({ line: 1, kind: "import", name });
  return found.sort((a, b) => a.line - b.line);
}

const LOADERS = new Set(["require", "__require", "createRequire", "getBuiltinModule"]);

/** What is wrong with one built file, a line each. `allowed` are the packages it may import. */
export function findings(fileName, text, allowed) {
  return references(fileName, text)
    .filter(({ kind, name }) => {
      if (kind !== "import") return true;
      return (
        !name.startsWith("./") && !allowed.some((entry) => name === entry || name.startsWith(`${entry}/`))
      );
    })
    .map(({ line, kind, name }) => `${fileName}:${line}: ${kind}: ${name}`);
}

/** What is wrong with the built files of the package in `dir`, a line each. */
export function packageFindings(folder, dir) {
  const dist = join(dir, "dist");
  const files = existsSync(dist) ? readdirSync(dist, { recursive: true }).map(String).sort() : [];
  const code = files.filter((file) => /\.[cm]?js$/.test(file));
  const types = files.filter((file) => /\.d\.[cm]?ts$/.test(file));
  if (code.length === 0 || types.length === 0) return [`${folder}/dist: not built`];
  const runtime = (name) =>
    RUNTIME_IMPORTS[`${folder}/${name.split(".", 1)[0]}`] ?? RUNTIME_IMPORTS[folder] ?? [];
  const check = (names, more) =>
    names.flatMap((name) =>
      findings(`dist/${name}`, readFileSync(join(dist, name), "utf8"), [...runtime(name), ...more]),
    );
  return [...check(code, []), ...check(types, TYPE_IMPORTS)];
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { check, end } = report();
  for (const { name, folder, dir } of publishablePackages()) {
    if (PROGRAMS.includes(folder)) continue;
    check(`${name}: dist imports only what it may`, () => packageFindings(folder, dir));
  }
  end();
}
