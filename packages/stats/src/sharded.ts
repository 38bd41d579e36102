/**
 * Counting behind a front, where calls of several agents run at the same time: each agent counts into a shard of its own, with plain stores, and
 * a sum over the shards is what was counted. They are added up while the heap stands still.
 *
 *     agent 1   |allocated|frees|current +4000| …       a block that another agent freed is a negative number there
 *     agent 2   |allocated|frees|current -1200| …
 *     shared    current, peak         each agent adds what it has not added yet, as soon as that is `SLACK` bytes either way
 *
 * | figure of a shard | invariant |
 * |---|---|
 * | peak, taken peak | not the shard's peak: bytes of `current` and `taken` that are not in the shared words yet, less than `SLACK` either way |
 * | all others | summed over the shards what the record without shards would have |
 *
 * | shared word | invariant |
 * |---|---|
 * | current, taken | modulo 2^32 what all agents have added |
 * | peak, taken peak | the most `current` was; at least what it was whenever somebody read it |
 *
 * Price: as without a front, and every few dozen calls two atomic additions. A peak may be off by up to `SLACK` for each agent
 * that was at work just then; everything else is exact.
 */
import type { Context } from "@heapwright/core";
import type { Records } from "./records.js";
import {
  ALLOCATED,
  ALLOCATIONS,
  CLASS_RECORD,
  CURRENT,
  classOf,
  FAILURES,
  FREES,
  PEAK,
  RECORD,
  RECORDS,
  SHORT_LIVED,
  type StatePlan,
  TAG_BASE,
  TAGS,
  TAKEN,
  TAKEN_ALLOCATED,
  TAKEN_PEAK,
  TOTAL_CURRENT,
  TOTAL_PEAK,
  TOTAL_TAKEN,
  TOTAL_TAKEN_PEAK,
} from "./state.js";

/** Records as they were at one moment, that of requests without a tag first. */
export interface Copy {
  readonly count: number;
  /** The state's first 64 bytes. */
  readonly header: Float64Array;
  readonly records: Float64Array;
  /** Empty where none are kept. */
  readonly classes: Float64Array;
}

/** Bytes an agent may not have added to the shared words. */
export const SLACK = 4096;
/** Above it a shared word is taken for one below zero: frees can be added before the allocations they are of. */
const NEGATIVE = 2 ** 32 - 2 ** 24;

/** Shared words of a record, 32 bits each. */
const SHARED = 4;
const SHARED_CURRENT = 0;
const SHARED_TAKEN = 2;

export function createShardedRecords(ctx: Context, plan: StatePlan): Records {
  const state = ctx.state >>> 2;
  const shard = (ctx.state + plan.records + ctx.shard * plan.shardBytes) >>> 3;
  const classes = plan.classes === 0 ? 0 : shard + (plan.classes >>> 3);
  /** Pending bytes of the heap as a whole. */
  const pending = shard + (plan.shardBytes >>> 3) - 2;
  const shared = (ctx.state + plan.peaks) >>> 2;
  const whole = shared + (plan.maxTags + 1) * SHARED;
  let words = ctx.memory.i32;
  let figures = ctx.memory.f64;
  ctx.onRefresh(() => {
    words = ctx.memory.i32;
    figures = ctx.memory.f64;
  });

  const numberOf = (tag: number): number => (tag === 0 ? 0 : tag - TAG_BASE);
  const recordOf = (tag: number): number => shard + numberOf(tag) * RECORD;
  const classAt = (tag: number, size: number): number =>
    classes + numberOf(tag) * CLASS_RECORD + 2 * classOf(size);

  function publish(word: number, bytes: number): void {
    const now = (Atomics.add(words, word, bytes) + bytes) >>> 0;
    if (now >= NEGATIVE) return;
    raise(words, word + 1, now);
  }

  function add(figure: number, word: number, bytes: number): void {
    const sum = figures[figure] + bytes;
    if (sum < SLACK && sum > -SLACK) figures[figure] = sum;
    else {
      figures[figure] = 0;
      publish(word, sum);
    }
  }

  function move(tag: number, size: number, taken: number): void {
    const record = recordOf(tag);
    const word = shared + numberOf(tag) * SHARED;
    figures[record + CURRENT] += size;
    figures[record + TAKEN] += taken;
    add(record + PEAK, word + SHARED_CURRENT, size);
    add(record + TAKEN_PEAK, word + SHARED_TAKEN, taken);
    add(pending, whole + SHARED_CURRENT, size);
    add(pending + 1, whole + SHARED_TAKEN, taken);
  }

  function allocated(tag: number, size: number, taken: number): void {
    const record = recordOf(tag);
    figures[record + ALLOCATIONS] += 1;
    figures[record + ALLOCATED] += size;
    figures[record + TAKEN_ALLOCATED] += taken;
    if (classes !== 0) {
      const at = classAt(tag, size);
      figures[at] += 1;
      figures[at + 1] += 1;
    }
    move(tag, size, taken);
  }

  function freed(tag: number, size: number, taken: number): void {
    figures[recordOf(tag) + FREES] += 1;
    if (classes !== 0) figures[classAt(tag, size) + 1] -= 1;
    move(tag, -size, -taken);
  }

  return {
    isKnown: (tag) => tag === 0 || (tag > TAG_BASE && tag - TAG_BASE <= words[state + TAGS]),
    allocated,
    freed,
    resized(tag, before, takenBefore, size, taken) {
      const record = recordOf(tag);
      figures[record + ALLOCATED] += Math.max(size - before, 0);
      figures[record + TAKEN_ALLOCATED] += Math.max(taken - takenBefore, 0);
      move(tag, size - before, taken - takenBefore);
      if (classes === 0) return;
      figures[classAt(tag, before) + 1] -= 1;
      figures[classAt(tag, size) + 1] += 1;
    },
    retagged(from, to, before, takenBefore, size, taken) {
      freed(from, before, takenBefore);
      allocated(to, size, taken);
    },
    failed(tag) {
      figures[recordOf(tag) + FAILURES] += 1;
    },
    diedYoung(tag) {
      figures[recordOf(tag) + SHORT_LIVED] += 1;
    },
    // While the heap stands still: what the sums lack or have too much goes into this agent's shard.
    leftWith(sums) {
      const { records, classes: found } = sumShards(ctx, plan, 0, words[state + TAGS] + 1);
      for (let number = 0; number <= words[state + TAGS]; number++) {
        const record = shard + number * RECORD;
        const sum = number * RECORD;
        const { size, taken, live, classes: left } = sums.of(number);
        let allocations = records[sum + ALLOCATIONS] as number;
        figures[record + CURRENT] += size - (records[sum + CURRENT] as number);
        figures[record + TAKEN] += taken - (records[sum + TAKEN] as number);
        if (classes !== 0) {
          // The last that an allocation writes: one that has not come so far was none.
          let made = 0;
          for (let each = 0; each < left.length; each++) {
            const at = number * CLASS_RECORD + 2 * each;
            figures[classes + at + 1] += (left[each] as number) - (found[at + 1] as number);
            made += found[at] as number;
          }
          figures[record + ALLOCATIONS] += made - allocations;
          allocations = made;
        }
        figures[record + FREES] += allocations - live - (records[sum + FREES] as number);
      }
      settlePeaks(ctx, plan);
    },
  };
}

function raise(words: Int32Array, word: number, to: number): void {
  for (;;) {
    const peak = Atomics.load(words, word);
    if (peak >>> 0 >= to || Atomics.compareExchange(words, word, peak, to | 0) === peak) return;
  }
}

/** Records `first` to `end` of all shards, added up. Their peaks are to come. */
function sumShards(
  ctx: Context,
  plan: StatePlan,
  first: number,
  end: number,
): { readonly records: Float64Array; readonly classes: Float64Array } {
  const { f64 } = ctx.memory;
  const records = new Float64Array((end - first) * RECORD);
  const classes = new Float64Array(plan.classes === 0 ? 0 : (end - first) * CLASS_RECORD);
  for (let shard = 0; shard < plan.shards; shard++) {
    const start = (ctx.state + plan.records + shard * plan.shardBytes) >>> 3;
    addTo(records, f64, start + first * RECORD);
    addTo(classes, f64, start + (plan.classes >>> 3) + first * CLASS_RECORD);
  }
  return { records, classes };
}

function addTo(sum: Float64Array, figures: Float64Array, from: number): void {
  for (let at = 0; at < sum.length; at++) sum[at] = (sum[at] as number) + (figures[from + at] as number);
}

/** What is pending is added, so that the shared words say what is. While the heap stands still. */
function settlePeaks(ctx: Context, plan: StatePlan): void {
  const { f64, i32, u32 } = ctx.memory;
  const count = (u32[(ctx.state >>> 2) + TAGS] as number) + 1;
  const { records } = sumShards(ctx, plan, 0, count);
  const shared = (ctx.state + plan.peaks) >>> 2;
  let all = 0;
  let allTaken = 0;
  const settle = (word: number, bytes: number): void => {
    i32[word] = bytes | 0;
    // Only while something is amiss are they below zero: check() tells.
    if (bytes > 0) raise(i32, word + 1, bytes);
  };
  for (let number = 0; number < count; number++) {
    const [current, taken] = [
      records[number * RECORD + CURRENT] as number,
      records[number * RECORD + TAKEN] as number,
    ];
    settle(shared + number * SHARED + SHARED_CURRENT, current);
    settle(shared + number * SHARED + SHARED_TAKEN, taken);
    all += current;
    allTaken += taken;
  }
  settle(shared + (plan.maxTags + 1) * SHARED + SHARED_CURRENT, all);
  settle(shared + (plan.maxTags + 1) * SHARED + SHARED_TAKEN, allTaken);
  for (let shard = 0; shard < plan.shards; shard++) {
    const start = (ctx.state + plan.records + shard * plan.shardBytes) >>> 3;
    for (let number = 0; number < count; number++) {
      f64[start + number * RECORD + PEAK] = 0;
      f64[start + number * RECORD + TAKEN_PEAK] = 0;
    }
    const pending = start + (plan.shardBytes >>> 3) - 2;
    f64.fill(0, pending, pending + 2);
  }
}

/** What the reader reads. While the heap stands still. */
export function gather(ctx: Context, plan: StatePlan, first: number, end: number): Copy {
  settlePeaks(ctx, plan);
  const { u32 } = ctx.memory;
  const { records, classes } = sumShards(ctx, plan, first, end);
  const shared = (ctx.state + plan.peaks) >>> 2;
  for (let number = first; number < end; number++) {
    const record = (number - first) * RECORD;
    records[record + PEAK] = u32[shared + number * SHARED + 1] as number;
    records[record + TAKEN_PEAK] = u32[shared + number * SHARED + SHARED_TAKEN + 1] as number;
  }
  const header = new Float64Array(RECORDS);
  const whole = shared + (plan.maxTags + 1) * SHARED;
  header[TOTAL_CURRENT] = u32[whole] as number;
  header[TOTAL_PEAK] = u32[whole + 1] as number;
  header[TOTAL_TAKEN] = u32[whole + SHARED_TAKEN] as number;
  header[TOTAL_TAKEN_PEAK] = u32[whole + SHARED_TAKEN + 1] as number;
  return { count: end - first, header, records, classes };
}
