/**
 * Waiting for a channel: asleep in `Atomics.wait`, or a promise of `Atomics.waitAsync`; where an engine has no such promise it looks again
 * every few milliseconds.
 */
import type { Ring, Side } from "./channel-ring.js";
import { BUSY } from "./channel-ring.js";

/** What waiting needs to know of the channel. */
export interface Waiting {
  readonly ring: Ring;
  /** The views as of now; throws if this agent has left the heap. */
  words(): Int32Array;
  /** Throws where nobody could ever end a wait. */
  checkCanWait(): void;
  timedOut(side: Side, milliseconds: number): Error;
  /** This thread may not sleep. */
  mayNotSleep(cause: unknown): Error;
}

type AsyncWait =
  | { readonly async: false; readonly value: string }
  | { readonly async: true; readonly value: Promise<string> };
type WaitAsync = (words: Int32Array, index: number, value: number, timeout: number) => AsyncWait;
declare const setTimeout: (call: () => void, milliseconds: number) => unknown;
declare const clearTimeout: (timer: unknown) => void;

/** Milliseconds between two looks where `Atomics.waitAsync` does not exist. */
const POLL = 4;
/** Milliseconds of the longest timer, 24 days: what it holds is older than that nowhere. */
const LONGEST = 0x7fffffff;

/** Calls `attempt` until it returns anything but `BUSY`, asleep in between. */
export function waitFor<Result>(
  waiting: Waiting,
  side: Side,
  timeoutMs: number,
  attempt: () => Result | typeof BUSY,
): Result {
  const first = attempt();
  if (first !== BUSY) return first;
  waiting.checkCanWait();
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const words = waiting.words();
    const seen = waiting.ring.prepare(words, side);
    const result = tryAgain(waiting, words, attempt);
    if (result !== BUSY) return result;
    const left = deadline - Date.now();
    if (left <= 0) throw waiting.timedOut(side, timeoutMs);
    try {
      Atomics.wait(words, waiting.ring.counter(side), seen, left);
    } catch (error) {
      throw error instanceof TypeError ? waiting.mayNotSleep(error) : error;
    }
  }
}

/** The same as a promise; the thread goes on. */
export async function waitForAsync<Result>(
  waiting: Waiting,
  side: Side,
  timeoutMs: number,
  attempt: () => Result | typeof BUSY,
): Promise<Result> {
  const first = attempt();
  if (first !== BUSY) return first;
  waiting.checkCanWait();
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const words = waiting.words();
    const seen = waiting.ring.prepare(words, side);
    const result = tryAgain(waiting, words, attempt);
    if (result !== BUSY) return result;
    const left = deadline - Date.now();
    if (left <= 0) throw waiting.timedOut(side, timeoutMs);
    await asleep(words, waiting.ring.counter(side), seen, left);
  }
}

/** Who throws after having been woken passes the waking on. */
function tryAgain<Result>(waiting: Waiting, words: Int32Array, attempt: () => Result): Result {
  try {
    return attempt();
  } catch (error) {
    waiting.ring.wakeAll(words);
    throw error;
  }
}

async function asleep(words: Int32Array, index: number, seen: number, left: number): Promise<void> {
  const { waitAsync } = Atomics as unknown as { readonly waitAsync?: WaitAsync };
  if (waitAsync === undefined) {
    await new Promise<void>((resolve) => setTimeout(resolve, Math.min(left, POLL)));
    return;
  }
  const wait = waitAsync(words, index, seen, left);
  if (!wait.async) return;
  // Node ends a thread that waits for nothing but such a promise: the timer holds it.
  const hold = setTimeout(() => {}, LONGEST);
  try {
    await wait.value;
  } finally {
    clearTimeout(hold);
  }
}
