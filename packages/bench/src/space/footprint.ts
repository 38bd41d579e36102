/**
 * The worker's side of utilisation: one allocator, one trace, no clock that matters. One replay in ample memory tells which
 * bytes the blocks ever held; then the smallest region in which the trace completes is looked for, each try with a fresh heap.
 *
 * Price: some twenty replays.
 */
import { CannotRun, type SpaceSpec } from "../protocol.js";
import { type Program, prepare, replay, type Slots } from "../replay.js";
import { isExhausted, regionBytes, whyNot } from "../replay-job.js";
import { OutOfMemory, type Target, type TargetModule } from "../targets/target.js";
import { CALLOC, FREE, MALLOC, REALLOC } from "../trace.js";
import { describeTrace } from "../trace-stats.js";
import { openTrace } from "../traces.js";
import { TooSlow } from "../verify.js";
import { smallestRegion } from "./smallest.js";

/** In bytes. */
export interface Footprint {
  /** Most requested bytes alive at once. */
  readonly peakLive: number;
  /**
   * From the lowest to the highest byte that a block ever held, in ample memory, less the largest gap of 4 KiB pages that
   * none held: what lies between the two ends of a heap that is filled from both.
   */
  readonly extent: number;
  /** Most bytes that all live blocks took at once, headers included; where the allocator can tell. */
  readonly peakTaken?: number | undefined;
  /** Smallest region in which the trace completes; where the allocator can be limited, and the search was done in time. */
  readonly smallest?: number;
  /** The part of it that blocks lie in; where the allocator can tell. */
  readonly area?: number | undefined;
  /** Why there is no `smallest`. */
  readonly why?: string;
}

const PAGE_LOG2 = 12;
/** Pointers are below 2^31. */
const PAGES = 2 ** (31 - PAGE_LOG2);
const MOST_BYTES = 2 ** 31 - 65_536;
/** The search is not begun by who needed more than this part of the time for the one replay before it. */
const TRIES = 8;
/** How often the clock is looked at, in operations. */
const DEADLINE_EVERY = 64;

/** Which bytes blocks have held. */
export class Extent {
  readonly #touched = new Uint8Array(PAGES);
  #low = Number.POSITIVE_INFINITY;
  #high = 0;

  add(ptr: number, size: number): void {
    this.#low = Math.min(this.#low, ptr);
    this.#high = Math.max(this.#high, ptr + size);
    this.#touched.fill(1, ptr >>> PAGE_LOG2, ((ptr + size - 1) >>> PAGE_LOG2) + 1);
  }

  get bytes(): number {
    if (this.#high === 0) return 0;
    let gap = 0;
    let run = 0;
    for (let page = this.#low >>> PAGE_LOG2; page < this.#high >>> PAGE_LOG2; page++) {
      run = this.#touched[page] === 0 ? run + 1 : 0;
      gap = Math.max(gap, run);
    }
    return this.#high - this.#low - gap * 2 ** PAGE_LOG2;
  }
}

/** One replay with every block looked at. Leaves the survivors in `slots`. */
export function watch(
  program: Program,
  target: Target,
  slots: Slots,
  isLate: () => boolean,
): { readonly extent: number; readonly peakTaken: number | undefined } {
  const { ops, ids, sizes, aligns, length } = program;
  const extent = new Extent();
  const taken = new Float64Array(program.slots);
  let takenNow = 0;
  let peakTaken = 0;
  const take = (id: number, bytes: number): void => {
    takenNow += bytes - taken[id];
    taken[id] = bytes;
    peakTaken = Math.max(peakTaken, takenNow);
  };
  for (let i = 0; i < length; i++) {
    if (i % DEADLINE_EVERY === 0 && isLate()) throw new TooSlow(`${Math.round((100 * i) / length)} % done`);
    const id = ids[i];
    const op = ops[i];
    if (op === FREE) {
      target.free(slots[id]);
      slots[id] = 0;
      take(id, 0);
      continue;
    }
    let ptr: number;
    if (op === MALLOC) ptr = target.malloc(sizes[i]);
    else if (op === REALLOC) ptr = target.realloc(slots[id], sizes[i]);
    else if (op === CALLOC) ptr = target.calloc(sizes[i]);
    else ptr = target.memalign(aligns[i], sizes[i]);
    if (ptr === 0) throw new OutOfMemory(`out of memory at operation ${i} (${sizes[i]} bytes)`);
    slots[id] = ptr;
    extent.add(ptr, sizes[i]);
    if (target.takenSize !== undefined) take(id, target.takenSize(ptr));
  }
  return { extent: extent.bytes, peakTaken: target.takenSize === undefined ? undefined : peakTaken };
}

/** Whether the program completes on a fresh allocator, which may be too small to begin with. */
export async function completes(
  program: Program,
  slots: Slots,
  module: TargetModule,
  create: () => Promise<Target | undefined>,
): Promise<boolean> {
  slots.fill(0);
  try {
    const target = await create();
    if (target === undefined) return false;
    replay(program, target, slots);
    return true;
  } catch (error) {
    if (isExhausted(error, module)) return false;
    throw error;
  }
}

export async function measureFootprint(spec: SpaceSpec, module: TargetModule): Promise<Footprint> {
  const trace = await openTrace({ path: spec.trace });
  const stats = describeTrace(trace);
  const reason = whyNot(module, trace, stats);
  if (reason !== undefined) throw new CannotRun(reason);
  const program = prepare(trace, module.alignment);
  const slots = new Int32Array(program.slots);
  const start = performance.now();
  const isLate = (): boolean => performance.now() - start > spec.limitMs;

  const seen = watch(program, await module.create(regionBytes(module, stats)), slots, isLate);
  const known = { peakLive: stats.peakLiveBytes, extent: seen.extent, peakTaken: seen.peakTaken };
  const createLimited = module.createLimited;
  const tooSlow = `too slow (>${spec.limitMs / 1000} s)`;
  if (createLimited === undefined) return { ...known, why: "cannot be limited" };

  if (performance.now() - start > spec.limitMs / TRIES) return { ...known, why: tooSlow };

  const search = async (): Promise<number | undefined> =>
    smallestRegion(
      async (bytes) => {
        if (isLate()) throw new TooSlow("");
        return completes(program, slots, module, () => createLimited(bytes));
      },
      stats.peakLiveBytes,
      MOST_BYTES,
      // Page runs are cut from a region's end, which then must be a multiple of a page.
      Math.max(16, stats.maxAlign),
    );
  try {
    const smallest = await search();
    if (smallest === undefined) return { ...known, why: "out of memory" };
    return { ...known, smallest, area: (await createLimited(smallest))?.areaBytes?.() };
  } catch (error) {
    if (!(error instanceof TooSlow)) throw error;
    return { ...known, why: tooSlow };
  }
}
