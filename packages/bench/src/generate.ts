/**
 * The two bundled traces that no recorded program brings: one heavy in alignments, one in page runs. Both are
 * simulations of a loop of frames in which blocks are made now and die some frames later. Seeded, and integer
 * arithmetic only, so that every machine makes the same bytes.
 */
import { between, type Random, seeded } from "./random.js";
import type { Trace } from "./trace.js";
import { TraceBuilder } from "./workloads/builder.js";

const OPERATIONS = 100_000;

/** One kind of request: how often it comes, and what it asks for. */
interface Kind {
  readonly weight: number;
  /** 0: no alignment of its own. */
  readonly alignLog2: number;
  /** The size is `unit` times a number in [from, to]. */
  readonly unit: number;
  readonly from: number;
  readonly to: number;
  /** Share of blocks, in percent, that die with their frame; the rest live up to `frames` more. */
  readonly transient: number;
  readonly frames: number;
}

function pick(random: Random, kinds: readonly Kind[]): Kind {
  let rest = between(
    random,
    1,
    kinds.reduce((sum, kind) => sum + kind.weight, 0),
  );
  for (const kind of kinds) {
    rest -= kind.weight;
    if (rest <= 0) return kind;
  }
  return kinds[0];
}

/** Runs frames until the trace is long enough, then lets what is alive stay alive, as programs do at exit. */
function simulate(name: string, seed: number, kinds: readonly Kind[]): Trace {
  const random = seeded(seed);
  const builder = new TraceBuilder();
  const dying = new Map<number, number[]>();
  const mayGrow: { id: number; size: number; until: number }[] = [];
  for (let frame = 0; builder.length < OPERATIONS; frame++) {
    for (let left = between(random, 30, 90); left > 0; left--) {
      const kind = pick(random, kinds);
      const size = kind.unit * between(random, kind.from, kind.to);
      let id: number;
      if (kind.alignLog2 > 0) id = builder.memalign(kind.alignLog2, size);
      else if (between(random, 1, 8) === 1) id = builder.calloc(size);
      else id = builder.malloc(size);
      const death =
        between(random, 1, 100) <= kind.transient ? frame : frame + between(random, 1, kind.frames);
      const due = dying.get(death);
      if (due === undefined) dying.set(death, [id]);
      else due.push(id);
      if (kind.alignLog2 === 0 && death > frame + 1) mayGrow.push({ id, size, until: death });
      // A list that grows: one realloc now and then, of a plain block that lives on.
      if (mayGrow.length > 0 && between(random, 1, 16) === 1) {
        const grown = mayGrow.splice(between(random, 0, mayGrow.length - 1), 1)[0];
        if (grown.until > frame) builder.realloc(grown.id, grown.size + between(random, 1, grown.size));
      }
    }
    const due = dying.get(frame) ?? [];
    dying.delete(frame);
    // Half of the frames unwind last in, first out; the others let go in the order of making.
    if (between(random, 0, 1) === 1) due.reverse();
    for (const id of due) builder.free(id);
  }
  return builder.finish(name);
}

/** Vectors, matrices, cache lines and transfer buffers: three of four requests have an alignment of 32 to 256. */
export function makeAlignedTrace(): Trace {
  return simulate("aligned", 0x5eed_a116, [
    { weight: 24, alignLog2: 5, unit: 32, from: 1, to: 8, transient: 70, frames: 240 },
    { weight: 6, alignLog2: 5, unit: 4, from: 9, to: 600, transient: 60, frames: 240 },
    { weight: 24, alignLog2: 6, unit: 64, from: 1, to: 6, transient: 55, frames: 480 },
    { weight: 8, alignLog2: 7, unit: 128, from: 1, to: 12, transient: 50, frames: 480 },
    { weight: 10, alignLog2: 8, unit: 256, from: 1, to: 8, transient: 75, frames: 160 },
    { weight: 2, alignLog2: 8, unit: 1024, from: 4, to: 48, transient: 80, frames: 120 },
    { weight: 26, alignLog2: 0, unit: 1, from: 8, to: 200, transient: 65, frames: 800 },
  ]);
}

/** Pages by the run, 1 to 64 of them, among small blocks: buffer pools, stacks, page caches. */
export function makePagesTrace(): Trace {
  return simulate("pages", 0x5eed_9a6e, [
    { weight: 16, alignLog2: 12, unit: 4096, from: 1, to: 1, transient: 50, frames: 30 },
    { weight: 8, alignLog2: 12, unit: 4096, from: 2, to: 4, transient: 60, frames: 24 },
    { weight: 4, alignLog2: 12, unit: 4096, from: 5, to: 16, transient: 75, frames: 18 },
    { weight: 1, alignLog2: 12, unit: 4096, from: 17, to: 64, transient: 85, frames: 12 },
    { weight: 60, alignLog2: 0, unit: 1, from: 8, to: 160, transient: 60, frames: 300 },
    { weight: 11, alignLog2: 0, unit: 1, from: 161, to: 2000, transient: 70, frames: 120 },
  ]);
}
