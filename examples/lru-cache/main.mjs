// The same work twice: a cache in a heap, and a Map of Buffers. What is kept, what has to go, and what the garbage collector did meanwhile.
import { PerformanceObserver } from "node:perf_hooks";
import { setImmediate } from "node:timers/promises";
import { BinaryCache } from "./cache.mjs";

const BUDGET = 32 << 20;
const OPERATIONS = 200_000;
const KEYS = 150_000;

/** The usual cache: a Map of Buffers that counts their bytes. */
class BufferCache {
  #entries = new Map();
  usedBytes = 0;
  evicted = 0;
  get size() {
    return this.#entries.size;
  }
  set(key, bytes) {
    this.delete(key);
    this.#entries.set(key, Buffer.from(bytes));
    this.usedBytes += bytes.length;
    while (this.usedBytes > BUDGET) {
      this.delete(this.#entries.keys().next().value);
      this.evicted++;
    }
    return true;
  }
  get(key) {
    const bytes = this.#entries.get(key);
    if (bytes === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, bytes);
    return bytes;
  }
  delete(key) {
    const bytes = this.#entries.get(key);
    if (bytes === undefined) return false;
    this.usedBytes -= bytes.length;
    return this.#entries.delete(key);
  }
}

const pauses = [];
const observer = new PerformanceObserver((list) =>
  pauses.push(...list.getEntries().map(({ duration }) => duration)),
);
observer.observe({ entryTypes: ["gc"] });

/** Gets and sets keys at random, the same ones each time. Every value that is found is looked at. */
async function measure(name, makeCache) {
  await setImmediate();
  pauses.length = 0;
  const source = new Uint8Array(1024);
  const cache = makeCache();
  let [state, hits, wrong] = [1, 0, 0];
  const random = (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const before = process.cpuUsage();
  for (let n = 0; n < OPERATIONS; n++) {
    const key = random(KEYS);
    const length = 64 + ((key * 7) % 960);
    const found = cache.get(key);
    if (found !== undefined) {
      hits++;
      if (found.length !== length || found[length - 1] !== key % 256) wrong++;
    } else {
      source.fill(key % 256, 0, length);
      cache.set(key, source.subarray(0, length));
    }
    if (n % 50_000 === 0) await setImmediate(); // the observer is told between turns
  }
  const { user } = process.cpuUsage(before);
  await setImmediate();
  cache.check?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  const mib = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  const sum = pauses.reduce((total, pause) => total + pause, 0);
  console.log(
    `${name}: ${cache.size} values of ${cache.evicted + cache.size} kept, ${hits} hits, ${wrong} wrong`,
  );
  console.log(
    `  ${(user / 1000).toFixed(0)} ms of processor time; ${pauses.length} pauses for garbage, ${sum.toFixed(1)} ms, the longest ${Math.max(0, ...pauses).toFixed(1)} ms`,
  );
  console.log(`  JavaScript's heap ${mib(heapUsed)}, external ${mib(external)}, resident ${mib(rss)}`);
}

const caches = {
  "values in a heap": () => new BinaryCache(BUDGET),
  "a Map of Buffers": () => new BufferCache(),
};
// One in each run of the program, so that neither has the other's garbage: `node main.mjs` starts itself for each.
const [, program, only] = process.argv;
if (only !== undefined) await measure(only, caches[only]);
else {
  const { spawnSync } = await import("node:child_process");
  for (const name of Object.keys(caches)) {
    const { status } = spawnSync(process.execPath, [program, name], { stdio: "inherit" });
    if (status !== 0) process.exitCode = 1;
  }
}
observer.disconnect();
