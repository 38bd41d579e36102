/**
 * Where this package's own files and its dependencies' versions are, from the sources (tests) and from `dist` alike:
 * both find the package's root by its package.json.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

interface Manifest {
  readonly name?: string;
  readonly version?: string;
}

function manifestIn(folder: string): Manifest | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
  } catch {
    return undefined;
  }
}

/** The folder above `path` whose package.json has this name. */
function packageRoot(path: string, name: string): string | undefined {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if (manifestIn(folder)?.name === name) return folder;
    if (folder === dirname(folder)) return undefined;
  }
}

/** Folder of this package. */
export function ownRoot(): string {
  const root = packageRoot(fileURLToPath(import.meta.url), "@heapwright/bench");
  if (root === undefined) throw new Error("the files of @heapwright/bench are not where they were installed");
  return root;
}

/** Version of this package. */
export function ownVersion(): string {
  return manifestIn(ownRoot())?.version ?? "unknown";
}

/** A file the build puts into `dist`. */
export function built(name: string): string {
  return join(ownRoot(), "dist", name);
}

/** Path of a module or file a dependency exports. */
export function resolveDependency(specifier: string): string {
  return createRequire(import.meta.url).resolve(specifier);
}

/** Installed version of a dependency; "unknown" where it cannot be told. */
export function versionOf(name: string): string {
  for (const specifier of [`${name}/package.json`, name]) {
    try {
      const root = packageRoot(resolveDependency(specifier), name);
      const version = root === undefined ? undefined : manifestIn(root)?.version;
      if (version !== undefined) return version;
    } catch {
      // Not exported, or not built: the next way.
    }
  }
  return "unknown";
}
