/** Ratios to the reference allocator and their geometric means: what the table says besides nanoseconds. */
import type { Cell, Comparison, Measured } from "./compare.js";
import { geometricMean } from "./statistics.js";
import { REFERENCE } from "./targets/index.js";

export interface Ratio {
  readonly allocator: string;
  readonly trace: string;
  /** Of the medians. */
  readonly ofMedians: number;
  /** Of the fastest rounds: steadier on a disturbed machine. */
  readonly ofMinima: number;
}

/** The mean over `traces`, which are named: another set of traces is another figure. */
export interface Mean {
  readonly allocator: string;
  readonly traces: readonly string[];
  readonly ofMedians: number;
  readonly ofMinima: number;
}

export interface Summary {
  /** Everything is divided by this allocator's figure. */
  readonly reference: string;
  readonly ratios: readonly Ratio[];
  /** Over the traces that every compared allocator ran. */
  readonly common: readonly Mean[];
  /** Over the traces that the allocator and the reference ran. */
  readonly own: readonly Mean[];
}

export function measuredCell(cells: readonly Cell[], allocator: string, trace: string): Measured | undefined {
  const cell = cells.find((each) => each.allocator === allocator && each.trace === trace);
  return cell?.status === "measured" ? cell : undefined;
}

function meanOf(allocator: string, ratios: readonly Ratio[]): Mean {
  return {
    allocator,
    traces: ratios.map(({ trace }) => trace),
    ofMedians: geometricMean(ratios.map(({ ofMedians }) => ofMedians)),
    ofMinima: geometricMean(ratios.map(({ ofMinima }) => ofMinima)),
  };
}

/** The reference is dlmalloc, or the first allocator where dlmalloc was not asked for. */
export function summarize({ allocators, traces, cells }: Comparison): Summary {
  const names = allocators.map(({ name }) => name);
  const reference = names.includes(REFERENCE) ? REFERENCE : names[0];
  const ratios: Ratio[] = [];
  for (const { name: trace } of traces) {
    const base = measuredCell(cells, reference, trace);
    for (const allocator of names) {
      const cell = measuredCell(cells, allocator, trace);
      if (base === undefined || cell === undefined) continue;
      ratios.push({ allocator, trace, ofMedians: cell.median / base.median, ofMinima: cell.min / base.min });
    }
  }
  const of = (allocator: string): Ratio[] => ratios.filter((ratio) => ratio.allocator === allocator);
  const ranByAll = (trace: string): boolean =>
    names.every((name) => of(name).some((ratio) => ratio.trace === trace));
  return {
    reference,
    ratios,
    common: names.map((name) =>
      meanOf(
        name,
        of(name).filter(({ trace }) => ranByAll(trace)),
      ),
    ),
    own: names.map((name) => meanOf(name, of(name))),
  };
}
