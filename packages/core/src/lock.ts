/**
 * Locks: one agent at a time inside the allocator.
 *
 * `noLock` is for one agent and costs nothing: no layer is made for it. `atomicsLock` is a futex in the heap header:
 *
 *     0       4        8          12 … 63      (bytes from the lock's address)
 *     |state  |holder  |generation| 0
 *
 * | word | invariant |
 * |---|---|
 * | state | 0 free, 1 held, 2 held and someone may wait |
 * | holder | id of the agent inside; 0 if none |
 * | generation | odd while held; counts every entering and leaving |
 *
 * The generation is a seqlock for those who only read: the same even number before and after says that nobody was inside. It costs
 * whoever writes nothing.
 *
 * Price, uncontended: one compare-exchange and one exchange, about 15 ns an operation.
 */
import { HeapError, show } from "./errors.js";
import type { Lock, LockKind, LockSite } from "./types.js";

const FREE = 0;
const HELD = 1;
const CONTENDED = 2;

/** For heaps that one agent uses. */
export const noLock: LockKind = { name: "none", create: () => undefined };

export interface AtomicsLockOptions {
  /** Tries before the agent sleeps, 0 … 1,000,000; default 100. */
  readonly spin?: number;
  /** Milliseconds until `ERR_LOCK_TIMEOUT`, above 0; default 10,000. `Infinity` waits for ever. */
  readonly timeoutMs?: number;
  /** Called once per wait, before the agent sleeps. */
  readonly onContention?: (holder: number) => void;
}

/**
 * A recursive lock in the heap header, for heaps that several agents use.
 *
 * Where `Atomics.wait` is refused (a browser's main thread) it spins until the timeout.
 * @throws HeapError `ERR_INVALID_OPTION` for options out of range; entering throws `ERR_LOCK_TIMEOUT` naming the holder.
 */
export function atomicsLock(options: AtomicsLockOptions = {}): LockKind {
  const { spin = 100, timeoutMs = 10_000, onContention } = options;
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
  if (onContention !== undefined && typeof onContention !== "function") {
    throw new HeapError(
      "ERR_INVALID_OPTION",
      `atomicsLock: onContention must be a function, not ${show(onContention)}`,
    );
  }
  return { name: "atomics", create: (site) => createLock(site, spin, timeoutMs, onContention) };
}

function createLock(
  site: LockSite,
  spin: number,
  timeoutMs: number,
  onContention: ((holder: number) => void) | undefined,
): Lock {
  const state = site.address >>> 2;
  const holder = state + 1;
  const generation = state + 2;
  const { agent } = site;
  let words = site.memory.i32;
  /** How often this agent is inside; only the holder's counts. */
  let depth = 0;
  site.onRefresh(() => {
    words = site.memory.i32;
  });

  function took(): void {
    Atomics.store(words, holder, agent);
    Atomics.add(words, generation, 1);
    // What is stored from here on is seen after the odd generation: an atomic load is not passed by what follows it.
    Atomics.load(words, generation);
    depth = 1;
  }

  function enterContended(): void {
    let told = false;
    const deadline = Date.now() + timeoutMs;
    for (let tries = 0; ; tries++) {
      if (tries < spin) {
        if (Atomics.compareExchange(words, state, FREE, HELD) === FREE) break;
        continue;
      }
      if (!told) {
        told = true;
        onContention?.(Atomics.load(words, holder));
      }
      // From here on the state says that someone may wait, also while it is ours: the next leave notifies.
      if (Atomics.exchange(words, state, CONTENDED) === FREE) break;
      const left = deadline - Date.now();
      if (left <= 0) throw timedOut();
      pause(left);
    }
    took();
  }

  function pause(milliseconds: number): void {
    try {
      Atomics.wait(words, state, CONTENDED, milliseconds);
    } catch (error) {
      // Not shared: only this thread could leave, and it is here. Refused (main thread of a browser): spin on.
      if (!site.memory.shared) throw timedOut();
      if (!(error instanceof TypeError)) throw error;
    }
  }

  function timedOut(): Error {
    const by = Atomics.load(words, holder);
    return site.error(
      "ERR_LOCK_TIMEOUT",
      `the lock is held by agent ${by}; agent ${agent} waited ${timeoutMs} ms`,
      {
        hint: `if agent ${by} has ended, the heap must be recovered; if it is slow, raise timeoutMs`,
      },
    );
  }

  return {
    enter() {
      if (depth > 0) depth++;
      else if (Atomics.compareExchange(words, state, FREE, HELD) === FREE) took();
      else enterContended();
    },
    tryEnter() {
      if (depth > 0) depth++;
      else if (Atomics.compareExchange(words, state, FREE, HELD) === FREE) took();
      else return false;
      return true;
    },
    leave() {
      if (depth === 0) throw site.error("ERR_HEAP_CORRUPT", `agent ${agent} leaves a lock it does not hold`);
      depth--;
      if (depth > 0) return;
      Atomics.store(words, holder, 0);
      Atomics.add(words, generation, 1);
      if (Atomics.exchange(words, state, FREE) === CONTENDED) Atomics.notify(words, state, 1);
    },
    stamp() {
      // An addition of nothing, not a load: what was read before it is not read after it.
      const now = Atomics.add(words, generation, 0) >>> 0;
      return depth > 0 || now % 2 === 0 ? now : -1;
    },
  };
}
