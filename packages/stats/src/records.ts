/**
 * The writing side of the records (state.ts): what an allocation, a free, a change of size adds and takes. With the lock held.
 *
 * Closures, not a class: on the way of every alloc and free.
 */
import type { Context } from "@heapwright/core";
import type { LiveSums } from "./recount.js";
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

export interface Records {
  /** 0, or an id that was interned in this heap. */
  isKnown(tag: number): boolean;
  allocated(tag: number, size: number, taken: number): void;
  freed(tag: number, size: number, taken: number): void;
  /** A block has another size: what it grew by is allocated, what it shrank by is freed. */
  resized(tag: number, before: number, takenBefore: number, size: number, taken: number): void;
  /** A block has another tag, too: to the old one it is freed, to the new one allocated. Only so do both keep adding up. */
  retagged(from: number, to: number, before: number, takenBefore: number, size: number, taken: number): void;
  failed(tag: number): void;
  diedYoung(tag: number): void;
  /** Many blocks have ended: what is left is this, the rest was freed. */
  leftWith(sums: LiveSums): void;
}

export function createRecords(ctx: Context, plan: StatePlan): Records {
  const state = ctx.state >>> 2;
  const header = ctx.state >>> 3;
  const records = header + RECORDS;
  const classes = plan.classes === 0 ? 0 : records + (plan.classes >>> 3);
  let words = ctx.memory.u32;
  let figures = ctx.memory.f64;
  ctx.onRefresh(() => {
    words = ctx.memory.u32;
    figures = ctx.memory.f64;
  });

  /** Number of a tag's record. */
  function numberOf(tag: number): number {
    return tag === 0 ? 0 : tag - TAG_BASE;
  }

  function recordOf(tag: number): number {
    return records + numberOf(tag) * RECORD;
  }

  function classAt(tag: number, size: number): number {
    return classes + numberOf(tag) * CLASS_RECORD + 2 * classOf(size);
  }

  /**
   * A record's live blocks ask for and take so many bytes more. What was ever allocated first: should this agent end here, what the blocks
   * add up to is never more.
   */
  function grow(record: number, size: number, taken: number): void {
    figures[record + ALLOCATED] += size;
    figures[record + TAKEN_ALLOCATED] += taken;
    const current = figures[record + CURRENT] + size;
    if (current > figures[record + PEAK]) figures[record + PEAK] = current;
    figures[record + CURRENT] = current;
    const takenNow = figures[record + TAKEN] + taken;
    if (takenNow > figures[record + TAKEN_PEAK]) figures[record + TAKEN_PEAK] = takenNow;
    figures[record + TAKEN] = takenNow;
  }

  /** So does the heap as a whole, or less. */
  function total(size: number, taken: number): void {
    const current = figures[header + TOTAL_CURRENT] + size;
    figures[header + TOTAL_CURRENT] = current;
    if (current > figures[header + TOTAL_PEAK]) figures[header + TOTAL_PEAK] = current;
    const takenNow = figures[header + TOTAL_TAKEN] + taken;
    figures[header + TOTAL_TAKEN] = takenNow;
    if (takenNow > figures[header + TOTAL_TAKEN_PEAK]) figures[header + TOTAL_TAKEN_PEAK] = takenNow;
  }

  function atLeast(figure: number, value: number): void {
    if (figures[figure] < value) figures[figure] = value;
  }

  function enter(tag: number, size: number, taken: number): void {
    const record = recordOf(tag);
    figures[record + ALLOCATIONS] += 1;
    grow(record, size, taken);
    if (classes === 0) return;
    const at = classAt(tag, size);
    figures[at] += 1;
    figures[at + 1] += 1;
  }

  function leave(tag: number, size: number, taken: number): void {
    const record = recordOf(tag);
    figures[record + CURRENT] -= size;
    figures[record + TAKEN] -= taken;
    figures[record + FREES] += 1;
    if (classes !== 0) figures[classAt(tag, size) + 1] -= 1;
  }

  return {
    isKnown: (tag) => tag === 0 || (tag > TAG_BASE && tag - TAG_BASE <= words[state + TAGS]),
    allocated(tag, size, taken) {
      enter(tag, size, taken);
      total(size, taken);
    },
    freed(tag, size, taken) {
      leave(tag, size, taken);
      figures[header + TOTAL_CURRENT] -= size;
      figures[header + TOTAL_TAKEN] -= taken;
    },
    resized(tag, before, takenBefore, size, taken) {
      const record = recordOf(tag);
      const grown = size - before;
      const takenGrown = taken - takenBefore;
      grow(record, Math.max(grown, 0), Math.max(takenGrown, 0));
      figures[record + CURRENT] += Math.min(grown, 0);
      figures[record + TAKEN] += Math.min(takenGrown, 0);
      total(grown, takenGrown);
      if (classes === 0) return;
      figures[classAt(tag, before) + 1] -= 1;
      figures[classAt(tag, size) + 1] += 1;
    },
    retagged(from, to, before, takenBefore, size, taken) {
      leave(from, before, takenBefore);
      enter(to, size, taken);
      total(size - before, taken - takenBefore);
    },
    failed(tag) {
      figures[recordOf(tag) + FAILURES] += 1;
    },
    diedYoung(tag) {
      figures[recordOf(tag) + SHORT_LIVED] += 1;
    },
    leftWith(sums) {
      let all = 0;
      let allTaken = 0;
      for (let number = 0; number <= words[state + TAGS]; number++) {
        const record = records + number * RECORD;
        const { size, taken, live, classes: left } = sums.of(number);
        all += size;
        allTaken += taken;
        figures[record + CURRENT] = size;
        figures[record + TAKEN] = taken;
        atLeast(record + PEAK, size);
        atLeast(record + TAKEN_PEAK, taken);
        if (classes !== 0) {
          // The last that an allocation writes: one that has not come so far was none.
          let made = 0;
          const first = classes + number * CLASS_RECORD;
          for (let each = 0; each < left.length; each++) {
            figures[first + 2 * each + 1] = left[each] as number;
            made += figures[first + 2 * each];
          }
          figures[record + ALLOCATIONS] = made;
        }
        figures[record + FREES] = figures[record + ALLOCATIONS] - live;
      }
      figures[header + TOTAL_CURRENT] = all;
      figures[header + TOTAL_TAKEN] = allTaken;
      atLeast(header + TOTAL_PEAK, all);
      atLeast(header + TOTAL_TAKEN_PEAK, allTaken);
    },
  };
}
