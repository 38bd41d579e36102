/**
 * Gates: with a front most calls do without the heap's lock. Each agent goes through a gate of its own instead, which nobody else uses
 * unless the whole heap has to stand still: to be counted, checked, copied or recovered. Then all gates are closed, one after the other.
 *
 *     0      4       8         12 … 31   32 … 51      52 … 127     (bytes from a gate's address)
 *     |turn  |agent  |sleeps   | 0       |journal     | 0
 *
 * | word | invariant |
 * |---|---|
 * | turn | 0 open, its agent outside; 1 its agent inside; minus an agent's id: closed by that agent. Changed by compare-exchange, but by who has it |
 * | agent | whose gate it is; 0 nobody's, and then it can be had by one compare-exchange |
 * | sleeps | 1 if its agent may sleep until the gate is opened |
 * | journal | what its agent is doing (journal.ts) |
 *
 * Order, so that nobody waits in a circle: a gate before the heap's lock. Who has closed some gates and finds an agent inside for long opens
 * them again and begins anew: that agent may be waiting for one of them.
 *
 * Two lines of 64 bytes each: lines are fetched in pairs, and with one line a gate two agents got no more done together than one (1.0 to 1.4 times
 * as much; 2.0 times with two).
 *
 * Price: 128 bytes an agent; a compare-exchange and an atomic store a call, on a line of one's own: 20 ns where the shared lock takes 24, but never
 * one that another agent has. Standing still: O(gates), and as long as the calls under way take.
 */
import type { HeapErrorCode, HeapErrorDetails } from "./errors.js";
import { clearJournal } from "./journal.js";
import type { Memory } from "./memory.js";
import { mayWait, sleepAsync } from "./sleep.js";
import type { Lock } from "./types.js";

export const GATE_BYTES = 128;
const GATE_WORDS = GATE_BYTES / 4;
/** Words from a gate's first. */
const TURN = 0;
const AGENT = 1;
const SLEEPS = 2;
const JOURNAL = 8;

const OPEN = 0;
const INSIDE = 1;

/** Looks at a gate before one sleeps. */
const SPIN = 200;
/** Milliseconds of one sleep at a closed gate, whose opener wakes; and at one with an agent inside, who does not. */
const NAP = 100;
const SHORT_NAP = 1;
/** Milliseconds that gates are kept closed for one agent's sake. */
const PATIENCE = 50;
const DEFAULT_TIMEOUT = 10_000;

export interface GatesSite {
  readonly memory: Memory;
  /** Byte address of the first gate. */
  readonly address: number;
  readonly count: number;
  readonly agent: number;
  /** Milliseconds after which waiting ends in `ERR_LOCK_TIMEOUT`. */
  readonly timeoutMs: number | undefined;
  error(code: HeapErrorCode, message: string, details?: HeapErrorDetails): Error;
  onRefresh(refresh: () => void): void;
  /** Called before one gives up waiting for an agent. True: it has ended, the heap was recovered from it, and one can try anew. */
  recovered(agent: number): boolean;
}

export interface Gates {
  /** Number of this agent's gate. */
  readonly shard: number;
  /** This agent's gate: recursive. */
  readonly own: Lock;
  /** Index of the first word of a gate's journal. */
  journal(shard: number): number;
  /** Whose gate it is; 0: nobody's. */
  agentOf(shard: number): number;
  /** Number of an agent's gate, -1 if it has none. */
  shardOf(agent: number): number;
  /**
   * Closes all gates: nobody is inside until `resume`. Recursive.
   * @param dead An agent that has ended: if it is inside, or has closed gates, they are taken over.
   * @throws HeapError `ERR_LOCK_TIMEOUT` naming an agent that does not come out; the gates are open again then.
   */
  stop(dead?: number): void;
  /** The same without blocking the thread; not recursive. */
  stopAsync(limitMs: number): Promise<void>;
  resume(): void;
  /** Is nobody else inside, because this agent has stopped them? */
  isStill(): boolean;
  /** Is this agent in the midst of a call? */
  isInside(): boolean;
  /**
   * The gate is nobody's from now on. With the gates closed, or by its agent; where that one is inside, as it can be during an `enterAsync`,
   * as soon as it comes out.
   */
  release(shard: number): void;
}

/** @throws HeapError `ERR_UNSUPPORTED` if every gate has an agent. */
export function createGates(site: GatesSite): Gates {
  const { memory, count, agent, error } = site;
  const first = site.address >>> 2;
  const timeoutMs = site.timeoutMs ?? DEFAULT_TIMEOUT;
  let words = memory.i32;
  const shard = claim();
  const at = first + shard * GATE_WORDS;
  const turn = at + TURN;
  const owner = at + AGENT;
  /** How often this agent is inside, and how often it has stopped the others. */
  let depth = 0;
  let stops = 0;
  /** This agent has left the heap while it was inside. */
  let isLeaving = false;
  /** Gates that an agent ended inside of, and its id, which are closed all the same: so they are found again, unless it is recovered. */
  const taken = new Map<number, number>();
  site.onRefresh(() => {
    words = memory.i32;
  });

  function claim(): number {
    for (let each = 0; each < count; each++) {
      const gate = first + each * GATE_WORDS;
      if (Atomics.compareExchange(words, gate + AGENT, 0, agent) !== 0) continue;
      clearJournal(memory, gate + JOURNAL);
      return each;
    }
    throw error("ERR_UNSUPPORTED", `all of the ${count} agents that can have this heap attached do`, {
      hint: "detach() those that are done, recover() those that have ended, or make the heap for more",
    });
  }

  // ---- this agent's own gate ---------------------------------------------------------------------------------------

  function takenOver(): Error {
    return error(
      "ERR_HEAP_CORRUPT",
      `agent ${agent} was said to have ended, and its gate is its own no longer`,
      {
        hint: "recover only agents that have ended, and attach anew here",
      },
    );
  }

  function timedOut(by: number, what: string): Error {
    return error("ERR_LOCK_TIMEOUT", `agent ${by} ${what}; agent ${agent} waited ${timeoutMs} ms`, {
      hint: `if agent ${by} has ended, the heap must be recovered; if it is slow, raise timeoutMs`,
    });
  }

  /** Some other agent has closed it. */
  function enterClosed(): void {
    let deadline = Date.now() + timeoutMs;
    for (let tries = 1; ; tries++) {
      if (Atomics.compareExchange(words, turn, OPEN, INSIDE) === OPEN) return;
      if (tries % SPIN !== 0) continue;
      const seen = Atomics.load(words, turn);
      if (seen === OPEN) continue;
      if (seen === INSIDE) throw takenOver();
      const left = deadline - Date.now();
      if (left <= 0) {
        if (!site.recovered(-seen)) throw timedOut(-seen, "keeps the heap standing still");
        deadline = Date.now() + timeoutMs;
        continue;
      }
      if (!mayWait(words, turn)) continue;
      Atomics.store(words, at + SLEEPS, 1);
      Atomics.wait(words, turn, seen, Math.min(left, NAP));
    }
  }

  const own: Lock = {
    timeoutMs,
    enter() {
      if (depth > 0 || stops > 0) {
        depth++;
        return;
      }
      if (Atomics.compareExchange(words, turn, OPEN, INSIDE) !== OPEN) enterClosed();
      if (words[owner] !== agent) {
        Atomics.store(words, turn, OPEN);
        throw takenOver();
      }
      depth = 1;
    },
    tryEnter() {
      if (depth === 0 && stops === 0 && Atomics.load(words, turn) !== OPEN) return false;
      own.enter();
      return true;
    },
    leave() {
      if (depth === 0) throw error("ERR_HEAP_CORRUPT", `agent ${agent} leaves a gate it has not entered`);
      depth--;
      if (depth > 0 || stops > 0) return;
      if (words[owner] !== agent) throw takenOver();
      // Atomic, though nobody else writes it now: what was stored before is seen by whoever closes the gate.
      Atomics.store(words, turn, OPEN);
      if (isLeaving) giveUp(at);
    },
  };

  // ---- all of them -------------------------------------------------------------------------------------------------

  /** False: an agent was inside all the time. `isBrief`: without a sleep. */
  function close(gate: number, dead: number, isBrief = false): boolean {
    const deadline = Date.now() + PATIENCE;
    const isOwn = gate === at;
    for (let tries = 1; ; tries++) {
      const seen = Atomics.load(words, gate + TURN);
      const isDead = seen === -dead || (seen === INSIDE && dead !== 0 && words[gate + AGENT] === dead);
      // A call of this agent that stops the others is inside its own gate, and stays there.
      if (isOwn && depth > 0) return true;
      if (seen === OPEN || isDead) {
        if (Atomics.compareExchange(words, gate + TURN, seen, -agent) !== seen) continue;
        if (seen === INSIDE) taken.set(gate, dead);
        return true;
      }
      if (tries % SPIN !== 0) continue;
      if (isBrief || Date.now() >= deadline) return false;
      if (mayWait(words, gate + TURN)) Atomics.wait(words, gate + TURN, seen, SHORT_NAP);
    }
  }

  function open(gate: number): void {
    if (Atomics.load(words, gate + TURN) !== -agent) return;
    const isDeads = words[gate + AGENT] === taken.get(gate);
    taken.delete(gate);
    Atomics.store(words, gate + TURN, isDeads ? INSIDE : OPEN);
    if (Atomics.load(words, gate + SLEEPS) === 0) return;
    Atomics.store(words, gate + SLEEPS, 0);
    Atomics.notify(words, gate + TURN);
  }

  function openAll(): void {
    for (let each = 0; each < count; each++) open(first + each * GATE_WORDS);
  }

  function stop(dead = 0): void {
    if (stops === 0) {
      let deadline = Date.now() + timeoutMs;
      for (let each = 0; each < count; ) {
        const gate = first + each * GATE_WORDS;
        if (close(gate, dead)) {
          each++;
          continue;
        }
        const seen = Atomics.load(words, gate + TURN);
        openAll();
        if (Date.now() >= deadline) {
          const by = seen < 0 ? -seen : (words[gate + AGENT] as number);
          if (!site.recovered(by))
            throw timedOut(by, seen < 0 ? "keeps the heap standing still" : "is inside");
          deadline = Date.now() + timeoutMs;
        }
        each = 0;
      }
    }
    stops++;
  }

  async function stopAsync(limitMs: number): Promise<void> {
    let deadline = Date.now() + limitMs;
    for (let each = 0; each < count; ) {
      const gate = first + each * GATE_WORDS;
      if (close(gate, 0, true)) {
        each++;
        continue;
      }
      const seen = Atomics.load(words, gate + TURN);
      openAll();
      each = 0;
      if (Date.now() >= deadline) {
        const by = seen < 0 ? -seen : (words[gate + AGENT] as number);
        if (!site.recovered(by)) throw timedOut(by, seen < 0 ? "keeps the heap standing still" : "is inside");
        deadline = Date.now() + limitMs;
      }
      await sleepAsync(words, gate + TURN, seen, SHORT_NAP);
    }
    stops++;
  }

  function giveUp(gate: number): void {
    clearJournal(memory, gate + JOURNAL);
    Atomics.store(words, gate + AGENT, 0);
  }

  return {
    shard,
    own,
    journal: (number) => first + number * GATE_WORDS + JOURNAL,
    agentOf: (number) => Atomics.load(words, first + number * GATE_WORDS + AGENT),
    shardOf(of) {
      for (let each = 0; each < count; each++)
        if (Atomics.load(words, first + each * GATE_WORDS + AGENT) === of) return each;
      return -1;
    },
    stop,
    stopAsync,
    isStill: () => stops > 0,
    isInside: () => depth > 0 && stops === 0,
    resume() {
      stops--;
      if (stops === 0) openAll();
    },
    release(number) {
      if (number === shard && depth > 0 && stops === 0) isLeaving = true;
      else giveUp(first + number * GATE_WORDS);
    },
  };
}
