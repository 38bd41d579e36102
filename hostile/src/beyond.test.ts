/** Tables are as long as the heap may grow: what is set in them for memory that is not there yet is found before it is. */
import { createHeap, type Heap, isHeapError } from "@heapwright/core";
import { describe, expect, it } from "vitest";
import { STRATEGIES } from "./images.js";

const BYTES = 65536;
const MAX = 4 * BYTES;

function opened(strategy: string): Heap {
  const memory = new ArrayBuffer(BYTES, { maxByteLength: MAX });
  const make = STRATEGIES[strategy];
  if (make === undefined) throw new Error(strategy);
  const heap = createHeap({ memory, strategy: make(), growth: { max: MAX, step: 4096 } }) as Heap;
  const kept = [40, 300, 20_000, 100].map((size) => heap.alloc(size));
  if (heap.capabilities.free === "any") heap.free(kept[1] as number);
  return heap;
}

function isSound(heap: Heap): boolean {
  try {
    heap.check();
    return true;
  } catch (error) {
    if (!isHeapError(error, "ERR_HEAP_CORRUPT")) throw error;
    return false;
  }
}

describe.each(Object.keys(STRATEGIES).filter((name) => !name.includes("front")))("%s", (strategy) => {
  it("has no word whose damage shows only after growth", () => {
    const { base, areaStart } = opened(strategy).region;
    const late: number[] = [];
    for (let at = base + 128; at < areaStart; at += 4) {
      const heap = opened(strategy);
      if (heap.memory.u32[at >>> 2] !== 0) continue;
      heap.memory.u32[at >>> 2] = 64;
      if (!isSound(heap)) continue;
      try {
        heap.grow(MAX - BYTES);
      } catch (error) {
        if (!isHeapError(error)) throw error;
        late.push(at);
        continue;
      }
      if (!isSound(heap)) late.push(at);
    }
    expect(late).toEqual([]);
  });
});
