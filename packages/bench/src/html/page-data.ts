/** What the page's script gets to draw, as JSON in the page. */
import type { HeapMap } from "../timeline/heap-map.js";

export interface PageAllocator {
  readonly name: string;
  /** Number of its colour, from 0: the same in every plot. */
  readonly colour: number;
  /** One of this project's strategies: a solid line; the others' are dashed. */
  readonly ours: boolean;
}

/** Null where there is no figure. */
export interface Line {
  readonly allocator: PageAllocator;
  readonly values: readonly (number | null)[];
}

/** Nanoseconds per operation over numbers of live blocks. */
export interface LivePlot {
  readonly pattern: string;
  readonly counts: readonly number[];
  readonly lines: readonly Line[];
}

/** Nanoseconds that the share 1 - 10^-x of the samples does not exceed. */
export interface LatencyPlot {
  readonly x: readonly number[];
  readonly all: readonly Line[];
  readonly repeatable: readonly Line[];
  readonly clock: readonly (number | null)[];
}

/** Bytes over operations. */
export interface FootprintPlot {
  readonly trace: string;
  readonly at: readonly number[];
  readonly live: readonly number[];
  readonly lines: readonly Line[];
  /** Where the plot ends; who goes further leaves it. */
  readonly top: number;
}

export interface MapPlot extends HeapMap {
  readonly trace: string;
  readonly allocator: string;
}

/** Plots by kind; a place in the page names the kind and the index. */
export interface PageData {
  readonly live: readonly LivePlot[];
  readonly latency: readonly LatencyPlot[];
  readonly footprint: readonly FootprintPlot[];
  readonly map: readonly MapPlot[];
}

/** Colours there are; {@link colourOf} goes round. */
export const COLOURS = 10;
