/**
 * Waiting without blocking the thread: `Atomics.waitAsync` where the engine has it (Node and Chromium; Firefox does not in all
 * versions), else timers.
 *
 * Price: a timer each, which a pending `waitAsync` needs, too: it keeps no process alive.
 */

/** Milliseconds between two looks at a word that nobody can be woken by. */
const POLL = 4;

interface Timers {
  readonly setTimeout?: (work: () => void, milliseconds: number) => unknown;
  readonly clearTimeout?: (timer: unknown) => void;
}
type WaitAsync = (
  words: Int32Array,
  index: number,
  value: number,
  milliseconds: number,
) => { readonly async: boolean; readonly value: unknown };

/** What a timer can wait for; more is 1 to it. */
const LONGEST = 2 ** 31 - 1;

/** Calls `work` after so many milliseconds, never where they are infinite; what it returns prevents that. */
export function after(milliseconds: number, work: () => void): () => void {
  const { setTimeout, clearTimeout } = globalThis as Timers;
  if (milliseconds > LONGEST) return () => {};
  const timer = setTimeout?.(work, milliseconds);
  return () => clearTimeout?.(timer);
}

/**
 * Keeps the process alive for so many milliseconds and until it is called off: of two timers of one length either may be the first to
 * end, and `waitAsync`, whose own keeps nothing alive, must be heard.
 */
function stayAlive(milliseconds: number): () => void {
  const again = (): void => {
    stop = after(POLL, again);
  };
  let stop = after(milliseconds, again);
  return () => stop();
}

/** A moment for others, before one looks again at what nobody can be woken by. */
export function poll(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    if ((globalThis as Timers).setTimeout === undefined) resolve();
    else after(Math.min(milliseconds, POLL), resolve);
  });
}

/**
 * Resolves when `words[index]` is notified or is not `value`, after so many milliseconds, or sooner for no reason. When it has resolved
 * nobody waits any more: a notification is for someone who wants it.
 */
export async function sleepAsync(
  words: Int32Array,
  index: number,
  value: number,
  milliseconds: number,
): Promise<void> {
  const { waitAsync } = Atomics as { readonly waitAsync?: WaitAsync };
  let waiting: ReturnType<WaitAsync> | undefined;
  try {
    waiting = waitAsync?.(words, index, value, milliseconds);
  } catch (error) {
    // Memory that is not shared.
    if (!(error instanceof TypeError)) throw error;
  }
  if (waiting === undefined) return poll(milliseconds);
  if (!waiting.async) return;
  const stop = stayAlive(milliseconds);
  await waiting.value;
  stop();
}

/** Can this thread be put to sleep on the word? Not on memory that is not shared, nor on the main thread of a browser. */
export function mayWait(words: Int32Array, index: number): boolean {
  try {
    // No word that is waited for has this value: it returns at once.
    Atomics.wait(words, index, -(2 ** 31), 0);
    return true;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return false;
  }
}
