/**
 * What stats keeps in the heap header, and where.
 *
 *     0       4       8      16       24      32       40      48      64
 *     |tags   |born   |0     |current |peak   |taken   |taken  |0      |records|classes|names|index|
 *     |       |       |      |        |       |current |peak   |
 *
 * | word | invariant |
 * |---|---|
 * | tags | names interned; at most `maxTags`, which follows from options and region. Record 0 is of requests without a tag, record n of the n-th name |
 * | born | blocks ever made, modulo 2^32; only with `shortLived` |
 * | current, taken current | sums of the records' |
 * | peak, taken peak | the most these ever were; at least what they are |
 *
 * A record is ten Float64 and so exact up to 2^53; what can be derived is not stored:
 *
 *     0        8     16          24            32          40               48           56     64        72
 *     |current |peak |allocated  |taken current|taken peak |taken allocated |allocations |frees |failures |short-lived|
 *
 *     freedBytes = allocated - current        liveBlocks = allocations - frees        current <= peak <= allocated
 *
 * Classes, only with `sizeClasses`: for each record 33 pairs of Float64, blocks made and blocks live, of 2^(n-1) < size <= 2^n.
 *
 * Behind a front every agent counts into a shard of its own (sharded.ts), and peaks are in words that all of them share:
 *
 *     header|peaks|shard 0|shard 1| … |names|index          shard    |records|classes|total|       peaks    |current|peak|taken|taken peak|
 *
 * Price: 80 bytes a tag, 64 + 4 for its name, 8 to 16 in the index; with `sizeClasses` 528 more; behind a front 80 (608) for each agent there can be,
 * and 16.
 */
import type { StateSize } from "@heapwright/core";
import { indexSlots, NAME_BYTES } from "./names.js";

/** Words of 4 bytes from the state's start. */
export const TAGS = 0;
export const BORN = 1;

/** Float64 from the state's start. */
export const TOTAL_CURRENT = 2;
export const TOTAL_PEAK = 3;
export const TOTAL_TAKEN = 4;
export const TOTAL_TAKEN_PEAK = 5;
/** The first of record 0. */
export const RECORDS = 8;

/** Float64 of a record. */
export const CURRENT = 0;
export const PEAK = 1;
export const ALLOCATED = 2;
export const TAKEN = 3;
export const TAKEN_PEAK = 4;
export const TAKEN_ALLOCATED = 5;
export const ALLOCATIONS = 6;
export const FREES = 7;
export const FAILURES = 8;
export const SHORT_LIVED = 9;
export const RECORD = 10;

export const CLASSES = 33;
/** Float64 of one record's classes. */
export const CLASS_RECORD = 2 * CLASSES;

/** Tags are record numbers on top of the largest alignment, so that one given for the other is refused. */
export const TAG_BASE = 4096;

export const MOST_TAGS = 65_536;
const LEAST_DEFAULT = 64;
const MOST_DEFAULT = 4096;

/** Class of a size: the exponent of the power of two it is rounded up to. */
export function classOf(size: number): number {
  return 32 - Math.clz32((size - 1) | 0);
}

/** Byte offsets from the state's start. */
export interface StatePlan {
  readonly maxTags: number;
  /** Shards there are, and bytes of one. */
  readonly shards: number;
  readonly shardBytes: number;
  /** The first shard; without a front, where there is one, the first record. */
  readonly records: number;
  /** From a shard's start on; 0: none are kept. */
  readonly classes: number;
  /** Only with several shards. */
  readonly peaks: number;
  readonly names: number;
  readonly index: number;
  readonly bytes: number;
}

export function planState(maxTags: number, sizeClasses: boolean, shards: number): StatePlan {
  const count = maxTags + 1;
  const classes = count * RECORD * 8;
  const peaks = RECORDS * 8;
  const records = shards === 1 ? peaks : roundLine(peaks + (count + 1) * 16);
  const used = classes + (sizeClasses ? count * CLASS_RECORD * 8 : 0);
  // Behind a front a shard has two pending totals besides, and lines of its own.
  const shardBytes = shards === 1 ? used : roundLine(used + 16);
  const names = records + shards * shardBytes;
  const index = names + maxTags * (NAME_BYTES + 4);
  return {
    maxTags,
    shards,
    shardBytes,
    records,
    classes: sizeClasses ? classes : 0,
    peaks: shards === 1 ? 0 : peaks,
    names,
    index,
    bytes: index + indexSlots(maxTags) * 4,
  };
}

/** A cache line. */
const roundLine = (bytes: number): number => Math.ceil(bytes / 64) * 64;

/**
 * Tags there is room for where the option does not say: one for each 16 KiB the region can reach, at least 64, at most 4096; behind a front one
 * for each 8 KiB, divided by the agents there can be.
 */
export function maxTagsFor({
  regionBytes,
  options,
  shards,
}: Pick<StateSize, "regionBytes" | "options" | "shards">): number {
  const asked = options.maxTags as number;
  if (asked > 0) return Math.min(asked, MOST_TAGS);
  const wanted = shards === 1 ? regionBytes / 16_384 : regionBytes / 8192 / shards;
  return Math.min(MOST_DEFAULT, Math.max(LEAST_DEFAULT, Math.floor(wanted)));
}
