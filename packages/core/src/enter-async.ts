/**
 * `heap.enterAsync`: the heap's lock, taken without blocking the thread, for several calls in a row.
 *
 *     enterAsync ─► turn (one at a time of this agent) ─► lock ─► { leave } ─► the next one's turn
 *
 * The lock is recursive, and the calls of this agent are to run under it; so it cannot keep two `enterAsync` of one agent from
 * each other, and turns do.
 *
 * Price: nothing for who does not use it; two promises and a timer where it waits.
 */
import type { Assembly } from "./assemble.js";
import { type HeapError, show } from "./errors.js";
import type { Heap, HeldLock } from "./heap-types.js";
import { DISPOSE } from "./helpers.js";
import { checkKeys } from "./options.js";
import { after, poll } from "./sleep.js";
import type { Lock } from "./types.js";

/** For locks that do not say how long they wait, in milliseconds. */
const DEFAULT_TIMEOUT = 10_000;

export function createEnterAsync({ gates, lock, agent, sync, error }: Assembly): Heap["enterAsync"] {
  /** Some `enterAsync` of this agent has the lock or waits for it. */
  let isTaken = false;
  const queue: (() => void)[] = [];

  const timedOut = (by: string, timeoutMs: number): HeapError =>
    error("ERR_LOCK_TIMEOUT", `${by}; agent ${agent} waited ${timeoutMs} ms`, {
      hint: "call leave() on what enterAsync resolved to, in a finally block",
    });

  function turn(timeoutMs: number): Promise<void> {
    if (!isTaken) {
      isTaken = true;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const proceed = (): void => {
        stop();
        resolve();
      };
      const stop = after(timeoutMs, () => {
        queue.splice(queue.indexOf(proceed), 1);
        reject(timedOut(`an earlier enterAsync of agent ${agent} has not left the lock`, timeoutMs));
      });
      queue.push(proceed);
    });
  }

  function passTurn(): void {
    const next = queue.shift();
    if (next === undefined) isTaken = false;
    else next();
  }

  /** For locks that have no `enterAsync`. */
  async function tryUntil(held: Lock, timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!held.tryEnter()) {
      const left = deadline - Date.now();
      if (left <= 0) throw timedOut("the lock is held by another agent", timeoutMs);
      await poll(left);
    }
  }

  return async (options = {}) => {
    checkKeys("enterAsync", options, ["timeoutMs"]);
    const { timeoutMs = lock?.timeoutMs ?? DEFAULT_TIMEOUT } = options;
    if (typeof timeoutMs !== "number" || !(timeoutMs > 0)) {
      throw error("ERR_INVALID_OPTION", `enterAsync: timeoutMs must be above 0, not ${show(timeoutMs)}`);
    }
    sync();
    if (lock === undefined) return heldLock(() => {});
    const deadline = Date.now() + timeoutMs;
    // Also where it is this one's turn at once, the rest runs after the caller's code: no call of this agent is inside then.
    await turn(timeoutMs);
    try {
      const left = (): number => Math.max(deadline - Date.now(), 0);
      // With a front others may be inside who do not hold the lock; gates come before it.
      await gates?.stopAsync(left());
      try {
        await (lock.enterAsync?.(left()) ?? tryUntil(lock, left()));
        try {
          // Meanwhile another agent may have grown the heap, or this one have left it.
          sync();
        } catch (failure) {
          lock.leave();
          throw failure;
        }
      } catch (failure) {
        gates?.resume();
        throw failure;
      }
    } catch (failure) {
      passTurn();
      throw failure;
    }
    return heldLock(() => {
      try {
        lock.leave();
      } finally {
        gates?.resume();
        passTurn();
      }
    });
  };
}

function heldLock(release: () => void): HeldLock {
  let isHeld = true;
  const held = {
    leave() {
      if (!isHeld) return;
      isHeld = false;
      release();
    },
  };
  if (DISPOSE !== undefined) Object.defineProperty(held, DISPOSE, { value: () => held.leave() });
  return held as HeldLock;
}
