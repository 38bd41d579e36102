/**
 * Four workers on one heap: each fills its blocks with a pattern of its own and looks at it before it frees them; many are handed to another
 * worker, through a channel, and freed there. 200,000 operations in all, times `HEAPWRIGHT_SOAK`; 50 make it ten million.
 */
import { Worker } from "node:worker_threads";
import { agentCache, channel, createHeap, defineStack, type Heap } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { type StatsApi, stats } from "@heapwright/stats";
import { strict } from "@heapwright/strict";
import { afterEach, describe, expect, it } from "vitest";

const WORKERS = 4;
const OPERATIONS = Math.round((200_000 / WORKERS) * Math.max(0.1, Number(process.env.HEAPWRIGHT_SOAK) || 1));

// Workers run the built packages: `pnpm test` builds before it tests.
const WORKER = `
  const { workerData, parentPort } = require("node:worker_threads");
  (async () => {
    const [{ agentCache, attachHeap, channel, defineStack }, { hyperheap }, { stats }, { strict }] = await Promise.all(workerData.files.map((file) => import(file)));
    const { withStats, withStrict, withFront, inboxes, index, operations, gate } = workerData;
    const plugins = [withStats && stats({ maxTags: 8 }), withStrict && strict({ stacks: "off" }), withFront && agentCache()];
    const heap = attachHeap(workerData.descriptor, defineStack({ strategy: hyperheap(), plugins }));
    const tag = heap.stats?.tag("worker " + index);
    const queues = inboxes.map((at) => channel(heap, { at, validate: false }));
    let seed = index + 1;
    const below = (limit) => { seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0; return Math.floor((seed / 2 ** 32) * limit); };
    let u8 = heap.memory.u8;
    let faults = 0;
    const sums = { allocations: 0, bytes: 0, failures: 0, freed: 0, foreign: 0, resized: 0 };
    const live = [];
    const fill = (ptr, from, size, by) => { for (let each = from; each < size; each++) u8[ptr + each] = by * 61 + each * 7 + 1; };
    const verify = (ptr, size, by) => {
      for (let each = 0; each < size; each++) if (u8[ptr + each] !== ((by * 61 + each * 7 + 1) & 255)) { faults++; return; }
    };
    const end = (ptr, size, by) => { verify(ptr, size, by); heap.free(ptr); sums.freed++; if (by !== index) sums.foreign++; };
    Atomics.add(gate, 0, 1);
    while (Atomics.load(gate, 0) < inboxes.length);
    for (let step = 0; step < operations; step++) {
      const came = queues[index].tryReceive();
      if (came !== undefined) { end(came.ptr, came.length, came.tag); continue; }
      const dice = below(100);
      if (dice < 45 && live.length < 60) {
        const size = 1 + below(below(20) === 0 ? 2000 : 120);
        const ptr = heap.allocUnsafe(size, 16, tag);
        if (ptr === 0) { sums.failures++; continue; }
        sums.allocations++; sums.bytes += size;
        fill(ptr, 0, size, index);
        live.push([ptr, size]);
      } else if (live.length > 0) {
        const at = below(live.length);
        const [ptr, size] = live[at];
        if (dice < 75) {
          const to = (index + 1 + below(inboxes.length - 1)) % inboxes.length;
          if (queues[to].trySend(ptr, size, index)) { live.splice(at, 1); continue; }
        }
        if (dice < 80) {
          const next = 1 + below(300);
          const moved = heap.reallocUnsafe(ptr, next);
          if (moved === 0) { sums.failures++; continue; }
          verify(moved, Math.min(size, next), index);
          fill(moved, Math.min(size, next), next, index);
          live[at] = [moved, next];
          sums.resized++;
        } else {
          live.splice(at, 1);
          end(ptr, size, index);
        }
      }
    }
    for (const [ptr, size] of live) end(ptr, size, index);
    // Nobody sends any more; then nothing comes.
    Atomics.add(gate, 0, 1);
    while (Atomics.load(gate, 0) < 2 * inboxes.length);
    for (let came = queues[index].tryReceive(); came !== undefined; came = queues[index].tryReceive()) end(came.ptr, came.length, came.tag);
    parentPort.postMessage({ faults, sums });
    heap.detach();
  })().catch((error) => parentPort.postMessage({ error: String(error && error.stack) }));`;

interface Message {
  readonly faults: number;
  readonly sums: Readonly<
    Record<"allocations" | "bytes" | "failures" | "freed" | "foreign" | "resized", number>
  >;
  readonly error?: string;
}

const workers: Worker[] = [];
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
});

function start(data: object): Promise<Message> {
  const files = ["core", "hyperheap", "stats", "strict"].map(
    (name) => new URL(`../../${name}/dist/index.js`, import.meta.url).href,
  );
  const worker = new Worker(WORKER, { eval: true, workerData: { ...data, files } });
  workers.push(worker);
  return new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
}

describe.each([
  [false, false, false],
  [true, false, false],
  [false, true, false],
  [true, true, false],
  [false, false, true],
  [true, false, true],
  [false, true, true],
  [true, true, true],
])("with stats: %s, with strict: %s, with a front: %s", (withStats, withStrict, withFront) => {
  it(`${WORKERS} workers do ${WORKERS * OPERATIONS} operations, and free each other's blocks`, async () => {
    const plugins = [
      withStats && stats({ maxTags: 8 }),
      withStrict && strict({ stacks: "off" }),
      withFront && agentCache(),
    ];
    const heap = createHeap({
      memory: new SharedArrayBuffer(2 << 20),
      ...defineStack({ strategy: hyperheap(), plugins }),
    }) as Heap & { readonly stats?: StatsApi };
    const inboxes = Array.from({ length: WORKERS }, () => channel(heap, { slots: 64 }));
    const gate = new Int32Array(new SharedArrayBuffer(4));
    const data = {
      descriptor: heap.descriptor(),
      withStats,
      withStrict,
      withFront,
      inboxes: inboxes.map(({ at }) => at),
      gate,
      operations: OPERATIONS,
    };
    const found = await Promise.all(inboxes.map((_, index) => start({ ...data, index })));
    for (const { error, faults } of found) expect([error, faults]).toEqual([undefined, 0]);
    heap.check();
    const sum = (name: keyof Message["sums"]): number => found.reduce((so, { sums }) => so + sums[name], 0);
    expect(sum("freed")).toBe(sum("allocations"));
    expect(sum("foreign")).toBeGreaterThan(sum("allocations") / 20);
    expect(sum("resized")).toBeGreaterThan(0);
    for (const [index, { sums }] of found.entries()) {
      if (heap.stats === undefined) break;
      expect(heap.stats.get(`worker ${index}`)).toMatchObject({
        allocations: sums.allocations,
        frees: sums.allocations,
        failures: sums.failures,
        currentBytes: 0,
        liveBlocks: 0,
      });
    }
    for (const inbox of inboxes) inbox.free();
    expect([...heap.blocks()].filter(({ state }) => state === "used" || state === "page")).toEqual([]);
    heap.check();
  });
});
