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
  /** Its name in Prometheus, after `heapwright_`. */
  readonly prometheus: string;
  /** Its name in OpenTelemetry, after `heapwright.`. */
  readonly opentelemetry: string;
  /** Whether it may be summed over tags and heaps: a peak may not, for they are not reached together. */
  readonly sums: boolean;
}

type NumberIn<T> = { [K in keyof T]-?: NonNullable<T[K]> extends number ? K : never }[keyof T] & string;
export type CounterName = NumberIn<Counters>;
export type HeapFigureName = Exclude<NumberIn<HeapStats>, CounterName>;
export type SizeClassFigureName = Exclude<NumberIn<SizeClass>, "upTo">;

const figureOf =
  (unit: Unit, sums = true) =>
  <Name extends string>(
    name: Name,
    type: FigureType,
    prometheus: string,
    opentelemetry: string,
    description: string,
  ): Figure<Name> => ({ name, type, unit, description, prometheus, opentelemetry, sums });
const bytes = figureOf("By");
const mostBytes = figureOf("By", false);
const blocks = figureOf("{block}");
const requests = figureOf("{request}");
const share = figureOf("1", false);

// The lines are a table: name, type, Prometheus, OpenTelemetry, description.
// biome-ignore format: a table
/** Figures of a tag, and of all tags. */
export const COUNTERS: readonly Figure<CounterName>[] = [
  bytes("currentBytes", "gauge", "used_bytes", "memory.used", "Bytes asked for by the blocks that live"),
  mostBytes("peakBytes", "gauge", "peak_bytes", "memory.peak", "The most bytes the live blocks ever asked for"),
  bytes("allocatedBytes", "counter", "allocated_bytes_total", "memory.allocated", "Bytes ever asked for"),
  bytes("freedBytes", "counter", "freed_bytes_total", "memory.freed", "Bytes ever given back"),
  bytes("takenCurrentBytes", "gauge", "taken_bytes", "memory.taken", "Bytes the live blocks take, with headers and slack"),
  mostBytes("takenPeakBytes", "gauge", "taken_peak_bytes", "memory.taken_peak", "The most bytes the live blocks ever took"),
  bytes("takenAllocatedBytes", "counter", "taken_allocated_bytes_total", "memory.taken_allocated", "Bytes ever taken"),
  bytes("takenFreedBytes", "counter", "taken_freed_bytes_total", "memory.taken_freed", "Taken bytes ever given back"),
  blocks("allocations", "counter", "allocations_total", "allocations", "Blocks ever made"),
  blocks("frees", "counter", "frees_total", "frees", "Blocks ever freed"),
  requests("failures", "counter", "failures_total", "failures", "Requests that could not be served"),
  blocks("liveBlocks", "gauge", "live_blocks", "blocks.live", "Blocks that live"),
  blocks("shortLived", "counter", "short_lived_total", "blocks.short_lived", "Blocks freed soon after they were made"),
];

// biome-ignore format: a table
/** Figures of the blocks of one size, of a tag. */
export const SIZE_CLASS_FIGURES: readonly Figure<SizeClassFigureName>[] = [
  blocks("allocations", "counter", "size_class_allocations_total", "size_classes.allocations", "Blocks ever made, by requested size"),
  blocks("liveBlocks", "gauge", "size_class_live_blocks", "size_classes.live", "Blocks that live, by requested size"),
];

// biome-ignore format: a table
/** Figures only a heap has. */
export const HEAP_FIGURES: readonly Figure<HeapFigureName>[] = [
  bytes("capacity", "gauge", "capacity_bytes", "memory.capacity", "Bytes of the heap's area"),
  bytes("free", "gauge", "free_bytes", "memory.free", "Bytes in free chunks"),
  mostBytes("largestFree", "gauge", "largest_free_bytes", "memory.largest_free", "Bytes of the largest free chunk"),
  share("fragmentation", "gauge", "fragmentation_ratio", "memory.fragmentation", "Share of the free bytes that is not in the largest free chunk"),
];

// biome-ignore format: a table
/** The figures of all tags which do not follow from those of each: metrics of the heap, under names of their own. */
export const HEAP_PEAKS: readonly Figure<CounterName>[] = [
  mostBytes("peakBytes", "gauge", "heap_peak_bytes", "memory.heap_peak", "The most bytes all live blocks together ever asked for"),
  mostBytes("takenPeakBytes", "gauge", "heap_taken_peak_bytes", "memory.heap_taken_peak", "The most bytes all live blocks together ever took"),
];

/** How requests without a tag are called where a name must be shown. */
export const UNTAGGED = "(untagged)";
