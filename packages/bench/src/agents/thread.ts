/**
 * Entry of a thread of the larson workload: attaches to the heap, then does what it is ordered to, asleep in between. It never
 * returns to its event loop, so it tells of failures through a port that the driver looks into.
 */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { attachHeap, type Heap, type HeapDescriptor } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { messageOf } from "../errors.js";
import { Control, ORDER, type Timed, WORD } from "./control.js";
import { CHECKED_ROUNDS, createLarson, type LarsonShape, SEED } from "./larson.js";
import { agentStack } from "./stacks.js";

export interface ThreadData {
  readonly descriptor: HeapDescriptor;
  readonly stack: string;
  readonly shape: LarsonShape;
  /** Where the arrays of slots begin; the thread starts with the one of its own number. */
  readonly arrays: readonly number[];
  readonly control: SharedArrayBuffer;
  /** Number of this thread, from 0 on. */
  readonly thread: number;
  readonly failures: MessagePort;
}

/** What a thread says through the port. */
export interface ThreadFailure {
  readonly name: string;
  readonly message: string;
}

/** Steps between two looks at the word that says stop: 0.1 to 0.4 ms. */
const CHUNK = 500;

const { descriptor, stack, shape, arrays, control: shared, thread, failures } = workerData as ThreadData;
const control = new Control(shared);
const heap: Heap = attachHeap(descriptor, { strategy: hyperheap(), plugins: agentStack(stack).plugins() });
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

/** The machine's clock, the same for all threads. */
const now = (): number => Number(process.hrtime.bigint());

function obey(what: number): Timed {
  control.meet();
  const begin = now();
  let steps = 0;
  try {
    steps = what === ORDER.check ? check() : untilStopped();
  } catch (error) {
    const failure: ThreadFailure = {
      name: error instanceof Error ? error.name : "Error",
      message: messageOf(error),
    };
    failures.postMessage(failure);
    Atomics.add(control.words, WORD.failed, 1);
  }
  return { begin, end: now(), steps };
}

parentPort?.postMessage("attached");
for (let order = control.awaitOrder(0); ; order = control.awaitOrder(order)) {
  const what = Atomics.load(control.words, WORD.what);
  if (what === ORDER.end) break;
  control.done(thread, obey(what));
}
heap.detach();
control.done(thread, { begin: 0, end: 0, steps: 0 });
