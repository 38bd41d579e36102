/** The largest free chunk as the index has it, against a walk. */
import type { Heap } from "@heapwright/core";
import { describe, expect, it } from "vitest";
import { randomOf } from "../../../testing/random.js";
import { opened } from "./fixtures/opened.js";
import { largestFree } from "./largest.js";
import { boundaryOf, DEFERRED, type Space } from "./space.js";
import { isPending } from "./tree.js";

/** Of chunks: freed page runs, which lie from the boundary on, are none. */
function largestByWalk(heap: Heap, space: Space): number {
  let largest = 0;
  for (const { ptr, usable, state } of heap.blocks())
    if (state === "free" && ptr < boundaryOf(space)) largest = Math.max(largest, usable);
  return largest;
}

describe("largestFree", () => {
  // Trees of one, two and three levels.
  it.each([
    [3 << 13, 40],
    [3 << 16, 300],
    [3 << 20, 1500],
  ])("is what a walk finds, in %i bytes", (bytes, most) => {
    const { heap, space } = opened(bytes);
    const random = randomOf(bytes);
    const live: number[] = [];
    let waiting = 0;
    for (let step = 0; step < 4000; step++) {
      const grows = step % 2000 < 1200;
      if (live.length < most && random.below(100) < (grows ? 75 : 35)) {
        const size = 1 + random.below(random.below(100) < 60 ? 200 : bytes / 30);
        const ptr = heap.allocUnsafe(size, random.below(40) === 0 ? 4096 : 16);
        if (ptr !== 0) live.push(ptr);
      } else if (live.length > 0) {
        heap.free(live.splice(random.below(live.length), 1)[0] as number);
      }
      const waits = space.i32[space.state + DEFERRED];
      if (waits > 0 && isPending(space, waits - 1)) waiting++;
      else if (step % 4 > 0) continue;
      expect(largestFree(space)).toBe(largestByWalk(heap, space));
    }
    expect(waiting).toBeGreaterThan(10);
  });

  it("finds every size there is, and nothing in a full heap", () => {
    const { heap, space } = opened(1 << 15);
    const holes = Array.from({ length: 40 }, (_, index) => {
      const hole = heap.alloc(16 * (index + 1));
      heap.alloc(16);
      return hole;
    });
    for (let size = heap.region.bytes; size >= 16; ) if (heap.alloc(size) === 0) size -= 16;
    expect([heap.freeBytes, largestFree(space)]).toEqual([0, 0]);
    for (const [index, hole] of holes.entries()) {
      heap.free(hole);
      expect(largestFree(space)).toBe(16 * (index + 1));
    }
  });
});
