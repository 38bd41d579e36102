/** Every word an arena lives by is made wrong here, and `check()` has to say so. */
import { type Context, createHeap, type Heap, isHeapError, type Strategy } from "@heapwright/core";
import { describe, expect, it } from "vitest";
import { slots } from "../../../testing/slots.js";
import { type ArenaApi, arena } from "./arena.js";
import { addCode, codeAt, endBlock } from "./codes.js";
import {
  BEYOND,
  DEAD,
  END,
  EVENTS,
  FIRST_EVENT,
  GAP,
  GAPS,
  GENERATION,
  HIGH,
  LIMIT,
  LIVE,
  REGION,
  Space,
  TOP,
  WASTE,
} from "./space.js";

function made(): { heap: Heap; space: Space } {
  let space: Space | undefined;
  const strategy: Strategy<"arena", ArenaApi> = arena();
  const buffer = new ArrayBuffer(8192, { maxByteLength: 65536 });
  const heap = createHeap({
    memory: buffer,
    strategy: {
      ...strategy,
      create(ctx: Context) {
        space = new Space(ctx);
        return strategy.create(ctx);
      },
    } as Strategy<"arena", ArenaApi>,
    plugins: [slots(2)],
    growth: { max: 65536, step: 8192 },
  });
  const first = heap.alloc(100);
  heap.alloc(40);
  heap.realloc(first, 300);
  heap.arena.mark();
  heap.free(heap.alloc(20, 512));
  heap.arena.release(heap.arena.mark());
  const last = heap.alloc(64);
  heap.arena.mark();
  heap.free(last);
  for (let pages = 0; pages < 3; pages++) {
    buffer.resize(buffer.byteLength + 4096);
    if (pages < 2) heap.alloc(pages === 0 ? 7000 : 7900);
    else heap.grow(4096);
  }
  expect(findings(heap)).toBe("");
  return { heap, space: space as Space };
}

function findings(heap: Heap): string {
  try {
    heap.check();
    return "";
  } catch (error) {
    if (!isHeapError(error, "ERR_HEAP_CORRUPT")) throw error;
    return error.message;
  }
}

/** First granule with a code. */
function find(space: Space, code: number, from = 0): number {
  for (let at = from; at < space.areaGranules; at++) if (codeAt(space, at) === code) return at;
  throw new Error(`no granule has the code ${code}`);
}

describe("a check finds", () => {
  it.each(Object.entries({ TOP, LIMIT, END, REGION, BEYOND, GAPS, WASTE }))("a wrong %s", (_name, word) => {
    // A block that ends a little later or earlier is one all the same.
    for (const delta of word === TOP ? [-600, 600, 5000, -5000] : [1, -1, 16, -5000, 5000]) {
      const { heap, space } = made();
      space.i32[space.state + word] += delta;
      expect(findings(heap), `${delta}`).not.toBe("");
    }
  });

  it.each([
    ["a generation below those of events", GENERATION, -(2 ** 20)],
    ["a mark above the top", HIGH, 5000],
    ["too many events", EVENTS, 1000],
    ["an event behind the area", FIRST_EVENT + 1, 2 ** 20],
  ])("%s", (_name, word, delta) => {
    const { heap, space } = made();
    expect(space.i32[space.state + EVENTS]).toBeGreaterThan(0);
    space.i32[space.state + word] += delta;
    expect(findings(heap)).not.toBe("");
  });

  it("an event of the present", () => {
    const { heap, space } = made();
    space.i32[space.state + FIRST_EVENT] = space.i32[space.state + GENERATION];
    expect(findings(heap)).toContain("event 0");
  });

  it("a block that has ended behind the words' back", () => {
    const { heap, space } = made();
    endBlock(space, find(space, LIVE));
    expect(findings(heap)).toContain("WASTE");
  });

  it("a block where none was made", () => {
    const { heap, space } = made();
    addCode(space, find(space, DEAD), LIVE);
    expect(findings(heap)).toContain("WASTE");
  });

  it("a block without payload", () => {
    const { heap, space } = made();
    addCode(space, find(space, LIVE) + 1, LIVE);
    expect(findings(heap)).toContain("no payload");
  });

  it("a first piece that is not there", () => {
    const { heap, space } = made();
    space.i32[space.codes] &= ~3;
    expect(findings(heap)).toContain("no piece begins");
  });

  it("a piece above the top", () => {
    const { heap, space } = made();
    addCode(space, space.i32[space.state + TOP] + 3, DEAD);
    expect(findings(heap)).toContain("above the top");
  });

  it("a gap that does not end, and one that is not there", () => {
    const { heap, space } = made();
    const gap = find(space, GAP);
    const end = find(space, GAP, gap + 1);
    space.i32[space.codes + (end >>> 4)] &= ~(3 << ((end & 15) << 1));
    expect(findings(heap)).toContain("does not end");
    space.i32[space.codes + (gap >>> 4)] &= ~(3 << ((gap & 15) << 1));
    expect(findings(heap)).not.toBe("");
  });

  it("codes behind the end", () => {
    const { heap, space } = made();
    space.i32[space.codesEnd - 1] = 1;
    expect(findings(heap)).toContain("behind the end");
  });
});

it("walks to the end whatever the codes are", () => {
  for (let seed = 1; seed < 40; seed++) {
    const { heap, space } = made();
    for (let word = space.codes; word < space.codesEnd; word++)
      if ((word * seed) % 7 === 0) space.i32[word] = Math.imul(word * seed, 0x9e3779b1);
    expect([...heap.blocks()].length).toBeLessThanOrEqual(space.areaGranules);
    expect(findings(heap)).not.toBe("");
  }
});
