/** Words that lead out of the area: nobody joins such a heap. */
import { attachHeap, createHeap } from "@heapwright/core";
import { expect, it } from "vitest";
import { arena } from "./arena.js";
import { END, EVENTS, FIRST_EVENT, LIMIT, MOST_EVENTS, REGION, TOP } from "./space.js";

function heapAndState() {
  const heap = createHeap({ memory: 16384, strategy: arena() });
  return { heap, state: Math.ceil((128 + (heap.memory.u32[8] as number)) / 64) * 16 };
}

it.each([
  ["TOP", TOP, -1],
  ["TOP", TOP, 1 << 20],
  ["LIMIT", LIMIT, 1 << 20],
  ["END", END, -5],
  ["REGION", REGION, 1 << 20],
  ["EVENTS", EVENTS, MOST_EVENTS + 1],
])("%s out of range is refused", (name, word, value) => {
  const { heap, state } = heapAndState();
  heap.memory.i32[state + word] = value;
  expect(() => attachHeap(heap.descriptor(), { strategy: arena() })).toThrow(
    expect.objectContaining({
      code: "ERR_HEAP_CORRUPT",
      message: expect.stringContaining(`${name} is ${value}`),
    }),
  );
});

it("so is an event that leads before the area", () => {
  const { heap, state } = heapAndState();
  heap.memory.i32[state + EVENTS] = 1;
  heap.memory.i32[state + FIRST_EVENT + 1] = -3 << 1;
  expect(() => attachHeap(heap.descriptor(), { strategy: arena() })).toThrow("event 0 has the floor -3");
});
