/** The gates, word by word, between two agents of one thread; between threads: gates-agents.test.ts. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { createGates, GATE_BYTES, type Gates } from "./gates.js";
import { createMemory, HeapError } from "./index.js";

const COUNT = 4;
const FIRST = 64;
/** Words of a gate. */
const TURN = 0;
const AGENT = 1;

const coded = (code: string, message: string | RegExp = "") =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

afterEach(() => vi.restoreAllMocks());

interface World {
  readonly words: Int32Array;
  /** @param recovered What is said of an agent that one has waited for. */
  join(agent: number, timeoutMs?: number, recovered?: (agent: number) => boolean): Gates;
  /** Word of each gate. */
  all(word: number): number[];
}

function world(): World {
  const buffer = new SharedArrayBuffer(FIRST + COUNT * GATE_BYTES);
  const words = new Int32Array(buffer);
  return {
    words,
    join: (agent, timeoutMs = 40, recovered = () => false) =>
      createGates({
        memory: createMemory(buffer),
        address: FIRST,
        count: COUNT,
        agent,
        timeoutMs,
        recovered,
        error: (code, message, details) => new HeapError(code, message, details),
        onRefresh: () => {},
      }),
    all: (word) =>
      Array.from({ length: COUNT }, (_, gate) => words[(FIRST + gate * GATE_BYTES) / 4 + word] as number),
  };
}

describe("a gate", () => {
  it("is one agent's, entered and left by it as often as it likes", () => {
    const { join, all } = world();
    const [one, two] = [join(7), join(9)];
    expect(all(AGENT)).toEqual([7, 9, 0, 0]);
    expect([one.shard, two.shard, one.shardOf(9), one.shardOf(8), two.agentOf(0), two.agentOf(3)]).toEqual([
      0, 1, 1, -1, 7, 0,
    ]);
    one.own.enter();
    expect(one.own.tryEnter()).toBe(true);
    expect(all(TURN)).toEqual([1, 0, 0, 0]);
    two.own.enter();
    one.own.leave();
    expect(all(TURN)).toEqual([1, 1, 0, 0]);
    one.own.leave();
    two.own.leave();
    expect(all(TURN)).toEqual([0, 0, 0, 0]);
    expect(() => one.own.leave()).toThrowError(
      coded("ERR_HEAP_CORRUPT", "agent 7 leaves a gate it has not entered"),
    );
  });

  it("is nobody's after release, and the next agent's", () => {
    const { join, all } = world();
    const gates = [1, 2, 3, 4].map((agent) => join(agent));
    expect(() => join(5)).toThrowError(coded("ERR_UNSUPPORTED", "all of the 4 agents"));
    gates[2]?.release(2);
    expect(all(AGENT)).toEqual([1, 2, 0, 4]);
    expect(join(5).shard).toBe(2);
    expect(() => join(6)).toThrowError(coded("ERR_UNSUPPORTED"));
  });
});

describe("standing still", () => {
  it("closes every gate, nobody being inside, and opens them again", () => {
    const { join, all } = world();
    const [one, two] = [join(7), join(9)];
    one.stop();
    expect(all(TURN)).toEqual([-7, -7, -7, -7]);
    expect(two.own.tryEnter()).toBe(false);
    expect(() => two.own.enter()).toThrowError(
      coded("ERR_LOCK_TIMEOUT", "agent 7 keeps the heap standing still; agent 9 waited 40 ms"),
    );
    one.resume();
    expect(all(TURN)).toEqual([0, 0, 0, 0]);
    two.own.enter();
    two.own.leave();
  });

  it("within itself, and calls of the agent within it, change nothing", () => {
    const { join, all } = world();
    const [one, two] = [join(7), join(9)];
    one.stop();
    one.stop();
    one.own.enter();
    expect(one.own.tryEnter()).toBe(true);
    one.own.leave();
    one.own.leave();
    one.resume();
    expect(all(TURN)).toEqual([-7, -7, -7, -7]);
    expect(() => two.stop()).toThrowError(coded("ERR_LOCK_TIMEOUT", "agent 7 keeps the heap standing still"));
    expect(all(TURN)).toEqual([-7, -7, -7, -7]);
    one.resume();
    expect(all(TURN)).toEqual([0, 0, 0, 0]);
  });

  it("from within a call of its own leaves that one inside", () => {
    const { join, all } = world();
    const [one] = [join(7), join(9)] as const;
    one.own.enter();
    one.stop();
    expect(all(TURN)).toEqual([1, -7, -7, -7]);
    one.resume();
    expect(all(TURN)).toEqual([1, 0, 0, 0]);
    one.own.leave();
    expect(all(TURN)).toEqual([0, 0, 0, 0]);
  });

  it("waits for who is inside, names him when it has waited for long, and has all gates open then", () => {
    const { join, all } = world();
    const [one, two, three] = [join(7, 120), join(9), join(11)];
    two.own.enter();
    const began = Date.now();
    expect(() => one.stop()).toThrowError(
      coded("ERR_LOCK_TIMEOUT", "agent 9 is inside; agent 7 waited 120 ms"),
    );
    expect(Date.now() - began).toBeGreaterThanOrEqual(115);
    expect(all(TURN)).toEqual([0, 1, 0, 0]);
    three.own.enter();
    three.own.leave();
    two.own.leave();
    one.stop();
    one.resume();
  });

  it("opens what it has closed while it waits: who is inside may wait for one of them", () => {
    const { join, all } = world();
    const [one, two] = [join(7, 200), join(9)];
    two.own.enter();
    let opened = 0;
    // The agent inside comes out once it has seen the first gate closed, and open again.
    const real = Atomics.wait;
    vi.spyOn(Atomics, "wait").mockImplementation(((...args: Parameters<typeof real>) => {
      expect(all(TURN).slice(0, 2)).toEqual([-7, 1]);
      return real(...args);
    }) as typeof real);
    const store = Atomics.store as (...args: unknown[]) => number;
    vi.spyOn(Atomics, "store").mockImplementation(((...args: unknown[]) => {
      const result = store(...args);
      if (args[1] === FIRST / 4 && args[2] === 0 && opened++ === 0) two.own.leave();
      return result;
    }) as never);
    one.stop();
    expect(opened).toBeGreaterThan(0);
    expect(all(TURN)).toEqual([-7, -7, -7, -7]);
    one.resume();
  });

  it("tries anew once an agent that it waited for was recovered", () => {
    const { join, all } = world();
    const asked: number[] = [];
    const two = join(9);
    const one: Gates = join(7, 20, (agent) => {
      asked.push(agent);
      if (two.shardOf(9) < 0) return false;
      const helper = join(11);
      helper.stop(9);
      helper.release(two.shard);
      helper.resume();
      return true;
    });
    two.own.enter();
    one.stop();
    expect(asked).toEqual([9]);
    expect(all(TURN)).toEqual([-7, -7, -7, -7]);
    one.resume();
    const three = join(13);
    three.stop();
    expect(() => one.own.enter()).toThrowError(coded("ERR_LOCK_TIMEOUT", "agent 13 keeps the heap"));
    expect(() => one.stop()).toThrowError(coded("ERR_LOCK_TIMEOUT", "agent 13 keeps the heap"));
    expect(asked).toEqual([9, 13, 13]);
    three.resume();
  });

  it("takes over what an agent left that has ended, inside or standing still", () => {
    const { join, all } = world();
    const [one, two, three] = [join(7), join(9), join(11)];
    two.own.enter();
    three.own.enter();
    expect(() => one.stop(9)).toThrowError(coded("ERR_LOCK_TIMEOUT", "agent 11 is inside"));
    three.own.leave();
    one.stop(9);
    expect(all(TURN)).toEqual([-7, -7, -7, -7]);
    // Not recovered yet: it is found inside again.
    one.resume();
    expect(all(TURN)).toEqual([0, 1, 0, 0]);
    one.stop(9);
    one.release(1);
    one.resume();
    three.stop();
    one.stop(11);
    expect(all(TURN)).toEqual([-7, -7, -7, -7]);
    one.resume();
    expect(all(TURN)).toEqual([0, 0, 0, 0]);
  });
});

describe("an agent that was said to have ended", () => {
  function saidToHaveEnded(inside: boolean): World & { readonly one: Gates; readonly two: Gates } {
    const it = world();
    const [one, two] = [it.join(7), it.join(9)];
    if (inside) two.own.enter();
    one.stop(9);
    one.release(1);
    one.resume();
    return { ...it, one, two };
  }
  const gone = coded("ERR_HEAP_CORRUPT", "agent 9 was said to have ended");

  it("and goes on is told so, and has changed nothing", () => {
    const { two, all } = saidToHaveEnded(false);
    expect(() => two.own.enter()).toThrowError(gone);
    expect(() => two.own.tryEnter()).toThrowError(gone);
    expect(all(TURN)).toEqual([0, 0, 0, 0]);
  });

  it("in the midst of a call is told so at its end", () => {
    const { two, all } = saidToHaveEnded(true);
    expect(() => two.own.leave()).toThrowError(gone);
    expect(all(TURN)).toEqual([0, 0, 0, 0]);
  });

  it("leaves its gate to who has it now, in whatever he is", () => {
    const { two, join, all } = saidToHaveEnded(true);
    const three = join(11);
    expect(three.shard).toBe(1);
    three.own.enter();
    expect(() => two.own.leave()).toThrowError(gone);
    expect(() => two.own.enter()).toThrowError(gone);
    expect(all(TURN)).toEqual([0, 1, 0, 0]);
    three.own.leave();
    expect(() => two.own.enter()).toThrowError(gone);
    expect(all(TURN)).toEqual([0, 0, 0, 0]);
  });
});

describe("enterAsync", () => {
  it("closes all of them without blocking, and says who is in the way", async () => {
    const { join, all } = world();
    const [one, two] = [join(7), join(9)];
    one.own.enter();
    await expect(two.stopAsync(20)).rejects.toThrowError(coded("ERR_LOCK_TIMEOUT", "agent 7 is inside"));
    expect(all(TURN)).toEqual([1, 0, 0, 0]);
    const waiting = two.stopAsync(1000);
    one.own.leave();
    await waiting;
    expect([all(TURN), two.isStill(), two.isInside()]).toEqual([[-9, -9, -9, -9], true, false]);
    await expect(one.stopAsync(20)).rejects.toThrowError(
      coded("ERR_LOCK_TIMEOUT", "agent 9 keeps the heap standing still"),
    );
    // Its own calls go on.
    two.own.enter();
    two.own.leave();
    two.resume();
    expect(all(TURN)).toEqual([0, 0, 0, 0]);
  });

  it("is nobody's when its agent comes out, where that one has left the heap while it was inside", () => {
    const { join, all } = world();
    const [one, two] = [join(7), join(9)];
    two.own.enter();
    two.release(1);
    expect(all(AGENT)).toEqual([7, 9, 0, 0]);
    two.own.leave();
    expect([all(AGENT), all(TURN)]).toEqual([
      [7, 0, 0, 0],
      [0, 0, 0, 0],
    ]);
    one.stop();
    one.resume();
  });
});
