/** Every word that cells hang on, and every bit: what is planted there `check` finds, and no call crashes or hangs. */
import { isHeapError } from "@heapwright/core";
import { describe, expect, it } from "vitest";
import { randomOf } from "../../../testing/random.js";
import { opened } from "./fixtures/opened.js";
import {
  CAPACITY,
  COUNTER,
  CURSOR,
  classAt,
  GIVING,
  HEAD,
  LINK_SHIFT,
  MADE_LARGE,
  NEXT_AT,
  SPAN_BYTES,
  SPANS,
  SPARE,
  SPARE_BYTES,
  spanAt,
  spanPair,
  TAIL,
  TAKING,
  UNLISTED,
} from "./space.js";
import { hasFree } from "./spans.js";

/** Cells of 112 bytes in three spans, the first full, the others with a hole; one span of 32; a spare of 64; large blocks. */
function scene() {
  const made = opened(512 << 10);
  const { heap, space } = made;
  const cells = Array.from({ length: 54 }, () => heap.allocUnsafe(112));
  const small = heap.allocUnsafe(32);
  const large = heap.allocUnsafe(3000);
  heap.free(cells[20] as number);
  heap.free(cells[40] as number);
  heap.free(heap.allocUnsafe(64));
  heap.check();
  const spans = [0, 18, 36].map((index) => spanAt(space, (cells[index] as number) & -2048));
  const [full, second, third] = spans as [number, number, number];
  const spare = space.i32[classAt(space, 4) + SPARE];
  const live = [...cells.filter((_, index) => index !== 20 && index !== 40), small, large];
  const pair = (span: number): number => spanPair(space, span);
  const own = spanAt(space, small & -2048);
  return { ...made, cells, full, second, third, spare, own, small, large, live, pair, at: classAt(space, 7) };
}
type Scene = ReturnType<typeof scene>;

const state = ({ space }: Scene, word: number) => space.state + word;

const PLANTED: readonly (readonly [string, RegExp, (scene: Scene) => void])[] = [
  ["bytes of cells", /bytes of cells/, (s) => (s.space.i32[state(s, CAPACITY)] -= 16)],
  ["bytes of spans", /bytes of spans/, (s) => (s.space.i32[state(s, SPAN_BYTES)] = 0)],
  ["bytes of spares", /bytes of spares/, (s) => (s.space.i32[state(s, SPARE_BYTES)] = 4096)],
  ["what is asked", /asked of the inner/, (s) => (s.space.i32[state(s, MADE_LARGE)] = 7)],
  ["a span being taken", /being taken/, (s) => (s.space.i32[state(s, TAKING)] = 1)],
  ["a span being given", /being given/, (s) => (s.space.i32[state(s, GIVING)] = s.full)],
  ["the pair before the first", /before the first/, (s) => (s.space.i32[s.space.map] = 1)],
  ["the pair before the first, its kind", /before the first/, (s) => (s.space.i32[s.space.map + 1] = 1)],
  ["a free bit where no cell begins", /where none begin/, (s) => (s.space.i32[s.pair(s.second)] |= 2)],
  ["a free bit, set", /live cells/, (s) => (s.space.i32[s.pair(s.second)] |= 1)],
  [
    "a free bit, cleared",
    /live cells/,
    ({ space, pair, second }) => {
      for (const unit of [0, 2, 4, 6]) space.i32[pair(second) + unit] = 0;
    },
  ],
  ["a kind of no size", /cannot be true/, (s) => (s.space.i32[s.pair(s.full) + 1] &= ~(3 << 9))],
  ["a kind too large", /cannot be true/, (s) => (s.space.i32[s.pair(s.full) + 1] |= 3 << 9)],
  ["a kind of another class", /kind|list/, (s) => (s.space.i32[s.pair(s.third) + 1] ^= 1)],
  ["a kind of another unit", /has a span|list/, (s) => (s.space.i32[s.pair(s.third) + 1] |= 2 << 5)],
  ["a kind, 0", /span/, (s) => (s.space.i32[s.pair(s.third) + 1] = 0)],
  ["the second unit's kind", /unit 1/, (s) => (s.space.i32[s.pair(s.third) + 3] ^= 3)],
  ["the fourth unit's link", /unit 3/, (s) => (s.space.i32[s.pair(s.third) + 7] |= 1 << LINK_SHIFT)],
  ["live cells", /counts 19 live cells/, (s) => (s.space.i32[s.pair(s.full) + 5] += 1 << LINK_SHIFT)],
  ["a full span that says it is listed", /in no list/, (s) => (s.space.i32[s.pair(s.full) + 5] &= ~UNLISTED)],
  [
    "a span in the list that says it is in none",
    /says it is in none/,
    (s) => (s.space.i32[s.pair(s.second) + 5] |= UNLISTED),
  ],
  [
    "a next",
    /the list leads/,
    (s) => {
      const at = s.pair(s.third) + NEXT_AT;
      s.space.i32[at] = (s.space.i32[at] & 0x7ff) | (s.own << LINK_SHIFT);
    },
  ],
  [
    "a next of itself",
    /the list leads/,
    (s) => {
      const at = s.pair(s.space.i32[s.at + HEAD]) + NEXT_AT;
      s.space.i32[at] = (s.space.i32[at] & 0x7ff) | (s.space.i32[s.at + HEAD] << LINK_SHIFT);
    },
  ],
  ["a link back", /the span before/, (s) => (s.space.i32[s.pair(s.second) + 3] ^= 1 << LINK_SHIFT)],
  ["a head, 0", /the last span/, (s) => (s.space.i32[s.at + HEAD] = 0)],
  ["a head of another class", /the list leads/, (s) => (s.space.i32[s.at + HEAD] = s.own)],
  ["a head, far away", /the list leads/, (s) => (s.space.i32[s.at + HEAD] = 0x1fffff)],
  ["a head, negative", /the list leads/, (s) => (s.space.i32[s.at + HEAD] = -3)],
  ["a tail", /the last span/, (s) => (s.space.i32[s.at + TAIL] = s.full)],
  ["spans", /there are 3 spans/, (s) => (s.space.i32[s.at + SPANS] = 4)],
  ["a spare of another class", /no span of theirs/, (s) => (s.space.i32[s.at + SPARE] = s.spare)],
  ["a spare, far away", /no span of theirs/, (s) => (s.space.i32[s.at + SPARE] = -1)],
  ["a spare, forgotten", /bytes of spares/, (s) => (s.space.i32[classAt(s.space, 4) + SPARE] = 0)],
  ["a cursor, odd", /the cursor/, (s) => (s.space.i32[s.at + CURSOR] += 1)],
  [
    "a cursor of another class",
    /the cursor/,
    (s) => (s.space.i32[s.at + CURSOR] = s.pair(s.own) - s.space.map),
  ],
  ["a cursor, far away", /the cursor/, (s) => (s.space.i32[s.at + CURSOR] = 0x7ffffff0)],
  ["a counter", /the cursor/, (s) => (s.space.i32[s.at + COUNTER] += 2)],
  [
    "a span where none is",
    /where none is/,
    (s) => {
      const last = s.space.map + 2 + 2 * (s.space.units - 4);
      s.space.i32[last + 1] = s.space.i32[s.pair(s.own) + 1];
    },
  ],
  [
    "a free bit where no span is",
    /where none is/,
    (s) => (s.space.i32[s.space.map + 2 * s.space.units] = 16),
  ],
];

function findings({ heap }: Scene): string {
  try {
    heap.check();
    return "";
  } catch (error) {
    if (!isHeapError(error)) throw error;
    return (error.errors ?? [error]).map(({ message }) => message).join("\n");
  }
}

/** A heap error is an answer; anything else is not. */
function tolerant(act: () => unknown): void {
  try {
    act();
  } catch (error) {
    if (!isHeapError(error)) throw error;
  }
}

it("the scene has what is planted into", () => {
  const { space, spare, full, second, third, own, pair, at } = scene();
  expect(new Set([spare, full, second, third, own]).size).toBe(5);
  expect(spare).toBeGreaterThan(0);
  expect(space.i32[pair(full) + 5] & UNLISTED).toBe(UNLISTED);
  expect(new Set([space.i32[at + HEAD], space.i32[at + TAIL]])).toEqual(new Set([second, third]));
});

describe("whether a class has a free cell", () => {
  /** No cell of the three spans is free, two of which are in the list. */
  function full() {
    const made = scene();
    for (const _ of [1, 2]) made.live.push(made.heap.allocUnsafe(112));
    const { space, at, pair } = made;
    const [first, last] = [space.i32[at + HEAD], space.i32[at + TAIL]];
    expect(new Set([first, last])).toEqual(new Set([made.second, made.third]));
    expect(hasFree(space, 7)).toBe(false);
    made.heap.check();
    const lead = (span: number, to: number): void => {
      space.i32[pair(span) + NEXT_AT] = (space.i32[pair(span) + NEXT_AT] & 0x7ff) | (to << LINK_SHIFT);
    };
    return { ...made, first, last, lead };
  }
  type Full = ReturnType<typeof full>;

  it.each<[string, (made: Full) => void]>([
    ["a ring of two", ({ first, last, lead }) => lead(last, first)],
    ["a ring of the last", ({ last, lead }) => lead(last, last)],
    ["a span of another class", ({ last, own, lead }) => lead(last, own)],
    ["what is no span", ({ space, last, lead }) => lead(last, Math.floor(space.units / 4))],
    ["what is not in the map", ({ last, lead }) => lead(last, 0x1fffff)],
    ["a head before the map", ({ space, at }) => (space.i32[at + HEAD] = -3)],
  ])("is not looked for for ever: %s", (_, plant) => {
    const made = full();
    plant(made);
    expect(() => hasFree(made.space, 7)).toThrow(
      expect.objectContaining({
        code: "ERR_HEAP_CORRUPT",
        message: expect.stringContaining("the list of spans with cells of 112 bytes leads to"),
      }),
    );
  });
});

describe.each(PLANTED)("%s", (_name, told, plant) => {
  it("is found by check", () => {
    const made = scene();
    plant(made);
    expect(findings(made)).toMatch(told);
  });

  it("lets no call crash or hang", () => {
    for (let seed = 1; seed <= 4; seed++) {
      const made = scene();
      plant(made);
      const { heap, live } = made;
      const random = randomOf(seed);
      for (let step = 0; step < 80; step++) {
        const size = 1 + random.below(random.below(3) === 0 ? 3000 : 130);
        tolerant(() => live.push(heap.allocUnsafe(size, random.below(5) === 0 ? 64 : 16)));
        const ptr = random.pick(live);
        tolerant(() => heap.reallocUnsafe(ptr, size));
        tolerant(() => heap.free(random.pick(live)));
      }
      for (let sizeClass = 1; sizeClass <= made.space.most; sizeClass++)
        tolerant(() => hasFree(made.space, sizeClass));
      tolerant(() => heap.slab.trim());
      tolerant(() => [...heap.blocks()]);
      tolerant(() => heap.dump(() => {}));
      tolerant(() => heap.reset?.());
      findings(made);
    }
  });
});
