/** The largest free chunk, against a walk of all; and what a block that moves takes along, to its last word. */
import { expect, it } from "vitest";
import { randomOf } from "../../../testing/random.js";
import { slots } from "../../../testing/slots.js";
import { opened } from "./fixtures/opened.js";
import { largestFree } from "./largest.js";
import { CURSOR, CURSOR_END, getState, usableOf } from "./space.js";

it.each([0, 1, 5])("with %i slots it is what a walk finds, in the top, the cursor or a list", (count) => {
  const { heap, space } = opened(64 << 10, [slots(count)]);
  const random = randomOf(count + 1);
  const live: number[] = [];
  const seen = { cursor: 0, elsewhere: 0 };
  for (let step = 0; step < 3000; step++) {
    const isFilling = step % 600 < 450;
    if (random.below(100) < (isFilling ? 70 : 30)) {
      const ptr = heap.allocUnsafe(1 + random.below(random.below(5) === 0 ? 4000 : 300));
      if (ptr !== 0) live.push(ptr);
    } else if (live.length > 0) heap.free(live.splice(random.below(live.length), 1)[0] as number);
    const free = [...heap.blocks()].filter(({ state }) => state === "free").map(({ usable }) => usable);
    const largest = Math.max(0, ...free);
    expect(largestFree(space)).toBe(largest);
    const cursor = getState(space, CURSOR_END) - getState(space, CURSOR);
    seen[cursor > 0 && usableOf(space, cursor) === largest ? "cursor" : "elsewhere"]++;
  }
  expect(Math.min(seen.cursor, seen.elsewhere)).toBeGreaterThan(0);
});

it.each([0, 1, 5])("with %i slots a block that moves has all its bytes", (count) => {
  const { heap } = opened(1 << 20, [slots(count)]);
  const { u8 } = heap.memory;
  for (let size = 1; size <= 700; size++) {
    const ptr = heap.alloc(size);
    // Nothing is free behind it.
    heap.alloc(20);
    const usable = heap.usableSize(ptr);
    for (let at = 0; at < usable; at++) u8[ptr + at] = 1 + ((size + at) % 255);
    const moved = heap.realloc(ptr, usable + 100);
    expect(moved).not.toBe(ptr);
    for (let at = 0; at < usable; at++)
      if (u8[moved + at] !== 1 + ((size + at) % 255)) throw new Error(`byte ${at} of ${usable} has changed`);
    heap.reset?.();
  }
});
