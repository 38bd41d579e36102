/**
 * The worker's side of what checked views cost: one block read at random indices, through a plain typed array or through
 * `heap.strict.view`. The heap is the same in both, and so are the loops but for the read.
 */
import { createHeap } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { strict } from "@heapwright/strict";
import { rounds, warmUp } from "../measure.js";
import type { Job, ViewSpec } from "../protocol.js";
import { seeded } from "../random.js";

/** Elements of the block, and reads in one run. */
export const ELEMENTS = 1 << 16;
const READS = 1 << 16;

const TYPES = { Uint8Array, Uint32Array, Float64Array } as const;
export type ViewType = keyof typeof TYPES;
export const VIEW_TYPES = Object.keys(TYPES) as readonly ViewType[];

export function viewJob({ type, checked }: ViewSpec): Job {
  // One type stands for all: they differ in what they read, not in how they are used here.
  const ViewOf = TYPES[type] as Uint32ArrayConstructor;
  const heap = createHeap({ memory: 2 << 20, strategy: hyperheap(), plugins: [strict({ stacks: "off" })] });
  const plain = heap.allocArray(ViewOf, ELEMENTS);
  const random = seeded(1);
  for (let index = 0; index < ELEMENTS; index++) plain[index] = random() * 256;
  const indices = Int32Array.from({ length: READS }, () => Math.floor(random() * ELEMENTS));
  const view = heap.strict.view(plain.byteOffset, ViewOf);
  let sum = 0;
  function readPlain(): void {
    let read = 0;
    for (let at = 0; at < READS; at++) read += plain[indices[at]];
    sum = read;
  }
  function readChecked(): void {
    let read = 0;
    for (let at = 0; at < READS; at++) read += view.get(indices[at]);
    sum = read;
  }
  readPlain();
  const expected = sum;
  readChecked();
  if (sum !== expected) throw new Error(`the view reads ${sum} in all, the array ${expected}`);
  const reads = rounds({ operations: READS, run: checked ? readChecked : readPlain, restore: () => {} });
  return {
    loaded: { estimateMs: 0 },
    keep: heap,
    warm: (ms, capMs) => warmUp(reads, ms, capMs),
    round: (ms) => ({ reads: reads(ms) }),
  };
}
