/**
 * The worker's side of the timeline: one allocator, one trace, no clock that matters. One replay in ample memory tells how far
 * blocks have extended by and by. An allocator that lists its blocks is replayed once more, in little more memory than the trace
 * needs, so that a map of its addresses has no wide empty parts.
 *
 * Price: two replays, and a walk through all blocks for each column of the map.
 */
import { CannotRun, type TimelineSpec } from "../protocol.js";
import { type Program, prepare, type Slots } from "../replay.js";
import { isExhausted, regionBytes, whyNot } from "../replay-job.js";
import { Extent } from "../space/footprint.js";
import { OutOfMemory, type Target, type TargetModule } from "../targets/target.js";
import { CALLOC, FREE, MALLOC, REALLOC, readTrace } from "../trace.js";
import { describeTrace, type TraceStats } from "../trace-stats.js";
import { TooSlow } from "../verify.js";
import { type HeapMap, HeapMapper } from "./heap-map.js";

/** What one process saw. */
export interface Watched {
  /** Bytes that blocks have extended over, as in space/, for each entry of the trace's `at`. */
  readonly extent: readonly number[];
  readonly map?: HeapMap;
}

const COLUMNS = 100;
/** Bytes for the map, in those of the peak; the next where it does not complete. */
const ROOMS = [1.25, 2, 4];
/** How often the clock is looked at, in operations. */
const DEADLINE_EVERY = 64;

/** After how many operations to look: `count` times, evenly, the last time at the end. */
export function samplesOf(operations: number, count: number): number[] {
  const most = Math.min(count, operations);
  return Array.from({ length: most }, (_, i) => Math.round(((i + 1) * operations) / most));
}

/** One replay; `see` gets every block that is made, `look` is called after each of `at` operations. */
export function replayWatched(
  program: Program,
  target: Target,
  slots: Slots,
  at: readonly number[],
  { see, look }: { see?: (ptr: number, size: number) => void; look: (done: number) => void },
  isLate: () => boolean = () => false,
): void {
  const { ops, ids, sizes, aligns, length } = program;
  let next = 0;
  for (let i = 0; i < length; i++) {
    if (i % DEADLINE_EVERY === 0 && isLate()) throw new TooSlow(`${Math.round((100 * i) / length)} % done`);
    const id = ids[i];
    const op = ops[i];
    let ptr = 0;
    if (op === FREE) target.free(slots[id]);
    else if (op === MALLOC) ptr = target.malloc(sizes[i]);
    else if (op === REALLOC) ptr = target.realloc(slots[id], sizes[i]);
    else if (op === CALLOC) ptr = target.calloc(sizes[i]);
    else ptr = target.memalign(aligns[i], sizes[i]);
    slots[id] = ptr;
    if (op !== FREE) {
      if (ptr === 0) throw new OutOfMemory(`out of memory at operation ${i} (${sizes[i]} bytes)`);
      see?.(ptr, sizes[i]);
    }
    if (i + 1 === at[next]) {
      look(i + 1);
      next++;
    }
  }
}

/** The map, in the least of the memories that the trace completes in. */
async function mapOf(
  program: Program,
  slots: Slots,
  module: TargetModule,
  stats: TraceStats,
): Promise<HeapMap | undefined> {
  for (const room of ROOMS) {
    const wanted = room * stats.peakLiveBytes + (module.blockRoom ?? 0) * stats.maxLiveBlocks;
    const bytes = Math.ceil(wanted / 65_536) * 65_536;
    const target = await module.createLimited?.(bytes);
    if (target?.blocks === undefined) continue;
    const { blocks } = target;
    const mapper = new HeapMapper(bytes);
    slots.fill(0);
    try {
      const look = (done: number): void => mapper.add(done, blocks());
      replayWatched(program, target, slots, samplesOf(program.length, COLUMNS), { look });
      return mapper.map;
    } catch (error) {
      if (!isExhausted(error, module)) throw error;
    }
  }
  return undefined;
}

export async function watchTimeline(spec: TimelineSpec, module: TargetModule): Promise<Watched> {
  const trace = await readTrace(spec.trace);
  const stats = describeTrace(trace);
  const reason = whyNot(module, trace, stats);
  if (reason !== undefined) throw new CannotRun(reason);
  const program = prepare(trace, module.alignment);
  const slots = new Int32Array(program.slots);
  const start = performance.now();
  const isLate = (): boolean => performance.now() - start > spec.limitMs;

  const held = new Extent();
  const extent: number[] = [];
  const target = await module.create(regionBytes(module, stats));
  replayWatched(
    program,
    target,
    slots,
    spec.at,
    {
      see: (ptr, size) => held.add(ptr, size),
      look: () => extent.push(held.bytes),
    },
    isLate,
  );
  if (target.blocks === undefined) return { extent };
  const map = await mapOf(program, slots, module, stats);
  return map === undefined ? { extent } : { extent, map };
}
