/**
 * One workload over all allocators, in several sets of processes. A set has one process per allocator; they live side by
 * side and take turns, one measures at a time. The sets follow one another, so that an allocator's processes are spread
 * over the whole time and a machine that drifts hurts all alike.
 *
 * Price: starting a process, loading and warming up takes ten times as long as the rounds. It is done two at a time.
 */
import { Child, WorkerFailure } from "./child.js";
import type { Failure, JobSpec, Sample } from "./protocol.js";
import { type Effort, inLanes, type StopSignal, takeTurns } from "./schedule.js";

/** An allocator in the workload. */
export interface Entrant {
  readonly allocator: string;
  /** What the process of a set is to do; the first one checks, and finds out who is slow. */
  readonly job: (set: number) => JobSpec;
}

/** What its processes measured, or why they did not. */
export interface Series {
  readonly allocator: string;
  /** `[process][round]`; only those with at least one round. */
  readonly processes: readonly (readonly Sample[])[];
  /** Had one process and fewer rounds than the others, because it is slow. */
  readonly slow: boolean;
  readonly failure: Failure | undefined;
  readonly note: string | undefined;
}

export interface SetOptions {
  readonly effort: Effort;
  /** Milliseconds of a round. */
  readonly roundMs: number;
  readonly signal?: StopSignal | undefined;
  /** Called {@link stepsOf} times, fewer where somebody is slow or fails. */
  readonly step: (what: string) => void;
}

/** Whoever needs longer for one replay is slow, and is not warmed up further. */
const SLOW_REPLAY_MS = 250;

class Runner {
  readonly entrant: Entrant;
  readonly processes: Sample[][] = [];
  /** How many rounds it takes part in. */
  share: number;
  slow = false;
  failure: WorkerFailure | undefined;
  note: string | undefined;
  child: Child | undefined;

  constructor(entrant: Entrant, share: number) {
    this.entrant = entrant;
    this.share = share;
  }

  /** Keeps what goes wrong in one worker from ending the others. */
  async attempt(act: (child: Child) => Promise<void>): Promise<void> {
    if (this.failure !== undefined || this.child === undefined) return;
    try {
      await act(this.child);
    } catch (error) {
      if (!(error instanceof WorkerFailure)) throw error;
      this.failure = error;
      this.end();
    }
  }

  end(): void {
    this.child?.end();
    this.child = undefined;
  }
}

/** Calls of `step` at most. */
export function stepsOf({ processes, rounds }: Effort, entrants: number): number {
  return processes * (entrants + rounds);
}

async function prepare(runner: Runner, set: number, { effort, roundMs, signal }: SetOptions): Promise<void> {
  runner.child = new Child();
  runner.processes.push([]);
  await runner.attempt(async (child) => {
    const { estimateMs, note } = await child.request<"load">(
      { do: "load", job: runner.entrant.job(set) },
      signal,
    );
    runner.note ??= note;
    runner.slow ||= estimateMs > SLOW_REPLAY_MS && effort.slowMs / estimateMs < effort.rounds;
    if (runner.slow) runner.share = Math.max(1, Math.floor(effort.slowMs / estimateMs));
    else await child.request<"warm">({ do: "warm", ms: roundMs / 2, capMs: effort.warmMs }, signal);
  });
}

/** The sets of one workload, as many at a time as are asked for. */
export class SetRun {
  readonly #runners: readonly Runner[];
  readonly #options: SetOptions;
  #set = 0;

  constructor(entrants: readonly Entrant[], options: SetOptions) {
    this.#runners = entrants.map((entrant) => new Runner(entrant, options.effort.rounds));
    this.#options = options;
  }

  /** Measures so many sets more. Interrupted, it returns early. */
  async run(count: number): Promise<void> {
    try {
      for (let i = 0; i < count; i++) await this.#runSet(this.#set++);
    } catch (error) {
      if (!this.#options.signal?.aborted) throw error;
    } finally {
      for (const runner of this.#runners) runner.end();
    }
  }

  async #runSet(set: number): Promise<void> {
    const { effort, roundMs, signal, step } = this.#options;
    const members = this.#runners.filter(({ slow, failure }) => failure === undefined && !(set > 0 && slow));
    const where = `process ${set + 1} of ${effort.processes}`;
    await inLanes(members, async (runner) => {
      step(`${where}: ${runner.entrant.allocator} warms up`);
      await prepare(runner, set, this.#options);
    });
    await takeTurns(members, effort.rounds, async (runner, round) => {
      if (runner === members[round % members.length])
        step(`${where}: round ${round + 1} of ${effort.rounds}`);
      if (round >= runner.share) return;
      await runner.attempt(async (child) => {
        const sample = await child.request<"round">({ do: "round", ms: roundMs }, signal);
        runner.processes[set].push(sample);
      });
    });
    for (const runner of members) runner.end();
  }

  /** What was measured; interrupted, what has at least one round. */
  series(): Series[] {
    const interrupted = this.#options.signal?.aborted === true;
    return this.#runners.map((runner) => seriesOf(runner, interrupted)).filter(isTold);
  }
}

/** Measures the workload. Interrupted, it returns what has at least one round. */
export async function runSets(entrants: readonly Entrant[], options: SetOptions): Promise<Series[]> {
  const sets = new SetRun(entrants, options);
  await sets.run(options.effort.processes);
  return sets.series();
}

function seriesOf({ entrant, processes, slow, failure, note }: Runner, interrupted: boolean): Series {
  return {
    allocator: entrant.allocator,
    processes: processes.filter((rounds) => rounds.length > 0),
    slow,
    // Ctrl-C may have ended a worker that was just starting: that is no failure of its allocator.
    failure: interrupted && failure?.reason === "crashed" ? undefined : failure,
    note,
  };
}

/** Interrupted before its first round, there is nothing to tell of it. */
function isTold({ processes, failure }: Series): boolean {
  return processes.length > 0 || failure !== undefined;
}
