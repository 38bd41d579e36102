// The packages as JSR takes them: TypeScript sources, which name each other by their files. Nothing of it is kept in the repository, so
// that versions, exports and dependencies are those of the package.json.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import ts from "typescript";

/**
 * A package's sources that its entry points reach, with `./x.js` written as `./x.ts`.
 * @param {string} dir the package
 * @param {string[]} entries paths inside it
 * @returns {{ files: Map<string, string>, packages: Set<string> }} texts by path, and whatever else is imported
 */
export function sourcesOf(dir, entries) {
  const files = new Map();
  const packages = new Set();
  const queue = [...entries];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (files.has(path)) continue;
    const text = readFileSync(join(dir, path), "utf8");
    let written = "";
    let at = 0;
    const imports = ts.preProcessFile(text, true, true).importedFiles.sort((a, b) => a.pos - b.pos);
    for (const { fileName, pos } of imports) {
      if (!fileName.startsWith(".")) {
        packages.add(fileName);
        continue;
      }
      const named = fileName.replace(/\.js$/, ".ts");
      // `pos` is that of the quote.
      written += text.slice(at, pos + 1) + named;
      at = pos + 1 + fileName.length;
      queue.push(posix.join(posix.dirname(path), named));
    }
    files.set(path, written + text.slice(at));
  }
  return { files, packages };
}

/**
 * What JSR has to know of a package.
 * @param {object} manifest its package.json
 * @param {Map<string, string>} versions of the packages that are on JSR, by name
 */
export function jsrManifest(manifest, versions) {
  const exported = Object.keys(manifest.exports).filter((path) => path !== "./package.json");
  const needed = Object.entries({ ...manifest.dependencies, ...manifest.peerDependencies });
  return {
    name: manifest.name,
    version: manifest.version,
    license: manifest.license,
    exports: Object.fromEntries(
      exported.map((path) => [path, `./src/${path === "." ? "index" : path.slice(2)}.ts`]),
    ),
    imports: Object.fromEntries(
      needed.map(([name, range]) => [
        name,
        versions.has(name) ? `jsr:${name}@^${versions.get(name)}` : `npm:${name}@${range}`,
      ]),
    ),
    // What ships may need no more of the language: as in tsconfig.base.json.
    compilerOptions: { lib: ["es2022"] },
  };
}

/**
 * Writes packages side by side, as a workspace of Deno.
 * @param {string} out where to
 * @param {{ folder: string, dir: string, manifest: object }[]} packages
 * @returns {{ name: string, files: string[], missing: string[] }[]} `missing`: imported and no dependency
 */
export function stage(out, packages) {
  const versions = new Map(packages.map(({ manifest }) => [manifest.name, manifest.version]));
  const staged = packages.map(({ folder, dir, manifest }) => {
    const described = jsrManifest(manifest, versions);
    const { files, packages: imported } = sourcesOf(
      dir,
      Object.values(described.exports).map((path) => path.slice(2)),
    );
    const texts = new Map([...files, ["deno.json", `${JSON.stringify(described, null, 2)}\n`]]);
    for (const [path, text] of texts) {
      mkdirSync(dirname(join(out, folder, path)), { recursive: true });
      writeFileSync(join(out, folder, path), text);
    }
    for (const name of ["README.md", "LICENSE", "CHANGELOG.md"])
      cpSync(join(dir, name), join(out, folder, name));
    const missing = [...imported].filter((name) => described.imports[name] === undefined);
    return { name: manifest.name, files: [...texts.keys()].sort(), missing };
  });
  const workspace = packages.map(({ folder }) => `./${folder}`);
  writeFileSync(join(out, "deno.json"), `${JSON.stringify({ workspace }, null, 2)}\n`);
  return staged;
}
