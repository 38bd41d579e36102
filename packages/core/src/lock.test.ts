import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { atomicsLock, createMemory, HeapError, type Lock, type LockSite } from "./index.js";

function lockOn(buffer: ArrayBuffer | SharedArrayBuffer, agent: number, options = {}): Lock {
  const site: LockSite = {
    memory: createMemory(buffer),
    address: 64,
    agent,
    heapName: "test",
    error: (code, message, details) => new HeapError(code, message, details),
    onRefresh: () => {},
  };
  return atomicsLock(options).create(site) as Lock;
}

describe("atomicsLock", () => {
  it("is recursive and keeps holder and generation", () => {
    const buffer = new SharedArrayBuffer(128);
    const words = new Int32Array(buffer, 64, 3);
    const lock = lockOn(buffer, 7);
    lock.enter();
    lock.enter();
    expect(lock.tryEnter()).toBe(true);
    expect([...words]).toEqual([7, 1, 0]);
    lock.leave();
    lock.leave();
    expect([...words]).toEqual([7, 1, 0]);
    lock.leave();
    expect([...words]).toEqual([0, 1, 0]);
  });

  it("stamps every entering and leaving, tells that somebody else is inside, and whoever is inside himself that nothing changes", () => {
    const buffer = new SharedArrayBuffer(128);
    const one = lockOn(buffer, 1);
    const two = lockOn(buffer, 2);
    const before = two.stamp?.();
    expect(two.stamp?.()).toBe(before);
    one.enter();
    expect(two.stamp?.()).toBe(-1);
    const inside = one.stamp?.();
    one.enter();
    one.leave();
    expect(one.stamp?.()).toBe(inside);
    one.leave();
    expect(two.stamp?.()).not.toBe(before);
    // Where the count of a long-lived heap wraps.
    new Int32Array(buffer, 64, 3)[1] = -1;
    expect(two.stamp?.()).toBe(2 ** 32 - 1);
    one.enter();
    expect([two.stamp?.(), one.stamp?.()]).toEqual([-1, 0]);
    one.leave();
    expect(two.stamp?.()).toBe(0);
  });

  it("keeps others out, and tells who is inside", () => {
    const buffer = new SharedArrayBuffer(128);
    const one = lockOn(buffer, 1);
    const seen: number[] = [];
    const two = lockOn(buffer, 2, {
      spin: 3,
      timeoutMs: 20,
      onContention: (holder: number) => seen.push(holder),
    });
    one.enter();
    expect(two.tryEnter()).toBe(false);
    expect(() => two.enter()).toThrowError(
      expect.objectContaining({ code: "ERR_LOCK_TIMEOUT", message: expect.stringContaining("agent 1") }),
    );
    expect(seen).toEqual([1]);
    one.leave();
    two.enter();
    two.leave();
  });

  it("refuses to be left by who is not inside", () => {
    const buffer = new SharedArrayBuffer(128);
    const lock = lockOn(buffer, 1);
    expect(() => lock.leave()).toThrowError(expect.objectContaining({ code: "ERR_HEAP_CORRUPT" }));
  });

  it("does not wait where nobody else could leave", () => {
    const buffer = new ArrayBuffer(128);
    lockOn(buffer, 1).enter();
    const began = performance.now();
    expect(() => lockOn(buffer, 2, { timeoutMs: 60_000 }).enter()).toThrowError(
      expect.objectContaining({ code: "ERR_LOCK_TIMEOUT" }),
    );
    expect(performance.now() - began).toBeLessThan(30_000);
  });

  it.each([
    { spin: -1 },
    { spin: 1.5 },
    { spin: "1" },
    { timeoutMs: 0 },
    { timeoutMs: Number.NaN },
    { timeoutMs: "5" },
    { onContention: 5 },
  ])("refuses %j", (options) => {
    expect(() => atomicsLock(options as never)).toThrowError(
      expect.objectContaining({ code: "ERR_INVALID_OPTION" }),
    );
  });

  it("excludes threads from each other", async () => {
    const buffer = new SharedArrayBuffer(128);
    const counter = new Int32Array(buffer, 0, 1);
    // The worker speaks the same protocol from its description, not from its code.
    const source = `
      const { workerData, parentPort } = require("node:worker_threads");
      const counter = new Int32Array(workerData, 0, 1);
      const words = new Int32Array(workerData, 64, 3);
      for (let round = 0; round < 20000; round++) {
        if (Atomics.compareExchange(words, 0, 0, 2) !== 0) {
          while (Atomics.compareExchange(words, 0, 0, -2) !== 0) {
            const seen = Math.abs(Atomics.load(words, 0));
            if (Atomics.compareExchange(words, 0, seen, -seen) !== 0) Atomics.wait(words, 0, -seen);
          }
        }
        words[1]++;
        const value = counter[0];
        counter[0] = value + 1;
        if (Atomics.exchange(words, 0, 0) < 0) Atomics.notify(words, 0, 1);
      }
      parentPort.postMessage("done");`;
    const worker = new Worker(source, { eval: true, workerData: buffer });
    const done = new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
    const lock = lockOn(buffer, 1);
    for (let round = 0; round < 20000; round++) {
      lock.enter();
      const value = counter[0] as number;
      counter[0] = value + 1;
      lock.leave();
      // Lets the event loop hear of errors of the worker.
      if (round % 5000 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await done;
    expect(counter[0]).toBe(40000);
    expect(lock.contention?.().entered).toBe(40000);
    await worker.terminate();
  });
});
