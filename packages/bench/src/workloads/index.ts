/**
 * The classic workloads, made again from their published descriptions: seeded, the same on every machine. Each is a trace, so that every
 * measure takes it; those of several threads have them in the trace, for who replays it on several. Another one is a file and a line.
 */
import type { Trace } from "../trace.js";
import { makeAllocTest } from "./alloc-test.js";
import { makeCacheScratch } from "./cache-scratch.js";
import { makeGlibcSimple } from "./glibc-simple.js";
import { makeLarson } from "./larson.js";
import { makeMstress } from "./mstress.js";
import { makeFifo, makeLifo, makeRandomReplace } from "./orders.js";
import { makePageAligned } from "./page-aligned.js";
import { makePhases } from "./phases.js";
import { makeReallocGrowth } from "./realloc-growth.js";
import { makeSh6bench, makeSh8bench } from "./shbench.js";
import { makeXmallocTest } from "./xmalloc-test.js";

export interface Workload {
  /** One line for `list`. */
  readonly about: string;
  readonly make: () => Trace;
  /** Has several threads. */
  readonly threads?: true;
  /** Where threads replay it: writes to the first word of each new block. */
  readonly writes?: number;
}

export const WORKLOADS: { readonly [name: string]: Workload } = {
  larson: {
    about: "server threads that replace blocks at random and hand arrays over",
    make: makeLarson,
    threads: true,
  },
  "glibc-simple": {
    about: "25 to 1600 blocks of one size, allocated and freed in order",
    make: makeGlibcSimple,
  },
  "alloc-test": { about: "Pareto-distributed lives and sizes up to 1 KiB", make: makeAllocTest },
  sh6bench: { about: "batches freed half in reverse, half later in order", make: makeSh6bench },
  sh8bench: {
    about: "sh6bench by two threads that free each other's blocks",
    make: makeSh8bench,
    threads: true,
  },
  "xmalloc-test": {
    about: "one thread only allocates, the other only frees",
    make: makeXmallocTest,
    threads: true,
  },
  mstress: {
    about: "unequal server threads, phases, blocks that change hands",
    make: makeMstress,
    threads: true,
  },
  "cache-scratch": {
    about: "two threads, each with one block of 8 bytes, replaced",
    make: makeCacheScratch,
    threads: true,
    writes: 100,
  },
  lifo: { about: "batches of 1000, last in first out", make: makeLifo },
  fifo: { about: "batches of 1000, first in first out", make: makeFifo },
  "random-replace": {
    about: "1000 blocks of 8 to 1000 bytes, a random one replaced",
    make: makeRandomReplace,
  },
  "page-aligned": {
    about: "runs of 1 to 16 pages, 64 of them, a random one replaced",
    make: makePageAligned,
  },
  "realloc-growth": { about: "16 buffers that grow to 64 KiB among small blocks", make: makeReallocGrowth },
  phases: { about: "fragmentation: phases of other sizes, one block of ten survives", make: makePhases },
};

export const workloadNames: readonly string[] = Object.keys(WORKLOADS);
