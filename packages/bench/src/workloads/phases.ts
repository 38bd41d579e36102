/**
 * Fragmentation over time: a program whose phases ask for other sizes. In each phase blocks of its sizes are made until 1 MiB is alive;
 * then they die in random order, but for one of ten, which stays for good or until three phases later. What the survivors leave between
 * them is of the wrong size for the next phase (Wilson and others, 1995, on why traces fragment and random ones do not; Robson, "Bounds for some
 * functions concerning dynamic storage allocation", 1974, on the worst case). To be seen over time with `-m timeline`.
 */
import { between, seeded } from "../random.js";
import type { Trace } from "../trace.js";
import { TraceBuilder } from "./builder.js";

/** Smallest and greatest size of each phase, over and over. */
const SIZES = [
  [16, 48],
  [200, 400],
  [40, 90],
  [1000, 3000],
  [24, 160],
  [4000, 12_000],
] as const;
const PHASES = 12;
const LIVE_BYTES = 1 << 20;
/** Of so many blocks one survives its phase. */
const SURVIVOR = 10;
/** Phases that every second survivor lives on. */
const LATER = 3;

export function makePhases(): Trace {
  const random = seeded(0xf4a6);
  const builder = new TraceBuilder();
  const later: number[][] = Array.from({ length: PHASES + LATER }, () => []);
  for (let phase = 0; phase < PHASES; phase++) {
    const [from, to] = SIZES[phase % SIZES.length];
    const ids: number[] = [];
    for (let bytes = 0; bytes < LIVE_BYTES; ) {
      const size = between(random, from, to);
      ids.push(builder.malloc(size));
      bytes += size;
    }
    const survivors = ids.filter((_, index) => index % SURVIVOR === 0);
    const dying = ids.filter((_, index) => index % SURVIVOR !== 0);
    while (dying.length > 0) {
      const at = between(random, 0, dying.length - 1);
      const last = dying.pop() ?? 0;
      if (at === dying.length) builder.free(last);
      else {
        builder.free(dying[at]);
        dying[at] = last;
      }
    }
    later[phase + LATER].push(...survivors.filter((_, index) => index % 2 === 0));
    builder.freeAll(later[phase]);
  }
  return builder.finish("phases");
}
