/**
 * How long to measure, and in which order. Workers take turns round by round, each round beginning with another
 * one, so that a machine that drifts, or is disturbed, hurts all alike.
 */

/** The lengths of one form of the main job. */
export interface Effort {
  /** Processes per allocator and workload, one after the other; slow allocators get one. */
  readonly processes: number;
  /**
   * All traces again for each of the processes, else all processes of one trace and then the next: what disturbs the machine for
   * some seconds then hits a process or two of every trace, not all processes of one.
   */
  readonly spread?: true;
  /** Rounds in each process. */
  readonly rounds: number;
  /** A round repeats the trace until so much is timed. */
  readonly roundMs: number;
  /** Warm-up at most, per process. */
  readonly warmMs: number;
  /** An allocator whose one checked replay takes longer is too slow. */
  readonly limitMs: number;
  /** A slow one gets as many rounds as fit in this, but one at least. */
  readonly slowMs: number;
  /** Numbers of live blocks, ascending. */
  readonly liveCounts: readonly number[];
  /** Processes per allocator and number of live blocks. */
  readonly liveProcesses: number;
  /** A round of random replace, per pattern. */
  readonly liveRoundMs: number;
  /** Bringing a heap into its steady state takes no longer, or than 10 µs per block. */
  readonly liveSteadyMs: number;
  /** Replays in which every operation is timed alone. */
  readonly latencyReplays: number;
  /** The search for the smallest region of one allocator and trace takes no longer. */
  readonly spaceMs: number;
  /** Sets of processes for the composition costs, and rounds in each. */
  readonly sets: number;
  readonly setRounds: number;
  readonly setRoundMs: number;
  /** No further set is begun after this, however many there are (two at least): a busy machine gets wider intervals. */
  readonly setsMs: number;
  /** A round of agents that share a heap. */
  readonly agentsMs: number;
}

export const EFFORTS: { readonly [form in "quick" | "default" | "ci" | "full"]: Effort } = {
  quick: {
    processes: 2,
    rounds: 2,
    roundMs: 10,
    warmMs: 100,
    limitMs: 1000,
    slowMs: 300,
    liveCounts: [100, 1000],
    liveProcesses: 1,
    liveRoundMs: 10,
    liveSteadyMs: 1000,
    latencyReplays: 2,
    spaceMs: 3000,
    sets: 2,
    setRounds: 5,
    setRoundMs: 18,
    setsMs: 8000,
    agentsMs: 50,
  },
  default: {
    processes: 3,
    rounds: 3,
    roundMs: 10,
    warmMs: 120,
    limitMs: 500,
    slowMs: 500,
    liveCounts: [100, 1000, 10_000, 100_000],
    liveProcesses: 1,
    liveRoundMs: 10,
    liveSteadyMs: 500,
    latencyReplays: 3,
    spaceMs: 1200,
    sets: 4,
    setRounds: 4,
    setRoundMs: 24,
    setsMs: 8000,
    agentsMs: 150,
  },
  /**
   * For `compare`: many processes, whose fastest of many short rounds a disturbed machine moves least; and patience, because a machine that
   * stands still for a moment makes nobody slow.
   */
  ci: {
    processes: 12,
    spread: true,
    rounds: 10,
    roundMs: 5,
    warmMs: 200,
    limitMs: 20_000,
    slowMs: 100_000,
    liveCounts: [100, 1000, 10_000],
    liveProcesses: 5,
    liveRoundMs: 12,
    liveSteadyMs: 600,
    latencyReplays: 4,
    spaceMs: 1500,
    sets: 5,
    setRounds: 4,
    setRoundMs: 24,
    setsMs: 8000,
    agentsMs: 150,
  },
  full: {
    processes: 7,
    rounds: 7,
    roundMs: 50,
    warmMs: 600,
    limitMs: 30_000,
    slowMs: 20_000,
    liveCounts: [100, 1000, 10_000, 100_000, 1_000_000],
    liveProcesses: 5,
    liveRoundMs: 25,
    liveSteadyMs: 15_000,
    latencyReplays: 20,
    spaceMs: 60_000,
    sets: 40,
    setRounds: 8,
    setRoundMs: 30,
    setsMs: 120_000,
    agentsMs: 500,
  },
};

/** What an `AbortSignal` offers; named by its shape, so that this package's types need neither Node's nor the DOM's. */
export interface StopSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** Called as work goes on; `done` of `total` steps. */
export type Progress = (done: number, total: number, what: string) => void;

/** Everybody once per round, each round beginning with the next one. */
export async function takeTurns<Worker>(
  workers: readonly Worker[],
  roundCount: number,
  turn: (worker: Worker, round: number) => Promise<void>,
): Promise<void> {
  for (let round = 0; round < roundCount; round++) {
    for (let k = 0; k < workers.length; k++) await turn(workers[(round + k) % workers.length], round);
  }
}

/** Starting and warming up, which nothing is measured in, is done for two at a time; more would be slower on two cores. */
const LANES = 2;

/** `act` for every item, two at a time. Rejects with the first error once nothing is under way. */
export async function inLanes<Item>(
  items: readonly Item[],
  act: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = [...items];
  const lane = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await act(item);
  };
  const ends = await Promise.allSettled(Array.from({ length: LANES }, lane));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}
