import { defineConfig } from "vitest/config";
import { snippetModules } from "./scripts/lib/snippet-modules.js";
import { alias, testTimeout } from "./vitest.shared.js";

export default defineConfig({
  test: {
    // Vitest leaves one core free, which of two is half.
    maxWorkers: "100%",
    projects: [
      "packages/*/vitest.config.ts",
      "browser",
      "hostile",
      {
        resolve: { alias },
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
