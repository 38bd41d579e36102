import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { snippetModules } from "./scripts/lib/snippet-modules.js";
import { alias, testTimeout } from "./vitest.shared.js";

/** A guide has a program for it; it is installed for the bench. */
const thing = fileURLToPath(
  new URL("./packages/bench/node_modules/@thi.ng/malloc/index.js", import.meta.url),
);

export default defineConfig({
  test: {
    // Vitest leaves one core free, which of two is half.
    maxWorkers: "100%",
    projects: [
      "packages/*/vitest.config.ts",
      "browser",
      "hostile",
      {
        resolve: { alias: [...alias, { find: "@thi.ng/malloc", replacement: thing }] },
        plugins: [snippetModules()],
        test: {
          name: "repository",
          root: import.meta.dirname,
          include: ["scripts/*.test.{mjs,ts}", "docs/**/*.test.ts", "examples/*/*.test.ts"],
          testTimeout,
        },
      },
    ],
  },
});
