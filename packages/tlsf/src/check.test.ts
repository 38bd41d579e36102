/** Every word that holds the heap together, and every bit: what is planted there `check` finds, and no call crashes, hangs or follows it. */
import { isHeapError } from "@heapwright/core";
import { describe, expect, it } from "vitest";
import { randomOf } from "../../../testing/random.js";
import { opened } from "./fixtures/opened.js";
import {
  BRIDGED,
  CHUNKS,
  CURSOR,
  CURSOR_END,
  classOf,
  END,
  FIRST_LEVEL,
  HEADS,
  linkOf,
  SECOND_LEVEL,
  type Space,
  TOP,
  TOP_END,
  USED,
} from "./space.js";

/** Blocks `a`, `b`, `c` … with free chunks of 5, 5, and 70 granules between them, and a cursor. */
function scene() {
  const made = opened(64 << 10);
  const { heap, space } = made;
  const take = (granules: number): number => heap.allocUnsafe(granules * 16 - 4);
  const [a, hole, b, hole2, c, large, d, rest, e] = [3, 5, 4, 5, 4, 70, 3, 40, 3].map(take) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  for (const ptr of [hole, hole2, large, rest]) heap.free(ptr);
  const cut = take(30);
  heap.check();
  const granule = (ptr: number): number => (ptr - space.areaStart) / 16;
  return { ...made, a, b, c, d, e, cut, hole, hole2, large, granule, live: [a, b, c, d, e, cut] };
}
type Scene = ReturnType<typeof scene>;

const word = (space: Space, name: number) => space.state + name;
const header = ({ space, granule }: Scene, ptr: number) => space.chunkWord + granule(ptr) * 4;
const link = ({ space, granule }: Scene, ptr: number) => space.state + linkOf(space, granule(ptr));
const map = ({ space, granule }: Scene, ptr: number) => space.maps + (granule(ptr) >>> 5) * 2;
const bit = ({ granule }: Scene, ptr: number) => 1 << (granule(ptr) & 31);

const PLANTED: readonly (readonly [string, RegExp, (scene: Scene) => void])[] = [
  ["size of a block", /size|free|list/, (s) => (s.space.i32[header(s, s.b)] += 1)],
  ["size of a block, 0", /size 0/, (s) => (s.space.i32[header(s, s.b)] = 0)],
  ["size of a block, huge", /size/, (s) => (s.space.i32[header(s, s.b)] = 0x7fffffff)],
  ["size of a free chunk", /foot|size/, (s) => (s.space.i32[header(s, s.hole)] -= 1)],
  ["size of a free chunk, negative", /foot|size/, (s) => (s.space.i32[header(s, s.hole)] = -5)],
  ["foot", /foot/, (s) => (s.space.i32[header(s, s.b) - 1] = 4)],
  ["next", /list/, (s) => (s.space.i32[link(s, s.hole2)] = linkOf(s.space, s.granule(s.b)))],
  ["next, far away", /list/, (s) => (s.space.i32[link(s, s.hole2)] = 0x7fffffff)],
  [
    "next, itself",
    /list|links/,
    (s) => (s.space.i32[link(s, s.hole2)] = linkOf(s.space, s.granule(s.hole2))),
  ],
  ["prev", /links/, (s) => (s.space.i32[link(s, s.hole) + 1] = 64)],
  ["prev of the first", /links/, (s) => (s.space.i32[link(s, s.hole2) + 1] = 0)],
  ["head", /list/, (s) => (s.space.i32[word(s.space, HEADS + 5)] = linkOf(s.space, s.granule(s.b)))],
  ["head, lost", /lists have/, (s) => (s.space.i32[word(s.space, HEADS + 5)] = 0)],
  [
    "head of an empty list",
    /list/,
    (s) => (s.space.i32[word(s.space, HEADS + 7)] = linkOf(s.space, s.granule(s.hole))),
  ],
  ["head, far away", /list/, (s) => (s.space.i32[word(s.space, HEADS + 5)] = -12345)],
  ["live bit, cleared", /free|list|chunk/, (s) => (s.space.i32[map(s, s.b)] &= ~bit(s, s.b))],
  ["live bit, inside", /live bit/, (s) => (s.space.i32[map(s, s.b + 16)] |= bit(s, s.b + 16))],
  ["live bit of a free chunk", /bit|sum|list/, (s) => (s.space.i32[map(s, s.hole)] |= bit(s, s.hole))],
  ["after-free bit, cleared", /after-free/, (s) => (s.space.i32[map(s, s.b) + 1] &= ~bit(s, s.b))],
  ["after-free bit, set", /after-free/, (s) => (s.space.i32[map(s, s.hole) + 1] |= bit(s, s.hole))],
  ["second level, cleared", /level 0/, (s) => (s.space.i32[word(s.space, SECOND_LEVEL)] = 0)],
  ["second level, set", /level 0/, (s) => (s.space.i32[word(s.space, SECOND_LEVEL)] |= 1 << 9)],
  [
    "second level of a large class",
    /level 2/,
    (s) => (s.space.i32[word(s.space, SECOND_LEVEL + (classOf(70) >>> 5))] = 0),
  ],
  ["first level, cleared", /first level/, (s) => (s.space.i32[word(s.space, FIRST_LEVEL)] = 0)],
  ["used", /"used"/, (s) => (s.space.i32[word(s.space, USED)] += 16)],
  ["chunks", /"chunks"/, (s) => (s.space.i32[word(s.space, CHUNKS)] -= 1)],
  ["bridged", /"bridged"/, (s) => (s.space.i32[word(s.space, BRIDGED)] = 3)],
  ["top", /./, (s) => (s.space.i32[word(s.space, TOP)] += 1)],
  ["top's end", /./, (s) => (s.space.i32[word(s.space, TOP_END)] -= 1)],
  ["top, none", /./, (s) => (s.space.i32[word(s.space, TOP)] = 0)],
  ["cursor", /cursor|size/, (s) => (s.space.i32[word(s.space, CURSOR)] += 1)],
  ["cursor's end", /./, (s) => (s.space.i32[word(s.space, CURSOR_END)] += 1)],
  ["cursor's end, far away", /./, (s) => (s.space.i32[word(s.space, CURSOR_END)] = 0x7fffffff)],
  ["end", /./, (s) => (s.space.i32[word(s.space, END)] -= 1)],
  ["end, far away", /end of the chunks/, (s) => (s.space.i32[word(s.space, END)] = 0x7fffffff)],
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
      for (let step = 0; step < 60; step++) {
        const size = 1 + random.below(random.below(3) === 0 ? 3000 : 100);
        tolerant(() => live.push(heap.allocUnsafe(size, random.below(5) === 0 ? 64 : 16)));
        const ptr = random.pick(live);
        tolerant(() => heap.reallocUnsafe(ptr, size));
        tolerant(() => heap.free(random.pick(live)));
      }
      tolerant(() => [...heap.blocks()]);
      tolerant(() => heap.dump(() => {}));
      tolerant(() => heap.reset?.());
      findings(made);
    }
  });
});
