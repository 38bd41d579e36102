/**
 * The reading side of the records: copies of the bytes, taken at one moment beside whatever other agents are doing, and what they say.
 *
 * A copy is a `memcpy` of 80 bytes a tag; everything else is done with it afterwards. Where the heap is so busy that it is never found
 * quiet, the lock is held for that copy.
 */
import type { Context, Inner, Tag, Totals } from "@heapwright/core";
import type { Counters, HeapStats, SizeClass, StatsSnapshot, TagStats } from "./figures.js";
import type { Names } from "./names.js";
import { type Copy, gather } from "./sharded.js";
import {
  ALLOCATED,
  ALLOCATIONS,
  CLASS_RECORD,
  CLASSES,
  CURRENT,
  FAILURES,
  FREES,
  PEAK,
  RECORD,
  RECORDS,
  SHORT_LIVED,
  type StatePlan,
  TAG_BASE,
  TAKEN,
  TAKEN_ALLOCATED,
  TAKEN_PEAK,
  TOTAL_CURRENT,
  TOTAL_PEAK,
  TOTAL_TAKEN,
  TOTAL_TAKEN_PEAK,
} from "./state.js";

interface HeapFigures {
  readonly capacity: number;
  readonly free: number;
  readonly largestFree: number;
}

export class Reader {
  readonly #ctx: Context;
  readonly #inner: Inner;
  readonly #names: Names;
  readonly #start: number;
  readonly #plan: StatePlan;
  readonly #classes: number;
  readonly #youth: boolean;

  constructor(ctx: Context, inner: Inner, plan: StatePlan, names: Names) {
    this.#ctx = ctx;
    this.#inner = inner;
    this.#names = names;
    this.#start = ctx.state >>> 3;
    this.#plan = plan;
    this.#classes = plan.classes === 0 ? 0 : (ctx.state + plan.records + plan.classes) >>> 3;
    this.#youth = (ctx.options.shortLived as number) > 0;
  }

  /** Every tag, and requests without one if there were any. */
  tags(): TagStats[] {
    return this.#tagsOf(this.#ctx.observe(() => this.#copy()));
  }

  /** One record, by its number. */
  tag(number: number): TagStats {
    const copy = this.#ctx.observe(() => this.#copy(number, number + 1));
    return this.#tagOf(number, copy.records, copy.classes);
  }

  totals(): HeapStats {
    const [copy, heap] = this.#moment();
    return this.#totalsOf(copy, heap);
  }

  snapshot(): StatsSnapshot {
    const [copy, heap] = this.#moment();
    return { heap: this.#ctx.heapName, totals: this.#totalsOf(copy, heap), tags: this.#tagsOf(copy) };
  }

  /** Where heap figures need a walk, the heap must stand still for it. */
  #moment(): [Copy, HeapFigures] {
    const { totals, largestFree } = this.#inner;
    const read = (): [Copy, HeapFigures] => [this.#copy(), this.#heap()];
    return totals === undefined || largestFree === undefined
      ? this.#ctx.exclusive(read)
      : this.#ctx.observe(read);
  }

  #copy(first = 0, end = this.#names.count + 1): Copy {
    if (this.#plan.shards > 1) return gather(this.#ctx, this.#plan, first, end);
    const { f64 } = this.#ctx.memory;
    const records = this.#start + RECORDS;
    const classes = this.#classes;
    return {
      count: end - first,
      header: f64.slice(this.#start, records),
      records: f64.slice(records + first * RECORD, records + end * RECORD),
      classes:
        classes === 0
          ? new Float64Array(0)
          : f64.slice(classes + first * CLASS_RECORD, classes + end * CLASS_RECORD),
    };
  }

  #heap(): HeapFigures {
    const { region } = this.#ctx;
    const { totals, largestFree, walk } = this.#inner;
    const sums: Totals = { capacity: 0, used: 0, free: 0, quarantined: 0, overhead: 0, page: 0, pageFree: 0 };
    totals?.(sums);
    let free = 0;
    let largest = 0;
    if (totals === undefined || largestFree === undefined) {
      walk?.(({ state, usable }) => {
        if (state !== "free") return;
        free += usable;
        largest = Math.max(largest, usable);
      });
    }
    return {
      capacity: totals === undefined ? region.areaEnd - region.areaStart : sums.capacity,
      free: totals === undefined ? free : sums.free,
      largestFree: largestFree?.() ?? largest,
    };
  }

  #tagsOf({ count, records, classes }: Copy): TagStats[] {
    const found: TagStats[] = [];
    for (let number = 0; number < count; number++) {
      const at = number * RECORD;
      // Nobody asked without a tag: then there is no such line.
      if (number === 0 && records[ALLOCATIONS] === 0 && records[FAILURES] === 0) continue;
      const classesAt = number * CLASS_RECORD;
      found.push(
        this.#tagOf(
          number,
          records.subarray(at, at + RECORD),
          classes.subarray(classesAt, classesAt + CLASS_RECORD),
        ),
      );
    }
    return found;
  }

  #tagOf(number: number, record: Float64Array, classes: Float64Array): TagStats {
    const tag = (number === 0 ? 0 : TAG_BASE + number) as Tag | 0;
    return {
      tag,
      name: number === 0 ? "" : (this.#names.text(number) ?? ""),
      ...this.#counters(record, classes),
    };
  }

  #totalsOf({ count, header, records, classes }: Copy, heap: HeapFigures): HeapStats {
    const sum = sumOf(records, count, RECORD);
    // Counted on their own, and so a check on the others.
    sum[CURRENT] = header[TOTAL_CURRENT] as number;
    sum[PEAK] = header[TOTAL_PEAK] as number;
    sum[TAKEN] = header[TOTAL_TAKEN] as number;
    sum[TAKEN_PEAK] = header[TOTAL_TAKEN_PEAK] as number;
    const { capacity, free, largestFree } = heap;
    return {
      ...this.#counters(sum, sumOf(classes, classes.length / CLASS_RECORD, CLASS_RECORD)),
      capacity,
      free,
      largestFree,
      fragmentation: free === 0 ? 0 : 1 - largestFree / free,
    };
  }

  #counters(record: Float64Array, classes: Float64Array): Counters {
    const figure = (at: number): number => record[at] as number;
    return {
      currentBytes: figure(CURRENT),
      peakBytes: figure(PEAK),
      allocatedBytes: figure(ALLOCATED),
      freedBytes: figure(ALLOCATED) - figure(CURRENT),
      takenCurrentBytes: figure(TAKEN),
      takenPeakBytes: figure(TAKEN_PEAK),
      takenAllocatedBytes: figure(TAKEN_ALLOCATED),
      takenFreedBytes: figure(TAKEN_ALLOCATED) - figure(TAKEN),
      allocations: figure(ALLOCATIONS),
      frees: figure(FREES),
      failures: figure(FAILURES),
      liveBlocks: figure(ALLOCATIONS) - figure(FREES),
      ...(this.#youth && { shortLived: figure(SHORT_LIVED) }),
      ...(this.#classes !== 0 && { sizeClasses: sizeClassesOf(classes) }),
    };
  }
}

/** `count` records of `length` figures, added up. */
function sumOf(records: Float64Array, count: number, length: number): Float64Array {
  const sum = new Float64Array(length);
  for (let at = 0; at < count * length; at++)
    sum[at % length] = (sum[at % length] as number) + (records[at] as number);
  return sum;
}

function sizeClassesOf(classes: Float64Array): SizeClass[] {
  const found: SizeClass[] = [];
  for (let each = 0; each < CLASSES; each++) {
    const allocations = classes[2 * each] as number;
    const liveBlocks = classes[2 * each + 1] as number;
    // A block can come into a class by a realloc, which is no allocation.
    if (allocations !== 0 || liveBlocks !== 0) found.push({ upTo: 2 ** each, allocations, liveBlocks });
  }
  return found;
}
