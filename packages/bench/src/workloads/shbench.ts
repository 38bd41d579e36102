/**
 * sh6bench and sh8bench (MicroQuill, SmartHeap's stress tests), from their descriptions: blocks of 1 to 1000 bytes come in batches of one
 * size after the other; of each batch a part is freed at once, last allocated first freed, and the rest is kept; what is kept
 * is freed later in the reverse order, oldest first. In sh8bench there are several threads, and what is kept is freed by another one.
 *
 * Here: batches of 64, a half of each kept, up to 1024 kept blocks, sizes in steps of 7 through 1 to 1000.
 */
import type { Trace } from "../trace.js";
import { TraceBuilder } from "./builder.js";

const OPERATIONS = 100_000;
const BATCH = 64;
const KEPT = 1024;
const GREATEST = 1000;
const STEP = 7;

export const SH8BENCH_THREADS = 2;

function shbench(name: string, threads: number): Trace {
  const builder = new TraceBuilder();
  const kept: number[][] = Array.from({ length: threads }, () => []);
  let size = 1;
  for (let turn = 0; builder.length < OPERATIONS; turn++) {
    const thread = turn % threads;
    builder.thread = thread;
    const ids: number[] = [];
    for (let block = 0; block < BATCH; block++) {
      ids.push(builder.malloc(size));
      size = ((size + STEP - 1) % GREATEST) + 1;
    }
    builder.freeAll(ids.splice(BATCH / 2).reverse());
    kept[thread].push(...ids);
    if (kept[thread].length < KEPT) continue;
    builder.thread = (thread + 1) % threads;
    builder.freeAll(kept[thread].splice(0, KEPT / 2));
  }
  return builder.finish(name);
}

export const makeSh6bench = (): Trace => shbench("sh6bench", 1);
export const makeSh8bench = (): Trace => shbench("sh8bench", SH8BENCH_THREADS);
