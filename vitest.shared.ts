import { fileURLToPath } from "node:url";
import { defineProject } from "vitest/config";

/**
 * `@heapwright/x`, `@heapwright/x/y` and `heapwright/x` mean the sources: a test sees a change, or a mutation, without a build.
 */
export const alias = [
  {
    find: /^heapwright$/,
    replacement: `${fileURLToPath(new URL("./packages", import.meta.url))}/heapwright/src/index.ts`,
  },
  {
    find: /^heapwright\/([a-z]+)$/,
    replacement: `${fileURLToPath(new URL("./packages", import.meta.url))}/heapwright/src/$1.ts`,
  },
  {
    find: /^@heapwright\/([a-z]+)$/,
    replacement: `${fileURLToPath(new URL("./packages", import.meta.url))}/$1/src/index.ts`,
  },
  {
    find: /^@heapwright\/([a-z]+)\/([a-z]+)$/,
    replacement: `${fileURLToPath(new URL("./packages", import.meta.url))}/$1/src/$2.ts`,
  },
];

/**
 * Milliseconds a test may take; generous, so that only a hang is stopped. Long soaks multiply their length by the
 * environment variable `HEAPWRIGHT_SOAK` (default 1), and get the time for it.
 */
export const testTimeout = 120_000 * Math.max(1, Number(process.env.HEAPWRIGHT_SOAK) || 1);

/**
 * The one test setup every package uses. Tests lie beside the sources: `x.test.ts` runs, `x.test-d.ts` is type checked.
 */
export function project(name: string) {
  return defineProject({
    resolve: { alias },
    test: {
      name,
      include: ["src/**/*.test.ts"],
      testTimeout,
      typecheck: {
        enabled: true,
        include: ["src/**/*.test-d.ts"],
        tsconfig: "./tsconfig.json",
      },
    },
  });
}
