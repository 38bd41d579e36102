/**
 * Replays in which every operation is timed alone: the clock is read once between two operations, and the difference of
 * two readings is a sample. So each sample holds one reading of the clock (about 45 ns on Node 20), which is measured by the
 * same loop without operations and shown, not subtracted.
 *
 * Nothing is allocated in the loop but the 16 bytes V8 may box a reading in; samples go into a typed array made before. The
 * process has a young generation that holds all readings of a replay, emptied before each ({@link CLOCK_FLAGS}), and
 * collections that fall into a timed replay all the same are counted. Every replay is the same for the allocator, so the
 * fastest of an operation's samples is what it costs without the machine's disturbances: `repeatable`.
 */
import { PerformanceObserver } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { type Program, type Slots, settle } from "../replay.js";
import { OutOfMemory, type Target } from "../targets/target.js";
import { CALLOC, FREE, MALLOC, REALLOC } from "../trace.js";
import { Counts, type PackedCounts } from "./counts.js";

/** Node's flags for a process that measures this. */
export const CLOCK_FLAGS: readonly string[] = [
  "--min-semi-space-size=64",
  "--max-semi-space-size=64",
  "--expose-gc",
];
declare const gc: (() => void) | undefined;

/** What the replays of one process gave, in nanoseconds. */
export interface ClockedReplays {
  readonly replays: number;
  /** Every sample of every replay. */
  readonly all: PackedCounts;
  /** The fastest sample of each operation. */
  readonly repeatable: PackedCounts;
  /** A replay's readings of the clock with nothing between them. */
  readonly clock: PackedCounts;
  /** Collections of garbage while the clock ran. */
  readonly collections: number;
}

/** As `replay`, with the milliseconds of each operation in `samples`. */
export function clockedReplay(program: Program, target: Target, slots: Slots, samples: Float64Array): void {
  const { ops, ids, sizes, aligns, length } = program;
  const { malloc, calloc, realloc, memalign, free } = target;
  let before = performance.now();
  for (let i = 0; i < length; i++) {
    const id = ids[i];
    let ptr = 0;
    const op = ops[i];
    if (op === FREE) free(slots[id]);
    else if (op === MALLOC) ptr = malloc(sizes[i]);
    else if (op === REALLOC) ptr = realloc(slots[id], sizes[i]);
    else if (op === CALLOC) ptr = calloc(sizes[i]);
    else ptr = memalign(aligns[i], sizes[i]);
    slots[id] = ptr;
    const after = performance.now();
    samples[i] = after - before;
    before = after;
    if (ptr === 0 && op !== FREE) throw new OutOfMemory(`out of memory at operation ${i}`);
  }
}

/** The same loop with no operation in it. */
function clockAlone(samples: Float64Array): void {
  let before = performance.now();
  for (let i = 0; i < samples.length; i++) {
    const after = performance.now();
    samples[i] = after - before;
    before = after;
  }
}

const nanoseconds = (ms: number): number => Math.round(ms * 1e6);

/** Untimed replays first: the loop's own code has to be compiled as well. */
const WARM_REPLAYS = 3;

interface Window {
  readonly from: number;
  readonly to: number;
}

/** Runs `act` and tells how many collections began inside the windows it returns. */
async function countCollections(act: () => readonly Window[]): Promise<number> {
  const began: number[] = [];
  const note = (list: { getEntries(): readonly { startTime: number }[] }): void => {
    for (const { startTime } of list.getEntries()) began.push(startTime);
  };
  const observer = new PerformanceObserver(note);
  observer.observe({ entryTypes: ["gc"] });
  const windows = act();
  // Entries come with a later turn of the event loop.
  await sleep(5);
  observer.disconnect();
  return began.filter((at) => windows.some(({ from, to }) => at >= from && at < to)).length;
}

/** Measures. A slow allocator (`replays` 1) is not warmed up: its checked replay was enough. */
export async function clockReplays(
  program: Program,
  target: Target,
  slots: Slots,
  replays: number,
): Promise<ClockedReplays> {
  const samples = new Float64Array(program.length);
  const least = new Float64Array(program.length).fill(Number.POSITIVE_INFINITY);
  const all = new Counts();
  const clock = new Counts();
  const repeatable = new Counts();
  for (let warm = 0; warm < WARM_REPLAYS; warm++) {
    clockAlone(samples);
    if (replays === 1) continue;
    clockedReplay(program, target, slots, samples);
    settle(target, slots);
  }

  clockAlone(samples);
  for (const ms of samples) clock.add(nanoseconds(ms));
  const collections = await countCollections(() =>
    Array.from({ length: replays }, () => {
      if (typeof gc === "function") gc();
      const from = performance.now();
      clockedReplay(program, target, slots, samples);
      const to = performance.now();
      settle(target, slots);
      for (let i = 0; i < samples.length; i++) {
        all.add(nanoseconds(samples[i]));
        least[i] = Math.min(least[i], samples[i]);
      }
      return { from, to };
    }),
  );
  for (const ms of least) repeatable.add(nanoseconds(ms));
  return {
    replays,
    all: all.pack(),
    repeatable: repeatable.pack(),
    clock: clock.pack(),
    collections,
  };
}
