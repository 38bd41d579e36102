import { hyperheap } from "@heapwright/hyperheap";
import { afterEach, describe, expect, it, vi } from "vitest";
import { atomicsLock, attachHeap, createHeap, type Heap, type Lock, noLock } from "./index.js";

const coded = (code: string, message: string | RegExp = "") =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });
const turn = (milliseconds = 0): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Two agents of one heap, in this thread. */
function pair(
  timeoutMs = 5000,
  memory: SharedArrayBuffer | number = new SharedArrayBuffer(65536),
): [Heap, Heap] {
  const lock = atomicsLock({ timeoutMs });
  const one = createHeap({ memory, strategy: hyperheap(), lock });
  return [one, attachHeap(one.descriptor(), { strategy: hyperheap() }, { lock })];
}
const holderOf = (heap: Heap): number => heap.memory.i32[16] as number;

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe("enterAsync", () => {
  it("holds the lock over several calls of this agent, until it is left", async () => {
    const [one, two] = pair(20);
    const held = await one.enterAsync();
    expect(holderOf(one)).toBe(1);
    const { entered } = one.contention;
    const ptr = one.alloc(100);
    await turn();
    one.free(ptr);
    one.check();
    // One operation to all others.
    expect(one.contention.entered).toBe(entered);
    expect(() => two.alloc(16)).toThrowError(coded("ERR_LOCK_TIMEOUT", "held by agent 1; agent 2"));
    held.leave();
    held.leave();
    expect(holderOf(one)).toBe(0);
    two.free(two.alloc(16));
  });

  it("is left at the end of a `using` scope", async () => {
    const [one] = pair();
    {
      using held = await one.enterAsync();
      expect(held.leave).toBeTypeOf("function");
      expect(holderOf(one)).toBe(1);
    }
    expect(holderOf(one)).toBe(0);
  });

  it("does not leave for the next one when it is left twice", async () => {
    const [one] = pair();
    const first = await one.enterAsync();
    first.leave();
    const second = await one.enterAsync();
    first.leave();
    expect(holderOf(one)).toBe(1);
    second.leave();
  });

  it("gives several of one agent the lock one after the other, in their order", async () => {
    const [one] = pair();
    const log: string[] = [];
    const task = async (name: string): Promise<void> => {
      const held = await one.enterAsync();
      log.push(`${name} in`);
      await turn(2);
      one.free(one.alloc(64));
      await turn(2);
      log.push(`${name} out`);
      held.leave();
    };
    await Promise.all(["a", "b", "c", "d"].map(task));
    expect(log).toEqual(["a", "b", "c", "d"].flatMap((name) => [`${name} in`, `${name} out`]));
    expect(holderOf(one)).toBe(0);
  });

  it("does not take part in a call of this agent that is running", async () => {
    let lock: Lock | undefined;
    const kind = {
      name: "atomics",
      create: (site: Parameters<ReturnType<typeof atomicsLock>["create"]>[0]) =>
        (lock = atomicsLock().create(site)),
    };
    const heap = createHeap({ memory: new SharedArrayBuffer(65536), strategy: hyperheap(), lock: kind });
    lock?.enter();
    const pending = heap.enterAsync().then((held) => {
      expect(holderOf(heap)).toBe(1);
      held.leave();
    });
    lock?.leave();
    expect(holderOf(heap)).toBe(0);
    await pending;
    expect(holderOf(heap)).toBe(0);
    // Not even where that call goes on over turns, against all promises.
    lock?.enter();
    let isIn = false;
    const late = heap.enterAsync().then((held) => {
      isIn = true;
      held.leave();
    });
    await turn(20);
    expect(isIn).toBe(false);
    lock?.leave();
    await late;
    expect(isIn).toBe(true);
  });

  it("waits for another agent, and lets the thread go on", async () => {
    const [one, two] = pair();
    const held = await one.enterAsync();
    let isIn = false;
    const waiting = two.enterAsync().then((other) => {
      isIn = true;
      return other;
    });
    await turn(20);
    expect([isIn, one.contention]).toEqual([
      false,
      { entered: one.contention.entered, contended: 1, slept: 1, timedOut: 0 },
    ]);
    held.leave();
    (await waiting).leave();
    expect(one.contention).toMatchObject({ contended: 1, slept: 1, timedOut: 0 });
    expect(holderOf(one)).toBe(0);
  });

  it("is woken, not polled: well before it would look by itself", async () => {
    const [one, two] = pair();
    const waits: number[] = [];
    for (let round = 0; round < 9; round++) {
      const held = await one.enterAsync();
      const waiting = two.enterAsync();
      await turn(5);
      const began = performance.now();
      held.leave();
      (await waiting).leave();
      waits.push(performance.now() - began);
    }
    expect(waits.sort((a, b) => a - b)[4]).toBeLessThan(30);
  });

  it("wakes the next one where several agents wait", async () => {
    const [one, two] = pair();
    const three = attachHeap(one.descriptor(), { strategy: hyperheap() }, { lock: atomicsLock() });
    const waits: number[] = [];
    for (let round = 0; round < 9; round++) {
      const held = await one.enterAsync();
      const all = [two, three].map(async (heap) => {
        const other = await heap.enterAsync();
        await turn(1);
        other.leave();
      });
      await turn(5);
      const began = performance.now();
      held.leave();
      await Promise.all(all);
      waits.push(performance.now() - began);
    }
    expect(waits.sort((a, b) => a - b)[4]).toBeLessThan(30);
  });

  it("gives up in time, naming the holder, and lets its successors go on", async () => {
    const [one, two] = pair();
    const held = await one.enterAsync();
    const began = performance.now();
    const lost = two.enterAsync({ timeoutMs: 30 });
    const next = two.enterAsync();
    await expect(lost).rejects.toThrowError(coded("ERR_LOCK_TIMEOUT", "held by agent 1; agent 2"));
    expect(performance.now() - began).toBeGreaterThan(20);
    expect(one.contention.timedOut).toBe(1);
    held.leave();
    (await next).leave();
    two.free(two.alloc(16));
  });

  it("gives up also where it waits for its own agent, and is passed over then", async () => {
    const [one] = pair();
    const held = await one.enterAsync();
    const lost = one.enterAsync({ timeoutMs: 20 });
    const next = one.enterAsync();
    await expect(lost).rejects.toThrowError(
      coded("ERR_LOCK_TIMEOUT", /earlier enterAsync of agent 1 .*agent 1 waited 20 ms/),
    );
    held.leave();
    (await next).leave();
    expect(holderOf(one)).toBe(0);
    (await one.enterAsync()).leave();
  });

  it("waits as long as the lock does, unless told otherwise", async () => {
    const [one, two] = pair(20);
    const held = await one.enterAsync();
    await expect(two.enterAsync()).rejects.toThrowError(coded("ERR_LOCK_TIMEOUT"));
    const longer = two.enterAsync({ timeoutMs: Number.POSITIVE_INFINITY });
    await turn(50);
    held.leave();
    (await longer).leave();
  });

  it.each([
    { timeoutMs: 0 },
    { timeoutMs: -1 },
    { timeoutMs: Number.NaN },
    { timeoutMs: "5" },
    { timeout: 5 },
    5,
  ])("refuses %j", async (options) => {
    const [one] = pair();
    await expect(one.enterAsync(options as never)).rejects.toThrowError(coded("ERR_INVALID_OPTION"));
    (await one.enterAsync()).leave();
  });

  it("resolves at once where there is no lock", async () => {
    const heap = createHeap({ memory: 65536, strategy: hyperheap(), lock: noLock });
    const [first, second] = await Promise.all([heap.enterAsync(), heap.enterAsync()]);
    heap.free(heap.alloc(100));
    first.leave();
    second.leave();
    expect(heap.contention).toEqual({ entered: 0, contended: 0, slept: 0, timedOut: 0 });
  });

  it("rejects where this agent has left the heap, before or meanwhile, and keeps nothing", async () => {
    const [one, two] = pair();
    const held = await one.enterAsync();
    const waiting = two.enterAsync();
    await turn(5);
    two.detach();
    await expect(two.enterAsync()).rejects.toThrowError(coded("ERR_DETACHED_HEAP"));
    expect(() => two.contention).toThrowError(coded("ERR_DETACHED_HEAP"));
    held.leave();
    await expect(waiting).rejects.toThrowError(coded("ERR_DETACHED_HEAP"));
    expect(holderOf(one)).toBe(0);
    // A lock that is held can be left by who has left the heap.
    const last = await one.enterAsync();
    one.detach();
    last.leave();
    expect(holderOf(one)).toBe(0);
  });

  it("sees what has grown while it waited", async () => {
    const memory = new SharedArrayBuffer(65536, { maxByteLength: 1 << 20 });
    const one = createHeap({ memory, strategy: hyperheap(), growth: { max: 1 << 20 } });
    const two = attachHeap(one.descriptor(), { strategy: hyperheap() });
    const held = await one.enterAsync();
    const waiting = two.enterAsync();
    await turn(5);
    expect(one.grow(65536)).toBe(true);
    held.leave();
    const other = await waiting;
    expect(two.memory.u8.length).toBe(one.memory.u8.length);
    other.leave();
  });

  it("says so, late, where the lock was taken over", async () => {
    const locks: Lock[] = [];
    const kind = {
      name: "atomics",
      create(site: Parameters<ReturnType<typeof atomicsLock>["create"]>[0]) {
        const lock = atomicsLock().create(site) as Lock;
        locks.push(lock);
        return lock;
      },
    };
    const one = createHeap({ memory: new SharedArrayBuffer(65536), strategy: hyperheap(), lock: kind });
    attachHeap(one.descriptor(), { strategy: hyperheap() }, { lock: kind });
    const held = await one.enterAsync();
    const next = one.enterAsync();
    expect(locks[1]?.takeOver?.(1)).toBe(true);
    expect(() => held.leave()).toThrowError(coded("ERR_HEAP_CORRUPT", "taken over"));
    locks[1]?.leave();
    (await next).leave();
  });
});

describe("enterAsync without Atomics.waitAsync", () => {
  it.each([
    ["on an engine that has none", () => new SharedArrayBuffer(65536)],
    ["on memory that is not shared", () => 65536],
  ])("looks again and again, %s", async (_where, memory) => {
    const waitAsync = Object.getOwnPropertyDescriptor(Atomics, "waitAsync") as PropertyDescriptor;
    const source = memory();
    if (typeof source !== "number")
      Object.defineProperty(Atomics, "waitAsync", { value: undefined, configurable: true });
    try {
      const [one, two] = pair(5000, source);
      const held = await one.enterAsync();
      const waiting = two.enterAsync();
      await turn(30);
      expect(holderOf(one)).toBe(-1);
      held.leave();
      (await waiting).leave();
      const again = await one.enterAsync();
      await expect(two.enterAsync({ timeoutMs: 20 })).rejects.toThrowError(
        coded("ERR_LOCK_TIMEOUT", "held by agent 1"),
      );
      again.leave();
    } finally {
      Object.defineProperty(Atomics, "waitAsync", waitAsync);
    }
  });
});

describe("a lock of the user's own", () => {
  function own(): { lock: Lock; state: { by: string; depth: number } } {
    const state = { by: "", depth: 0 };
    const lock: Lock = {
      enter() {
        if (!this.tryEnter()) throw new Error("not free");
      },
      tryEnter() {
        if (state.by !== "" && state.by !== "heap") return false;
        state.by = "heap";
        state.depth++;
        return true;
      },
      leave() {
        if (--state.depth === 0) state.by = "";
      },
    };
    return { lock, state };
  }

  it("that has three members is tried again and again, and counts nothing", async () => {
    const { lock, state } = own();
    const heap = createHeap({ memory: 65536, strategy: hyperheap(), lock });
    state.by = "somebody";
    const waiting = heap.enterAsync();
    const next = heap.enterAsync();
    await turn(20);
    expect(state).toEqual({ by: "somebody", depth: 0 });
    state.by = "";
    const held = await waiting;
    heap.free(heap.alloc(16));
    expect(state).toEqual({ by: "heap", depth: 1 });
    held.leave();
    (await next).leave();
    expect(state).toEqual({ by: "", depth: 0 });
    expect(heap.contention).toEqual({ entered: 0, contended: 0, slept: 0, timedOut: 0 });
    state.by = "somebody";
    await expect(heap.enterAsync({ timeoutMs: 10 })).rejects.toThrowError(coded("ERR_LOCK_TIMEOUT"));
  });

  it("has its other members called as its own", async () => {
    const { lock } = own();
    const seen: unknown[] = [];
    const full: Lock = {
      ...lock,
      timeoutMs: 77,
      async enterAsync(limit) {
        seen.push(this === full, limit <= 77 && limit > 60);
        lock.enter();
      },
      contention() {
        seen.push(this === full);
        return { entered: 4, contended: 3, slept: 2, timedOut: 1 };
      },
    };
    const heap = createHeap({ memory: 65536, strategy: hyperheap(), lock: full });
    (await heap.enterAsync()).leave();
    expect(heap.contention).toEqual({ entered: 4, contended: 3, slept: 2, timedOut: 1 });
    expect(seen).toEqual([true, true, true]);
  });
});

describe("the lock of the heap's parts", () => {
  /** What recovery will work with; nothing a user can reach by name. */
  const lockOf = (heap: Heap): Lock => {
    const [parts] = Object.getOwnPropertySymbols(heap);
    return (heap as unknown as { [key: symbol]: { assembly: { lock: Lock } } })[parts as symbol].assembly
      .lock;
  };

  it("is taken over with a look at what the agent that ended had grown", async () => {
    const memory = new SharedArrayBuffer(65536, { maxByteLength: 1 << 20 });
    const dead = createHeap({ memory, strategy: hyperheap(), growth: { max: 1 << 20 } });
    const heir = attachHeap(dead.descriptor(), { strategy: hyperheap() });
    await dead.enterAsync();
    expect(dead.grow(65536)).toBe(true);
    expect(lockOf(heir).takeOver?.(7)).toBe(false);
    expect(heir.memory.u8.length).toBe(65536);
    expect(lockOf(heir).takeOver?.(dead.agent)).toBe(true);
    expect(heir.memory.u8.length).toBe(dead.memory.u8.length);
    heir.check();
    lockOf(heir).leave();
    expect(holderOf(heir)).toBe(0);
  });

  it("has no members that the user's own has not", () => {
    const lock: Lock = { enter() {}, tryEnter: () => true, leave() {} };
    const heap = createHeap({ memory: 65536, strategy: hyperheap(), lock });
    expect(Object.keys(lockOf(heap))).toEqual(["enter", "tryEnter", "leave"]);
  });
});

describe("lock: auto", () => {
  it.each([
    ["none on an ArrayBuffer", () => new ArrayBuffer(65536), 0, 0],
    ["none on a byte count", () => 65536, 0, 0],
    ["none on a WebAssembly.Memory", () => new WebAssembly.Memory({ initial: 1 }), 0, 0],
    ["atomics on a SharedArrayBuffer", () => new SharedArrayBuffer(65536), 1, 1],
    [
      "atomics on a shared WebAssembly.Memory",
      () => new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }),
      1,
      1,
    ],
  ])("is %s", (_what, memory, kind, enterings) => {
    const source = memory();
    for (const heap of [
      createHeap({ memory: source, strategy: hyperheap() }),
      createHeap({ memory: source, strategy: hyperheap(), lock: "auto" }),
    ]) {
      const { entered } = heap.contention;
      heap.alloc(16);
      expect(heap.contention.entered - entered).toBe(enterings);
      expect(heap.memory.u32[10]).toBe(kind);
    }
  });
});
