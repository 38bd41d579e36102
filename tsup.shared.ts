import { defineConfig, type Options } from "tsup";

/**
 * esbuild writes a module's `const` as `var`. V8 folds a constant's number into the code, but loads a variable and tests that it is
 * a small integer, at each use: 2.5 ns of 13 in a call of hyperheap's alloc. So names in capitals become constants again.
 */
const keepConstants: NonNullable<Options["plugins"]>[number] = {
  name: "keep-constants",
  renderChunk: (code) => ({ code: code.replace(/^var (?=[A-Z][A-Z0-9_]* = )/gm, "const ") }),
};

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
    plugins: [keepConstants],
    ...overrides,
  });
}
