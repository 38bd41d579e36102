/**
 * xmalloc-test (Lever and Boreham, "Malloc() performance in a multithreaded Linux environment", USENIX 2000, and Christian Eder's
 * extension), from its description: one half of the threads only allocates, batch by batch, the other half only frees. No block is freed by
 * who made it, so what a thread keeps for itself is never of use to it.
 *
 * Here: one of each, batches of 120 blocks, four batches on the way, sizes of 8 to 1024 bytes, each as likely.
 */
import { between, seeded } from "../random.js";
import type { Trace } from "../trace.js";
import { TraceBuilder } from "./builder.js";

const OPERATIONS = 100_000;
const BATCH = 120;
const ON_THE_WAY = 4;
const SIZES = [8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024];

export function makeXmallocTest(): Trace {
  const random = seeded(0x3a110c);
  const builder = new TraceBuilder();
  const batches: number[][] = [];
  while (builder.length < OPERATIONS) {
    builder.thread = 0;
    batches.push(
      Array.from({ length: BATCH }, () => builder.malloc(SIZES[between(random, 0, SIZES.length - 1)])),
    );
    builder.thread = 1;
    if (batches.length > ON_THE_WAY) builder.freeAll(batches.shift() ?? []);
  }
  return builder.finish("xmalloc-test");
}
