/**
 * Entry of a thread of the larson workload: attaches to the heap, then does what it is ordered to, asleep in between. It never
 * returns to its event loop, so it tells of failures through a port that the driver looks into.
 */
import { workerData } from "node:worker_threads";
import { ORDER } from "./control.js";
import type { CrewData } from "./crew.js";
import { CHECKED_ROUNDS, createLarson, type LarsonShape, SEED, STEP_OPERATIONS } from "./larson.js";
import { obeyOrders } from "./member.js";

export interface LarsonData {
  readonly shape: LarsonShape;
  /** Where the arrays of slots begin; the thread starts with the one of its own number. */
  readonly arrays: readonly number[];
}

/** Steps between two looks at the word that says stop: 0.1 to 0.4 ms. */
const CHUNK = 500;

const data = workerData as LarsonData & CrewData;
const { shape, arrays, thread } = data;
const { heap, control, obey } = obeyOrders(data);
const larson = createLarson(heap, SEED + thread + 1);
const slots = arrays.map((ptr) => new Int32Array(heap.memory.buffer, ptr, shape.blocks));

let array = thread;

function check(): number {
  for (let round = 0; round < CHECKED_ROUNDS; round++) {
    larson.replaceChecked(slots[array], shape.blocks);
    array = control.handOver(array);
  }
  return CHECKED_ROUNDS * shape.blocks;
}

function untilStopped(): number {
  const due = shape.rounds * shape.blocks;
  let steps = 0;
  // A round is too short for a slow stack to come to a hand-over, so each begins with one.
  array = control.handOver(array);
  let sinceHandOver = 0;
  while (!control.stopped) {
    const count = Math.min(CHUNK, due - sinceHandOver);
    larson.replace(slots[array], count);
    steps += count;
    sinceHandOver += count;
    if (sinceHandOver < due) continue;
    array = control.handOver(array);
    sinceHandOver = 0;
  }
  return steps;
}

obey((what) => STEP_OPERATIONS * (what === ORDER.check ? check() : untilStopped()));
