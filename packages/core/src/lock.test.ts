import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, it, vi } from "vitest";
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

const coded = (code: string, message: string | RegExp = "") =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

afterEach(() => vi.restoreAllMocks());

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

  it("has no stamp for a moment in which somebody came and went", () => {
    const buffer = new SharedArrayBuffer(128);
    const one = lockOn(buffer, 1);
    const two = lockOn(buffer, 2);
    for (const look of ["load", "add"] as const) {
      const real = Atomics[look] as (...args: unknown[]) => number;
      for (const order of ["before", "after"]) {
        const seen = two.stamp?.();
        let isFirst = true;
        vi.spyOn(Atomics, look).mockImplementation(((...args: unknown[]) => {
          if (!isFirst) return real(...args);
          isFirst = false;
          const value = order === "after" ? real(...args) : 0;
          one.enter();
          one.leave();
          return order === "after" ? value : real(...args);
        }) as never);
        const now = two.stamp?.();
        vi.restoreAllMocks();
        // Before the first look it was as if it had been before the call.
        expect(now, `${order} ${look}`).toBe(look === "load" && order === "before" ? (seen ?? 0) + 1 : -1);
      }
    }
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
    expect(() => lock.leave()).toThrowError(coded("ERR_HEAP_CORRUPT", "does not hold"));
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

/** One thread plays all agents: what happens while one of them sleeps is what `Atomics.wait` is replaced by. */
describe("atomicsLock, an agent asleep", () => {
  function sleeping(...naps: (() => void)[]): { naps: () => number } {
    let count = 0;
    vi.spyOn(Atomics, "wait").mockImplementation((_words, _index, _value, milliseconds) => {
      // Zero milliseconds: the question whether sleeping is allowed.
      if (milliseconds === 0) return "not-equal";
      naps[count++]?.();
      return count > naps.length ? "timed-out" : "ok";
    });
    return { naps: () => count };
  }

  it("counts what it did, exactly", () => {
    const buffer = new SharedArrayBuffer(128);
    const one = lockOn(buffer, 1);
    const two = lockOn(buffer, 2, { spin: 3, timeoutMs: 60_000 });
    const counts = (): unknown => one.contention?.();
    expect(counts()).toEqual({ entered: 0, contended: 0, slept: 0, timedOut: 0 });
    one.enter();
    one.enter();
    expect(two.tryEnter()).toBe(false);
    expect(counts()).toEqual({ entered: 1, contended: 0, slept: 0, timedOut: 0 });
    const { naps } = sleeping(
      () => expect(counts()).toEqual({ entered: 1, contended: 1, slept: 1, timedOut: 0 }),
      () => one.leave(),
      () => one.leave(),
    );
    two.enter();
    expect(naps()).toBe(3);
    expect(counts()).toEqual({ entered: 2, contended: 1, slept: 1, timedOut: 0 });
    const late = lockOn(buffer, 3, { timeoutMs: 1 });
    sleeping();
    expect(() => late.enter()).toThrowError(coded("ERR_LOCK_TIMEOUT"));
    expect(counts()).toEqual({ entered: 2, contended: 2, slept: 2, timedOut: 1 });
    two.leave();
    expect([...new Int32Array(buffer, 64)]).toEqual([0, 2, 2, 2, 1, ...Array(11).fill(0)]);
  });

  it("counts no sleep where it got the lock by trying again", () => {
    const buffer = new SharedArrayBuffer(128);
    const one = lockOn(buffer, 1);
    const two = lockOn(buffer, 2, { spin: 1000 });
    one.enter();
    const load = Atomics.load;
    let looks = 0;
    vi.spyOn(Atomics, "load").mockImplementation(((words: Int32Array, index: number) => {
      if (++looks === 10) one.leave();
      return load(words, index);
    }) as never);
    two.enter();
    vi.restoreAllMocks();
    expect(two.contention?.()).toEqual({ entered: 2, contended: 1, slept: 0, timedOut: 0 });
    // Nobody slept, so nobody is to be woken.
    expect(new Int32Array(buffer, 64)[0]).toBe(2);
  });

  it("that was woken goes in with the mark of sleepers: others may sleep still", () => {
    const buffer = new SharedArrayBuffer(128);
    const one = lockOn(buffer, 1);
    const two = lockOn(buffer, 2, { spin: 0 });
    const notify = vi.spyOn(Atomics, "notify");
    one.enter();
    sleeping(() => one.leave());
    two.enter();
    expect(new Int32Array(buffer, 64)[0]).toBe(-2);
    expect(notify).toHaveBeenCalledTimes(1);
    two.leave();
    expect(notify).toHaveBeenCalledTimes(2);
    two.enter();
    two.leave();
    expect(notify).toHaveBeenCalledTimes(2);
    expect(notify).toHaveBeenLastCalledWith(expect.anything(), 16, 1);
  });

  it("that was woken, found somebody else inside, and gives up, leaves word that others may sleep", () => {
    const buffer = new SharedArrayBuffer(128);
    const one = lockOn(buffer, 1);
    const two = lockOn(buffer, 2, { spin: 0, timeoutMs: 1000 });
    const three = lockOn(buffer, 3);
    one.enter();
    sleeping(() => {
      one.leave();
      three.enter();
      vi.spyOn(Date, "now").mockReturnValue(Number.MAX_SAFE_INTEGER);
    });
    expect(() => two.enter()).toThrowError(
      coded("ERR_LOCK_TIMEOUT", /held by agent 3; agent 2 waited 1000 ms/),
    );
    expect(new Int32Array(buffer, 64)[0]).toBe(-3);
  });

  it("wakes now and then: a notification may be lost with an agent that ended", () => {
    const buffer = new SharedArrayBuffer(128);
    const one = lockOn(buffer, 1);
    const two = lockOn(buffer, 2, { spin: 0, timeoutMs: Number.POSITIVE_INFINITY });
    one.enter();
    sleeping(() => new Int32Array(buffer, 64).fill(0, 0, 1));
    two.enter();
    expect(vi.mocked(Atomics.wait).mock.calls.at(-1)?.[3]).toBeLessThanOrEqual(1000);
  });

  it("tells once of its wait, and spins where it may not sleep", () => {
    const buffer = new SharedArrayBuffer(128);
    const told: number[] = [];
    const two = lockOn(buffer, 2, {
      spin: 10,
      timeoutMs: 30,
      onContention: (by: number) => told.push(by),
    });
    lockOn(buffer, 1).enter();
    vi.spyOn(Atomics, "wait").mockImplementation(() => {
      throw new TypeError("Atomics.wait cannot be called in this context");
    });
    const began = Date.now();
    expect(() => two.enter()).toThrowError(coded("ERR_LOCK_TIMEOUT", "agent 1"));
    expect(Date.now() - began).toBeGreaterThanOrEqual(30);
    expect(told).toEqual([1]);
    expect(two.contention?.()).toEqual({ entered: 1, contended: 1, slept: 0, timedOut: 1 });
  });

  it("gets the lock by spinning where it may not sleep", () => {
    const buffer = new SharedArrayBuffer(128);
    const one = lockOn(buffer, 1);
    const two = lockOn(buffer, 2, { spin: 0, onContention: () => one.leave() });
    one.enter();
    vi.spyOn(Atomics, "wait").mockImplementation(() => {
      throw new TypeError("Atomics.wait cannot be called in this context");
    });
    two.enter();
    expect(two.contention?.()).toEqual({ entered: 2, contended: 1, slept: 0, timedOut: 0 });
  });
});

describe("takeOver", () => {
  it("makes the lock of an agent that has ended this agent's", () => {
    const buffer = new SharedArrayBuffer(128);
    const words = new Int32Array(buffer, 64);
    const dead = lockOn(buffer, 1);
    const two = lockOn(buffer, 2);
    const three = lockOn(buffer, 3);
    dead.enter();
    const inside = dead.stamp?.();
    expect(two.takeOver?.(1)).toBe(true);
    expect(three.takeOver?.(1)).toBe(false);
    expect(words[0]).toBe(2);
    expect(three.stamp?.()).toBe(-1);
    expect(dead.stamp?.()).toBe(-1);
    expect(two.stamp?.()).not.toBe(inside);
    two.enter();
    two.leave();
    expect(words[0]).toBe(2);
    two.leave();
    expect(words[0]).toBe(0);
    expect(two.contention?.().entered).toBe(2);
    three.enter();
    three.leave();
  });

  it("does nothing where the lock is free, somebody else's or this agent's, or nobody is named", () => {
    const buffer = new SharedArrayBuffer(128);
    const words = new Int32Array(buffer, 64);
    const one = lockOn(buffer, 1);
    const two = lockOn(buffer, 2);
    for (const holder of [1, 2, 0, -1, 0.5, Number.NaN]) expect(two.takeOver?.(holder)).toBe(false);
    one.enter();
    for (const holder of [1, 2, 0, -1, 1.5]) expect(one.takeOver?.(holder)).toBe(false);
    for (const holder of [2, 3, 0, -1, 1.5, -(2 ** 31)]) expect(two.takeOver?.(holder)).toBe(false);
    expect([...words.subarray(0, 2)]).toEqual([1, 1]);
  });

  it("makes the late leave of the old holder an error that releases nothing", () => {
    const buffer = new SharedArrayBuffer(128);
    const words = new Int32Array(buffer, 64);
    const old = lockOn(buffer, 1);
    const two = lockOn(buffer, 2);
    for (const after of ["held", "held with sleepers", "free"]) {
      old.enter();
      expect(two.takeOver?.(1)).toBe(true);
      if (after === "held with sleepers") words[0] = -2;
      if (after === "free") two.leave();
      const before = [...words];
      expect(() => old.leave()).toThrowError(
        expect.objectContaining({
          code: "ERR_HEAP_CORRUPT",
          message: expect.stringMatching(
            after === "free" ? /taken over; it is free now/ : /taken over; agent 2 holds it/,
          ),
          hint: expect.stringMatching(/recover only agents that have/),
        }),
      );
      expect([...words]).toEqual(before);
      expect(() => old.leave()).toThrowError(coded("ERR_HEAP_CORRUPT", "does not hold"));
      if (after !== "free") two.leave();
      // It may come back as one that waits like all others.
      old.enter();
      old.leave();
    }
  });

  it("keeps the mark of sleepers, and wakes one of them in the end", () => {
    const buffer = new SharedArrayBuffer(128);
    const words = new Int32Array(buffer, 64);
    const notify = vi.spyOn(Atomics, "notify");
    lockOn(buffer, 1).enter();
    words[0] = -1;
    const two = lockOn(buffer, 2);
    expect(two.takeOver?.(1)).toBe(true);
    expect(words[0]).toBe(-2);
    two.leave();
    expect(notify).toHaveBeenCalledTimes(1);
  });
});
