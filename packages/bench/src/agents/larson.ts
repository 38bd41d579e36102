/**
 * The work of one agent in the larson workload (Larson and Krishnan, "Memory allocation for long-running server applications",
 * 1998): a server's threads, each with an array of blocks; a step frees the block in a random slot and puts a new one of random
 * size there; after a number of rounds the array goes to another thread, which frees blocks that it did not make.
 *
 * Parameters are those of `larson 5 8 1000 5000 100 4141 <threads>`, as mimalloc-bench runs it: sizes of 8 to 1000 bytes, uniform;
 * 5000 blocks per array; hand-over after 100 rounds of 5000 steps; seed 4141. The 5 is seconds, where here a fraction of one is
 * measured at a time; each time begins with a hand-over, since 100 rounds may take longer. An array is handed over through a place
 * for one spare array: who is due puts its own there and takes the one that lies there, so nobody waits. Hence there is one array
 * more than threads, also with one thread, which only has its own two arrays to swap.
 *
 * The first word of every block says its owner and size, written when the block is made, as a program would begin to use
 * it. With checking, the rest is filled with a pattern of the two and compared before the block is freed: two owners of one
 * byte, or a write of the allocator into a block, change it.
 *
 *     |owner |filled|size  |       of the first word: 21 bits, 1, 10
 *
 * Price of a step without the heap: about 8 ns (two random numbers, a slot read and written, the first word).
 */
import type { Heap } from "@heapwright/core";
import { GREATEST_SIZE, LEAST_SIZE } from "../live/replace.js";
import { OutOfMemory } from "../targets/target.js";
import { WrongAnswer } from "../verify.js";

export interface LarsonShape {
  /** Blocks in an array; at most 8192. */
  readonly blocks: number;
  /** Rounds of as many steps as there are blocks, until the array is handed over. */
  readonly rounds: number;
}

export const LARSON: LarsonShape = { blocks: 5000, rounds: 100 };
export const SEED = 4141;

/** So many rounds are checked, each followed by a hand-over. */
export const CHECKED_ROUNDS = 3;

/** Operations in a step: a free and an alloc. */
export const STEP_OPERATIONS = 2;

/** Low bits of a random number that are not used. */
const DROPPED_BITS = 13;

const SIZE_BITS = 10;
const SIZE_MASK = (1 << SIZE_BITS) - 1;
const FILLED = 1 << SIZE_BITS;
const OWNER_SHIFT = SIZE_BITS + 1;

export interface Larson {
  /** A block in every slot. */
  fill(slots: Int32Array): void;
  /** So many steps: the timed part. */
  replace(slots: Int32Array, steps: number): void;
  /** The same steps with every block filled, and compared before it is freed; of blocks from `replace`, their first word. */
  replaceChecked(slots: Int32Array, steps: number): void;
  /** Frees every block. */
  empty(slots: Int32Array): void;
}

/** What one agent does. `seed` tells agents apart. */
export function createLarson(heap: Heap, seed: number): Larson {
  const { u8, u32 } = heap.memory;
  const owner = heap.agent;
  const sizes = GREATEST_SIZE - LEAST_SIZE + 1;
  /** Of a linear congruential generator modulo 2^32, whose high bits are random enough for slots and sizes. */
  let state = seed | 0;

  /** Integer from 0 to `below` - 1; `below` is at most 2^13, so that the product has 32 bits. No divisions, no doubles. */
  function draw(below: number): number {
    // Kept as 32 bits with a sign, which V8 does not box.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return Math.imul(state >>> DROPPED_BITS, below) >>> (32 - DROPPED_BITS);
  }

  function make(size: number): number {
    const ptr = heap.allocUnsafe(size);
    if (ptr === 0) throw new OutOfMemory(`${size} bytes`);
    u32[ptr >>> 2] = (owner << OWNER_SHIFT) | size;
    return ptr;
  }

  const pattern = (by: number, size: number): number => (by * 37 + size) & 255;

  function makeFilled(): number {
    const size = LEAST_SIZE + draw(sizes);
    const ptr = make(size);
    if (ptr % 16 !== 0) throw new WrongAnswer(`${ptr} is not 16-aligned`);
    u32[ptr >>> 2] |= FILLED;
    u8.fill(pattern(owner, size), ptr + 4, ptr + size);
    return ptr;
  }

  function compare(ptr: number): void {
    const word = u32[ptr >>> 2];
    const [by, size] = [word >>> OWNER_SHIFT, word & SIZE_MASK];
    if (size < LEAST_SIZE || size > GREATEST_SIZE || heap.usableSize(ptr) < size)
      throw new WrongAnswer(`the first word of the block at ${ptr} changed`);
    if ((word & FILLED) === 0) return;
    const expected = pattern(by, size);
    for (let at = ptr + 4; at < ptr + size; at++) {
      if (u8[at] !== expected)
        throw new WrongAnswer(
          `byte ${at - ptr} of the block of ${size} at ${ptr}, made by agent ${by}, changed`,
        );
    }
  }

  return {
    fill(slots) {
      for (let slot = 0; slot < slots.length; slot++) slots[slot] = makeFilled();
    },
    replace(slots, steps) {
      const { length } = slots;
      for (let step = 0; step < steps; step++) {
        const slot = draw(length);
        heap.free(slots[slot]);
        slots[slot] = make(LEAST_SIZE + draw(sizes));
      }
    },
    replaceChecked(slots, steps) {
      for (let step = 0; step < steps; step++) {
        const slot = draw(slots.length);
        compare(slots[slot]);
        heap.free(slots[slot]);
        slots[slot] = makeFilled();
      }
    },
    empty(slots) {
      for (let slot = 0; slot < slots.length; slot++) {
        heap.free(slots[slot]);
        slots[slot] = 0;
      }
    },
  };
}
