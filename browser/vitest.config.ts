/**
 * Tests in a real browser: Chromium, driven by playwright-core, on a page that a server on the loopback interface serves with the headers
 * that let it share memory, and once without them.
 *
 *     Node                          page (main thread)                worker
 *     x.test.ts ──evaluate──► scenarios/x.ts, its scenario ──post──► scenarios/x.ts, its role
 *               ◄──report──                                 ◄──say──
 *
 * The scenarios are code of the browser: esbuild bundles them with the built packages into one script for the page and one for its workers.
 * They say what they have seen; what it should be stands in the tests. Whatever is written to the console as an error, and whatever nobody
 * catches, fails a test, too.
 */
import { defineProject } from "vitest/config";
import { testTimeout } from "../vitest.shared.js";

export default defineProject({
  test: {
    name: "browser",
    include: ["src/**/*.test.ts"],
    globalSetup: ["src/install.ts"],
    // A browser is several processes by itself.
    fileParallelism: false,
    testTimeout,
    hookTimeout: testTimeout,
  },
});
