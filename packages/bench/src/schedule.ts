/**
 * How long to measure, and in which order. Workers take turns round by round, each round beginning with another
 * one, so that a machine that drifts, or is disturbed, hurts all alike.
 */

/** The lengths of one form of the main job. */
export interface Effort {
  /** Rounds per allocator and trace. */
  readonly rounds: number;
  /** A round repeats the trace until so much is timed. */
  readonly roundMs: number;
  /** Warm-up at most. */
  readonly warmMs: number;
  /** An allocator whose one checked replay takes longer is too slow. */
  readonly limitMs: number;
  /** A slow one gets as many rounds as fit in this, but one at least. */
  readonly slowMs: number;
  /** Sets of processes for the composition costs, and rounds in each. */
  readonly sets: number;
  readonly setRounds: number;
  readonly setRoundMs: number;
  /** No further set is begun after this, however many there are (two at least): a busy machine gets wider intervals. */
  readonly setsMs: number;
}

export const EFFORTS = {
  quick: {
    rounds: 3,
    roundMs: 15,
    warmMs: 100,
    limitMs: 1000,
    slowMs: 300,
    sets: 2,
    setRounds: 5,
    setRoundMs: 18,
    setsMs: 8000,
  },
  default: {
    rounds: 7,
    roundMs: 40,
    warmMs: 300,
    limitMs: 3000,
    slowMs: 800,
    sets: 12,
    setRounds: 4,
    setRoundMs: 24,
    setsMs: 20_000,
  },
  full: {
    rounds: 25,
    roundMs: 60,
    warmMs: 600,
    limitMs: 30_000,
    slowMs: 20_000,
    sets: 40,
    setRounds: 8,
    setRoundMs: 30,
    setsMs: 120_000,
  },
} as const satisfies { readonly [form: string]: Effort };

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
