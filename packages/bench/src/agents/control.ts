/**
 * What a team of threads and the one that drives it share, beside the heap: a few words to give orders with, to begin
 * together, to stop and to hand arrays over, and what each thread measured.
 *
 *     order  what  arrived  stop  done  spare  handed over  failed        one word each
 *     begin, end, operations of thread 0, 1, …                             three numbers each, 64 bytes apart
 *
 * | word | invariant |
 * |---|---|
 * | order | how many orders were given; threads sleep on it |
 * | arrived, done | threads that did so since the last order; the driver sleeps on both |
 * | spare | index of the array that no thread has; changed by exchange only, which also passes on what was written in it |
 */

export const WORD = {
  order: 0,
  what: 1,
  arrived: 2,
  stop: 3,
  done: 4,
  spare: 5,
  handedOver: 6,
  failed: 7,
} as const;

/** What an order asks for. */
export const ORDER = { check: 1, time: 2, end: 3 } as const;

const HEAD_BYTES = 64;
const THREAD_BYTES = 64;
/** Tries before a thread that came early sleeps. */
const SPIN = 10_000;
/** Milliseconds of one sleep, so that a lost thread is noticed. */
const NAP = 50;

/** What one thread measured, in nanoseconds of the machine's clock. */
export interface Timed {
  readonly begin: number;
  readonly end: number;
  readonly operations: number;
}

export class Control {
  readonly buffer: SharedArrayBuffer;
  readonly words: Int32Array;
  readonly #times: Float64Array;

  constructor(from: SharedArrayBuffer | number) {
    this.buffer = typeof from === "number" ? new SharedArrayBuffer(HEAD_BYTES + from * THREAD_BYTES) : from;
    this.words = new Int32Array(this.buffer, 0, HEAD_BYTES / 4);
    this.#times = new Float64Array(this.buffer, HEAD_BYTES);
  }

  get threads(): number {
    return (this.buffer.byteLength - HEAD_BYTES) / THREAD_BYTES;
  }

  // ---- the driver's ----------------------------------------------------------------------------------------------

  give(what: number): void {
    for (const word of [WORD.arrived, WORD.stop, WORD.done, WORD.handedOver, WORD.failed])
      Atomics.store(this.words, word, 0);
    Atomics.store(this.words, WORD.what, what);
    Atomics.add(this.words, WORD.order, 1);
    Atomics.notify(this.words, WORD.order);
  }

  /** Sleeps until all threads have done so; false if they have not in `limitMs`. */
  awaitAll(word: number, limitMs: number): boolean {
    const deadline = performance.now() + limitMs;
    for (;;) {
      const seen = Atomics.load(this.words, word);
      if (seen === this.threads) return true;
      if (performance.now() > deadline) return false;
      Atomics.wait(this.words, word, seen, NAP);
    }
  }

  stop(): void {
    Atomics.store(this.words, WORD.stop, 1);
  }

  timed(): Timed[] {
    return Array.from({ length: this.threads }, (_, thread) => {
      const [begin, end, operations] = this.#times.subarray(thread * 8);
      return { begin, end, operations };
    });
  }

  // ---- a thread's ------------------------------------------------------------------------------------------------

  /** Sleeps until there is another order than the one numbered `last`. */
  awaitOrder(last: number): number {
    while (Atomics.load(this.words, WORD.order) === last) Atomics.wait(this.words, WORD.order, last);
    return Atomics.load(this.words, WORD.order);
  }

  /** All threads go on together. */
  meet(): void {
    let seen = this.#count(WORD.arrived);
    for (let tries = 0; seen < this.threads; tries++) {
      if (tries > SPIN) Atomics.wait(this.words, WORD.arrived, seen, 1);
      seen = Atomics.load(this.words, WORD.arrived);
    }
  }

  /** Has any thread said that it failed? */
  get failed(): boolean {
    return Atomics.load(this.words, WORD.failed) !== 0;
  }

  get stopped(): boolean {
    return Atomics.load(this.words, WORD.stop) !== 0;
  }

  /** Gives away the array of that index, and returns the index of the one that is the thread's from now on. */
  handOver(array: number): number {
    Atomics.add(this.words, WORD.handedOver, 1);
    return Atomics.exchange(this.words, WORD.spare, array);
  }

  done(thread: number, { begin, end, operations }: Timed): void {
    this.#times.set([begin, end, operations], thread * 8);
    this.#count(WORD.done);
  }

  #count(word: number): number {
    const now = Atomics.add(this.words, word, 1) + 1;
    Atomics.notify(this.words, word);
    return now;
  }
}
