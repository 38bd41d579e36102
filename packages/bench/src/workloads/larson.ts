/**
 * larson (Larson and Krishnan, "Memory allocation for long-running server applications", ISMM 1998), as one trace of all threads: each
 * has an array of blocks; a step frees the block in a random slot and puts one of random size there; now and then an array goes to
 * another thread, which frees blocks that it did not make.
 *
 * Sizes of 8 to 1000 bytes, uniform, and seed 4141, as in `larson 5 8 1000 5000 100 4141 <threads>`, how mimalloc-bench runs it. Its
 * arrays of 5000 blocks that change hands after 500,000 steps are arrays of 1000 that do so after 2500 here, for a trace of
 * 100,000 operations; `-m agents` runs it in full length.
 */
import { between, seeded } from "../random.js";
import type { Trace } from "../trace.js";
import { TraceBuilder } from "./builder.js";

const OPERATIONS = 100_000;
export const LARSON_THREADS = 2;
const BLOCKS = 1000;
const STEPS = 2500;
/** Steps of one thread until it is another one's turn. */
const TURN = 50;

export function makeLarson(): Trace {
  const random = seeded(4141);
  const builder = new TraceBuilder();
  const size = (): number => between(random, 8, 1000);
  const arrays = Array.from({ length: LARSON_THREADS }, (_, thread) => {
    builder.thread = thread;
    return Array.from({ length: BLOCKS }, () => builder.malloc(size()));
  });
  for (let steps = 0; builder.length < OPERATIONS; steps += TURN) {
    if (steps > 0 && steps % STEPS === 0) arrays.unshift(...arrays.splice(-1));
    for (const [thread, ids] of arrays.entries()) {
      builder.thread = thread;
      for (let step = 0; step < TURN; step++) {
        const slot = between(random, 0, BLOCKS - 1);
        builder.free(ids[slot]);
        ids[slot] = builder.malloc(size());
      }
    }
  }
  return builder.finish("larson");
}
