/**
 * How memory fills while a trace runs: live bytes, how far each allocator's blocks have extended, and for the heaps of this
 * project what lies where. Nothing is timed, so two processes work at once; the figures are the same every time.
 */
import { Child, WorkerFailure } from "../child.js";
import { type ComparedAllocator, type CompareOptions, comparedAllocator, type NotRun } from "../compare.js";
import { inLanes } from "../schedule.js";
import { loadTarget } from "../targets/index.js";
import { FREE, readTrace, type Trace } from "../trace.js";
import { requestSize } from "../trace-stats.js";
import type { TraceFile } from "../traces.js";
import { samplesOf, type Watched } from "./watch.js";

/** An allocator on a trace. */
export type TimelineCell =
  | (Watched & { readonly allocator: string; readonly trace: string; readonly status: "measured" })
  | NotRun;

export interface TimelineTrace {
  readonly name: string;
  /** After how many operations was looked. */
  readonly at: readonly number[];
  /** Requested bytes alive then. */
  readonly live: readonly number[];
}

export interface Timeline {
  readonly allocators: readonly ComparedAllocator[];
  readonly traces: readonly TimelineTrace[];
  readonly cells: readonly TimelineCell[];
  /** False where it was interrupted: cells are missing then. */
  readonly complete: boolean;
}

const SAMPLES = 200;

export function liveBytesAt(trace: Trace, at: readonly number[]): number[] {
  const held = new Float64Array(trace.maxLive);
  const seen: number[] = [];
  let live = 0;
  for (let i = 0; i < trace.length; i++) {
    const id = trace.ids[i];
    const size = trace.ops[i] === FREE ? 0 : requestSize(trace, i);
    live += size - held[id];
    held[id] = size;
    if (i + 1 === at[seen.length]) seen.push(live);
  }
  return seen;
}

/** The first and the last: two pictures say what there is to see, and eight take four times as long. */
function pictured(traces: readonly TraceFile[]): readonly TraceFile[] {
  return traces.filter((_, index) => index === 0 || index === traces.length - 1);
}

/** @throws UsageError for an unknown allocator or a broken trace, before anything is measured. */
export async function measureTimeline(options: CompareOptions): Promise<Timeline> {
  const { effort, signal, progress } = options;
  const allocators: ComparedAllocator[] = [];
  const traces: TimelineTrace[] = [];
  const pairs: { given: string; allocator: string; trace: TimelineTrace; path: string }[] = [];
  for (const given of options.allocators) allocators.push(comparedAllocator(await loadTarget(given)));
  for (const { name, path } of pictured(options.traces)) {
    const trace = await readTrace(path);
    const at = samplesOf(trace.length, SAMPLES);
    const told = { name, at, live: liveBytesAt(trace, at) };
    traces.push(told);
    for (const [index, given] of options.allocators.entries())
      pairs.push({ given, allocator: allocators[index].name, trace: told, path });
  }

  const cells: TimelineCell[] = [];
  let done = 0;
  try {
    await inLanes(pairs, async ({ given, allocator, trace, path }) => {
      const place = { allocator, trace: trace.name };
      progress?.(done++, pairs.length, `timeline: ${allocator} on ${trace.name}`);
      const child = new Child();
      try {
        const spec = { target: given, trace: path, at: trace.at, limitMs: effort.spaceMs };
        const watched = await child.request<"timeline">({ do: "timeline", spec }, signal);
        cells.push({ ...place, status: "measured", ...watched });
      } catch (error) {
        if (!(error instanceof WorkerFailure)) throw error;
        cells.push({ ...place, status: "not run", reason: error.reason, detail: error.detail });
      } finally {
        child.end();
      }
    });
  } catch (error) {
    if (!signal?.aborted) throw error;
  }
  const told = cells.filter((cell) => !signal?.aborted || cell.status === "measured");
  return { allocators, traces, cells: told, complete: signal?.aborted !== true };
}
