/** Gates between real threads: agents that make each other stand still, and one that ends inside. */
import { Worker } from "node:worker_threads";
import { hyperheap } from "@heapwright/hyperheap";
import { afterEach, describe, expect, it } from "vitest";
import { agentCache, atomicsLock, createHeap, type Heap } from "./index.js";

const dist = (name: string): string => new URL(`../../${name}/dist/index.js`, import.meta.url).href;

// Workers run the built packages: `pnpm test` builds before it tests.
const WORKER = `
  const { workerData, parentPort } = require("node:worker_threads");
  (async () => {
    const { agentCache, atomicsLock, attachHeap } = await import(workerData.core);
    const { hyperheap } = await import(workerData.hyperheap);
    const { descriptor, words, timeoutMs } = workerData;
    const heap = attachHeap(descriptor, { strategy: hyperheap(), plugins: [agentCache()] }, { lock: atomicsLock({ timeoutMs }) });
    const say = (message) => parentPort.postMessage(message);
    const body = Object.getPrototypeOf(async function () {}).constructor("heap", "words", "say", workerData.body);
    say({ done: await body(heap, words, say) });
    parentPort.close();
  })().catch((error) => parentPort.postMessage({ error: String(error && error.stack) }));`;

const workers: Worker[] = [];
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
});

interface Message {
  readonly done?: readonly number[];
  readonly agent?: number;
  readonly error?: string;
}

/** Its messages, one after the other. */
function start(heap: Heap, words: Int32Array, body: string): { worker: Worker; next(): Promise<Message> } {
  const data = { descriptor: heap.descriptor(), words, body, timeoutMs: 10_000 };
  const workerData = { ...data, core: dist("core"), hyperheap: dist("hyperheap") };
  const worker = new Worker(WORKER, { eval: true, workerData });
  workers.push(worker);
  const heard: Message[] = [];
  const asking: ((message: Message) => void)[] = [];
  const hear = (message: Message): void => {
    const asked = asking.shift();
    if (asked === undefined) heard.push(message);
    else asked(message);
  };
  worker.on("message", hear).on("error", (error) => hear({ error: String(error) }));
  return {
    worker,
    next: async () => {
      const message = heard.shift() ?? (await new Promise<Message>((resolve) => asking.push(resolve)));
      expect(message.error).toBeUndefined();
      return message;
    },
  };
}

const make = (timeoutMs = 10_000): Heap =>
  createHeap({
    memory: new SharedArrayBuffer(1 << 20),
    strategy: hyperheap(),
    plugins: [agentCache()],
    lock: atomicsLock({ timeoutMs }),
  }) as Heap;

const wordsOf = (): Int32Array => new Int32Array(new SharedArrayBuffer(16));

describe("agents that make each other stand still", () => {
  it("all get on", async () => {
    const heap = make();
    const words = wordsOf();
    // One that mostly checks, one that mostly allocates, from spans and beside them.
    const body = (calls: number): string => `
      let checks = 0, blocks = 0;
      Atomics.add(words, 0, 1);
      while (Atomics.load(words, 0) < 2);
      for (const end = Date.now() + 800; Date.now() < end; ) {
        heap.check();
        checks++;
        for (let call = 0; call < ${calls}; call++) {
          const ptr = heap.alloc(1 + (blocks * 37) % 3000);
          if (ptr !== 0) heap.free(ptr);
          blocks++;
        }
      }
      heap.detach();
      return [checks, blocks];`;
    const running = [1, 200].map((calls) => start(heap, words, body(calls)));
    for (const [checks, blocks] of await Promise.all(
      running.map(async (one) => (await one.next()).done ?? []),
    )) {
      expect(checks).toBeGreaterThan(10);
      expect(blocks).toBeGreaterThan(10);
    }
    heap.check();
    expect(heap.usedBytes).toBe(0);
  });

  it("wait for one that is inside for long, and it for nobody", async () => {
    const heap = make();
    const words = wordsOf();
    const body = `
      const held = await heap.enterAsync();
      say({ agent: heap.agent });
      for (let round = 0; round < 30; round++) {
        heap.free(heap.alloc(100));
        heap.free(heap.alloc(5000));
        Atomics.wait(words, 1, 0, 5);
      }
      held.leave();
      heap.detach();
      return [];`;
    const other = start(heap, words, body);
    await other.next();
    const began = Date.now();
    heap.check();
    expect(Date.now() - began).toBeGreaterThan(50);
    await other.next();
    heap.check();
  });
});

describe("an agent that ends inside", () => {
  it("is named to who waits for it, and is recovered", async () => {
    const heap = make(150);
    const words = wordsOf();
    const body = `
      for (let block = 0; block < 100; block++) heap.alloc(100);
      await heap.enterAsync();
      say({ agent: heap.agent });
      Atomics.wait(words, 1, 0);
      return [];`;
    const other = start(heap, words, body);
    const mine = heap.alloc(100);
    const { agent } = await other.next();
    await other.worker.terminate();
    expect(() => heap.check()).toThrowError(
      expect.objectContaining({
        code: "ERR_LOCK_TIMEOUT",
        message: expect.stringContaining(`agent ${agent}`),
      }),
    );
    const report = heap.recover(agent as number);
    expect(report).toMatchObject({ agent, held: true, errors: [] });
    heap.check();
    expect([...heap.blocks()].filter(({ state }) => state === "used")).toHaveLength(101);
    heap.free(mine);
  });
});
