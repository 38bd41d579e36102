/**
 * Hostile bytes: mutated heap images and descriptors, given to `restoreHeap` and `attachHeap` and then used, as if they had come from a file
 * or a message of somebody who means harm. What each may end in: a `HeapError`, or work inside the heap's region; never in a hang.
 *
 *     hostile.test.ts ── workers.ts ──► worker.ts ── trial.ts ── images.ts (what was a heap), mutate.ts, use.ts (what is then asked of it)
 *                        watchdog  ◄── seed, steps
 *
 *     npx vitest run --project hostile                     300 images of each strategy; HEAPWRIGHT_SOAK=50 makes it 135,000 in all
 *     HOSTILE_SEED=tlsf:1234 npx vitest run --project hostile       that one alone, step by step
 */
import { defineProject } from "vitest/config";
import { alias, testTimeout } from "../vitest.shared.js";

export default defineProject({
  resolve: { alias },
  test: { name: "hostile", include: ["src/**/*.test.ts"], testTimeout },
});
