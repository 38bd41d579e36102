/**
 * What several processes measured, in a few figures. Two processes of the same code differ by more than two rounds of one,
 * so the median is taken in each process first and over the processes second; the minimum is that of all rounds, which a
 * disturbed machine moves least.
 */
import { median } from "simple-statistics";
import { spreadPercent } from "./statistics.js";

export interface Figures {
  /** Nanoseconds per operation: `[process][round]`. */
  readonly processes: readonly (readonly number[])[];
  /** Median over the processes of each one's median. */
  readonly median: number;
  /** The fastest round of all. */
  readonly min: number;
  /** Half the interquartile range of the processes' medians, in percent of their median; of the rounds of a single process. */
  readonly spreadPercent: number;
}

/** @param processes at least one, each with at least one round. */
export function figuresOf(processes: readonly (readonly number[])[]): Figures {
  const medians = processes.map((rounds) => median([...rounds]));
  return {
    processes,
    median: median(medians),
    min: Math.min(...processes.flat()),
    spreadPercent: spreadPercent(processes.length === 1 ? processes[0] : medians),
  };
}

/** Of an allocator's figures to the reference's. */
export interface RatioPair {
  /** Of the medians. */
  readonly ofMedians: number;
  /** Of the fastest rounds: steadier on a disturbed machine. */
  readonly ofMinima: number;
}

export function ratioOf(figures: Figures, base: Figures): RatioPair {
  return { ofMedians: figures.median / base.median, ofMinima: figures.min / base.min };
}
