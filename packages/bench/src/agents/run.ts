/**
 * Agents that share a heap: what several of them get done together under each stack, how often they enter the shared lock, and
 * what that lock costs one agent whom nobody hinders. Every stack with every number of threads, and the heap with and without
 * lock, has processes of its own that take turns; ratios and differences are paired by round, with bootstrap intervals over
 * processes and rounds, as for the composition costs.
 */
import { median } from "simple-statistics";
import { type Verdict, verdictOf } from "../composition/run.js";
import { type Figures, figuresOf } from "../figures.js";
import type { Failure, JobSpec, Sample } from "../protocol.js";
import type { Effort, Progress, StopSignal } from "../schedule.js";
import { runSets, type Series, stepsOf } from "../sets.js";
import { bootstrap, type Interval } from "../statistics.js";
import type { TeamRound } from "./crew.js";
import { LARSON } from "./larson.js";
import { agentStack, agentStackNames, PLAIN } from "./stacks.js";

/** Nanoseconds per operation that the lock may cost where nobody is in the way. */
export const LOCK_LIMIT = 40;
/** Times as many rounds for the lock's cost: they are short, and a disturbed one outlasts what is measured. */
const LOCK_ROUNDS = 3;
/** What two workers with a front are to get done, in what one gets done. */
export const RATIO_AIM = 1.6;
/** Enterings of the shared lock per operation, at most, with a front. */
export const ENTERED_AIM = 1 / 32;

interface Place {
  readonly stack: string;
  readonly workers: number;
}

/** A stack with so many workers. */
export type LarsonCell = Place &
  (
    | {
        readonly status: "measured";
        /** Million operations per second, of all workers together: `[process][round]`. */
        readonly processes: readonly (readonly number[])[];
        /** What the workers did: `[process][round]`. */
        readonly rounds: readonly (readonly TeamRound[])[];
        /** Median over the processes of each one's median. */
        readonly median: number;
        readonly min: number;
        readonly max: number;
        /** Throughput in that of one worker; missing where that was not measured. */
        readonly ratio?: Interval;
        /** Two workers with a front against `RATIO_AIM`, 1.6: `over` is on the wrong side of it. */
        readonly ratioVerdict?: Verdict;
        /** Enterings of the shared lock per operation. */
        readonly entered: Interval;
        /** With a front, against `ENTERED_AIM`, 1 in 32. */
        readonly enteredVerdict?: Verdict;
        /** Share of the enterings that did not get the lock at once. */
        readonly contended: number;
      }
    | ({ readonly status: "not run" } & Failure)
  );

/** What the lock costs in one workload. */
export interface LockRow {
  readonly workload: (typeof WORKLOADS)[number];
  readonly without: Figures;
  readonly with: Figures;
  /** with - without, nanoseconds per operation. */
  readonly difference: Interval;
  /** Of the fastest rounds: steadier on a disturbed machine. */
  readonly ofMinima: number;
  readonly limit: number;
  readonly verdict: Verdict;
}

export interface AgentCost {
  readonly stacks: readonly { readonly name: string; readonly about: string; readonly front: boolean }[];
  readonly workers: readonly number[];
  readonly cells: readonly LarsonCell[];
  readonly lock: readonly LockRow[];
  readonly lockFailure?: Failure;
  /** False where it was interrupted: cells and rows are missing then. */
  readonly complete: boolean;
}

export interface AgentOptions {
  readonly effort: Effort;
  /** Stacks beside the plain one; default all of the table. */
  readonly stacks?: readonly string[] | undefined;
  /** Default 1 and 2; one is always measured, for the ratio. */
  readonly workers?: readonly number[] | undefined;
  readonly progress?: Progress | undefined;
  readonly signal?: StopSignal | undefined;
}

const WORKLOADS = ["replace", "pattern"] as const;

type Table = readonly (readonly number[])[];

/** Value by value, as far as both go; processes with no pair are left out. */
function paired(one: Table, other: Table, of: (one: number, other: number) => number): number[][] {
  return one
    .slice(0, other.length)
    .map((rounds, set) => rounds.slice(0, other[set].length).map((value, k) => of(value, other[set][k])))
    .filter((values) => values.length > 0);
}

/** The aim is a least value: whether the estimate is above it. */
function reaches({ value, low, high }: Interval, aim: number): Verdict {
  return verdictOf({ value: -value, low: -high, high: -low }, -aim);
}

function teamRounds(processes: readonly (readonly Sample[])[]): TeamRound[][] {
  return processes.map((samples) =>
    samples.flatMap(({ larson: { team } }) => (team === undefined ? [] : [team])),
  );
}

const throughput = ({ operations, elapsedNs }: TeamRound): number => (1000 * operations) / elapsedNs;

/** The figures of one stack and number of workers. `one`: the throughput of one worker. */
export function larsonCell(
  place: Place,
  rounds: readonly (readonly TeamRound[])[],
  one: Table | undefined,
  front: boolean,
): LarsonCell {
  const processes = rounds.map((each) => each.map(throughput));
  const entered = bootstrap(rounds.map((each) => each.map((round) => round.entered / round.operations)));
  const sum = (of: (round: TeamRound) => number): number =>
    rounds.flat().reduce((total, round) => total + of(round), 0);
  const ratios =
    one === undefined || place.workers === 1 ? [] : paired(processes, one, (many, single) => many / single);
  const ratio = ratios.length === 0 ? undefined : bootstrap(ratios);
  return {
    ...place,
    status: "measured",
    processes,
    rounds,
    median: median(processes.map((values) => median(values))),
    min: Math.min(...processes.flat()),
    max: Math.max(...processes.flat()),
    ...(ratio && { ratio }),
    ...(ratio && front && place.workers === 2 && { ratioVerdict: reaches(ratio, RATIO_AIM) }),
    entered,
    ...(front && { enteredVerdict: verdictOf(entered, ENTERED_AIM) }),
    contended:
      sum((round) => round.contended) /
      Math.max(
        1,
        sum((round) => round.entered),
      ),
  };
}

/** @param pair without and with. */
export function lockRows(pair: readonly Pick<Series, "processes">[]): LockRow[] {
  if (pair.length < 2 || pair.some(({ processes }) => processes.length === 0)) return [];
  return WORKLOADS.map((workload) => {
    const [none, atomics] = pair.map(({ processes }) =>
      figuresOf(processes.map((samples) => samples.map((sample) => sample[workload].ns))),
    );
    const difference = bootstrap(paired(atomics.processes, none.processes, (one, other) => one - other));
    return {
      ...{ workload, without: none, with: atomics, difference, ofMinima: atomics.min - none.min },
      ...{ limit: LOCK_LIMIT, verdict: verdictOf(difference, LOCK_LIMIT) },
    };
  });
}

/** @throws UsageError for an unknown stack, before anything is measured. */
export async function measureAgents(options: AgentOptions): Promise<AgentCost> {
  const { effort, progress, signal } = options;
  const names = [...new Set([PLAIN, ...(options.stacks ?? agentStackNames)])];
  const stacks = names.map((name) => {
    const { about, front } = agentStack(name);
    return { name, about, front };
  });
  const workers = [...new Set([1, ...(options.workers ?? [2])])].sort((a, b) => a - b);
  const places = stacks.flatMap(({ name: stack }) =>
    workers.map((count): Place => ({ stack, workers: count })),
  );
  const keyOf = (place: Place): string => `${place.stack} with ${place.workers}`;

  const lockEffort = { ...effort, rounds: LOCK_ROUNDS * effort.rounds };
  const total = stepsOf(effort, places.length) + stepsOf(lockEffort, 2);
  let done = 0;
  type Jobs = ReadonlyMap<string, (set: number) => JobSpec>;
  const take = (what: string, lengths: Effort, roundMs: number, jobs: Jobs): Promise<Series[]> =>
    runSets(
      [...jobs].map(([allocator, job]) => ({ allocator, job })),
      { effort: lengths, roundMs, signal, step: (step) => progress?.(done++, total, `${what}: ${step}`) },
    );

  const teams = await take(
    "agents",
    effort,
    effort.agentsMs,
    new Map(
      places.map((place) => [
        keyOf(place),
        (set) => ({
          ...{ kind: "larson", stack: place.stack, threads: place.workers },
          ...{ shape: LARSON, check: set === 0 },
        }),
      ]),
    ),
  );
  const seriesAt = (place: Place): Series | undefined =>
    teams.find(({ allocator }) => allocator === keyOf(place));
  const cells: LarsonCell[] = [];
  for (const place of places) {
    const [series, single] = [seriesAt(place), seriesAt({ ...place, workers: 1 })];
    if (series === undefined) continue;
    const { failure } = series;
    if (failure !== undefined) {
      cells.push({ ...place, status: "not run", reason: failure.reason, detail: failure.detail });
      continue;
    }
    const one = single && teamRounds(single.processes).map((rounds) => rounds.map(throughput));
    const front = stacks.some(({ name, front: has }) => has && name === place.stack);
    cells.push(larsonCell(place, teamRounds(series.processes), one, front));
  }

  done = stepsOf(effort, places.length);
  const pair = signal?.aborted
    ? []
    : await take(
        "lock",
        lockEffort,
        effort.roundMs,
        new Map(
          [false, true].map((locked) => [locked ? "atomics" : "none", () => ({ kind: "lock", locked })]),
        ),
      );
  const failed = pair.find(({ failure }) => failure !== undefined)?.failure;
  return {
    ...{ stacks, workers, cells },
    lock: failed === undefined ? lockRows(pair) : [],
    ...(failed && { lockFailure: { reason: failed.reason, detail: failed.detail } }),
    complete: signal?.aborted !== true,
  };
}
