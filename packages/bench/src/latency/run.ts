/**
 * Latency of single operations: every allocator on every trace, each pair in a process of its own, one measuring at a time.
 * Percentiles are over all operations of all replays of the traces that the allocators share, pooled.
 */
import { Child, WorkerFailure } from "../child.js";
import { type ComparedAllocator, type CompareOptions, comparedAllocator, type NotRun } from "../compare.js";
import { whyNot } from "../replay-job.js";
import { inLanes } from "../schedule.js";
import { loadTarget } from "../targets/index.js";
import type { TargetModule } from "../targets/target.js";
import { describeTrace } from "../trace-stats.js";
import { openTrace, type TraceFile } from "../traces.js";
import { CLOCK_FLAGS, type ClockedReplays } from "./clocked.js";
import { Counts, type Histogram, type Percentiles } from "./counts.js";

/** An allocator on a trace. */
export type LatencyCell =
  | {
      readonly allocator: string;
      readonly trace: string;
      readonly status: "measured";
      readonly replays: number;
      readonly samples: number;
      readonly all: Percentiles;
      /** Of each operation's fastest sample. */
      readonly repeatable: Percentiles;
      /** Collections of garbage while the clock ran. */
      readonly collections: number;
    }
  | NotRun;

/** An allocator over the shared traces. */
export interface PooledLatency {
  readonly allocator: string;
  /** Those of the shared traces that it completed in time. */
  readonly traces: readonly string[];
  readonly samples: number;
  readonly all: Percentiles;
  readonly repeatable: Percentiles;
  readonly collections: number;
  /** What the percentiles are of. */
  readonly histograms: { readonly all: Histogram; readonly repeatable: Histogram };
}

export interface Latency {
  readonly allocators: readonly ComparedAllocator[];
  /** Traces that every allocator can run; whether in time is another matter. The others are left out. */
  readonly shared: readonly string[];
  readonly pooled: readonly PooledLatency[];
  /** The clock read with nothing between two readings, in all processes; it moves by `grainNs` at a time. */
  readonly clock: Percentiles & {
    readonly samples: number;
    readonly grainNs: number;
    readonly histogram: Histogram;
  };
  readonly cells: readonly LatencyCell[];
  /** False where it was interrupted: cells are missing then. */
  readonly complete: boolean;
}

/** What one process gave. */
interface Told {
  readonly allocator: string;
  readonly trace: string;
  readonly clocked: ClockedReplays;
}

/** Whoever needs longer for one replay is replayed once, without warming up. */
const SLOW_REPLAY_MS = 250;

interface Runner {
  readonly allocator: string;
  readonly given: string;
  readonly child: Child;
  slow: boolean;
  failure: WorkerFailure | undefined;
  clocked: ClockedReplays | undefined;
}

async function attempt(runner: Runner, act: () => Promise<void>): Promise<void> {
  if (runner.failure !== undefined) return;
  try {
    await act();
  } catch (error) {
    if (!(error instanceof WorkerFailure)) throw error;
    runner.failure = error;
  }
}

/** One trace over all allocators. */
async function clockTrace(
  trace: TraceFile,
  modules: readonly { readonly given: string; readonly module: TargetModule }[],
  { effort, signal }: CompareOptions,
  step: (what: string) => void,
): Promise<readonly Runner[]> {
  const runners: Runner[] = modules.map(({ given, module }) => ({
    allocator: module.name,
    given,
    child: new Child(CLOCK_FLAGS),
    slow: false,
    failure: undefined,
    clocked: undefined,
  }));
  try {
    await inLanes(runners, async (runner) => {
      const { child, given, allocator } = runner;
      step(`${allocator} is checked`);
      await attempt(runner, async () => {
        const spec = { kind: "replay", target: given, trace: trace.path, check: true } as const;
        const job = { ...spec, limitMs: effort.limitMs };
        const { estimateMs } = await child.request<"load">({ do: "load", job }, signal);
        runner.slow = estimateMs > SLOW_REPLAY_MS;
      });
    });
    for (const runner of runners) {
      step(`${runner.allocator} is timed`);
      await attempt(runner, async () => {
        const replays = runner.slow ? 1 : effort.latencyReplays;
        runner.clocked = await runner.child.request<"clock">({ do: "clock", replays }, signal);
      });
      runner.child.end();
    }
  } catch (error) {
    if (!signal?.aborted) throw error;
  } finally {
    for (const { child } of runners) child.end();
  }
  return runners;
}

function cellOf({ allocator, clocked, failure }: Runner, trace: string): LatencyCell[] {
  if (clocked === undefined) {
    if (failure === undefined) return [];
    return [{ allocator, trace, status: "not run", reason: failure.reason, detail: failure.detail }];
  }
  const all = new Counts(clocked.all);
  return [
    {
      allocator,
      trace,
      status: "measured",
      replays: clocked.replays,
      samples: all.total,
      all: all.summary(),
      repeatable: new Counts(clocked.repeatable).summary(),
      collections: clocked.collections,
    },
  ];
}

function pool(allocator: string, told: readonly Told[], shared: readonly string[]): PooledLatency {
  const mine = told.filter((each) => each.allocator === allocator && shared.includes(each.trace));
  const all = new Counts(...mine.map(({ clocked }) => clocked.all));
  const repeatable = new Counts(...mine.map(({ clocked }) => clocked.repeatable));
  return {
    allocator,
    traces: mine.map(({ trace }) => trace),
    samples: all.total,
    all: all.summary(),
    repeatable: repeatable.summary(),
    collections: mine.reduce((sum, { clocked }) => sum + clocked.collections, 0),
    histograms: { all: all.histogram(), repeatable: repeatable.histogram() },
  };
}

/** @throws UsageError for an unknown allocator or a broken trace. */
export async function measureLatency(options: CompareOptions): Promise<Latency> {
  const { signal, progress } = options;
  const modules: { given: string; module: TargetModule }[] = [];
  for (const given of options.allocators) modules.push({ given, module: await loadTarget(given) });
  // Read here first: a broken trace is the user's mistake, not a worker's failure.
  const shared: TraceFile[] = [];
  for (const file of options.traces) {
    const trace = await openTrace(file);
    const stats = describeTrace(trace);
    if (modules.every(({ module }) => whyNot(module, trace, stats) === undefined)) shared.push(file);
  }
  const cells: LatencyCell[] = [];
  const told: Told[] = [];
  const total = shared.length * modules.length * 2;
  for (const [index, trace] of shared.entries()) {
    let done = index * modules.length * 2;
    const step = (what: string): void => progress?.(done++, total, `latency on ${trace.name}: ${what}`);
    for (const runner of await clockTrace(trace, modules, options, step)) {
      const { allocator, clocked } = runner;
      if (clocked !== undefined) told.push({ allocator, trace: trace.name, clocked });
      // A worker that Ctrl-C ended is no failure of its allocator.
      if (signal?.aborted !== true || clocked !== undefined) cells.push(...cellOf(runner, trace.name));
    }
    if (signal?.aborted) break;
  }
  const names = shared.map(({ name }) => name);
  const clock = new Counts(...told.map(({ clocked }) => clocked.clock));
  return {
    allocators: modules.map(({ module }) => comparedAllocator(module)),
    shared: names,
    pooled: modules.map(({ module }) => pool(module.name, told, names)),
    clock: {
      ...clock.summary(),
      samples: clock.total,
      grainNs: clock.grain(),
      histogram: clock.histogram(),
    },
    cells,
    complete: signal?.aborted !== true,
  };
}
