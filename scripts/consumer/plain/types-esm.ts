import { createHeap, type Heap, isHeapError } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import {
  type HeapStats,
  observeStats,
  prometheusText,
  stats,
  statsTable,
  type TagStats,
} from "@heapwright/stats";
import { type CheckedView, formatReport, type Leak, strict } from "@heapwright/strict";
import { mergeTraces, type Trace, type TracePart, trace } from "@heapwright/trace";

const heap = createHeap({ memory: 1 << 20, strategy: hyperheap() });
const plain: Heap = heap;

const ptr: number = heap.alloc(256, 64);
const view: Float32Array = heap.allocArray(Float32Array, 16);
heap.free(view);
heap.free(ptr);
plain.check();

try {
  heap.free(ptr);
} catch (error) {
  if (!isHeapError(error, "ERR_DOUBLE_FREE")) throw error;
  const code: string = error.code;
  const where: number | undefined = error.ptr;
  if (code.length === where) throw error;
}

// @ts-expect-error a heap has no API of a plugin that was not given: were the types `any`, this would not be an error
heap.stats;
// @ts-expect-error the same of the strategy
createHeap({ memory: 1 << 20, strategy: hyperheap().nonsense });

const guarded = createHeap({
  memory: 1 << 20,
  strategy: hyperheap(),
  plugins: [strict({ tagName: (tag) => `tag ${tag}` })],
});
const leaks: readonly Leak[] = guarded.strict.leaks();
const checked: CheckedView<number> = guarded.strict.view(guarded.alloc(leaks.length + 16), Uint32Array);
const big: bigint = guarded.strict.view(checked.ptr, BigInt64Array).get(0);
guarded.delayedFree.drain();
if (big !== 0n) throw new Error(formatReport(guarded.strict.reports[0]));
// @ts-expect-error a fence has no API
guarded.fence;

const counted = createHeap({
  memory: 1 << 20,
  strategy: hyperheap(),
  plugins: [stats({ maxTags: 8 })],
  name: "scene",
});
const mesh = counted.stats.tag("mesh");
counted.free(counted.alloc(100, 16, mesh));
const figures: TagStats = counted.stats.get(mesh);
const totals: HeapStats = counted.stats.diff(counted.stats.totals());
const text: string = prometheusText(counted.stats) + statsTable(counted.stats);
const sum: number = counted.stats
  .query("/scene/*/frees")
  .reduce((so, { value }) => so + value, figures.frees);
export const exported = [text, sum, totals.largestFree, observeStats];
// @ts-expect-error a name may be unknown
counted.stats.get("mesh").frees;
// @ts-expect-error a tag is made by the heap, not a number
counted.alloc(100, 16, 5000);

const recorded = createHeap({
  memory: 1 << 20,
  strategy: hyperheap(),
  plugins: [trace({ operations: 100, sink: ({ words }: TracePart) => words.length })],
});
recorded.alloc(10);
const made: Trace = mergeTraces([recorded.trace.take()]);
export const file: Promise<Uint8Array> = recorded.trace.toBytes();
// @ts-expect-error tags may not have been recorded
made.tags.length;
