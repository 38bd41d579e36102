/** Small traces for tests: every op, sizes from 1 byte to pages, content that lives across reallocs. */
import { between, seeded } from "./random.js";
import { CALLOC, createTrace, FREE, MALLOC, MEMALIGN, REALLOC, type Trace } from "./trace.js";

export type Row = readonly [op: number, id: number, size?: number, alignLog2?: number, thread?: number];

/** A trace written out by hand. */
export function traceOf(rows: readonly Row[], maxLive = 4, name = "hand"): Trace {
  const trace = createTrace(name, rows.length, maxLive);
  for (const [i, [op, id, size = 0, alignLog2 = 0, thread = 0]] of rows.entries()) {
    trace.ops[i] = op;
    trace.ids[i] = id;
    trace.sizes[i] = size;
    trace.alignLog2[i] = alignLog2;
    trace.threads[i] = thread;
  }
  return trace;
}

/** Random, seeded; `maxAlignLog2` 0 leaves memalign out. Some blocks are still alive at the end. */
export function randomTrace(length: number, maxAlignLog2: number, seed = 1): Trace {
  const random = seeded(seed);
  const rows: Row[] = [];
  const live: number[] = [];
  const free = Array.from({ length: 200 }, (_, id) => id);
  const size = (): number => between(random, 1, between(random, 0, 9) === 0 ? 9000 : 300);
  while (rows.length < length) {
    const dice = between(random, 0, 9);
    if (live.length > 0 && (dice < 4 || free.length === 0)) {
      const id = live.splice(between(random, 0, live.length - 1), 1)[0];
      rows.push([FREE, id]);
      free.push(id);
    } else if (live.length > 0 && dice === 4) {
      rows.push([REALLOC, live[between(random, 0, live.length - 1)], size()]);
    } else {
      const id = free.pop() ?? 0;
      live.push(id);
      if (dice === 5) rows.push([CALLOC, id, size()]);
      else if (dice === 6 && maxAlignLog2 > 0)
        rows.push([MEMALIGN, id, size(), between(random, 0, maxAlignLog2)]);
      else rows.push([MALLOC, id, size()]);
    }
  }
  return traceOf(rows, 200, "random");
}
