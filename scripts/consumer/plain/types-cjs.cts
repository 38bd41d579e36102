import { createHeap, type Heap, isHeapError } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";

const heap = createHeap({ memory: 1 << 20, strategy: hyperheap() });
const plain: Heap = heap;

const ptr: number = heap.alloc(256, 64);
heap.free(ptr);
plain.check();

try {
  heap.free(ptr);
} catch (error) {
  if (!isHeapError(error, "ERR_DOUBLE_FREE")) throw error;
  const code: string = error.code;
  if (code.length === 0) throw error;
}

// @ts-expect-error a heap has no API of a plugin that was not given: were the types `any`, this would not be an error
heap.stats;
