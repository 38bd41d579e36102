/**
 * mstress (mimalloc's stress test), from its description: a server's threads, which do not all have as much to do; sizes are powers of
 * two times a few, small ones likelier; some blocks die at once, some are kept as long as the thread, some go to other threads through
 * shared places. After each phase the threads end, and what lies in the shared places outlives them.
 *
 * Here: 2 threads, 20 phases, 256 shared places; thread t does t + 1 parts of the work.
 */
import { between, type Random, seeded } from "../random.js";
import type { Trace } from "../trace.js";
import { TraceBuilder } from "./builder.js";

export const MSTRESS_THREADS = 2;
const PHASES = 20;
const PLACES = 256;
/** Requests of one part in one phase. */
const REQUESTS = 860;
/** Steps of a thread until it is another one's turn. */
const TURN = 20;

/** 1 to 8 times a power of two from 8 to 1024, each half as likely; 8 KiB at most. */
function size(random: Random): number {
  let unit = 8;
  while (unit < 1024 && random() < 0.5) unit *= 2;
  return unit * between(random, 1, 8);
}

export function makeMstress(): Trace {
  const random = seeded(0x57e55);
  const builder = new TraceBuilder();
  const places = new Array<number | undefined>(PLACES).fill(undefined);
  for (let phase = 0; phase < PHASES; phase++) {
    const kept: number[][] = Array.from({ length: MSTRESS_THREADS }, () => []);
    for (let done = 0; done < REQUESTS; done += TURN) {
      for (const [thread, own] of kept.entries()) {
        builder.thread = thread;
        for (let step = TURN * (thread + 1); step > 0; step--) {
          const id = builder.malloc(size(random));
          const dice = between(random, 1, 10);
          if (dice <= 5) own.push(id);
          else if (dice <= 7) builder.free(id);
          else {
            const place = between(random, 0, PLACES - 1);
            const there = places[place];
            places[place] = id;
            if (there !== undefined) own.push(there);
          }
          // Of two that are kept one dies soon after.
          if (own.length > 0 && dice % 2 === 0)
            builder.freeAll(own.splice(between(random, 0, own.length - 1), 1));
        }
      }
    }
    for (const [thread, own] of kept.entries()) {
      builder.thread = thread;
      builder.freeAll(own);
    }
  }
  return builder.finish("mstress");
}
