/**
 * Random replace, the inner loop of `larson` (Larson and Krishnan, "Memory allocation for long-running server
 * applications", 1998): so many blocks are alive all the time; each step picks one, frees it and allocates another, of 8 to
 * 1000 bytes, in its place. What a step costs, as the number of blocks grows, is what searching costs.
 *
 * A step is two operations. Steps are drawn ahead into typed arrays; the loop itself costs about 3 ns a step.
 */
import { between, seeded } from "../random.js";
import { OutOfMemory, type Target } from "../targets/target.js";

export const LEAST_SIZE = 8;
export const GREATEST_SIZE = 1000;
/** Bytes of a block on average, without any overhead. */
export const MEAN_SIZE = (LEAST_SIZE + GREATEST_SIZE) / 2;

/** Which block to replace, and by how many bytes. A power of two of them, used in a circle. */
export interface Steps {
  readonly slots: Int32Array;
  readonly sizes: Int32Array;
  /** Length - 1. */
  readonly mask: number;
}

export function randomSteps(blocks: number, lengthLog2: number, seed: number): Steps {
  const random = seeded(seed);
  const length = 2 ** lengthLog2;
  const steps: Steps = { slots: new Int32Array(length), sizes: new Int32Array(length), mask: length - 1 };
  for (let i = 0; i < length; i++) {
    steps.slots[i] = between(random, 0, blocks - 1);
    steps.sizes[i] = between(random, LEAST_SIZE, GREATEST_SIZE);
  }
  return steps;
}

function exhausted(size: number): never {
  throw new OutOfMemory(`${size} bytes`);
}

/** A block of random size for every slot. */
export function fill(
  ptrs: Int32Array,
  sizes: Int32Array,
  target: Pick<Target, "malloc">,
  seed: number,
): void {
  const random = seeded(seed);
  for (let slot = 0; slot < ptrs.length; slot++) {
    sizes[slot] = between(random, LEAST_SIZE, GREATEST_SIZE);
    ptrs[slot] = target.malloc(sizes[slot]);
    if (ptrs[slot] === 0) exhausted(sizes[slot]);
  }
}

/** The timed part: `count` steps, from step `from` on. */
export function replaceBlocks(
  { slots, sizes, mask }: Steps,
  from: number,
  count: number,
  target: Pick<Target, "malloc" | "free">,
  ptrs: Int32Array,
): void {
  const { malloc, free } = target;
  const end = from + count;
  for (let i = from; i < end; i++) {
    const step = i & mask;
    const slot = slots[step];
    free(ptrs[slot]);
    const ptr = malloc(sizes[step]);
    if (ptr === 0) exhausted(sizes[step]);
    ptrs[slot] = ptr;
  }
}

/** What the same steps do to the sizes of the blocks. */
export function replaceSizes(
  { slots, sizes, mask }: Steps,
  from: number,
  count: number,
  held: Int32Array,
): void {
  for (let i = from; i < from + count; i++) held[slots[i & mask]] = sizes[i & mask];
}
