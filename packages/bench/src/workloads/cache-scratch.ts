/**
 * cache-scratch (Berger, McKinley, Blumofe and Wilson, "Hoard: a scalable memory allocator for multithreaded applications", ASPLOS 2000:
 * "passive-false"): each thread is given one small block by the first one, frees it, allocates one of 8 bytes in its place and
 * writes to it again and again. An allocator that cuts the threads' blocks from one cache line makes them wait for each other.
 *
 * As a trace it is allocations and frees; who replays it on several threads also writes (`-m threads`).
 */
import type { Trace } from "../trace.js";
import { TraceBuilder } from "./builder.js";

export const CACHE_SCRATCH_THREADS = 2;
const BYTES = 8;
const ROUNDS = 25_000;

export function makeCacheScratch(): Trace {
  const builder = new TraceBuilder();
  const ids = Array.from({ length: CACHE_SCRATCH_THREADS }, () => builder.malloc(BYTES));
  for (let round = 0; round < ROUNDS; round++) {
    for (const thread of ids.keys()) {
      builder.thread = thread;
      builder.free(ids[thread]);
      ids[thread] = builder.malloc(BYTES);
    }
  }
  return builder.finish("cache-scratch");
}
