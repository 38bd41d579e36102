// src/workers.ts
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { build } from "esbuild";

var STALLED_MS = 15e3;
async function bundleWorker() {
  const dir = mkdtempSync(join(tmpdir(), "heapwright-hostile-"));
  const file2 = join(dir, "worker.mjs");
  await build({
    entryPoints: [fileURLToPath(new URL("worker.ts", "file:///tmp/h9-ops/hostile/src/workers.ts"))],
    outfile: file2,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    tsconfig: fileURLToPath(new URL("../../tsconfig.base.json", "file:///tmp/h9-ops/hostile/src/workers.ts")),
    logLevel: "error",
  });
  return { file: file2, remove: () => rmSync(dir, { recursive: true, force: true }) };
}
function runTrials(file2, work, say, stalledMs = STALLED_MS) {
  const progress = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(file2, { workerData: { ...work, progress, verbose: say !== void 0 } });
  return new Promise((resolve, reject) => {
    const fail = (why) => reject(new Error(`${work.strategy}:${Atomics.load(progress, 0)} ${why}`));
    let seen = "";
    const watch = setInterval(() => {
      const now = progress.join();
      if (now === seen) fail(`has not made a step for ${stalledMs} ms`);
      seen = now;
    }, stalledMs);
    worker.on("message", (message) => {
      if (typeof message === "string") say?.(message);
      else resolve(message);
    });
    worker.once("error", (error) => fail(`has ended its thread: ${error.stack}`));
    worker.once("exit", (code) => fail(`has ended its thread with ${code}`));
    worker.once("exit", () => clearInterval(watch));
  }).finally(() => worker.terminate());
}

// explore.ts
var [strategy, first, count, verbose] = process.argv.slice(2);
var { file, remove } = await bundleWorker();
try {
  const t = performance.now();
  const r = await runTrials(
    file,
    { strategy, first: Number(first), count: Number(count) },
    verbose ? (w) => console.log("   ", w) : void 0,
  );
  console.log(
    strategy,
    "refused",
    r.refused,
    "used",
    r.used,
    "slowest",
    r.slowest,
    "violations",
    r.violations.length,
    ((performance.now() - t) / 1e3).toFixed(1) + "s",
  );
  const groups = /* @__PURE__ */ new Map();
  for (const v of r.violations) {
    const lines = v.message.split("\n");
    const key =
      (lines[1] ?? lines[0]).replace(/\d+/g, "N").slice(0, 130) +
      " | " +
      (lines[2] ?? "")
        .replace(/file:.*\//, "")
        .replace(/\d+/g, "N")
        .trim()
        .slice(0, 80);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(v);
  }
  for (const [k, vs] of [...groups].sort((a, b) => b[1].length - a[1].length))
    console.log(
      vs.length,
      k,
      "seeds",
      vs
        .slice(0, 4)
        .map((v) => v.seed)
        .join(),
      "\n      ",
      vs[0].message.split("\n")[0].slice(0, 160),
    );
} finally {
  remove();
}
