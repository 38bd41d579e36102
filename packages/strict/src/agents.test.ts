/** Agents in other threads: they free each other's blocks, twice; each double free is found by one of them, once. */
import { Worker } from "node:worker_threads";
import { createHeap, defineStack } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { strict } from "@heapwright/strict";
import { afterEach, describe, expect, it } from "vitest";

// Workers run the built packages: `pnpm test` builds before it tests.
const WORKER = `
  const { workerData, parentPort } = require("node:worker_threads");
  (async () => {
    const { attachHeap, defineStack } = await import(workerData.core);
    const { hyperheap } = await import(workerData.hyperheap);
    const { strict } = await import(workerData.strict);
    const codes = [];
    const stack = defineStack({ strategy: hyperheap(), plugins: [strict({ onError: (error) => codes.push([error.code, error.block.seq]) })] });
    const heap = attachHeap(workerData.descriptor, stack);
    Atomics.add(workerData.gate, 0, 1);
    while (Atomics.load(workerData.gate, 0) < workerData.agents);
    for (const ptr of workerData.blocks) heap.free(ptr);
    const live = [];
    for (let step = 0; step < workerData.steps; step++) {
      if (live.length < 20 || step % 2 === 0) {
        const ptr = heap.alloc(1 + (step * 37) % 2000);
        if (ptr !== 0) live.push(ptr);
      } else heap.free(live.splice((step * 7) % live.length, 1)[0]);
    }
    for (const ptr of live) heap.free(ptr);
    parentPort.postMessage({ agent: heap.agent, codes });
    heap.detach();
  })().catch((error) => parentPort.postMessage({ error: String(error && error.stack) }));`;

interface Message {
  readonly agent: number;
  readonly codes: readonly (readonly [string, number])[];
  readonly error?: string;
}

const workers: Worker[] = [];
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
});

function start(data: object): Promise<Message> {
  const dist = (name: string): string => new URL(`../../${name}/dist/index.js`, import.meta.url).href;
  const files = { core: dist("core"), hyperheap: dist("hyperheap"), strict: dist("strict") };
  const worker = new Worker(WORKER, { eval: true, workerData: { ...data, ...files } });
  workers.push(worker);
  return new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
}

describe("two workers", () => {
  it("that both free the same blocks find each double free once, between them", async () => {
    const stack = defineStack({
      strategy: hyperheap(),
      plugins: [strict({ delayedFree: { slots: 500 } })],
    });
    const heap = createHeap({ memory: new SharedArrayBuffer(4 << 20), ...stack });
    const blocks = Array.from({ length: 200 }, (_, index) => heap.alloc(1 + index));
    const gate = new Int32Array(new SharedArrayBuffer(4));
    const data = { descriptor: heap.descriptor(), gate, agents: 2, blocks, steps: 0 };
    const found = await Promise.all([start(data), start(data)]);
    for (const { error } of found) expect(error).toBeUndefined();
    const codes = found.flatMap((message) => message.codes);
    expect(new Set(codes.map(([code]) => code))).toEqual(new Set(["ERR_DOUBLE_FREE"]));
    // Every block once: as the two went side by side, whoever came second found it.
    expect(codes.map(([, seq]) => seq).sort((a, b) => a - b)).toEqual(blocks.map((_, index) => index + 1));
    expect(heap.delayedFree.count).toBe(200);
    heap.check();
  });

  it("that allocate and free side by side find nothing, and leave nothing", async () => {
    const stack = defineStack({ strategy: hyperheap(), plugins: [strict()] });
    const heap = createHeap({ memory: new SharedArrayBuffer(1 << 20), ...stack });
    const gate = new Int32Array(new SharedArrayBuffer(4));
    const data = { descriptor: heap.descriptor(), gate, agents: 2, blocks: [], steps: 5000 };
    const found = await Promise.all([start(data), start(data)]);
    for (const { error, codes } of found) expect([error, codes]).toEqual([undefined, []]);
    heap.check();
    heap.delayedFree.drain();
    expect([heap.usedBytes, heap.quarantinedBytes]).toEqual([0, 0]);
    expect(heap.strict.leaks()).toEqual([]);
  });
});
