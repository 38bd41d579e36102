/** The allocators of the bench, in the order of the table's columns, and how others get in: by the path of a module. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { messageOf, UsageError } from "../errors.js";
import type { TargetModule } from "./target.js";

/** Loaded on demand: a process measures one allocator and should know no other. */
const BUNDLED: { readonly [name: string]: () => Promise<{ default: TargetModule }> } = {
  hyperheap: () => import("./hyperheap.js"),
  tlsf: () => import("./tlsf.js"),
  slab: () => import("./slab.js"),
  dlmalloc: () => import("./dlmalloc.js"),
  "dlmalloc-rs": () => import("./rust.js"),
  "as-tlsf": () => import("./assemblyscript.js"),
  "thi.ng": () => import("./thing.js"),
  bump: () => import("./bump.js"),
};

/** Measured where they are named: a program that frees in any order has no use for them, and the tables fit a terminal without. */
const NAMED: typeof BUNDLED = {
  arena: () => import("./arena.js"),
};

/** The allocator all others are compared to. */
export const REFERENCE = "dlmalloc";

/** wasm that is the same in every build of this repository: what a machine's mood is told by when two runs are compared. */
export const REFERENCES: readonly string[] = [REFERENCE, "as-tlsf"];

/** Before the name of a plugin stack: the strategy it stands on. */
export const STACK_PREFIX = "hyperheap+";

/** Who is measured where none is named. */
export const targetNames: readonly string[] = Object.keys(BUNDLED);

/** Everybody who can be named. */
export const knownNames: readonly string[] = [...targetNames, ...Object.keys(NAMED)];

function isTargetModule(value: unknown): value is TargetModule {
  const module = value as Partial<TargetModule> | null | undefined;
  return (
    typeof module === "object" &&
    module !== null &&
    typeof module.name === "string" &&
    typeof module.create === "function" &&
    typeof module.version === "function" &&
    typeof module.alignment === "number" &&
    typeof module.maxAlign === "number"
  );
}

/** Names with a slash or a module's ending are files. */
export function isTargetPath(name: string): boolean {
  return /[/\\]|\.(js|mjs|cjs|ts|mts)$/.test(name);
}

/**
 * A bundled allocator by name, a stack of plugins as `hyperheap+name`, or the default export of a module by path.
 * @throws {@link UsageError} for an unknown name or a file that is no target.
 */
export async function loadTarget(name: string): Promise<TargetModule> {
  const all = { ...BUNDLED, ...NAMED };
  const bundled = Object.hasOwn(all, name) ? all[name] : undefined;
  if (bundled !== undefined) return (await bundled()).default;
  if (name.startsWith(STACK_PREFIX) && !isTargetPath(name)) {
    return (await import("../stacks/target.js")).stackTarget(name.slice(STACK_PREFIX.length));
  }
  if (!isTargetPath(name))
    throw new UsageError(`unknown allocator "${name}"; known: ${knownNames.join(", ")}`);
  const path = resolve(name);
  if (!existsSync(path)) throw new UsageError(`${name}: no such file`);
  let loaded: { default?: unknown };
  try {
    loaded = (await import(pathToFileURL(path).href)) as { default?: unknown };
  } catch (error) {
    throw new UsageError(`${name}: ${messageOf(error)}`);
  }
  if (!isTargetModule(loaded.default)) {
    throw new UsageError(
      `${name}: its default export is no allocator (name, alignment, maxAlign, version, create)`,
    );
  }
  return loaded.default;
}
