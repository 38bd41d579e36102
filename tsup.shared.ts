import { defineConfig, type Options } from "tsup";

/**
 * The one build every published library package uses: ESM and CJS, each with its own types, from `src/index.ts`.
 * Dependencies and peers stay imports; `scripts/check-dist.mjs` proves which of them may be there at all.
 */
export function library(overrides: Options = {}) {
  return defineConfig({
    entry: ["src/index.ts"],
    format: ["esm", "cjs"],
    target: "es2022",
    platform: "neutral",
    tsconfig: "tsconfig.build.json",
    // The built types of sibling packages, not their sources: what a consumer will see.
    dts: { compilerOptions: { paths: {} } },
    sourcemap: true,
    treeshake: true,
    splitting: false,
    clean: true,
    silent: true,
    ...overrides,
  });
}
