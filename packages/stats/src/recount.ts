/** What the live blocks' own headers add up to: for `check()`, and after many blocks have ended at once. O(blocks). */
import type { Inner } from "@heapwright/core";
import { CLASSES, classOf, TAG_BASE } from "./state.js";

/** The slots of a block, by its address. */
export interface BlockSlots {
  tag(ptr: number): number;
  size(ptr: number): number;
  taken(ptr: number): number;
}

export interface LiveSum {
  size: number;
  taken: number;
  live: number;
  /** Live blocks of each class. */
  readonly classes: Float64Array;
}

export interface LiveSums {
  /** Addresses of the live blocks. */
  readonly blocks: readonly number[];
  /** Of a record, by its number. */
  of(number: number): Readonly<LiveSum>;
}

const NOTHING: LiveSum = { size: 0, taken: 0, live: 0, classes: new Float64Array(CLASSES) };

/** Without a walk there are none: only `reset` has ended them then. */
export function recount(walk: Inner["walk"], slots: BlockSlots): LiveSums {
  const sums = new Map<number, LiveSum>();
  const blocks: number[] = [];
  walk?.(({ ptr, state }) => {
    if (state !== "used" && state !== "page") return;
    blocks.push(ptr);
    const tag = slots.tag(ptr);
    const size = slots.size(ptr);
    const number = tag === 0 ? 0 : tag - TAG_BASE;
    let sum = sums.get(number);
    if (sum === undefined) {
      sum = { size: 0, taken: 0, live: 0, classes: new Float64Array(CLASSES) };
      sums.set(number, sum);
    }
    sum.size += size;
    sum.taken += slots.taken(ptr);
    sum.live++;
    const sizeClass = classOf(size);
    sum.classes[sizeClass] = (sum.classes[sizeClass] as number) + 1;
  });
  return { blocks, of: (number) => sums.get(number) ?? NOTHING };
}
