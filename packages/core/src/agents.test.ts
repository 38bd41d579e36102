/** Agents in other threads: a shared heap that both sides allocate from, and growth seen on the other side. */
import { Worker } from "node:worker_threads";
import { hyperheap } from "@heapwright/hyperheap";
import { afterEach, describe, expect, it } from "vitest";
import { createHeap, defineStack, limit } from "./index.js";

// Workers run the built packages: `pnpm test` builds before it tests.
const WORKER = `
  const { workerData, parentPort } = require("node:worker_threads");
  (async () => {
    const { attachHeap, defineStack, limit } = await import(workerData.core);
    const { hyperheap } = await import(workerData.hyperheap);
    const heap = attachHeap(workerData.descriptor, defineStack({ strategy: hyperheap(), plugins: [limit({ bytes: 1 << 26 })] }));
    const live = [];
    let state = heap.agent;
    const random = (below) => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0, (state >>> 4) % below);
    const fill = (ptr) => heap.memory.u8.fill(heap.agent * 16 + live.length % 16, ptr, ptr + heap.usableSize(ptr));
    for (let step = 0; step < workerData.steps; step++) {
      if (live.length < 20 || random(2) === 0) {
        const ptr = heap.alloc(1 + random(3000), [16, 64, 4096][random(3)]);
        if (ptr === 0) continue;
        const usable = heap.usableSize(ptr);
        for (let at = ptr; at < ptr + usable; at++) if (heap.memory.u8[at] !== 0) throw new Error("not zeroed");
        const mark = heap.agent * 16 + (step % 16);
        heap.memory.u8.fill(mark, ptr, ptr + usable);
        live.push({ ptr, usable, mark });
      } else {
        const { ptr, usable, mark } = live.splice(random(live.length), 1)[0];
        if (heap.usableSize(ptr) !== usable) throw new Error("usable size changed");
        for (let at = ptr; at < ptr + usable; at++) if (heap.memory.u8[at] !== mark) throw new Error("overwritten");
        heap.free(ptr);
      }
    }
    for (const { ptr } of live) heap.free(ptr);
    parentPort.postMessage({ agent: heap.agent, bytes: heap.region.bytes });
    heap.detach();
  })().catch((error) => parentPort.postMessage({ error: String(error && error.stack) }));`;

const workers: Worker[] = [];
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
});

function start(
  descriptor: unknown,
  steps: number,
): Promise<{ agent: number; bytes: number; error?: string }> {
  const dist = (name: string): string => new URL(`../../${name}/dist/index.js`, import.meta.url).href;
  const workerData = { descriptor, steps, core: dist("core"), hyperheap: dist("hyperheap") };
  const worker = new Worker(WORKER, { eval: true, workerData });
  workers.push(worker);
  return new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
}

describe("two workers and this thread", () => {
  it.each([
    ["SharedArrayBuffer", () => new SharedArrayBuffer(1 << 20, { maxByteLength: 1 << 23 })],
    ["shared WebAssembly.Memory", () => new WebAssembly.Memory({ initial: 16, maximum: 128, shared: true })],
  ])("on a growable %s keep apart, and see each other's growth", async (_kind, memory) => {
    const stack = defineStack({ strategy: hyperheap(), plugins: [limit({ bytes: 1 << 26 })] });
    const heap = createHeap({ memory: memory(), growth: { max: 1 << 23, step: 1 << 16 }, ...stack });
    const mine = heap.alloc(1000);
    heap.memory.u8.fill(0xab, mine, mine + 1000);
    const running = [start(heap.descriptor(), 4000), start(heap.descriptor(), 4000)];
    expect(heap.grow(1 << 20)).toBe(true);
    const reports = await Promise.all(running);
    for (const report of reports) expect(report.error).toBeUndefined();
    expect(reports.map((report) => report.agent).sort()).toEqual([2, 3]);
    for (const report of reports) expect(report.bytes).toBeGreaterThanOrEqual(2 << 20);
    heap.check();
    expect(heap.read(mine, 1000).every((byte) => byte === 0xab)).toBe(true);
    heap.free(mine);
    expect(heap.usedBytes + heap.pageBytes).toBe(0);
    expect(heap.limit.usedBytes).toBe(0);
  });
});
