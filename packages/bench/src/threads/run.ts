/**
 * Traces of several threads on a shared heap: what their threads get done together, and what one thread that does everything gets done, under
 * each stack. Every stack, workload and number of threads has processes of its own that take turns; ratios are paired by round.
 */
import { median } from "simple-statistics";
import type { TeamRound } from "../agents/crew.js";
import { agentStack, agentStackNames, PLAIN } from "../agents/stacks.js";
import { UsageError } from "../errors.js";
import type { Failure } from "../protocol.js";
import type { Effort, Progress, StopSignal } from "../schedule.js";
import { runSets, type Series, stepsOf } from "../sets.js";
import { bootstrap, type Interval } from "../statistics.js";
import type { Trace } from "../trace.js";
import { findTraces, openTrace, type TraceFile } from "../traces.js";
import { WORKLOADS, workloadNames } from "../workloads/index.js";

interface Place {
  readonly trace: string;
  readonly stack: string;
  readonly threads: number;
}

export type ThreadsCell = Place &
  (
    | {
        readonly status: "measured";
        /** Million operations per second, of all threads together: `[process][round]`. */
        readonly processes: readonly (readonly number[])[];
        /** Median over the processes of each one's median. */
        readonly median: number;
        readonly min: number;
        readonly max: number;
        /** Throughput in that of one thread that does everything; missing for that one. */
        readonly ratio?: Interval;
        /** Enterings of the shared lock per operation. */
        readonly entered: number;
        /** Share of the enterings that did not get the lock at once. */
        readonly contended: number;
      }
    | ({ readonly status: "not run" } & Failure)
  );

export interface ThreadsCost {
  readonly stacks: readonly { readonly name: string; readonly about: string }[];
  readonly traces: readonly {
    readonly name: string;
    readonly threads: number;
    readonly operations: number;
  }[];
  readonly cells: readonly ThreadsCell[];
  /** False where it was interrupted: cells are missing then. */
  readonly complete: boolean;
}

export interface ThreadsOptions {
  readonly effort: Effort;
  /** Those with one thread are left out; if none is left, the classic ones are taken. */
  readonly traces: readonly TraceFile[];
  /** Default all of the table of stacks for agents. */
  readonly stacks?: readonly string[] | undefined;
  readonly progress?: Progress | undefined;
  readonly signal?: StopSignal | undefined;
}

/** How many threads a trace has: one more than its highest. */
export function threadsOf({ threads }: Trace): number {
  return 1 + threads.reduce((most, thread) => Math.max(most, thread), 0);
}

/** More workers than this are not started, whatever a trace says. */
export const MOST_THREADS = 64;

async function severalThreaded(files: readonly TraceFile[]): Promise<(TraceFile & { trace: Trace })[]> {
  const found = [];
  for (const file of files) {
    const trace = await openTrace(file);
    if (threadsOf(trace) > 1) found.push({ ...file, trace });
  }
  return found;
}

const throughput = ({ operations, elapsedNs }: TeamRound): number => (1000 * operations) / elapsedNs;

/** The figures of one stack with one workload. `one`: the rounds of the thread that does everything. */
export function threadsCell(
  place: Place,
  rounds: readonly (readonly TeamRound[])[],
  one?: readonly (readonly TeamRound[])[],
): ThreadsCell {
  const processes = rounds.map((each) => each.map(throughput));
  const all = rounds.flat();
  const entered = all.reduce((sum, round) => sum + round.entered, 0);
  const operations = all.reduce((sum, round) => sum + round.operations, 0);
  const ratios = (one ?? [])
    .slice(0, processes.length)
    .map((each, set) =>
      each.slice(0, processes[set].length).map((round, k) => processes[set][k] / throughput(round)),
    )
    .filter(({ length }) => length > 0);
  return {
    ...place,
    status: "measured",
    processes,
    median: median(processes.map((values) => median(values))),
    min: Math.min(...processes.flat()),
    max: Math.max(...processes.flat()),
    ...(ratios.length > 0 && { ratio: bootstrap(ratios) }),
    entered: entered / operations,
    contended: all.reduce((sum, round) => sum + round.contended, 0) / Math.max(1, entered),
  };
}

/** @throws UsageError for an unknown stack, before anything is measured. */
export async function measureThreads(options: ThreadsOptions): Promise<ThreadsCost> {
  const { effort, progress, signal } = options;
  const names = [...new Set(options.stacks ?? [PLAIN, ...agentStackNames])];
  const stacks = names.map((name) => ({ name, about: agentStack(name).about }));
  let traces = await severalThreaded(options.traces);
  if (traces.length === 0)
    traces = await severalThreaded(findTraces(workloadNames.filter((name) => WORKLOADS[name].threads)));
  for (const { name, trace } of traces)
    if (threadsOf(trace) > MOST_THREADS)
      throw new UsageError(`${name} has ${threadsOf(trace)} threads: at most ${MOST_THREADS} can be started`);

  const share = stepsOf(effort, 2 * names.length);
  const cells: ThreadsCell[] = [];
  for (const [index, { name, path, trace }] of traces.entries()) {
    let done = index * share;
    const places = names.flatMap((stack) =>
      [1, threadsOf(trace)].map((threads): Place => ({ trace: name, stack, threads })),
    );
    const keyOf = ({ stack, threads }: Place): string => `${stack} with ${threads}`;
    const series = await runSets(
      places.map((place) => ({
        allocator: keyOf(place),
        job: (set) => ({
          ...{ kind: "threads", stack: place.stack, threads: place.threads },
          ...{ trace: path, check: set === 0 },
        }),
      })),
      {
        ...{ effort, roundMs: effort.agentsMs / 2, signal },
        step: (what) => progress?.(done++, traces.length * share, `${name} with threads: ${what}`),
      },
    );
    const roundsAt = (place: Place): TeamRound[][] | undefined => {
      const own = series.find(({ allocator }: Series) => allocator === keyOf(place));
      return own?.failure
        ? undefined
        : own?.processes.map((samples) =>
            samples.flatMap(({ threads: { team } }) => (team === undefined ? [] : [team])),
          );
    };
    for (const place of places) {
      const failure = series.find(({ allocator }) => allocator === keyOf(place))?.failure;
      const rounds = roundsAt(place);
      if (failure !== undefined)
        cells.push({ ...place, status: "not run", reason: failure.reason, detail: failure.detail });
      else if (rounds !== undefined && rounds.length > 0)
        cells.push(
          threadsCell(place, rounds, place.threads === 1 ? undefined : roundsAt({ ...place, threads: 1 })),
        );
    }
    if (signal?.aborted) break;
  }
  return {
    stacks,
    traces: traces.map(({ name, trace }) => ({ name, threads: threadsOf(trace), operations: trace.length })),
    cells,
    complete: signal?.aborted !== true,
  };
}
