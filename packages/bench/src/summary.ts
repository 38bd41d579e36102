/** Ratios to the reference allocator and their geometric means: what the table says besides nanoseconds. */
import type { Cell, Comparison, Measured } from "./compare.js";
import { type RatioPair, ratioOf } from "./figures.js";
import { geometricMean } from "./statistics.js";
import { REFERENCE } from "./targets/index.js";

export interface Ratio extends RatioPair {
  readonly allocator: string;
  readonly trace: string;
}

/** The mean over `traces`, which are named: another set of traces is another figure. */
export interface Mean extends RatioPair {
  readonly allocator: string;
  readonly traces: readonly string[];
}

export interface Summary {
  /** Everything is divided by this allocator's figure. */
  readonly reference: string;
  readonly ratios: readonly Ratio[];
  /** Traces that every compared allocator can run; some may have been too slow. */
  readonly shared: readonly string[];
  /** Over all of these; over none for an allocator that was too slow for one. */
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
export function referenceOf(names: readonly string[]): string {
  return names.includes(REFERENCE) ? REFERENCE : names[0];
}

export function summarize({ allocators, traces, cells }: Comparison): Summary {
  const names = allocators.map(({ name }) => name);
  const reference = referenceOf(names);
  const ratios: Ratio[] = [];
  for (const { name: trace } of traces) {
    const base = measuredCell(cells, reference, trace);
    for (const allocator of names) {
      const cell = measuredCell(cells, allocator, trace);
      if (base === undefined || cell === undefined) continue;
      ratios.push({ allocator, trace, ...ratioOf(cell, base) });
    }
  }
  const of = (allocator: string): Ratio[] => ratios.filter((ratio) => ratio.allocator === allocator);
  /** Whether everybody can, if not in time. */
  const canAll = (trace: string): boolean =>
    names.every((name) => {
      const cell = cells.find((each) => each.allocator === name && each.trace === trace);
      return cell?.status === "measured" || cell?.reason.startsWith("too slow");
    }) && measuredCell(cells, reference, trace) !== undefined;
  const shared = traces.map(({ name }) => name).filter(canAll);
  const common = (name: string): Mean => {
    const mine = of(name).filter(({ trace }) => shared.includes(trace));
    return meanOf(name, mine.length === shared.length ? mine : []);
  };
  return {
    reference,
    ratios,
    shared,
    common: names.map(common),
    own: names.map((name) => meanOf(name, of(name))),
  };
}
