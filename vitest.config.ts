import { defineConfig } from "vitest/config";
import { alias, testTimeout } from "./vitest.shared.js";

export default defineConfig({
  test: {
    projects: [
      "packages/*/vitest.config.ts",
      {
        resolve: { alias },
        test: {
          name: "repository",
          root: import.meta.dirname,
          include: ["scripts/*.test.mjs", "docs/**/*.test.ts"],
          testTimeout,
        },
      },
    ],
  },
});
