/** Channels between threads: nothing is lost, doubled or out of order, sleepers wake, and the dead hold nobody up. */
import { Worker } from "node:worker_threads";
import { hyperheap } from "@heapwright/hyperheap";
import { afterEach, describe, expect, it } from "vitest";
import { attachHeap, type Channel, channel, createHeap, defineStack, type Heap } from "./index.js";

// Workers run the built packages: `pnpm test` builds before it tests.
const WORKER = `
  const { workerData, parentPort } = require("node:worker_threads");
  (async () => {
    const { attachHeap, channel, defineStack } = await import(workerData.core);
    const { hyperheap } = await import(workerData.hyperheap);
    const heap = attachHeap(workerData.descriptor, defineStack({ strategy: hyperheap() }));
    const queues = workerData.at.map((at) => channel(heap, { at, validate: workerData.validate }));
    const [jobs, results] = queues;
    parentPort.postMessage({ agent: heap.agent });
    const body = new Function("heap", "jobs", "results", "data", "return (async () => {" + workerData.body + "})()");
    const done = await body(heap, jobs, results, workerData);
    parentPort.postMessage({ done });
    heap.detach();
  })().catch((error) => parentPort.postMessage({ error: String(error && error.stack) }));`;

const workers: Worker[] = [];
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
});

interface Thread {
  readonly worker: Worker;
  readonly agent: number;
  readonly done: Promise<unknown>;
}

/** A worker that has joined and now runs `body`. */
async function start(heap: Heap, queues: Channel[], body: string, data: object = {}): Promise<Thread> {
  const dist = (name: string): string => new URL(`../../${name}/dist/index.js`, import.meta.url).href;
  const at = queues.map((queue) => queue.at);
  const files = { core: dist("core"), hyperheap: dist("hyperheap") };
  const workerData = { validate: true, ...data, descriptor: heap.descriptor(), at, body, ...files };
  const worker = new Worker(WORKER, { eval: true, workerData });
  workers.push(worker);
  return new Promise((resolve, reject) => {
    worker.once("error", reject);
    worker.once("message", ({ agent, error }) => {
      if (error !== undefined) return reject(new Error(error));
      const done = new Promise<unknown>((settle, fail) => {
        worker.once("message", (message) =>
          message.error === undefined ? settle(message.done) : fail(new Error(message.error)),
        );
        worker.once("error", fail);
      });
      done.catch(() => {});
      resolve({ worker, agent, done });
    });
  });
}

const create = (bytes = 8 << 20): Heap =>
  createHeap({ memory: new SharedArrayBuffer(bytes), ...defineStack({ strategy: hyperheap() }) });
const used = (heap: Heap): number => [...heap.blocks()].filter(({ state }) => state === "used").length;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const PRODUCE = `
  for (let number = 0; number < data.each; number++) {
    const words = 4 + ((number * 7 + heap.agent) % 13);
    let ptr = 0;
    while ((ptr = heap.allocUnsafe(words * 4)) === 0);
    heap.memory.u32.fill((heap.agent << 20) + number, ptr >>> 2, (ptr >>> 2) + words);
    if (data.wait === "async") await jobs.sendAsync(ptr, words * 4, number, { timeoutMs: 60000 });
    else jobs.send(ptr, words * 4, number, { timeoutMs: 60000 });
  }`;
const CONSUME = `
  const seen = {};
  let count = 0;
  const take = ({ ptr, length, tag, from }) => {
    const expected = (from << 20) + tag;
    for (let word = ptr >>> 2; word < (ptr + length) >>> 2; word++)
      if (heap.memory.u32[word] !== expected) throw new Error("not what agent " + from + " sent as " + tag);
    if (length !== 4 * (4 + ((tag * 7 + from) % 13))) throw new Error("length");
    if (!(tag > (seen[from]?.at(-1) ?? -1))) throw new Error("agent " + from + ": " + tag + " after " + seen[from].at(-1));
    (seen[from] ??= []).push(tag);
    count++;
    heap.free(ptr);
  };
  if (data.wait === "async") for await (const message of jobs) take(message);
  else for (let message; (message = jobs.receive({ timeoutMs: 60000 })) !== undefined; ) take(message);
  return seen;`;

describe("several producers and consumers", () => {
  it.each([
    { slots: 64, total: 200_000, producers: 2, consumers: 2, wait: "blocking", validate: true },
    { slots: 2, total: 30_000, producers: 3, consumers: 3, wait: "blocking", validate: false },
    { slots: 1, total: 5_000, producers: 2, consumers: 3, wait: "blocking", validate: true },
    { slots: 16, total: 20_000, producers: 2, consumers: 2, wait: "async", validate: true },
  ])("$total blocks through $slots slots, $wait: each arrives once, whole, in order", async (data) => {
    const heap = create();
    const queue = channel(heap, { slots: data.slots });
    const each = data.total / data.producers;
    const consumers = await Promise.all(
      Array.from({ length: data.consumers }, () => start(heap, [queue], CONSUME, data)),
    );
    const producers = await Promise.all(
      Array.from({ length: data.producers }, () => start(heap, [queue], PRODUCE, { ...data, each })),
    );
    await Promise.all(producers.map(({ done }) => done));
    queue.close();
    const seen = (await Promise.all(consumers.map(({ done }) => done))) as Record<number, number[]>[];
    for (const { agent } of producers) {
      const got = new Uint8Array(each);
      for (const one of seen) for (const tag of one[agent] ?? []) got[tag]++;
      expect(got.every((times) => times === 1)).toBe(true);
    }
    expect(queue.count).toBe(0);
    expect(used(heap)).toBe(1);
    queue.free();
    expect(used(heap)).toBe(0);
    heap.check();
  });
});

describe("a sleeper", () => {
  it("on an empty channel is woken by a message", async () => {
    const heap = create();
    const queue = channel(heap, { slots: 4 });
    const body =
      "const before = Date.now(); const { tag } = jobs.receive({ timeoutMs: 20000 }); return [tag, Date.now() - before];";
    const sleepers = await Promise.all([1, 2, 3].map(() => start(heap, [queue], body)));
    await pause(100);
    for (let tag = 1; tag <= 3; tag++) queue.send(heap.alloc(8), 8, tag);
    const woken = (await Promise.all(sleepers.map(({ done }) => done))) as [number, number][];
    expect(woken.map(([tag]) => tag).sort()).toEqual([1, 2, 3]);
    for (const [, ms] of woken) expect(ms).toBeLessThan(10_000);
  });

  it("on a full channel is woken by room", async () => {
    const heap = create();
    const queue = channel(heap, { slots: 2 });
    for (let tag = 0; tag < 2; tag++) queue.send(heap.alloc(8), 8, tag);
    const body = "jobs.send(heap.alloc(8), 8, 100 + heap.agent, { timeoutMs: 20000 });";
    const sleepers = await Promise.all([1, 2, 3].map(() => start(heap, [queue], body)));
    await pause(100);
    expect(queue.count).toBe(2);
    const tags: number[] = [];
    for (let got = 0; got < 5; got++)
      tags.push((await queue.receiveAsync({ timeoutMs: 20_000 }))?.tag as number);
    await Promise.all(sleepers.map(({ done }) => done));
    expect(tags.slice(0, 2)).toEqual([0, 1]);
    expect(tags.slice(2).sort()).toEqual(sleepers.map(({ agent }) => 100 + agent).sort());
  });

  it("sees the closing, on either side", async () => {
    const heap = create();
    const [empty, full] = [channel(heap, { slots: 2 }), channel(heap, { slots: 1 })];
    full.send(heap.alloc(8), 8);
    const receive = "return String(jobs.receive({ timeoutMs: 20000 }))";
    const send =
      "try { results.send(heap.alloc(8), 8, 0, { timeoutMs: 20000 }) } catch (error) { return error.code }";
    const sleepers = await Promise.all(
      [receive, receive, send, send].map((body) => start(heap, [empty, full], body)),
    );
    await pause(100);
    empty.close();
    full.close();
    expect(await Promise.all(sleepers.map(({ done }) => done))).toEqual([
      "undefined",
      "undefined",
      "ERR_UNSUPPORTED",
      "ERR_UNSUPPORTED",
    ]);
  });

  it("gives up after its timeout", async () => {
    const heap = create();
    const queue = channel(heap, { slots: 2 });
    const body = "try { jobs.receive({ timeoutMs: 30 }) } catch (error) { return [error.code, error.heap] }";
    const { done } = await start(heap, [queue], body);
    expect(await done).toEqual(["ERR_LOCK_TIMEOUT", "heap"]);
  });

  it("on this thread is woken by another one", async () => {
    const heap = create();
    const [jobs, results] = [channel(heap, { slots: 1 }), channel(heap, { slots: 1 })];
    const body =
      "for await (const { ptr, length, tag } of jobs) await results.sendAsync(ptr, length, tag + 1);";
    const { done } = await start(heap, [jobs, results], body);
    const ptr = heap.alloc(8);
    for (let tag = 0; tag < 200; tag++) {
      jobs.send(ptr, 8, tag, { timeoutMs: 20_000 });
      expect(results.receive({ timeoutMs: 20_000 })).toMatchObject({ ptr, tag: tag + 1 });
      await jobs.sendAsync(ptr, 8, tag);
      expect(await results.receiveAsync({ timeoutMs: 20_000 })).toMatchObject({ ptr, tag: tag + 1 });
    }
    jobs.close();
    await done;
  });
});

describe("workers that are terminated at any moment", () => {
  it("lose what they held and nothing else, and hold nobody up", async () => {
    const heap = create();
    const [jobs, results] = [channel(heap, { slots: 4 }), channel(heap, { slots: 2 })];
    // Nothing in here takes the heap's lock: whoever dies, dies in the channel.
    const body = "for (let m; (m = jobs.receive()) !== undefined; ) results.send(m.ptr, m.length, m.tag);";
    const blocks = new Set(Array.from({ length: 6 }, () => heap.alloc(16)));
    const data = { validate: false };
    const [steady] = await Promise.all([start(heap, [jobs, results], body, data)]);
    const idle = [...blocks];
    /** Blocks known to be on their way. */
    const away = new Set<number>();
    let rounds = 0;
    const pump = async (until: number): Promise<void> => {
      while (Date.now() < until) {
        for (let ptr = idle.pop(); ptr !== undefined; ptr = idle.pop()) {
          if (!jobs.trySend(ptr, 16, rounds)) {
            idle.push(ptr);
            break;
          }
          away.add(ptr);
        }
        for (let m = results.tryReceive(); m !== undefined; m = results.tryReceive()) {
          expect(away.delete(m.ptr)).toBe(true);
          idle.push(m.ptr);
          rounds++;
        }
        if (idle.length === 0 && rounds % 64 === 0) await pause(0);
      }
    };
    let lost = 0;
    for (let kill = 0; kill < 12; kill++) {
      const before = rounds;
      const victim = await start(heap, [jobs, results], body, data);
      await pump(Date.now() + 10 + kill * 3);
      await victim.worker.terminate();
      for (const queue of [jobs, results]) {
        const { sending, receiving } = queue.recover(victim.agent);
        for (const { ptr } of [...sending, ...receiving]) {
          expect(away.delete(ptr)).toBe(true);
          idle.push(ptr);
        }
      }
      // Everything comes back but at most the one block the dead one had in its hands.
      const deadline = Date.now() + 20_000;
      let quiet = 0;
      while ((away.size > 1 || (away.size > 0 && quiet < 40)) && Date.now() < deadline) {
        const got = results.tryReceive();
        if (got === undefined) {
          quiet++;
          await pause(5);
          continue;
        }
        quiet = 0;
        expect(away.delete(got.ptr)).toBe(true);
        idle.push(got.ptr);
        rounds++;
      }
      expect(away.size).toBeLessThanOrEqual(1);
      for (const ptr of away) {
        lost++;
        away.delete(ptr);
        idle.push(ptr);
      }
      expect(rounds).toBeGreaterThan(before);
      expect([jobs.count, results.count]).toEqual([0, 0]);
    }
    expect(new Set(idle)).toEqual(blocks);
    expect(lost).toBeLessThanOrEqual(12);
    jobs.close();
    await steady.done;
    for (const ptr of idle) heap.free(ptr);
    expect(used(heap)).toBe(2);
    heap.check();
  });

  it("asleep, leave the next message to somebody else", async () => {
    const heap = create();
    const queue = channel(heap, { slots: 2 });
    const body = "return jobs.receive({ timeoutMs: 20000 }).tag";
    const first = await start(heap, [queue], body);
    await pause(50);
    const second = await start(heap, [queue], body);
    await pause(50);
    await first.worker.terminate();
    queue.recover(first.agent);
    queue.send(heap.alloc(8), 8, 7);
    expect(await second.done).toBe(7);
  });
});

it("two agents of one thread share a channel", () => {
  const heap = create(65536);
  const other = attachHeap(heap.descriptor(), { strategy: hyperheap() });
  const queue = channel(heap, { slots: 2 });
  const ptr = other.alloc(8);
  channel(other, { at: queue.at }).send(ptr, 8);
  expect(queue.receive()).toEqual({ ptr, length: 8, tag: 0, from: other.agent });
});
