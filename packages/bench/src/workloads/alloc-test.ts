/**
 * alloc-test (OLogN Technologies, "Testing memory allocators: ptmalloc2 vs tcmalloc vs hoard vs jemalloc while trying to simulate
 * real-world loads", 2018), from its description: a slot is drawn; what is in it dies, and if nothing is, a block is put there. Which
 * slot is drawn has a Pareto distribution (a fifth of them is drawn four times out of five, and so on inside of it), so few blocks live
 * shortly and many long; sizes up to 1 KiB, each power of two half as likely as the one before.
 */
import { between, type Random, seeded } from "../random.js";
import type { Trace } from "../trace.js";
import { TraceBuilder } from "./builder.js";

const OPERATIONS = 100_000;
const SLOTS = 4096;
const SMALLEST_LOG2 = 4;
const GREATEST_LOG2 = 10;

/** Four times out of five it is in the first fifth, and there again. */
function paretoSlot(random: Random, slots: number): number {
  let most = slots;
  while (most > 5 && random() < 0.8) most = Math.floor(most / 5);
  return between(random, 0, most - 1);
}

function paretoSize(random: Random): number {
  let log2 = SMALLEST_LOG2;
  while (log2 < GREATEST_LOG2 && random() < 0.5) log2++;
  return between(random, 2 ** (log2 - 1) + 1, 2 ** log2);
}

export function makeAllocTest(): Trace {
  const random = seeded(0xa110c);
  const builder = new TraceBuilder();
  const slots = new Array<number | undefined>(SLOTS).fill(undefined);
  while (builder.length < OPERATIONS) {
    const slot = paretoSlot(random, SLOTS);
    const id = slots[slot];
    if (id === undefined) slots[slot] = builder.malloc(paretoSize(random));
    else {
      builder.free(id);
      slots[slot] = undefined;
    }
  }
  return builder.finish("alloc-test");
}
