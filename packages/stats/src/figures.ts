/**
 * What is counted, as plain objects, and what each figure is: the one table that `query` and every exporter read.
 *
 * For each tag, and summed over all of them:
 *
 *     allocatedBytes - freedBytes = currentBytes <= peakBytes
 *     takenAllocatedBytes - takenFreedBytes = takenCurrentBytes <= takenPeakBytes
 *     allocations - frees = liveBlocks
 */
import type { Tag } from "@heapwright/core";

/** The figures of one tag, or of all together. Bytes and counts are exact up to 2^53. */
export interface Counters {
  /** Bytes asked for by the blocks that live. */
  readonly currentBytes: number;
  /** The most they ever were. */
  readonly peakBytes: number;
  /** Bytes ever asked for; a block that grows adds what it grows by. */
  readonly allocatedBytes: number;
  /** Bytes ever given back; a block that shrinks adds what it shrinks by. */
  readonly freedBytes: number;
  /** Bytes the live blocks take from the heap: headers, slack and what other plugins add included. */
  readonly takenCurrentBytes: number;
  readonly takenPeakBytes: number;
  readonly takenAllocatedBytes: number;
  readonly takenFreedBytes: number;
  /** Blocks ever made. A `realloc` makes none and frees none, unless it gives the block another tag. */
  readonly allocations: number;
  /** Blocks ever freed. */
  readonly frees: number;
  /** Requests that could not be served: an `alloc` or `realloc` that returned 0. */
  readonly failures: number;
  /** Blocks that live now. */
  readonly liveBlocks: number;
  /** Blocks freed before the next n allocations, with the option `shortLived: n`. */
  readonly shortLived?: number;
  /** By requested size, with the option `sizeClasses`; classes that never had a block are left out. */
  readonly sizeClasses?: readonly SizeClass[];
}

/** Blocks of more than half of `upTo` bytes and at most `upTo`. */
export interface SizeClass {
  /** A power of two, 1 … 2^32. */
  readonly upTo: number;
  /** Blocks that were made in this size. */
  readonly allocations: number;
  /** Blocks that have this size now. */
  readonly liveBlocks: number;
}

export interface TagStats extends Counters {
  /** What `alloc` takes; 0 for requests without a tag. */
  readonly tag: Tag | 0;
  /** `""` for requests without a tag. */
  readonly name: string;
}

/** All tags together, and the heap's own figures. */
export interface HeapStats extends Counters {
  /** Bytes of the heap's area. */
  readonly capacity: number;
  /** Bytes in free chunks. */
  readonly free: number;
  /** The largest of them. */
  readonly largestFree: number;
  /** Share of the free bytes that is not in the largest free chunk: 0 (one piece, or none) … 1. */
  readonly fragmentation: number;
}

/** Everything at one moment; what `toJSON()` returns and the exporters write. */
export interface StatsSnapshot {
  /** Name of the heap. */
  readonly heap: string;
  readonly totals: HeapStats;
  /** By id; requests without a tag first, if there were any. */
  readonly tags: readonly TagStats[];
}

/** Whatever has a snapshot to give: `heap.stats`, or one that was kept. */
export interface StatsSource {
  toJSON(): StatsSnapshot;
}

/** How a figure behaves: a counter never falls. */
export type FigureType = "counter" | "gauge";

/** UCUM units, as OpenTelemetry writes them. */
export type Unit = "By" | "{block}" | "{request}" | "1";

export interface Figure<Name extends string = string> {
  readonly name: Name;
  readonly type: FigureType;
  readonly unit: Unit;
  readonly description: string;
}

type NumberIn<T> = { [K in keyof T]-?: NonNullable<T[K]> extends number ? K : never }[keyof T] & string;
export type CounterName = NumberIn<Counters>;
export type HeapFigureName = Exclude<NumberIn<HeapStats>, CounterName>;

const bytes = <Name extends string>(name: Name, type: FigureType, description: string): Figure<Name> => ({
  name,
  type,
  unit: "By",
  description,
});
const blocks = <Name extends string>(name: Name, type: FigureType, description: string): Figure<Name> => ({
  name,
  type,
  unit: "{block}",
  description,
});

/** Figures of a tag, and of all tags. */
export const COUNTERS: readonly Figure<CounterName>[] = [
  bytes("currentBytes", "gauge", "Bytes asked for by the blocks that live"),
  bytes("peakBytes", "gauge", "The most bytes the live blocks ever asked for"),
  bytes("allocatedBytes", "counter", "Bytes ever asked for"),
  bytes("freedBytes", "counter", "Bytes ever given back"),
  bytes("takenCurrentBytes", "gauge", "Bytes the live blocks take, with headers and slack"),
  bytes("takenPeakBytes", "gauge", "The most bytes the live blocks ever took"),
  bytes("takenAllocatedBytes", "counter", "Bytes ever taken"),
  bytes("takenFreedBytes", "counter", "Taken bytes ever given back"),
  blocks("allocations", "counter", "Blocks ever made"),
  blocks("frees", "counter", "Blocks ever freed"),
  {
    name: "failures",
    type: "counter",
    unit: "{request}",
    description: "Requests that could not be served",
  },
  blocks("liveBlocks", "gauge", "Blocks that live"),
  blocks("shortLived", "counter", "Blocks freed soon after they were made"),
];

/** Figures only a heap has. */
export const HEAP_FIGURES: readonly Figure<HeapFigureName>[] = [
  bytes("capacity", "gauge", "Bytes of the heap's area"),
  bytes("free", "gauge", "Bytes in free chunks"),
  bytes("largestFree", "gauge", "Bytes of the largest free chunk"),
  {
    name: "fragmentation",
    type: "gauge",
    unit: "1",
    description: "Share of the free bytes that is not in the largest free chunk",
  },
];

/** How requests without a tag are called where a name must be shown. */
export const UNTAGGED = "(untagged)";
