/**
 * Locks: one agent at a time inside the allocator.
 *
 * `noLock` is for one agent and costs nothing: no layer is made for it. `atomicsLock` is a futex in the heap header:
 *
 *     0        4            8           12      16          20 … 63      (bytes from the lock's address)
 *     |holder  |generation  |contended  |slept  |timed out  | 0
 *
 * | word | invariant |
 * |---|---|
 * | holder | 0 free; id of the agent inside; minus the id where besides somebody may sleep. Changed by compare-exchange only |
 * | generation | how often the lock was entered or taken over; written by the holder only, after `holder` and before all else |
 * | contended | enterings that did not get the lock at the first try |
 * | slept | those of them that slept, or waited in `enterAsync`; counted before the sleep. At most `contended` |
 * | timed out | those of them that gave up. At most `contended` |
 *
 * One word says both that the lock is held and by whom, so that an agent can end at any instruction and leave no state that
 * names nobody: taking over, and leaving a lock that was taken over, are each one compare-exchange on it.
 *
 * Holder and generation are a seqlock for those who only read: free before and after, and the same generation, says that nobody
 * was inside in between. It costs whoever writes nothing.
 *
 * Price, uncontended: two compare-exchanges, 24 ns for entering and leaving (56 with a state, a holder and a generation that
 * were each written atomically on both ways). All counters wrap at 2^32.
 */
import { HeapError, show } from "./errors.js";
import type { RecoveryReport } from "./recover.js";
import { mayWait, sleepAsync } from "./sleep.js";
import type { Lock, LockKind, LockSite } from "./types.js";

const FREE = 0;
/** Where the words are, in words from the lock's address. */
const WORDS = { holder: 0, generation: 1, contended: 2, slept: 3, timedOut: 4 } as const;
/**
 * Milliseconds of one sleep. An agent that is ended after it was woken and before it could see to the next sleeper takes that
 * sleeper's notification along; so long the lock may then be free with somebody asleep.
 */
const NAP = 100;

/** For heaps that one agent uses. */
export const noLock: LockKind = { name: "none", create: () => undefined };

export interface AtomicsLockOptions {
  /** Tries before the agent sleeps, 0 … 1,000,000; default 100. */
  readonly spin?: number;
  /** Milliseconds until `ERR_LOCK_TIMEOUT`, above 0; default 10,000. `Infinity` waits for ever. */
  readonly timeoutMs?: number;
  /** Called once per wait, before the agent sleeps. Must not call the heap. */
  readonly onContention?: (holder: number) => void;
  /**
   * Asked when the timeout has passed: has this agent ended? True, and the heap is recovered from it (see `heap.recover`) and the wait goes on;
   * false, the default, throws. Must answer from what it knows for certain, and must not call the heap.
   */
  readonly hasEnded?: (agent: number) => boolean;
  /** Told what such a recovery found. */
  readonly onRecovered?: (report: RecoveryReport) => void;
}

/**
 * A recursive lock in the heap header, for heaps that several agents use.
 *
 * Where `Atomics.wait` is refused (a browser's main thread) it spins until the timeout.
 * @throws HeapError `ERR_INVALID_OPTION` for options out of range; entering throws `ERR_LOCK_TIMEOUT` naming the holder, and leaving
 * `ERR_HEAP_CORRUPT` where another agent has taken the lock over.
 */
export function atomicsLock(options: AtomicsLockOptions = {}): LockKind {
  // Two threads that do nothing but allocate and free get 2.8, 3.7, 4.9, 5.0, 5.1 and 4.9 million calls a second with a spin of
  // 0, 50, 100, 300, 1000 and 3000: more than 100 gains nothing, and burns what a third could use.
  const { spin = 100, timeoutMs = 10_000 } = options;
  if (!Number.isInteger(spin) || spin < 0 || spin > 1_000_000) {
    throw new HeapError(
      "ERR_INVALID_OPTION",
      `atomicsLock: spin must be an integer in 0 … 1,000,000, not ${show(spin)}`,
    );
  }
  if (typeof timeoutMs !== "number" || !(timeoutMs > 0)) {
    throw new HeapError(
      "ERR_INVALID_OPTION",
      `atomicsLock: timeoutMs must be above 0, not ${show(timeoutMs)}`,
    );
  }
  for (const name of ["onContention", "hasEnded", "onRecovered"] as const) {
    if (options[name] === undefined || typeof options[name] === "function") continue;
    throw new HeapError(
      "ERR_INVALID_OPTION",
      `atomicsLock: ${name} must be a function, not ${show(options[name])}`,
    );
  }
  return { name: "atomics", create: (site) => createLock(site, spin, timeoutMs, options) };
}

function createLock(
  site: LockSite,
  spin: number,
  timeoutMs: number,
  { onContention, hasEnded, onRecovered }: AtomicsLockOptions,
): Lock {
  const first = site.address >>> 2;
  const holder = first + WORDS.holder;
  const generation = first + WORDS.generation;
  const { agent } = site;
  let words = site.memory.i32;
  /** How often this agent is inside. Above 0 while another agent is inside means that it has taken the lock over. */
  let depth = 0;
  site.onRefresh(() => {
    words = site.memory.i32;
  });

  function took(): void {
    // What is stored from here on is seen after `holder`: an atomic load is not passed by what follows it.
    Atomics.load(words, holder);
    // A plain store, the holder's alone: who reads `holder` as free reads this, too. An atomic one costs 9 ns.
    words[generation] = words[generation] + 1;
    depth = 1;
  }

  const count = (word: number): void => {
    Atomics.add(words, first + word, 1);
  };

  // ---- waiting ---------------------------------------------------------------------------------------------------

  function enterContended(): void {
    count(WORDS.contended);
    for (let tries = 1; tries < spin; tries++) {
      // Looks before it tries: a compare-exchange takes the holder's cache line away from it.
      if (Atomics.load(words, holder) !== FREE) continue;
      if (Atomics.compareExchange(words, holder, FREE, agent) !== FREE) continue;
      took();
      return;
    }
    const sleeps = mayWait(words, holder);
    let told = false;
    let deadline = Date.now() + timeoutMs;
    for (let seen = enterOrAnnounce(); seen !== FREE; seen = enterOrAnnounce()) {
      if (!told) onContention?.(-seen);
      // Not shared: only this thread could leave, and it is here.
      const left = sleeps || site.memory.shared ? deadline - Date.now() : 0;
      if (left <= 0) {
        if (site.recovered?.(-seen) !== true) throw timedOut(-seen, timeoutMs);
        deadline = Date.now() + timeoutMs;
        continue;
      }
      if (sleeps) {
        if (!told) count(WORDS.slept);
        Atomics.wait(words, holder, seen, Math.min(left, NAP));
      }
      told = true;
    }
  }

  /**
   * Takes the lock if it is free. Else its holder knows from now on that somebody may sleep, and notifies when it leaves; also one
   * who came in between a notification and the agent that it woke, which is why a woken agent announces the others even if it gives
   * up. For the same reason it takes the lock with the sign of sleepers.
   * @returns 0 if the lock is this agent's now, else the word to sleep on.
   */
  function enterOrAnnounce(): number {
    for (;;) {
      const seen = Atomics.load(words, holder);
      if (seen < 0) return seen;
      if (seen === FREE) {
        if (Atomics.compareExchange(words, holder, FREE, -agent) !== FREE) continue;
        took();
        return FREE;
      }
      if (Atomics.compareExchange(words, holder, seen, -seen) === seen) return -seen;
    }
  }

  async function enterAsync(limitMs = timeoutMs): Promise<void> {
    // Never recursive: who is inside by `depth` is somebody else's call of this agent.
    if (depth === 0 && Atomics.compareExchange(words, holder, FREE, agent) === FREE) {
      took();
      return;
    }
    count(WORDS.contended);
    let deadline = Date.now() + limitMs;
    let told = false;
    for (let seen = enterOrAnnounce(); seen !== FREE; seen = enterOrAnnounce()) {
      const left = deadline - Date.now();
      if (left <= 0) {
        if (site.recovered?.(-seen) !== true) throw timedOut(-seen, limitMs);
        deadline = Date.now() + limitMs;
        continue;
      }
      if (!told) {
        told = true;
        count(WORDS.slept);
        onContention?.(-seen);
      }
      await sleepAsync(words, holder, seen, Math.min(left, NAP));
    }
  }

  function timedOut(by: number, waitedMs: number): Error {
    count(WORDS.timedOut);
    return site.error(
      "ERR_LOCK_TIMEOUT",
      `the lock is held by agent ${by}; agent ${agent} waited ${waitedMs} ms`,
      {
        hint: `if agent ${by} has ended, the heap must be recovered; if it is slow, raise timeoutMs`,
      },
    );
  }

  // ---- leaving ---------------------------------------------------------------------------------------------------

  /** What is not the common case: somebody may sleep, or the lock is not this agent's any more. */
  function leaveContended(found: number): void {
    if (found !== -agent || Atomics.compareExchange(words, holder, -agent, FREE) !== -agent) {
      const by = Math.abs(Atomics.load(words, holder));
      throw site.error(
        "ERR_HEAP_CORRUPT",
        `agent ${agent} leaves a lock that was taken over; ${by === 0 ? "it is free now" : `agent ${by} holds it`}`,
        {
          hint: `another agent said that agent ${agent} had ended: recover only agents that have, and attach anew here`,
        },
      );
    }
    Atomics.notify(words, holder, 1);
  }

  return {
    timeoutMs,
    enter() {
      if (depth > 0) depth++;
      else if (Atomics.compareExchange(words, holder, FREE, agent) === FREE) took();
      else enterContended();
    },
    tryEnter() {
      if (depth > 0) depth++;
      else if (Atomics.compareExchange(words, holder, FREE, agent) === FREE) took();
      else return false;
      return true;
    },
    leave() {
      if (depth === 0) throw site.error("ERR_HEAP_CORRUPT", `agent ${agent} leaves a lock it does not hold`);
      depth--;
      if (depth > 0) return;
      const found = Atomics.compareExchange(words, holder, agent, FREE);
      if (found !== agent) leaveContended(found);
    },
    enterAsync,
    ...(hasEnded && { hasEnded }),
    ...(onRecovered && { onRecovered }),
    stamp() {
      const before = Atomics.load(words, generation);
      // An addition of nothing, not a load: what was read before it is not read after it.
      const by = Atomics.add(words, holder, 0);
      if (by !== FREE && by !== agent && by !== -agent) return -1;
      const now = Atomics.load(words, generation);
      // Another one: somebody was inside between the two.
      return now === before ? now >>> 0 : -1;
    },
    takeOver(from) {
      if (depth > 0 || !Number.isInteger(from) || from <= 0) return false;
      // Whoever sleeps goes on sleeping: the sign stays, and this agent notifies when it leaves.
      const taken =
        Atomics.compareExchange(words, holder, from, agent) === from ||
        Atomics.compareExchange(words, holder, -from, -agent) === -from;
      if (taken) took();
      return taken;
    },
    contention() {
      const read = (word: number): number => Atomics.load(words, first + word) >>> 0;
      return {
        entered: read(WORDS.generation),
        contended: read(WORDS.contended),
        slept: read(WORDS.slept),
        timedOut: read(WORDS.timedOut),
      };
    },
  };
}
