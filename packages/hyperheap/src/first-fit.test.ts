/** Every block is where a walk of all chunks would put it, and `check()` holds the index against the chunks after every operation. */
import { describe, expect, it } from "vitest";
import { randomOf } from "../../../testing/random.js";
import { slots } from "../../../testing/slots.js";
import { opened } from "./fixtures/opened.js";

/** Sizes that meet in one class, in neighbouring ones, in none. */
const MIXES: readonly (readonly [string, (below: (limit: number) => number) => number])[] = [
  ["small", (below) => 1 + below(200)],
  ["around the last class", (below) => 260 + below(140)],
  ["small and large", (below) => (below(5) === 0 ? 300 + below(5000) : 1 + below(120))],
  ["large", (below) => 500 + below(9000)],
];

describe.each([0, 2, 6])("with %i slots a header", (count) => {
  it.each(MIXES)("sizes: %s", (_name, sizeOf) => {
    const { heap, space } = opened(96 * 1024, count === 0 ? [] : [slots(count, count > 4 ? 4 : 0)], {
      max: 400 * 1024,
    });
    const random = randomOf(count + 1);
    const live: number[] = [];
    for (let step = 0; step < 2500; step++) {
      const roll = random.below(100);
      if (step === 1200) heap.grow(64 * 1024);
      if (live.length < 10 || roll < 51) {
        const size = sizeOf(random.below);
        const need = Math.ceil(size / 16) * 16;
        const { areaEnd } = space;
        const expected = [...heap.blocks()].find((each) => each.state === "free" && each.usable >= need)?.ptr;
        const ptr = heap.allocUnsafe(size);
        // Exhausted heaps grow first: then what follows the last chunk is not known beforehand.
        if (space.areaEnd === areaEnd) expect(ptr).toBe(expected ?? 0);
        if (ptr !== 0) live.push(ptr);
      } else if (roll < 56) {
        const at = random.below(live.length);
        const ptr = heap.reallocUnsafe(live[at] as number, sizeOf(random.below));
        if (ptr !== 0) live[at] = ptr;
      } else if (roll < 60) {
        const ptr = heap.allocUnsafe(sizeOf(random.below), 64);
        if (ptr !== 0) live.push(ptr);
      } else {
        heap.free(live.splice(random.below(live.length), 1)[0] as number);
      }
      heap.check();
    }
  });
});
