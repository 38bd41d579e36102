/**
 * A trace replayed by the threads it has, on one shared heap. The operations on one block must keep the trace's order, whoever does them; all
 * else may overlap. So every block of the trace has a number of its own (ids are recycled, and would make threads wait that have nothing
 * to do with each other), and each operation a turn: how many operations on its block come before it. A thread does its own operations in
 * their order, and waits before one until it is that one's turn; nor does it go further ahead of the others than {@link WINDOW}, or
 * who only allocates would fill the heap.
 *
 *     turns      |done|done|done| …    one word a block: operations on it that are done; read before and written after each
 *     slots      |ptr |ptr |ptr | …    one word a block: its address, 0 where there is none
 *     sizes      |size|size|size| …    one word a block: what was asked for
 *     progress   |next|next| …         one word a thread, in cache lines of their own: the trace's operation it is at
 *
 * It cannot lock up: the first one of the trace's operations that are not done waits for nobody.
 *
 * Price: two atomic accesses an operation, which one thread that does everything pays, too.
 */
import type { Align, Heap } from "@heapwright/core";
import type { Control } from "../agents/control.js";
import type { Program } from "../replay.js";
import { OutOfMemory } from "../targets/target.js";
import { CALLOC, FREE, MALLOC, REALLOC } from "../trace.js";
import { WrongAnswer } from "../verify.js";

/** What one thread does; index i is its i-th operation. */
export interface Share {
  /** Number of the thread. */
  readonly thread: number;
  readonly ops: Uint8Array;
  /** Numbers of blocks. */
  readonly blocks: Int32Array;
  readonly sizes: Int32Array;
  readonly aligns: Int32Array;
  readonly turns: Int32Array;
  /** Where in the trace. */
  readonly places: Int32Array;
}

/** What all threads of a replay see, on shared memory. */
export interface Board {
  readonly turns: Int32Array;
  readonly slots: Int32Array;
  readonly sizes: Int32Array;
  readonly progress: Int32Array;
}

/** Words of a cache line. */
const LINE = 16;

export function createBoard(blocks: number, threads: number): Board {
  const words = (count: number): Int32Array => new Int32Array(new SharedArrayBuffer(4 * count));
  return {
    turns: words(blocks),
    slots: words(blocks),
    sizes: words(blocks),
    progress: words(LINE * threads),
  };
}

/** Brings a board back to where a replay begins. */
export function clearBoard({ turns, slots, progress }: Board): void {
  for (const words of [turns, slots, progress]) words.fill(0);
}

/** The shares of `threads` threads, the trace's thread t doing what those of it modulo `threads` did; and how many blocks there are. */
export function sharesOf(
  program: Program,
  threadOf: Uint16Array,
  threads: number,
): { shares: Share[]; blocks: number } {
  const { ops, ids, sizes, aligns, length } = program;
  const blockOf = new Int32Array(program.slots);
  const done: number[] = [];
  const blocks = new Int32Array(length);
  const turns = new Int32Array(length);
  for (let i = 0; i < length; i++) {
    const id = ids[i];
    if (ops[i] !== FREE && ops[i] !== REALLOC) blockOf[id] = done.push(0) - 1;
    blocks[i] = blockOf[id];
    turns[i] = done[blockOf[id]]++;
  }
  const shares = Array.from({ length: threads }, (_, thread) => {
    const own = (_value: number, i: number): boolean => threadOf[i] % threads === thread;
    return {
      thread,
      ops: ops.filter(own),
      blocks: blocks.filter(own),
      sizes: sizes.filter(own),
      aligns: aligns.filter(own),
      turns: turns.filter(own),
      places: Int32Array.from({ length }, (_, i) => i).filter(own),
    };
  });
  return { shares, blocks: done.length };
}

/** Operations of the trace that a thread may be ahead of another. */
const WINDOW = 4096;
/** Own operations between two looks at the others. */
const LOOK = 128;
/** Progress of who has done everything. */
const DONE = 2 ** 31 - 1;

/** Tries before a thread that waits sleeps for a moment, about 50 µs. */
const SPIN = 10_000;
const NAP_MS = 0.1;

/** What a thread throws that waits for one that has failed. */
export class Abandoned extends Error {
  override name = "Abandoned";
}

/** Returns when the word is `least` or more. */
function awaitWord(words: Int32Array, at: number, least: number, control: Control): void {
  for (let tries = 1; ; tries++) {
    const seen = Atomics.load(words, at);
    if (seen >= least) return;
    if (tries % SPIN !== 0) continue;
    if (control.failed) throw new Abandoned("another thread failed");
    Atomics.wait(words, at, seen, NAP_MS);
  }
}

/** Says where this thread is, and returns when the others are not too far behind. */
function keepTogether({ progress }: Board, thread: number, place: number, control: Control): void {
  Atomics.store(progress, thread * LINE, place);
  for (let other = 0; other < progress.length; other += LINE)
    awaitWord(progress, other, place - WINDOW, control);
}

/** What to do with a block's bytes: nothing, a few writes, or a pattern that is compared in the end. */
export interface Touch {
  made(ptr: number, size: number, block: number): void;
  ending(ptr: number, size: number, block: number): void;
}

export interface ReplayShare {
  readonly heap: Heap;
  readonly share: Share;
  readonly board: Board;
  readonly control: Control;
  /** Writes to the first word of each new block: what the program would do with it. */
  readonly writes: number;
  /** Called around each block's life; undefined where time is measured. */
  readonly touch?: Touch | undefined;
}

/** Does every operation of a share once. Returns how many there are. */
export function replayShare({ heap, share, board, control, writes, touch }: ReplayShare): number {
  const { thread, ops, blocks, sizes, aligns, turns, places } = share;
  const { turns: done, slots, sizes: held } = board;
  const { u32 } = heap.memory;
  for (let i = 0; i < ops.length; i++) {
    if (i % LOOK === 0) keepTogether(board, thread, places[i], control);
    const block = blocks[i];
    const turn = turns[i];
    if (Atomics.load(done, block) !== turn) awaitWord(done, block, turn, control);
    const before = slots[block];
    if (touch !== undefined && before !== 0) touch.ending(before, held[block], block);
    let ptr = 0;
    if (ops[i] === FREE) heap.free(before);
    else {
      const size = sizes[i];
      if (ops[i] === MALLOC) ptr = heap.allocUnsafe(size);
      else if (ops[i] === REALLOC) ptr = heap.reallocUnsafe(before, size);
      else if (ops[i] === CALLOC) ptr = heap.alloc(size);
      else ptr = heap.allocUnsafe(size, aligns[i] as Align);
      if (ptr === 0) throw new OutOfMemory(`${size} bytes`);
      for (let write = 0; write < writes; write++) u32[ptr >>> 2] += write;
      held[block] = size;
      if (touch !== undefined) touch.made(ptr, size, block);
    }
    slots[block] = ptr;
    Atomics.store(done, block, turn + 1);
  }
  Atomics.store(board.progress, thread * LINE, DONE);
  return ops.length;
}

/** Fills every block and compares it before it ends: a second owner of one byte, or a write of the allocator, shows. */
export function patterned(heap: Heap): Touch {
  const { u8 } = heap.memory;
  const pattern = (block: number, size: number): number => (block * 37 + size) & 255;
  return {
    made(ptr, size, block) {
      if (heap.usableSize(ptr) < size)
        throw new WrongAnswer(`the block of ${size} bytes at ${ptr} is smaller`);
      u8.fill(pattern(block, size), ptr, ptr + size);
    },
    ending(ptr, size, block) {
      const expected = pattern(block, size);
      for (let at = ptr; at < ptr + size; at++)
        if (u8[at] !== expected)
          throw new WrongAnswer(`byte ${at - ptr} of the block of ${size} at ${ptr} changed`);
    },
  };
}
