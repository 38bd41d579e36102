/**
 * The worker's side of the cost against live blocks: one allocator, so many blocks, two patterns on the same heap.
 *
 * Both replace blocks at random places by blocks of random sizes. `learned` is the same 512 steps over and over, which the
 * branch predictor knows by heart and the caches hold; `random` is a sequence of a million steps that a round does not get
 * through. The heap is first brought into its steady state: filled, then every block replaced three times on average.
 */
import { rounds, warmUp } from "../measure.js";
import type { Job, LiveSpec } from "../protocol.js";
import type { Target, TargetModule } from "../targets/target.js";
import { TooSlow, WrongAnswer } from "../verify.js";
import { fill, MEAN_SIZE, randomSteps, replaceBlocks, replaceSizes } from "./replace.js";

const LEARNED_LOG2 = 9;
const RANDOM_LOG2 = 20;
/** How often each block is replaced before the measuring, on average. */
const REPLACED = 3;
/** Steps between two looks at the clock; a slow peer needs milliseconds for one. */
const DEADLINE_EVERY = 16;
/** A run: a power of two of steps that take about this long, within bounds. */
const RUN_MS = 4;
const MOST_RUN_STEPS = 65_536;
const LEAST_RUN_STEPS = 512;
/** A heap gets one and a half times what is alive: payload, and what a header and rounding up take. */
const ROOM = 1.5;
const OVERHEAD = 24;
const LEAST_BYTES = 1 << 20;

/** Bytes for a heap of so many blocks: the same for every allocator. */
export function liveBytes(blocks: number): number {
  const wanted = Math.max(LEAST_BYTES, ROOM * blocks * (MEAN_SIZE + OVERHEAD));
  return Math.ceil(wanted / 65536) * 65536;
}

/** Throws unless the blocks are aligned and apart. O(n log n), once. */
export function checkBlocks(ptrs: Int32Array, sizes: Int32Array, alignment: number): void {
  const order = new Float64Array(ptrs.length);
  for (let slot = 0; slot < ptrs.length; slot++) order[slot] = ptrs[slot] * 1024 + sizes[slot];
  order.sort();
  let end = 0;
  for (const entry of order) {
    const ptr = Math.floor(entry / 1024);
    if (ptr % alignment !== 0) throw new WrongAnswer(`${ptr} is not ${alignment}-aligned`);
    if (ptr < end) throw new WrongAnswer(`the block at ${ptr} overlaps another`);
    end = ptr + (entry % 1024);
  }
}

/** Largest power of two up to `value`, within the bounds of a run. */
function runSteps(value: number): number {
  const steps = 2 ** Math.floor(Math.log2(Math.max(value, 1)));
  return Math.min(MOST_RUN_STEPS, Math.max(LEAST_RUN_STEPS, steps));
}

export async function liveJob({ blocks, limitMs }: LiveSpec, module: TargetModule): Promise<Job> {
  const target: Target = await module.create(liveBytes(blocks));
  const ptrs = new Int32Array(blocks);
  const held = new Int32Array(blocks);
  const learned = randomSteps(blocks, LEARNED_LOG2, 1);
  const random = randomSteps(blocks, RANDOM_LOG2, 2);
  /** Where the next run of `random` begins. */
  let cursor = 0;

  const start = performance.now();
  fill(ptrs, held, target, 3);
  const filled = performance.now();
  const wanted = Math.max(REPLACED * blocks, MOST_RUN_STEPS);
  for (let now = filled; cursor < wanted && now - start < limitMs; now = performance.now()) {
    replaceBlocks(random, cursor, DEADLINE_EVERY, target, ptrs);
    cursor += DEADLINE_EVERY;
  }
  const stepMs = (performance.now() - filled) / cursor;
  const perBlock = cursor / blocks;
  if (perBlock < 1) {
    const percent = Math.floor(100 * perBlock);
    throw new TooSlow(`${percent} % of the blocks replaced after ${limitMs} ms`);
  }
  replaceSizes(random, 0, cursor, held);
  checkBlocks(ptrs, held, module.alignment);
  target.check?.();

  const count = runSteps(RUN_MS / stepMs);
  cursor = (cursor + MOST_RUN_STEPS) & ~(MOST_RUN_STEPS - 1);
  const ofLearned = rounds({
    operations: 2 * count,
    run: () => replaceBlocks(learned, 0, count, target, ptrs),
    restore: () => {},
  });
  const ofRandom = rounds({
    operations: 2 * count,
    run: () => replaceBlocks(random, cursor, count, target, ptrs),
    restore: () => {
      cursor = (cursor + count) & random.mask;
    },
  });
  return {
    loaded: {
      estimateMs: stepMs * MOST_RUN_STEPS,
      note: perBlock < REPLACED ? `measured after ${perBlock.toFixed(1)} replacements per block` : undefined,
    },
    warm: (ms, capMs) => warmUp(ofLearned, ms, capMs / 2) + warmUp(ofRandom, ms, capMs / 2),
    round: (ms) => ({ learned: ofLearned(ms), random: ofRandom(ms) }),
  };
}
