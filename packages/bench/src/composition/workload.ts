/**
 * What the composed stacks are driven with: a learned pattern (the same 16 calls again and again, which the branch
 * predictor knows by heart) and the start of a trace (which it does not). Only alloc and free: a realloc of the trace is a free and
 * an alloc, the same for every stack.
 */
import { FREE, REALLOC, type Trace } from "../trace.js";
import { requestSize } from "../trace-stats.js";
import type { Subject } from "./stacks.js";

const DEPTH = 8;
const SIZES = [16, 24, 40, 64, 32, 100, 200, 48];
const GROUPS = 512;

/** alloc+free pairs in one run of {@link runPattern}. */
export const PATTERN_PAIRS = DEPTH * GROUPS;

/** Groups of eight blocks, freed in reverse order. */
export function runPattern({ alloc, free }: Subject, held: Int32Array): void {
  for (let group = 0; group < GROUPS; group++) {
    for (let k = 0; k < DEPTH; k++) held[k] = alloc(SIZES[k]);
    for (let k = DEPTH - 1; k >= 0; k--) free(held[k]);
  }
}

/** A trace of allocs and frees: slot and size, size 0 is a free. */
export interface Pairs {
  readonly length: number;
  readonly slots: number;
  readonly ids: Int32Array;
  readonly sizes: Int32Array;
  /** Number of allocs. */
  readonly pairs: number;
}

/**
 * Operations of the trace that are used. A program's start: its heap has few holes yet, so that searching, which is the
 * same in every stack, does not drown what is measured.
 */
const TRACE_OPERATIONS = 20_000;

export function toPairs(trace: Trace): Pairs {
  const ids: number[] = [];
  const sizes: number[] = [];
  let pairs = 0;
  for (let i = 0; i < Math.min(trace.length, TRACE_OPERATIONS); i++) {
    const op = trace.ops[i];
    if (op === FREE || op === REALLOC) {
      ids.push(trace.ids[i]);
      sizes.push(0);
    }
    if (op !== FREE) {
      ids.push(trace.ids[i]);
      sizes.push(requestSize(trace, i));
      pairs++;
    }
  }
  return {
    length: ids.length,
    slots: trace.maxLive,
    ids: Int32Array.from(ids),
    sizes: Int32Array.from(sizes),
    pairs,
  };
}

export function runPairs({ alloc, free }: Subject, { ids, sizes, length }: Pairs, slots: Int32Array): void {
  for (let i = 0; i < length; i++) {
    const size = sizes[i];
    const id = ids[i];
    if (size !== 0) {
      slots[id] = alloc(size);
    } else {
      free(slots[id]);
      slots[id] = 0;
    }
  }
}
