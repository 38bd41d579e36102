/**
 * Workers are terminated at random moments while another one goes on: after each, `recover` sets the heap right, no block of anybody alive has
 * changed, and it goes on. 60 deaths, times `HEAPWRIGHT_SOAK`; 17 make it a thousand.
 */
import { Worker } from "node:worker_threads";
import { agentCache, createHeap, defineStack, type Heap } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { type StatsApi, stats } from "@heapwright/stats";
import { strict } from "@heapwright/strict";
import { afterEach, describe, expect, it } from "vitest";
import { Random } from "./random.js";

const DEATHS = Math.round(15 * Math.max(0.2, Number(process.env.HEAPWRIGHT_SOAK) || 1));

// Workers run the built packages: `pnpm test` builds before it tests. Victims hold blocks of 2 to 4 KiB, survivors smaller ones, so that what
// the dead have left can be told from what the living hold.
const WORKER = `
  const { workerData, parentPort } = require("node:worker_threads");
  (async () => {
    const [{ agentCache, attachHeap, defineStack }, { hyperheap }, { stats }, { strict }] = await Promise.all(workerData.files.map((file) => import(file)));
    const { withStats, withStrict, withFront, isVictim, stop } = workerData;
    const plugins = [withStats && stats({ maxTags: 8 }), withStrict && strict({ stacks: "off" }), withFront && agentCache()];
    const heap = attachHeap(workerData.descriptor, defineStack({ strategy: hyperheap(), plugins }));
    const tag = heap.stats?.tag(isVictim ? "victim" : "survivor");
    let seed = heap.agent;
    const below = (limit) => { seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0; return Math.floor((seed / 2 ** 32) * limit); };
    const { u8 } = heap.memory;
    const live = [];
    let faults = 0, operations = 0;
    parentPort.postMessage({ agent: heap.agent });
    while (isVictim || Atomics.load(stop, 0) === 0) {
      operations++;
      const size = isVictim ? 2048 + below(2000) : 1 + below(900);
      if (live.length < 30 && below(100) < 55) {
        const ptr = heap.alloc(size, below(20) === 0 ? 64 : 16, tag);
        if (ptr === 0) continue;
        const byte = 1 + below(255);
        u8.fill(byte, ptr, ptr + size);
        live.push([ptr, size, byte]);
      } else if (live.length > 0) {
        const at = below(live.length);
        const [ptr, was, byte] = live[at];
        for (let each = ptr; each < ptr + was; each++) if (u8[each] !== byte) { faults++; break; }
        if (below(3) === 0) {
          const moved = heap.realloc(ptr, size);
          if (moved === 0) continue;
          u8.fill(byte, moved, moved + size);
          live[at] = [moved, size, byte];
        } else {
          heap.free(ptr);
          live.splice(at, 1);
        }
      }
    }
    for (const [ptr] of live) heap.free(ptr);
    parentPort.postMessage({ faults, operations });
    heap.detach();
  })().catch((error) => parentPort.postMessage({ error: String(error && error.stack) }));`;

interface Message {
  readonly agent?: number;
  readonly faults?: number;
  readonly operations?: number;
  readonly error?: string;
}

const workers: Worker[] = [];
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
});

function start(data: object): Worker {
  const files = ["core", "hyperheap", "stats", "strict"].map(
    (name) => new URL(`../../${name}/dist/index.js`, import.meta.url).href,
  );
  const worker = new Worker(WORKER, { eval: true, workerData: { ...data, files } });
  workers.push(worker);
  return worker;
}

const next = (worker: Worker): Promise<Message> =>
  new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));

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
  it(`${DEATHS} deaths hurt nobody`, async () => {
    const plugins = [
      withStats && stats({ maxTags: 8 }),
      withStrict && strict({ stacks: "off" }),
      withFront && agentCache(),
    ];
    const heap = createHeap({
      memory: new SharedArrayBuffer(1 << 20),
      ...defineStack({ strategy: hyperheap(), plugins }),
    }) as Heap & { readonly stats?: StatsApi };
    const random = new Random(3);
    const stop = new Int32Array(new SharedArrayBuffer(4));
    const data = { descriptor: heap.descriptor(), withStats, withStrict, withFront, stop };
    const survivor = start({ ...data, isVictim: false });
    expect((await next(survivor)).error).toBeUndefined();
    const mine = Array.from({ length: 20 }, (_, index) => {
      const ptr = heap.alloc(40 + index);
      heap.memory.u8.fill(0x60 + index, ptr, ptr + 40 + index);
      return ptr;
    });
    let held = 0;
    const waits: number[] = [];
    for (let death = 0; death < DEATHS; death++) {
      const victim = start({ ...data, isVictim: true });
      const { agent, error } = await next(victim);
      expect(error).toBeUndefined();
      await new Promise((resolve) => setTimeout(resolve, random.below(12)));
      await victim.terminate();
      const began = performance.now();
      const report = heap.recover(agent as number);
      const ptr = heap.alloc(100);
      waits.push(performance.now() - began);
      expect(ptr).not.toBe(0);
      heap.free(ptr);
      expect(report.errors.map(String)).toEqual([]);
      if (report.held) held++;
      for (const [index, block] of mine.entries()) {
        const bytes = heap.memory.u8.subarray(block, block + 40 + index);
        expect(bytes.every((byte) => byte === 0x60 + index)).toBe(true);
      }
      // What the dead agent had been given is its own no longer.
      for (const { ptr, usable, state } of heap.blocks())
        if (state === "used" && usable >= 2048) heap.free(ptr);
      heap.check();
    }
    Atomics.store(stop, 0, 1);
    const { faults, operations, error } = await next(survivor);
    expect([error, faults]).toEqual([undefined, 0]);
    expect(operations).toBeGreaterThan(100);
    for (const ptr of mine) heap.free(ptr);
    heap.check();
    expect([...heap.blocks()].filter(({ state }) => state === "used" || state === "page")).toEqual([]);
    if (heap.stats !== undefined)
      expect(heap.stats.totals()).toMatchObject({ currentBytes: 0, liveBlocks: 0 });
    const sorted = waits.sort((a, b) => a - b);
    const at = (share: number): string =>
      (sorted[Math.floor(share * (sorted.length - 1))] as number).toFixed(2);
    console.log(
      `${DEATHS} deaths, ${held} inside; from the death to the next block: median ${at(0.5)} ms, 99 %: ${at(0.99)} ms; the survivor did ${operations} operations`,
    );
  });
});
