/** The watchdog: trials run in a thread of their own, and one that does not come to its end is named. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { build } from "esbuild";
import type { Report, Work } from "./worker.js";

const STALLED_MS = 15_000;

/** The worker with the sources of the packages, as one file. */
export async function bundleWorker(): Promise<{ readonly file: string; remove(): void }> {
  const dir = mkdtempSync(join(tmpdir(), "heapwright-hostile-"));
  const file = join(dir, "worker.mjs");
  await build({
    entryPoints: [fileURLToPath(new URL("worker.ts", import.meta.url))],
    outfile: file,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    tsconfig: fileURLToPath(new URL("../../tsconfig.base.json", import.meta.url)),
    logLevel: "error",
  });
  return { file, remove: () => rmSync(dir, { recursive: true, force: true }) };
}

/** @throws Error naming the seed of a trial that hangs, or that has ended its thread. */
export function runTrials(
  file: string,
  work: Omit<Work, "progress" | "verbose">,
  say?: (what: string) => void,
  stalledMs = STALLED_MS,
): Promise<Report> {
  const progress = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(file, { workerData: { ...work, progress, verbose: say !== undefined } });
  return new Promise<Report>((resolve, reject) => {
    const fail = (why: string): void =>
      reject(new Error(`${work.strategy}:${Atomics.load(progress, 0)} ${why}`));
    let seen = "";
    const watch = setInterval(() => {
      const now = progress.join();
      if (now === seen) fail(`has not made a step for ${stalledMs} ms`);
      seen = now;
    }, stalledMs);
    worker.on("message", (message: Report | string) => {
      if (typeof message === "string") say?.(message);
      else resolve(message);
    });
    worker.once("error", (error) => fail(`has ended its thread: ${error.stack}`));
    worker.once("exit", (code) => fail(`has ended its thread with ${code}`));
    worker.once("exit", () => clearInterval(watch));
  }).finally(() => worker.terminate());
}
