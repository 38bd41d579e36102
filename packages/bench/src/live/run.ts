/** Cost against live blocks: every allocator, every number of blocks, in processes of their own that take turns. */
import type { ComparedAllocator, CompareOptions } from "../compare.js";
import { comparedAllocator } from "../compare.js";
import { type Figures, figuresOf, type RatioPair, ratioOf } from "../figures.js";
import type { LiveSpec } from "../protocol.js";
import { runSets, type Series, stepsOf } from "../sets.js";
import { referenceOf } from "../summary.js";
import { loadTarget } from "../targets/index.js";
import type { TargetModule } from "../targets/target.js";

export const PATTERNS = ["learned", "random"] as const;
export type Pattern = (typeof PATTERNS)[number];

/** An allocator with so many blocks: its figures, or why there are none. */
export type LiveCell =
  | (Figures & {
      readonly allocator: string;
      readonly blocks: number;
      readonly pattern: Pattern;
      readonly status: "measured";
      /** Had one process and fewer rounds than the others, because it is slow. */
      readonly slow: boolean;
      readonly note?: string;
      /** To the reference with as many blocks; not where the reference has no figure. */
      readonly ratio?: RatioPair;
    })
  | {
      readonly allocator: string;
      readonly blocks: number;
      readonly pattern: Pattern;
      readonly status: "not run";
      readonly reason: string;
      readonly detail: string;
    };

/** How many times as long an operation takes with many blocks as with 1000. */
export interface Growth extends RatioPair {
  readonly allocator: string;
  readonly pattern: Pattern;
  readonly from: number;
  readonly to: number;
}

export interface LiveCost {
  readonly allocators: readonly ComparedAllocator[];
  /** Those that never reuse memory: nothing can be replaced for ever in them. */
  readonly left: readonly string[];
  readonly reference: string;
  readonly counts: readonly number[];
  readonly cells: readonly LiveCell[];
  readonly growth: readonly Growth[];
  /** False where it was interrupted: cells are missing then. */
  readonly complete: boolean;
}

export interface LiveOptions extends Omit<CompareOptions, "traces"> {}

/** Milliseconds for a block, at least, on the way to the steady state: ten times what touching its pages first takes. */
const STEADY_MS = 0.01;

/** Where growth is counted from. */
const GROWTH_FROM = 1000;

function cellsOf({ allocator, processes, slow, failure, note }: Series, blocks: number): LiveCell[] {
  return PATTERNS.map((pattern) => {
    const place = { allocator, blocks, pattern };
    if (failure !== undefined) {
      return { ...place, status: "not run", reason: failure.reason, detail: failure.detail };
    }
    const rounds = processes.map((samples) => samples.map((sample) => sample[pattern].ns));
    return {
      ...place,
      status: "measured",
      ...figuresOf(rounds),
      slow,
      ...(note === undefined ? {} : { note }),
    };
  });
}

function withRatio(cell: LiveCell, cells: readonly LiveCell[], reference: string): LiveCell {
  const base = cells.find(
    (each) => each.allocator === reference && each.blocks === cell.blocks && each.pattern === cell.pattern,
  );
  if (cell.status !== "measured" || base?.status !== "measured") return cell;
  return { ...cell, ratio: ratioOf(cell, base) };
}

function growthOf(cells: readonly LiveCell[], names: readonly string[], to: number): Growth[] {
  if (to <= GROWTH_FROM) return [];
  return PATTERNS.flatMap((pattern) =>
    names.flatMap((allocator) => {
      const at = (blocks: number): LiveCell | undefined =>
        cells.find(
          (cell) => cell.allocator === allocator && cell.blocks === blocks && cell.pattern === pattern,
        );
      const [large, small] = [at(to), at(GROWTH_FROM)];
      if (large?.status !== "measured" || small?.status !== "measured") return [];
      return [{ allocator, pattern, from: GROWTH_FROM, to, ...ratioOf(large, small) }];
    }),
  );
}

/** @throws UsageError for an unknown allocator, before anything is measured. */
export async function measureLive(options: LiveOptions): Promise<LiveCost> {
  const { signal, progress } = options;
  const effort = { ...options.effort, processes: options.effort.liveProcesses };
  const all: { given: string; module: TargetModule }[] = [];
  for (const given of options.allocators) all.push({ given, module: await loadTarget(given) });
  const taking = all.filter(({ module }) => module.reuses !== false);
  const names = taking.map(({ module }) => module.name);
  const counts = [...effort.liveCounts].sort((a, b) => a - b);

  const cells: LiveCell[] = [];
  /** Too slow for fewer blocks, and so for more. */
  const slower = new Map<string, Series>();
  const share = stepsOf(effort, taking.length);
  for (const [index, blocks] of counts.entries()) {
    const limitMs = Math.max(effort.liveSteadyMs, blocks * STEADY_MS);
    let done = index * share;
    const series = await runSets(
      taking
        .filter(({ module }) => !slower.has(module.name))
        .map(({ given, module }) => {
          const job: LiveSpec = { kind: "live", target: given, blocks, limitMs };
          return { allocator: module.name, job: () => job };
        }),
      {
        effort,
        roundMs: effort.liveRoundMs,
        signal,
        step: (what) => progress?.(done++, counts.length * share, `${blocks} live blocks: ${what}`),
      },
    );
    for (const each of [...series, ...slower.values()]) cells.push(...cellsOf(each, blocks));
    for (const each of series) {
      if (each.failure?.reason.startsWith("too slow")) {
        const detail = `as with ${blocks} blocks`;
        slower.set(each.allocator, { ...each, failure: { reason: each.failure.reason, detail } });
      }
    }
    if (signal?.aborted) break;
  }
  const reference = referenceOf(names);
  return {
    allocators: taking.map(({ module }) => comparedAllocator(module)),
    left: all.filter(({ module }) => module.reuses === false).map(({ module }) => module.name),
    reference,
    counts,
    cells: cells.map((cell) => withRatio(cell, cells, reference)),
    growth: growthOf(cells, names, counts[counts.length - 1]),
    complete: signal?.aborted !== true,
  };
}
