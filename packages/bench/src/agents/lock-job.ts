/**
 * The worker process's side of the lock's cost: one agent on a `SharedArrayBuffer` that nobody else uses, with the lock such a heap
 * has by itself or with none. The heap, the loops and the sequence of calls are the same in both.
 *
 * Two workloads: `replace` is the larson workload's step on an array as large, a free and an alloc of 8 to 1000 bytes, in a
 * sequence that the branch predictor does not learn; `pattern` is eight allocs and eight frees, which it does. Steps are drawn before
 * the clock runs.
 */
import { createHeap, type Heap, noLock } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { PATTERN_PAIRS, runPattern } from "../composition/workload.js";
import { fill, randomSteps, replaceBlocks } from "../live/replace.js";
import { rounds, warmUp } from "../measure.js";
import type { Job, LockSpec } from "../protocol.js";
import { LARSON, SEED, STEP_OPERATIONS } from "./larson.js";

/** Six times what is alive. */
const BYTES = 16 << 20;
const STEPS_LOG2 = 17;
/** Steps of one run, about a millisecond. */
const RUN_STEPS = 4096;

export interface LockJob extends Job {
  readonly heap: Heap;
}

export function lockJob({ locked }: LockSpec): LockJob {
  const heap: Heap = createHeap({
    memory: new SharedArrayBuffer(BYTES),
    strategy: hyperheap(),
    lock: locked ? "auto" : noLock,
  });
  const alloc = (size: number): number => heap.allocUnsafe(size);
  const free = (ptr: number): void => {
    heap.free(ptr);
  };
  const target = { malloc: alloc, free };
  const subject = { alloc, free };
  const ptrs = new Int32Array(LARSON.blocks);
  const held = new Int32Array(64);
  const steps = randomSteps(LARSON.blocks, STEPS_LOG2, SEED);
  /** Where the next run begins. */
  let cursor = 0;
  fill(ptrs, new Int32Array(LARSON.blocks), target, SEED);
  replaceBlocks(steps, 0, 3 * LARSON.blocks, target, ptrs);

  const replace = rounds({
    operations: STEP_OPERATIONS * RUN_STEPS,
    run: () => replaceBlocks(steps, cursor, RUN_STEPS, target, ptrs),
    restore: () => {
      cursor = (cursor + RUN_STEPS) & steps.mask;
    },
  });
  const pattern = rounds({
    operations: 2 * PATTERN_PAIRS,
    run: () => runPattern(subject, held),
    restore: () => {},
  });
  return {
    loaded: { estimateMs: 0 },
    heap,
    warm: (ms, capMs) => warmUp(replace, ms, capMs / 2) + warmUp(pattern, ms, capMs / 2),
    round: (ms) => ({ replace: replace(ms), pattern: pattern(ms) }),
  };
}
