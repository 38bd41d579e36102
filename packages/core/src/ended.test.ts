/** A waiter that is told that whom it waits for has ended: it recovers the heap by itself and goes on. */
import { hyperheap } from "@heapwright/hyperheap";
import { describe, expect, it } from "vitest";
import {
  agentCache,
  atomicsLock,
  attachHeap,
  createHeap,
  type Heap,
  isHeapError,
  type PluginInput,
  type RecoveryReport,
} from "./index.js";

interface World {
  readonly one: Heap;
  readonly two: Heap;
  /** Agents that were asked about, and what was recovered. */
  readonly asked: number[];
  readonly reports: RecoveryReport[];
}

function world(plugins: readonly PluginInput[], answer: (agent: number) => boolean): World {
  const asked: number[] = [];
  const reports: RecoveryReport[] = [];
  const lock = atomicsLock({
    timeoutMs: 30,
    hasEnded(agent) {
      asked.push(agent);
      return answer(agent);
    },
    onRecovered: (report) => reports.push(report),
  });
  const stack = { strategy: hyperheap(), plugins };
  const one = createHeap({ memory: new SharedArrayBuffer(1 << 20), ...stack, lock }) as Heap;
  const two = attachHeap(one.descriptor(), stack, { lock: atomicsLock({ timeoutMs: 30 }) }) as Heap;
  return { one, two, asked, reports };
}

describe.each([
  ["without a front", () => []],
  ["behind a front", () => [agentCache()]],
] as const)("%s", (name, plugins) => {
  const front = name === "behind a front";

  it("a call takes the lock from a dead holder", async () => {
    const { one, two, asked, reports } = world(plugins(), (agent) => agent === 2);
    const mine = one.alloc(50_000);
    const theirs = two.alloc(60_000);
    const held = await two.enterAsync();
    const ptr = one.alloc(70_000);
    expect(ptr).not.toBe(0);
    expect(new Set(asked)).toEqual(new Set([2]));
    one.check();
    if (front) expect(reports.map(({ agent, errors }) => [agent, errors])).toEqual([[2, []]]);
    else expect(reports).toMatchObject([{ agent: 2, held: true, operation: "none", errors: [] }]);
    for (const each of [mine, theirs, ptr]) one.free(each);
    // Should it run after all, it can do no more harm.
    expect(() => held.leave()).toThrowError(expect.objectContaining({ code: "ERR_HEAP_CORRUPT" }));
  });

  it("so does enterAsync", async () => {
    const { one, two, asked } = world(plugins(), () => true);
    await two.enterAsync();
    const held = await one.enterAsync({ timeoutMs: 20 });
    one.free(one.alloc(40_000));
    held.leave();
    expect(asked).toEqual([2]);
    one.check();
  });

  it("is told no: the error names the holder, and nothing has been taken from it", async () => {
    const { one, two, asked, reports } = world(plugins(), () => false);
    const held = await two.enterAsync();
    const error = ((): unknown => {
      try {
        return one.alloc(40_000);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(isHeapError(error, "ERR_LOCK_TIMEOUT") && error.message).toMatch(/agent 2/);
    expect([asked, reports]).toEqual([[2], []]);
    held.leave();
    one.free(one.alloc(40_000));
    two.free(two.alloc(40_000));
    one.check();
  });
});

describe("behind a front", () => {
  it("who stops all others recovers from an agent that ended inside its gate", async () => {
    const { one, two, asked, reports } = world([agentCache()], () => true);
    const ptr = two.alloc(100);
    one.free(one.alloc(100));
    // The gates are the first state behind the manifest; the second is the second agent's.
    const { i32, u32 } = one.memory;
    i32[Math.ceil((128 + u32[32 / 4]) / 64) * 16 + 32] = 1;
    // Nobody waits for it.
    one.free(one.alloc(100));
    one.free(ptr);
    expect(asked).toEqual([]);
    one.check();
    expect(asked).toEqual([2]);
    expect(reports).toMatchObject([{ agent: 2, held: false, operation: "none", errors: [] }]);
    expect([...one.blocks()].filter(({ state }) => state === "used")).toEqual([]);
  });

  it("who finds its own gate closed by a dead agent opens it", () => {
    const { one, two, asked } = world([agentCache()], () => true);
    // Died while all others stood still: every gate says so. The gates are the first state behind the manifest.
    const { i32, u32 } = one.memory;
    const gates = Math.ceil((128 + u32[32 / 4]) / 64) * 16;
    for (let gate = gates; gate < gates + 16 * 32; gate += 32) i32[gate] = -two.agent;
    const ptr = one.alloc(100);
    expect(asked).toEqual([2]);
    one.free(ptr);
    one.check();
  });
});

it("takes no other answer than a function, and asks nothing before the timeout", async () => {
  expect(() => atomicsLock({ hasEnded: true as never })).toThrowError(
    expect.objectContaining({ code: "ERR_INVALID_OPTION", message: expect.stringContaining("hasEnded") }),
  );
  const { one, two, asked } = world([], () => true);
  const held = await two.enterAsync();
  setTimeout(() => held.leave(), 5);
  (await one.enterAsync({ timeoutMs: 5000 })).leave();
  expect(asked).toEqual([]);
});
