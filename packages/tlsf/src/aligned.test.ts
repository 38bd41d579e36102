/** Aligned blocks are cut from the end of what is free; slab-like spans lie side by side, whatever is made in between. */
import { createHeap } from "@heapwright/core";
import { describe, expect, it } from "vitest";
import { randomOf } from "../../../testing/random.js";
import { slots } from "../../../testing/slots.js";
import { tlsf } from "./tlsf.js";

const KIB = 1024;

describe.each([0, 1, 3, 5])("with %i slots", (count) => {
  const header = 4 * (1 + count);

  it.each([1024, 2048, 4096] as const)("spans of %i bytes pile up from the top without slack", (span) => {
    const heap = createHeap({ memory: 256 * KIB, strategy: tlsf(), plugins: [slots(count)] });
    const { areaEnd } = heap.region;
    expect(areaEnd % span).toBe(0);
    let below = areaEnd;
    const random = randomOf(span);
    for (let number = 0; number < 16; number++) {
      heap.allocUnsafe(1 + random.below(200));
      const ptr = heap.allocUnsafe(span - header, span);
      expect(below - ptr).toBe(span);
      expect(heap.takenSize(ptr)).toBe(span);
      below = ptr;
    }
    heap.check();
  });

  it("a freed span is taken again, and all of them are the top again", () => {
    const heap = createHeap({ memory: 256 * KIB, strategy: tlsf(), plugins: [slots(count)] });
    const before = heap.freeBytes;
    const spans = Array.from({ length: 8 }, () => heap.allocUnsafe(4096 - header, 4096));
    const [, , third, , fifth] = spans as [number, number, number, number, number];
    heap.free(third);
    heap.free(fifth);
    expect([heap.allocUnsafe(4096 - header, 4096), heap.allocUnsafe(4096 - header, 4096)].sort()).toEqual(
      [third, fifth].sort(),
    );
    for (const ptr of spans) heap.free(ptr);
    heap.check();
    expect(heap.freeBytes).toBe(before);
  });

  it("any size and alignment: aligned, apart, and given back whole", () => {
    const heap = createHeap({ memory: 256 * KIB, strategy: tlsf(), plugins: [slots(count)] });
    const before = heap.freeBytes;
    const random = randomOf(count + 1);
    const live: number[] = [];
    for (let step = 0; step < 3000; step++) {
      if (random.below(5) < 3) {
        const align = 1 << (4 + random.below(9));
        const ptr = heap.allocUnsafe(1 + random.below(random.below(8) === 0 ? 9000 : 300), align as 16);
        expect(ptr % align).toBe(0);
        if (ptr !== 0) live.push(ptr);
      } else if (live.length > 0) heap.free(live.splice(random.below(live.length), 1)[0] as number);
      if (step % 50 === 0) heap.check();
    }
    for (const ptr of live) heap.free(ptr);
    heap.check();
    expect(heap.freeBytes).toBe(before);
  });
});
