/** Heaps behind gates: what an agent is doing, one that was said to have ended, and several calls under `enterAsync`. */
import { describe, expect, it } from "vitest";
import { another, first } from "./fixtures/front-world.js";

const coded = (code: string, message: string | RegExp = "") =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

describe("an agent that was said to have ended", () => {
  it("gets the same from a heap, whatever it asks for", () => {
    const one = first();
    const two = another(one);
    const ptr = two.heap.alloc(100);
    expect(one.heap.recover(two.heap.agent).errors).toEqual([]);
    for (const call of [
      () => two.heap.alloc(100),
      () => two.heap.free(ptr),
      () => two.heap.realloc(ptr, 1000),
      () => two.heap.usableSize(ptr),
      () => two.heap.alloc(5000),
    ])
      expect(call).toThrowError(coded("ERR_HEAP_CORRUPT", `agent ${two.heap.agent} was said to have ended`));
    one.heap.check();
    one.heap.free(ptr);
    two.heap.detach();
    one.heap.check();
    expect(one.heap.usedBytes).toBe(0);
  });
});

describe("what an agent is doing", () => {
  it("is nothing once its call has ended, also if it was refused", () => {
    const one = first();
    const freed = one.heap.alloc(100);
    one.heap.free(freed);
    const nothing = { held: false, operation: "none", errors: [] };
    for (const call of ["free", "realloc", "usableSize", "alloc"] as const) {
      const two = another(one);
      const large = two.heap.alloc(5000);
      const calls = {
        free: () => two.heap.free(freed),
        realloc: () => two.heap.reallocUnsafe(freed, 3000),
        usableSize: () => two.heap.usableSize(freed),
        alloc: () => two.heap.alloc(2 ** 30) && two.heap.free(freed),
      };
      if (call === "alloc") expect(calls[call]()).toBe(0);
      else expect(calls[call]).toThrowError(coded("ERR_DOUBLE_FREE"));
      expect(one.heap.recover(two.heap.agent)).toMatchObject(nothing);
      expect(one.heap.usableSize(large)).toBeGreaterThanOrEqual(5000);
      one.heap.free(large);
    }
    one.heap.check();
  });
});

describe("enterAsync with a front", () => {
  it("is one operation to all others", async () => {
    const one = first();
    const two = another(one);
    const kept = two.heap.alloc(100);
    const held = await one.heap.enterAsync();
    const ptr = one.heap.alloc(5000);
    one.heap.check();
    await expect(two.heap.enterAsync({ timeoutMs: 30 })).rejects.toThrowError(
      coded("ERR_LOCK_TIMEOUT", "agent 1 keeps the heap standing still"),
    );
    held.leave();
    const next = await two.heap.enterAsync({ timeoutMs: 1000 });
    for (const block of [ptr, kept]) two.heap.free(block);
    next.leave();
    one.heap.check();
  });

  it("one after the other of one agent, and the heap stands still in between", async () => {
    const one = first();
    const order: number[] = [];
    await Promise.all(
      [1, 2, 3].map(async (number) => {
        const held = await one.heap.enterAsync();
        order.push(number);
        one.heap.check();
        one.heap.free(one.heap.alloc(10 * number));
        await Promise.resolve();
        held.leave();
      }),
    );
    expect(order).toEqual([1, 2, 3]);
    another(one).heap.check();
  });
});
