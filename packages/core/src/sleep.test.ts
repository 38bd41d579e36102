import { describe, expect, it, vi } from "vitest";
import { after, poll, sleepAsync } from "./sleep.js";

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

describe("sleepAsync", () => {
  it("ends when it is notified, and leaves no timer behind", async () => {
    const words = new Int32Array(new SharedArrayBuffer(8));
    const clear = vi.spyOn(globalThis, "clearTimeout");
    let isOver = false;
    const sleeping = sleepAsync(words, 1, 0, 60_000).then(() => {
      isOver = true;
    });
    await pause(30);
    expect(isOver).toBe(false);
    expect(Atomics.notify(words, 1, 1)).toBe(1);
    await sleeping;
    expect(clear).toHaveBeenCalled();
    clear.mockRestore();
  });

  it("ends by itself, and is nobody's to wake then: a notification is for someone who wants it", async () => {
    const words = new Int32Array(new SharedArrayBuffer(8));
    await sleepAsync(words, 1, 0, 20);
    expect(Atomics.notify(words, 1)).toBe(0);
  });

  it("does not begin where the word is another one already", async () => {
    const words = new Int32Array(new SharedArrayBuffer(8));
    const began = performance.now();
    await sleepAsync(words, 1, 7, 60_000);
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(Atomics.notify(words, 1)).toBe(0);
  });

  it("is a short pause on memory that is not shared", async () => {
    const began = performance.now();
    await sleepAsync(new Int32Array(2), 1, 0, 60_000);
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  it("hands on what is no refusal", async () => {
    const words = new Int32Array(new SharedArrayBuffer(8));
    await expect(sleepAsync(words, 99, 0, 10)).rejects.toThrowError(RangeError);
  });
});

describe("after", () => {
  it("can be called off, and calls nothing in an infinite time", async () => {
    const calls: string[] = [];
    after(1, () => calls.push("due"));
    after(1, () => calls.push("called off"))();
    after(Number.POSITIVE_INFINITY, () => calls.push("infinite"));
    after(2 ** 31, () => calls.push("far"))();
    await pause(30);
    expect(calls).toEqual(["due"]);
  });
});

it("poll goes on at once where the engine has no timers", async () => {
  vi.stubGlobal("setTimeout", undefined);
  await poll(1000);
  vi.unstubAllGlobals();
});
