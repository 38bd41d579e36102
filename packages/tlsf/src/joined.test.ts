/** Words that lead out of the area: nobody joins such a heap. */
import { attachHeap, createHeap, restoreHeap } from "@heapwright/core";
import { expect, it } from "vitest";
import { CURSOR, CURSOR_END, END, HEADS, TOP, TOP_END } from "./space.js";
import { tlsf } from "./tlsf.js";

/** A heap with a chunk in a list, and the word its state begins at: the only one before the area. */
function heapAndState() {
  const heap = createHeap({ memory: 16384, strategy: tlsf() });
  const [first] = [heap.alloc(100), heap.alloc(40)];
  heap.free(first as number);
  const manifestBytes = heap.memory.u32[8] as number;
  return { heap, state: Math.ceil((128 + manifestBytes) / 64) * 16 };
}

it.each(Object.entries({ TOP, TOP_END, CURSOR, CURSOR_END, END, "the head of list 7": HEADS + 7 }))(
  "%s behind the area, or before it, is refused",
  (name, word) => {
    for (const value of [-1, 1 << 28, 0x7fffffff]) {
      const { heap, state } = heapAndState();
      attachHeap(heap.descriptor(), { strategy: tlsf() }).check();
      heap.memory.i32[state + word] = value;
      expect(() => attachHeap(heap.descriptor(), { strategy: tlsf() })).toThrow(
        expect.objectContaining({
          code: "ERR_HEAP_CORRUPT",
          message: expect.stringContaining(`${name} is ${value}`),
        }),
      );
    }
  },
);

it("a list that leads beside a chunk's links is found by check()", () => {
  const { heap, state } = heapAndState();
  const head = heap.memory.i32.subarray(state + HEADS, state + HEADS + 64).findIndex((link) => link !== 0);
  expect(head).toBeGreaterThan(0);
  heap.memory.i32[state + HEADS + head] += 1;
  expect(() => heap.check()).toThrow(expect.objectContaining({ code: "ERR_HEAP_CORRUPT" }));
  expect(() => restoreHeap(heap.snapshot(), { strategy: tlsf() })).toThrow("leads to granule");
});
