/**
 * Utilisation: how much memory every allocator needs for every trace. Nothing is timed, so two processes work at once, one
 * for each pair; an allocator that gives the same addresses for the same calls gives the same figures every time.
 */
import { Child, WorkerFailure } from "../child.js";
import { type ComparedAllocator, type CompareOptions, comparedAllocator, type NotRun } from "../compare.js";
import { inLanes } from "../schedule.js";
import { loadTarget } from "../targets/index.js";
import { describeTrace } from "../trace-stats.js";
import { openTrace } from "../traces.js";
import type { Footprint } from "./footprint.js";

/** An allocator on a trace. */
export type SpaceCell =
  | (Footprint & { readonly allocator: string; readonly trace: string; readonly status: "measured" })
  | NotRun;

export interface Space {
  readonly allocators: readonly ComparedAllocator[];
  readonly traces: readonly { readonly name: string; readonly peakLive: number }[];
  readonly cells: readonly SpaceCell[];
  /** False where it was interrupted: cells are missing then. */
  readonly complete: boolean;
}

/** @throws UsageError for an unknown allocator or a broken trace, before anything is measured. */
export async function measureSpace(options: CompareOptions): Promise<Space> {
  const { effort, signal, progress } = options;
  const allocators: ComparedAllocator[] = [];
  const traces: { name: string; peakLive: number }[] = [];
  const pairs: { given: string; allocator: string; trace: string; path: string }[] = [];
  for (const given of options.allocators) allocators.push(comparedAllocator(await loadTarget(given)));
  for (const { name, path } of options.traces) {
    traces.push({ name, peakLive: describeTrace(await openTrace({ path })).peakLiveBytes });
    for (const [index, given] of options.allocators.entries())
      pairs.push({ given, allocator: allocators[index].name, trace: name, path });
  }

  const cells: SpaceCell[] = [];
  let done = 0;
  try {
    await inLanes(pairs, async ({ given, allocator, trace, path }) => {
      progress?.(done++, pairs.length, `space: ${allocator} on ${trace}`);
      const child = new Child();
      try {
        const spec = { target: given, trace: path, limitMs: effort.spaceMs };
        const footprint = await child.request<"space">({ do: "space", spec }, signal);
        cells.push({ allocator, trace, status: "measured", ...footprint });
      } catch (error) {
        if (!(error instanceof WorkerFailure)) throw error;
        cells.push({ allocator, trace, status: "not run", reason: error.reason, detail: error.detail });
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
