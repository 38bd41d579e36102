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
]);
