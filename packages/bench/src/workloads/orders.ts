/**
 * In which order blocks die: the three patterns every description of an allocator begins with (Wilson, Johnstone, Neely and Boles,
 * "Dynamic storage allocation: a survey and critical review", 1995, tell why they are so easy or so hard).
 */
import { between, type Random, seeded } from "../random.js";
import type { Trace } from "../trace.js";
import { TraceBuilder } from "./builder.js";

const OPERATIONS = 100_000;
/** Blocks of a batch, or alive at a time. */
const BLOCKS = 1000;

const size = (random: Random): number => between(random, 8, 1000);

/** Batches of blocks of 8 to 1000 bytes, each freed as a whole. */
function batches(name: string, order: (ids: number[]) => number[]): Trace {
  const random = seeded(0x0f1f0);
  const builder = new TraceBuilder();
  while (builder.length < OPERATIONS) {
    const ids = Array.from({ length: BLOCKS }, () => builder.malloc(size(random)));
    builder.freeAll(order(ids));
  }
  return builder.finish(name);
}

/** Last in, first out: a stack of scopes. */
export const makeLifo = (): Trace => batches("lifo", (ids) => ids.reverse());

/** First in, first out: a queue of messages, a frame's buffers. */
export const makeFifo = (): Trace => batches("fifo", (ids) => ids);

/** The block in a random place dies, and one of another size takes its place: what fragments most. */
export function makeRandomReplace(): Trace {
  const random = seeded(0x5e91ace);
  const builder = new TraceBuilder();
  const ids = Array.from({ length: BLOCKS }, () => builder.malloc(size(random)));
  while (builder.length < OPERATIONS) {
    const slot = between(random, 0, BLOCKS - 1);
    builder.free(ids[slot]);
    ids[slot] = builder.malloc(size(random));
  }
  return builder.finish("random-replace");
}
