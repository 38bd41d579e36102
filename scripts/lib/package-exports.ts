/** What the packages export, by reading their `index.ts`: no package is loaded for it. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { root } from "./root.js";

/** Names a package's index exports one by one: `export { a, type B } from …`. */
export function exportsOf(folder: string): string[] {
  const path = join(root, "packages", folder, "src/index.ts");
  if (!existsSync(path)) return [];
  const file = ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.Latest);
  return file.statements.flatMap((statement) => {
    if (!ts.isExportDeclaration(statement)) return [];
    const { exportClause } = statement;
    if (exportClause === undefined || !ts.isNamedExports(exportClause)) {
      throw new Error(`${path}: exports are listed by name`);
    }
    return exportClause.elements.map(({ name }) => name.text);
  });
}

/** Every package with the names it exports; not the front door, whose names are theirs. */
export function packageExports(): [name: string, exported: string[]][] {
  return readdirSync(join(root, "packages"))
    .filter((folder) => folder !== "heapwright")
    .map((folder) => [`@heapwright/${folder}`, exportsOf(folder)]);
}
