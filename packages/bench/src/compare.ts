/**
 * The main job: every allocator on every trace, each pair in a process of its own, because the JIT specialises code for
 * what it has seen. The processes of one trace live side by side, one measures at a time.
 */
import { median } from "simple-statistics";
import { Child, WorkerFailure } from "./child.js";
import { type Effort, type Progress, type StopSignal, takeTurns } from "./schedule.js";
import { spreadPercent } from "./statistics.js";
import { loadTarget } from "./targets/index.js";
import { readTrace } from "./trace.js";
import { describeTrace, type TraceStats } from "./trace-stats.js";
import type { TraceFile } from "./traces.js";

/** An allocator on a trace: its figures, or why there are none. */
export type Cell = Measured | NotRun;

export interface Measured {
  readonly allocator: string;
  readonly trace: string;
  readonly status: "measured";
  /** Nanoseconds per operation, one value per round. */
  readonly rounds: readonly number[];
  readonly median: number;
  readonly min: number;
  /** Half the interquartile range, in percent of the median. */
  readonly spreadPercent: number;
  /** Replays in the first round. */
  readonly replays: number;
  /** Had fewer rounds than the others, because it is slow. */
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

interface Runner {
  readonly allocator: string;
  readonly child: Child;
  rounds: number[];
  replays: number;
  /** How many rounds it takes part in. */
  share: number;
  slow: boolean;
  failure: WorkerFailure | undefined;
}

/** Whoever needs longer for one replay is slow, and is not warmed up further. */
const SLOW_REPLAY_MS = 250;

/** One trace over all allocators. Interrupted, it returns what has at least one round. */
async function compareTrace(
  trace: TraceFile,
  operations: number,
  names: readonly { readonly given: string; readonly name: string }[],
  { effort, signal }: CompareOptions,
  step: (what: string) => void,
): Promise<Cell[]> {
  const runners: Runner[] = [];
  try {
    for (const { given, name } of names) {
      step(`${trace.name}: ${name} warms up`);
      const runner: Runner = {
        allocator: name,
        child: new Child(),
        rounds: [],
        replays: 0,
        share: effort.rounds,
        slow: false,
        failure: undefined,
      };
      runners.push(runner);
      await attempt(runner, async () => {
        const job = { kind: "replay", target: given, trace: trace.path, limitMs: effort.limitMs } as const;
        const { estimateMs } = await runner.child.request<"load">({ do: "load", job }, signal);
        runner.slow = estimateMs > SLOW_REPLAY_MS && effort.slowMs / estimateMs < effort.rounds;
        if (runner.slow) runner.share = Math.max(1, Math.floor(effort.slowMs / estimateMs));
        else
          await runner.child.request<"warm">(
            { do: "warm", ms: effort.roundMs / 2, capMs: effort.warmMs },
            signal,
          );
      });
    }
    await takeTurns(runners, effort.rounds, async (runner, round) => {
      if (runner === runners[round % runners.length])
        step(`${trace.name}: round ${round + 1} of ${effort.rounds}`);
      if (runner.failure !== undefined || round >= runner.share) return;
      await attempt(runner, async () => {
        const { replay } = await runner.child.request<"round">({ do: "round", ms: effort.roundMs }, signal);
        runner.rounds.push((replay.ms * 1e6) / operations);
        if (runner.replays === 0) runner.replays = replay.runs;
      });
    });
  } catch (error) {
    if (!signal?.aborted) throw error;
  } finally {
    for (const { child } of runners) child.end();
  }
  // Ctrl-C may have ended a worker that was just starting: that is no failure of its allocator.
  const told = runners.filter(({ failure, rounds }) =>
    signal?.aborted === true
      ? rounds.length > 0 || (failure !== undefined && failure.reason !== "crashed")
      : true,
  );
  return told.map((runner) => cellOf(runner, trace.name));
}

/** Keeps what goes wrong in one worker from ending the others. */
async function attempt(runner: Runner, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof WorkerFailure)) throw error;
    runner.failure = error;
    runner.child.end();
  }
}

function cellOf({ allocator, rounds, replays, slow, failure }: Runner, trace: string): Cell {
  if (failure !== undefined) {
    return { allocator, trace, status: "not run", reason: failure.reason, detail: failure.detail };
  }
  return {
    allocator,
    trace,
    status: "measured",
    rounds,
    median: median(rounds),
    min: Math.min(...rounds),
    spreadPercent: spreadPercent(rounds),
    replays,
    slow,
  };
}

/**
 * Runs the comparison.
 * @throws UsageError for an unknown allocator or a broken trace, before anything is measured.
 */
export async function compare(options: CompareOptions): Promise<Comparison> {
  const { effort, signal, progress } = options;
  const allocators: ComparedAllocator[] = [];
  const names: { given: string; name: string }[] = [];
  for (const given of options.allocators) {
    const module = await loadTarget(given);
    names.push({ given, name: module.name });
    allocators.push({
      name: module.name,
      about: module.about,
      version: module.version(),
      notes: module.notes ?? [],
    });
  }
  const traces: { name: string; stats: TraceStats }[] = [];
  for (const { name, path } of options.traces)
    traces.push({ name, stats: describeTrace(await readTrace(path)) });

  const cells: Cell[] = [];
  const total = traces.length * (names.length + effort.rounds);
  let done = 0;
  const step = (what: string): void => progress?.(done++, total, what);
  for (const [index, { stats }] of traces.entries()) {
    cells.push(...(await compareTrace(options.traces[index], stats.operations, names, options, step)));
    if (signal?.aborted) break;
  }
  return { allocators, traces, cells, complete: signal?.aborted !== true };
}
