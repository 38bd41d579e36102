/** Makes each snippet a module of its own under its path, `docs/X.md.L12.ts`, for vitest to import. */
import type { Plugin } from "vitest/config";
import { snippetAt } from "./snippets.js";

export function snippetModules(): Plugin {
  return {
    name: "heapwright:snippets",
    enforce: "pre",
    resolveId: (id) => (snippetAt(id) === undefined ? undefined : id),
    load: (id) => snippetAt(id)?.code,
  };
}
