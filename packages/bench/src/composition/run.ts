/**
 * What composing costs: paired differences between the bare strategy, the heap with no plugin and the heap with a no-op
 * layer, in fresh processes and in processes that have run five other stacks.
 *
 * Every stack has its own processes, because code shared by two stacks in one process is what the crowd rows are
 * about. Two processes of the same code differ by a nanosecond or two, so there are several sets of them, and the
 * confidence interval is drawn over sets first, over rounds within a set second.
 */
import { median } from "simple-statistics";
import { Child, WorkerFailure } from "../child.js";
import type { Stack } from "../protocol.js";
import { type Effort, inLanes, type Progress, type StopSignal, takeTurns } from "../schedule.js";
import { bootstrap, type Interval } from "../statistics.js";
import type { TraceFile } from "../traces.js";

export type Workload = "pattern" | "trace";

/** One difference. */
export interface CompositionRow {
  readonly what: string;
  /** "pattern", or the trace's name. */
  readonly workload: string;
  /** In processes that had run five other stacks. */
  readonly crowded: boolean;
  readonly unit: "operation" | "alloc+free pair";
  /** Nanoseconds per unit, medians. */
  readonly base: number;
  readonly other: number;
  /** other - base: median over sets of the median paired difference, with its 95 % interval. */
  readonly difference: Interval;
  /** What it may cost. */
  readonly limit: number;
  readonly verdict: "within" | "over" | "unsure";
}

export interface Composition {
  readonly rows: readonly CompositionRow[];
  /** Set when the stacks could not be run. */
  readonly failure?: string;
  readonly complete: boolean;
}

export interface CompositionOptions {
  readonly trace: TraceFile;
  readonly effort: Effort;
  readonly progress?: Progress;
  readonly signal?: StopSignal;
}

const STACKS: readonly Stack[] = ["bare", "heap", "layer"];

/** Nanoseconds per pair: `[set][round]`. */
type Series = number[][];
const keyOf = (stack: Stack, crowded: boolean, workload: Workload): string =>
  `${stack} ${crowded} ${workload}`;

export type Verdict = CompositionRow["verdict"];

/** Whether what is estimated is at most `limit`; unsure where the interval holds the limit. */
export function verdictOf({ low, high }: Interval, limit: number): Verdict {
  if (high <= limit) return "within";
  return low > limit ? "over" : "unsure";
}

function rowsOf(series: ReadonlyMap<string, Series>, traceName: string): CompositionRow[] {
  const rows: CompositionRow[] = [];
  const compared = [
    {
      what: "plain heap - bare strategy",
      from: "bare",
      to: "heap",
      unit: "operation",
      perPair: 2,
      limit: 1,
    },
    {
      what: "no-op layer - plain heap",
      from: "heap",
      to: "layer",
      unit: "alloc+free pair",
      perPair: 1,
      limit: 2,
    },
  ] as const;
  for (const crowded of [false, true]) {
    for (const { what, from, to, unit, perPair, limit } of compared) {
      for (const workload of ["pattern", "trace"] as const) {
        const base = series.get(keyOf(from, crowded, workload)) ?? [];
        const other = series.get(keyOf(to, crowded, workload)) ?? [];
        if (base.length === 0 || other.length !== base.length) continue;
        const difference = bootstrap(
          base.map((values, set) => values.map((value, round) => (other[set][round] - value) / perPair)),
        );
        rows.push({
          what,
          workload: workload === "trace" ? traceName : workload,
          crowded,
          unit,
          base: median(base.flat()) / perPair,
          other: median(other.flat()) / perPair,
          difference,
          limit,
          verdict: verdictOf(difference, limit),
        });
      }
    }
  }
  return rows;
}

/** Fewer would say nothing about how processes differ. */
const LEAST_SETS = 2;

/** Measures one set: six processes, in turns. */
async function measureSet(
  { trace, effort, signal }: CompositionOptions,
  step: (what: string) => void,
): Promise<Map<string, number[]>> {
  const members = [false, true].flatMap((crowded) =>
    STACKS.map((stack) => ({ stack, crowded, child: new Child() })),
  );
  const values = new Map<string, number[]>();
  const keep = (key: string, value: number): void => {
    const list = values.get(key);
    if (list === undefined) values.set(key, [value]);
    else list.push(value);
  };
  try {
    await inLanes(members, async ({ stack, crowded, child }) => {
      step("composition costs");
      const job = { kind: "composition", stack, crowded, trace: trace.path } as const;
      await child.request<"load">({ do: "load", job }, signal);
      await child.request<"warm">({ do: "warm", ms: effort.setRoundMs, capMs: effort.warmMs }, signal);
    });
    await takeTurns(members, effort.setRounds, async ({ stack, crowded, child }) => {
      const { pattern, trace: traced } = await child.request<"round">(
        { do: "round", ms: effort.setRoundMs },
        signal,
      );
      keep(keyOf(stack, crowded, "pattern"), pattern.ns);
      keep(keyOf(stack, crowded, "trace"), traced.ns);
    });
  } finally {
    for (const { child } of members) child.end();
  }
  return values;
}

export async function measureComposition(options: CompositionOptions): Promise<Composition> {
  const { trace, effort, progress, signal } = options;
  const series = new Map<string, Series>();
  const total = effort.sets * STACKS.length * 2;
  let done = 0;
  try {
    const start = performance.now();
    for (
      let set = 0;
      set < effort.sets && (set < LEAST_SETS || performance.now() - start < effort.setsMs);
      set++
    ) {
      const values = await measureSet(options, (what) => progress?.(done++, total, what));
      for (const [key, list] of values) series.set(key, [...(series.get(key) ?? []), list]);
    }
  } catch (error) {
    const rows = rowsOf(series, trace.name);
    if (error instanceof WorkerFailure) return { rows, failure: error.message, complete: false };
    if (!signal?.aborted) throw error;
    return { rows, complete: false };
  }
  return { rows: rowsOf(series, trace.name), complete: true };
}
