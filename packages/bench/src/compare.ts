/**
 * The main job: every allocator on every trace, each pair in processes of its own, because the JIT specialises code for
 * what it has seen. See sets.ts for how they take turns.
 */
import { type Figures, figuresOf } from "./figures.js";
import type { Effort, Progress, StopSignal } from "./schedule.js";
import { type Series, SetRun, stepsOf } from "./sets.js";
import { loadTarget } from "./targets/index.js";
import type { TargetModule } from "./targets/target.js";
import { describeTrace, type TraceStats } from "./trace-stats.js";
import { openTrace, type TraceFile } from "./traces.js";

/** An allocator on a trace: its figures, or why there are none. */
export type Cell = Measured | NotRun;

export interface Measured extends Figures {
  readonly allocator: string;
  readonly trace: string;
  readonly status: "measured";
  /** Replays in the first round. */
  readonly replays: number;
  /** Had one process and fewer rounds than the others, because it is slow. */
  readonly slow: boolean;
}

export interface NotRun {
  readonly allocator: string;
  readonly trace: string;
  readonly status: "not run";
  readonly reason: string;
  readonly detail: string;
}

export interface ComparedAllocator {
  readonly name: string;
  readonly about: string;
  readonly version: string;
  readonly notes: readonly string[];
}

export interface Comparison {
  readonly allocators: readonly ComparedAllocator[];
  readonly traces: readonly { readonly name: string; readonly stats: TraceStats }[];
  readonly cells: readonly Cell[];
  /** False where it was interrupted: cells are missing then. */
  readonly complete: boolean;
}

export interface CompareOptions {
  /** Names or module paths. */
  readonly allocators: readonly string[];
  readonly traces: readonly TraceFile[];
  readonly effort: Effort;
  readonly progress?: Progress;
  /** Stops early with what there is. */
  readonly signal?: StopSignal;
}

export function comparedAllocator(module: TargetModule): ComparedAllocator {
  return {
    name: module.name,
    about: module.about,
    version: module.version(),
    notes: module.notes ?? [],
  };
}

function cellOf({ allocator, processes, slow, failure }: Series, trace: string): Cell {
  if (failure !== undefined) {
    return { allocator, trace, status: "not run", reason: failure.reason, detail: failure.detail };
  }
  const rounds = processes.map((samples) => samples.map(({ replay }) => replay.ns));
  const replays = processes[0][0].replay.runs;
  return { allocator, trace, status: "measured", ...figuresOf(rounds), replays, slow };
}

/**
 * Runs the comparison.
 * @throws UsageError for an unknown allocator or a broken trace, before anything is measured.
 */
export async function compare(options: CompareOptions): Promise<Comparison> {
  const { effort, signal, progress } = options;
  const modules: { given: string; module: TargetModule }[] = [];
  for (const given of options.allocators) modules.push({ given, module: await loadTarget(given) });
  const traces: { name: string; stats: TraceStats }[] = [];
  for (const { name, path } of options.traces)
    traces.push({ name, stats: describeTrace(await openTrace({ path })) });

  const passes = effort.spread ? effort.processes : 1;
  const share = stepsOf(effort, modules.length) / passes;
  let done = 0;
  const runs = options.traces.map(
    ({ name, path }) =>
      new SetRun(
        modules.map(({ given, module }) => ({
          allocator: module.name,
          job: (set) => ({
            kind: "replay",
            target: given,
            trace: path,
            check: set === 0,
            limitMs: effort.limitMs,
          }),
        })),
        {
          effort,
          roundMs: effort.roundMs,
          signal,
          step: (what) => {
            const [process, now] = what.split(": ");
            const text = effort.spread ? `${process}: ${name}: ${now}` : `${name}: ${what}`;
            progress?.(done++, traces.length * passes * share, text);
          },
        },
      ),
  );
  for (let pass = 0; pass < passes; pass++) {
    for (const [index, run] of runs.entries()) {
      if (signal?.aborted) break;
      done = (pass * runs.length + index) * share;
      await run.run(effort.processes / passes);
    }
  }
  const cells = runs.flatMap((run, index) => run.series().map((each) => cellOf(each, traces[index].name)));
  return {
    allocators: modules.map(({ module }) => comparedAllocator(module)),
    traces,
    cells,
    complete: signal?.aborted !== true,
  };
}
