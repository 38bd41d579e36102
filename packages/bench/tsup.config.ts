import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { defineConfig, type Options } from "tsup";

const shared: Options = {
  target: "node20",
  platform: "node",
  sourcemap: true,
  treeshake: false,
  // scripts/build-wasm.mjs has emptied dist and put the wasm there.
  clean: false,
  tsconfig: "tsconfig.json",
};
// The built types of sibling packages, not their sources: what a consumer will see.
const dts: Options["dts"] = { entry: "src/index.ts", compilerOptions: { paths: {} } };

/** What the page's script holds of others comes with its licence. */
const uplot = dirname(dirname(createRequire(import.meta.url).resolve("uplot")));
const notice = `/*! uPlot ${(JSON.parse(readFileSync(join(uplot, "package.json"), "utf8")) as { version: string }).version}\n\n${readFileSync(join(uplot, "LICENSE"), "utf8").trim()}\n*/`;

export default defineConfig([
  // Split, so that a worker loads the one allocator it measures.
  {
    ...shared,
    entry: ["src/index.ts", "src/cli.ts", "src/worker.ts", "src/agents/thread.ts", "src/threads/thread.ts"],
    format: "esm",
    splitting: true,
    dts,
  },
  { ...shared, entry: ["src/index.ts"], format: "cjs", shims: true, dts },
  // The script and style that a report holds.
  {
    ...shared,
    entry: { "report-page": "src/html/page/main.ts" },
    format: "iife",
    platform: "browser",
    target: "es2022",
    tsconfig: "src/html/page/tsconfig.json",
    noExternal: [/./],
    minify: true,
    sourcemap: false,
    banner: { js: notice },
    outExtension: () => ({ js: ".js" }),
  },
]);
