/**
 * Page-aligned requests alone: runs of 1 to 16 pages of 4096 bytes, short ones likelier, with 64 of them alive; the one in a random place
 * dies and another takes its place. Buffer pools, stacks, what a collector or another allocator asks for.
 */
import { between, seeded } from "../random.js";
import type { Trace } from "../trace.js";
import { TraceBuilder } from "./builder.js";

const OPERATIONS = 50_000;
const RUNS = 64;
const PAGE = 4096;
const PAGE_LOG2 = 12;

export function makePageAligned(): Trace {
  const random = seeded(0x9a6e);
  const builder = new TraceBuilder();
  const run = (): number => {
    let most = 1;
    while (most < 16 && random() < 0.5) most *= 2;
    return builder.memalign(PAGE_LOG2, PAGE * between(random, most === 1 ? 1 : most / 2 + 1, most));
  };
  const ids = Array.from({ length: RUNS }, run);
  while (builder.length < OPERATIONS) {
    const place = between(random, 0, RUNS - 1);
    builder.free(ids[place]);
    ids[place] = run();
  }
  return builder.finish("page-aligned");
}
