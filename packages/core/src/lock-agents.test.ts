/** The lock between real threads: exclusion, waking, agents that end inside, and waiting without blocking. */
import { spawnSync } from "node:child_process";
import { Worker } from "node:worker_threads";
import { hyperheap } from "@heapwright/hyperheap";
import { afterEach, describe, expect, it } from "vitest";
import {
  atomicsLock,
  attachHeap,
  createHeap,
  createMemory,
  type Heap,
  HeapError,
  type Lock,
  type LockKind,
} from "./index.js";

const dist = (name: string): string => new URL(`../../${name}/dist/index.js`, import.meta.url).href;

// Workers run the built packages: `pnpm test` builds before it tests. Bytes 0 … 63 of the buffer are the tests' own words.
const WORKER = `
  const { workerData, parentPort } = require("node:worker_threads");
  (async () => {
    const core = await import(workerData.core);
    const { hyperheap } = await import(workerData.hyperheap);
    const { buffer, agent, options, descriptor } = workerData;
    const words = new Int32Array(buffer, 0, 16);
    const lock = agent === undefined ? undefined : core.atomicsLock(options).create({
      memory: core.createMemory(buffer), address: 64, agent, heapName: "test",
      error: (code, message, details) => new core.HeapError(code, message, details), onRefresh() {},
    });
    const heap = descriptor === undefined ? undefined : core.attachHeap(
      descriptor, { strategy: hyperheap() }, { lock: core.atomicsLock(options) });
    const say = (message) => parentPort.postMessage(message);
    const heard = () => new Promise((resolve) => parentPort.once("message", resolve));
    /** All agents begin together. */
    const meet = (agents) => { Atomics.add(words, 15, 1); while (Atomics.load(words, 15) < agents); };
    const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
    const body = Object.getPrototypeOf(async function () {}).constructor(
      "lock", "heap", "words", "say", "heard", "meet", "pause", workerData.body);
    say({ done: await body(lock, heap, words, say, heard, meet, pause) });
    parentPort.close();
  })().catch((error) => parentPort.postMessage({ code: error.code, error: String(error && error.stack) }));`;

interface Message {
  readonly done?: unknown;
  readonly code?: string;
  readonly error?: string;
}

const workers: Worker[] = [];
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
});

interface Running {
  readonly worker: Worker;
  /** The next message. */
  next(): Promise<unknown>;
}

/** @param data `agent` and `options` for a lock on the buffer, or `descriptor` and `options` for a heap. */
function start(
  body: string,
  data: { readonly buffer: SharedArrayBuffer } & Record<string, unknown>,
): Running {
  const workerData = { ...data, body, core: dist("core"), hyperheap: dist("hyperheap") };
  const worker = new Worker(WORKER, { eval: true, workerData });
  workers.push(worker);
  const heard: unknown[] = [];
  const asking: ((message: unknown) => void)[] = [];
  const hear = (message: unknown): void => {
    const asked = asking.shift();
    if (asked === undefined) heard.push(message);
    else asked(message);
  };
  worker.on("message", hear).on("error", (error) => hear({ error: String(error) }));
  return {
    worker,
    next: () =>
      heard.length > 0 ? Promise.resolve(heard.shift()) : new Promise((resolve) => asking.push(resolve)),
  };
}

async function result(running: Running): Promise<unknown> {
  const message = (await running.next()) as Message;
  expect(message.error).toBeUndefined();
  return message.done;
}

function lockOn(buffer: SharedArrayBuffer, agent: number, options = {}): Lock {
  return atomicsLock(options).create({
    memory: createMemory(buffer),
    address: 64,
    agent,
    heapName: "test",
    error: (code, message, details) => new HeapError(code, message, details),
    onRefresh: () => {},
  }) as Lock;
}

const coded = (code: string, message: string | RegExp = "") =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });
const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));
async function until(condition: () => boolean): Promise<void> {
  for (const end = Date.now() + 20_000; !condition(); await pause(1)) {
    if (Date.now() > end) throw new Error("it never came");
  }
}

describe("three threads", () => {
  it.each([0, 100, 1000])("count without loss, also nested (spin: %i)", async (spin) => {
    const buffer = new SharedArrayBuffer(128);
    const words = new Int32Array(buffer);
    const rounds = 30_000;
    const body = `
      meet(3);
      for (let round = 0; round < ${rounds}; round++) {
        lock.enter();
        const value = words[0];
        if (round % 16 === 0) { lock.enter(); words[1] = words[1] + 1; lock.leave(); }
        words[0] = value + 1;
        lock.leave();
      }`;
    const running = [1, 2, 3].map((agent) => start(body, { buffer, agent, options: { spin } }));
    for (const one of running) await result(one);
    expect([words[0], words[1]]).toEqual([3 * rounds, (3 * rounds) / 16]);
    const counts = lockOn(buffer, 4).contention?.();
    expect(counts).toMatchObject({ entered: 3 * rounds, timedOut: 0 });
    expect(counts?.slept).toBeLessThanOrEqual(counts?.contended ?? 0);
    expect(words[16]).toBe(0);
  });

  it("count without loss where some wait asleep, some in enterAsync and some try", async () => {
    const buffer = new SharedArrayBuffer(128);
    const words = new Int32Array(buffer);
    const rounds = 3000;
    const body = (enter: string): string => `
      meet(3);
      for (let round = 0; round < ${rounds}; round++) {
        ${enter};
        const value = words[0];
        for (let wait = 0; wait < 20; wait++) Atomics.load(words, 2);
        words[0] = value + 1;
        lock.leave();
      }`;
    const running = ["lock.enter()", "await lock.enterAsync(10000)", "while (!lock.tryEnter())"].map(
      (enter, index) => start(body(enter), { buffer, agent: index + 1, options: { spin: 0 } }),
    );
    for (const one of running) await result(one);
    expect(words[0]).toBe(3 * rounds);
    expect(lockOn(buffer, 4).contention?.()).toMatchObject({ entered: 3 * rounds, timedOut: 0 });
    expect(words[16]).toBe(0);
  });

  it("asleep are woken one after the other, not by the clock", async () => {
    const buffer = new SharedArrayBuffer(128);
    const lock = lockOn(buffer, 4);
    const rounds = 15;
    const body = `
      for (let round = 1; round <= ${rounds}; round++) {
        while (Atomics.load(words, 0) < round) Atomics.wait(words, 0, round - 1);
        lock.enter();
        lock.leave();
        Atomics.add(words, 1, 1);
      }`;
    const words = new Int32Array(buffer);
    const running = [1, 2, 3].map((agent) => start(body, { buffer, agent, options: { spin: 0 } }));
    const waits: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      const slept = lock.contention?.().slept as number;
      lock.enter();
      Atomics.store(words, 0, round);
      Atomics.notify(words, 0);
      await until(() => lock.contention?.().slept === slept + 3);
      const began = performance.now();
      lock.leave();
      await until(() => Atomics.load(words, 1) === 3 * round);
      waits.push(performance.now() - began);
    }
    for (const one of running) await result(one);
    // A sleeper nobody wakes looks again after 100 ms: half of that on average, for each of two.
    expect(waits.sort((a, b) => a - b)[Math.floor(rounds / 2)]).toBeLessThan(40);
  });
});

describe("an agent that ends inside", () => {
  it("is named to who waits, and one of several takes its lock over", async () => {
    const buffer = new SharedArrayBuffer(128);
    const dead = start(`lock.enter(); say("in"); Atomics.wait(words, 0, 0);`, { buffer, agent: 9 });
    expect(await dead.next()).toBe("in");
    const lock = lockOn(buffer, 1, { timeoutMs: 30 });
    expect(() => lock.enter()).toThrowError(
      coded("ERR_LOCK_TIMEOUT", /held by agent 9; agent 1 waited 30 ms/),
    );
    await dead.worker.terminate();
    expect(() => lock.enter()).toThrowError(coded("ERR_LOCK_TIMEOUT", /agent 9/));
    // Somebody sleeps all the while, and is to be woken in the end.
    const waiting = start(`lock.enter(); lock.leave(); return "got it";`, {
      buffer,
      agent: 2,
      options: { spin: 0 },
    });
    await until(() => lock.contention?.().slept === 3);
    const body = `
      meet(3);
      const mine = lock.takeOver(9);
      if (mine) { Atomics.add(words, 1, 1); lock.leave(); }
      return mine;`;
    const heirs = [3, 4, 5].map((agent) => start(body, { buffer, agent }));
    const got = await Promise.all(heirs.map(result));
    expect(got.filter((mine) => mine)).toHaveLength(1);
    expect(await result(waiting)).toBe("got it");
    expect(new Int32Array(buffer)[16]).toBe(0);
    lock.enter();
    lock.leave();
    expect(lock.contention?.()).toMatchObject({ entered: 4, timedOut: 2 });
  });

  it("leaves a heap that goes on under who takes the lock over", async () => {
    const buffer = new SharedArrayBuffer(65536);
    let lock: Lock | undefined;
    const spying: LockKind = {
      name: "atomics",
      create: (site) => {
        lock = atomicsLock({ timeoutMs: 30 }).create(site);
        return lock;
      },
    };
    const heap = createHeap({ memory: buffer, strategy: hyperheap(), lock: spying });
    const body = `heap.alloc(100); await heap.enterAsync(); say(heap.agent); Atomics.wait(words, 15, 0);`;
    const dead = start(body, { buffer, descriptor: heap.descriptor() });
    const agent = (await dead.next()) as number;
    await dead.worker.terminate();
    expect(() => heap.alloc(16)).toThrowError(coded("ERR_LOCK_TIMEOUT", `agent ${agent};`));
    expect(lock?.takeOver?.(agent)).toBe(true);
    heap.check();
    lock?.leave();
    const ptr = heap.alloc(16);
    expect(ptr).not.toBe(0);
    heap.free(ptr);
    const next = attachHeap(heap.descriptor(), { strategy: hyperheap() });
    next.free(next.alloc(50));
    expect(heap.usedBytes).toBe(112);
  });

  it("with a notification for somebody else delays that one, and no more", async () => {
    const buffer = new SharedArrayBuffer(128);
    const words = new Int32Array(buffer);
    const waiting = start(`lock.enter(); lock.leave();`, {
      buffer,
      agent: 2,
      options: { spin: 0, timeoutMs: 600_000 },
    });
    const lock = lockOn(buffer, 1);
    lock.enter();
    await until(() => lock.contention?.().slept === 1);
    // What an agent woken and ended leaves behind: free, nobody notified.
    Atomics.store(words, 16, 0);
    expect(await result(waiting)).toBeUndefined();
  });
});

describe("enterAsync beside a thread", () => {
  const heapPair = (): { heap: Heap; buffer: SharedArrayBuffer } => {
    const buffer = new SharedArrayBuffer(65536);
    return { buffer, heap: createHeap({ memory: buffer, strategy: hyperheap() }) };
  };

  it("waits for it without blocking, and is woken by it", async () => {
    const { heap, buffer } = heapPair();
    const body = `
      for (let round = 0; round < 9; round++) {
        const held = await heap.enterAsync();
        say("in");
        await heard();
        held.leave();
        heap.free(heap.alloc(16));
        await heard();
      }`;
    const other = start(body, { buffer, descriptor: heap.descriptor() });
    const waits: number[] = [];
    for (let round = 0; round < 9; round++) {
      expect(await other.next()).toBe("in");
      let turns = 0;
      const ticking = setInterval(() => turns++, 1);
      const pending = heap.enterAsync();
      await pause(20);
      expect(turns).toBeGreaterThan(2);
      const began = performance.now();
      other.worker.postMessage("leave");
      const held = await pending;
      waits.push(performance.now() - began);
      clearInterval(ticking);
      heap.free(heap.alloc(100));
      held.leave();
      other.worker.postMessage("again");
    }
    await result(other);
    // By the clock it would be 80 on average.
    expect(waits.sort((a, b) => a - b)[4]).toBeLessThan(40);
  });

  it("keeps it out until it leaves", async () => {
    const { heap, buffer } = heapPair();
    const held = await heap.enterAsync();
    const { slept } = heap.contention;
    const other = start(`await heap.alloc(100); return "got it";`, { buffer, descriptor: heap.descriptor() });
    await until(() => heap.contention.slept === slept + 1);
    await pause(150);
    expect(heap.usedBytes).toBe(0);
    held.leave();
    expect(await result(other)).toBe("got it");
    expect(heap.usedBytes).toBe(112);
  });

  it("keeps the process alive while it waits", () => {
    const script = `
      import { attachHeap, createHeap } from ${JSON.stringify(dist("core"))};
      import { hyperheap } from ${JSON.stringify(dist("hyperheap"))};
      const one = createHeap({ memory: new SharedArrayBuffer(65536), strategy: hyperheap() });
      const two = attachHeap(one.descriptor(), { strategy: hyperheap() });
      const waits = async () => {
        await one.enterAsync();
        // More than once: what keeps it alive ends about when the wait does.
        for (let i = 0; i < 40; i++) await two.enterAsync({ timeoutMs: 10 }).catch(({ code }) => console.log(code));
      };
      waits();`;
    const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
      encoding: "utf8",
    });
    expect(stdout).toBe("ERR_LOCK_TIMEOUT\n".repeat(40));
  });
});
