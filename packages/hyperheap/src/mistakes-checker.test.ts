/**
 * What a heap of this kind usually gets wrong: a checker that ignores list order and sums. Every word the heap lives by is made
 * wrong here, and `check()` has to say so.
 */
import { attachHeap, type Heap, isHeapError, type Ptr } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { describe, expect, it } from "vitest";
import { chunksOf, findings, heapOf, PAGE } from "./fixtures/places.js";
import { type Watch, watched } from "./fixtures/watched.js";
import { BOUNDARY, FREE, LAST, PAGES, PAGES_FREE, USED } from "./space.js";

/** Undefined where joining is refused, because the state leads out of the area. */
function joined(attach: () => Heap): Heap | undefined {
  try {
    return attach();
  } catch (error) {
    if (isHeapError(error, "ERR_HEAP_CORRUPT")) return undefined;
    throw error;
  }
}

describe("a checker that ignores list order and sums", () => {
  const watch: Watch = { state: 0, called() {} };
  /** Used and free chunks in turns, and page runs if the area ends with a page. */
  function made(areaBytes = 8 * PAGE): {
    heap: Heap;
    chunks: readonly { readonly at: number; readonly bytes: number }[];
  } {
    const heap = heapOf({ areaBytes, strategy: watched(watch) });
    const blocks = [64, 64, 96, 64, 64].map((size) => heap.alloc(size));
    const [top, middle] = [1, 2, 1].map((pages) => heap.alloc(pages * PAGE, PAGE));
    for (const ptr of [blocks[1], blocks[3], middle]) heap.free(ptr as Ptr);
    expect(top).toBe(areaBytes % PAGE === 0 ? heap.region.areaEnd - PAGE : 0);
    expect(findings(heap)).toBe("");
    return { heap, chunks: chunksOf(heap, heap.region.areaEnd - heap.pageBytes - heap.pageFreeBytes) };
  }

  it.each(Object.entries({ LAST, BOUNDARY, FREE, USED, PAGES, PAGES_FREE }))(
    "finds a wrong %s",
    (_, word) => {
      for (const delta of [16, -16, 4096, 1]) {
        const { heap } = made();
        heap.memory.u32[(watch.state >>> 2) + word] += delta;
        expect(findings(heap)).not.toBe("");
      }
    },
  );

  it("finds two chunks of which the list has one, two or the wrong order", () => {
    for (let index = 0; index < 4; index++) {
      // A chunk left out, its neighbours tied to each other: every link is right, what is missing is the chunk.
      const { heap, chunks } = made();
      const [left, gone, right] = chunks.slice(index, index + 3) as { at: number; bytes: number }[];
      if (left === undefined || gone === undefined || right === undefined) throw new Error("too few chunks");
      const { u32, i32 } = heap.memory;
      u32[left.at >>> 2] = left.bytes + gone.bytes;
      const prev = (right.at + 4) >>> 2;
      i32[prev] = -(left.bytes + gone.bytes) | ((i32[prev] as number) & 1);
      expect(findings(heap), `chunk ${index + 1} left out`).not.toBe("");
    }
    for (let index = 1; index < 5; index++) {
      // Each chunk names the one before the last as its neighbour.
      const { heap, chunks } = made();
      const prev = ((chunks[index]?.at as number) + 4) >>> 2;
      const before = chunks[index - 2]?.at ?? heap.region.areaStart - 48;
      heap.memory.i32[prev] =
        -((chunks[index]?.at as number) - before) | ((heap.memory.i32[prev] as number) & 1);
      expect(findings(heap), `chunk ${index} out of order`).not.toBe("");
    }
  });

  it("finds free neighbours that were not merged, sums being right", () => {
    const { heap, chunks } = made();
    const { i32, u32 } = heap.memory;
    const { at } = chunks[2] as { at: number };
    // The used chunk between two free ones says it is free, and the sums are mended.
    i32[(at + 4) >>> 2] &= ~1;
    u32[(watch.state >>> 2) + FREE] += 96;
    u32[(watch.state >>> 2) + USED] -= 96;
    expect(findings(heap)).toMatch(/adjoin/);
  });

  it("finds every flipped bit of every chunk header", () => {
    const { heap, chunks } = made();
    const { u32 } = heap.memory;
    for (const { at } of chunks) {
      for (const field of [0, 4, 12]) {
        for (let bit = 0; bit < 32; bit++) {
          u32[(at + field) >>> 2] ^= 1 << bit;
          expect(findings(heap), `bit ${bit} of the word at ${at} + ${field}`).not.toBe("");
          u32[(at + field) >>> 2] ^= 1 << bit;
        }
      }
    }
    expect(findings(heap)).toBe("");
  });

  it.each([
    ["without page runs", 8 * PAGE + 64],
    ["with page runs", 8 * PAGE],
  ])("finds every flipped bit of the tables that changes what the heap does, %s", (_, areaBytes) => {
    const { heap } = made(areaBytes);
    const program = (target: Heap): unknown[] => {
      const sizes = [16, 64, 48, 33, 64, 400, 96];
      const blocks = sizes.map((size, index) => target.allocUnsafe(size, index % 3 === 2 ? 64 : 16));
      const runs = [1, 1, 2].map((pages) => target.allocUnsafe(pages * PAGE, PAGE));
      for (const ptr of [...blocks.slice(1, 5), ...runs.slice(1)]) target.free(ptr);
      return [
        ...blocks,
        ...runs,
        target.allocUnsafe(200),
        target.freeBytes,
        target.pageFreeBytes,
        findings(target),
      ];
    };
    const { u8 } = heap.memory;
    const bytes = u8.slice();
    // A new agent each time: what one keeps outside the memory is only a cache.
    const fresh = (): Heap => attachHeap(heap.descriptor(), { strategy: hyperheap() });
    const expected = program(fresh());
    const flips = (heap.region.areaStart - watch.state) * 8;
    const harmful: string[] = [];
    for (let flip = 0; flip < flips; flip++) {
      u8.set(bytes);
      u8[watch.state + (flip >>> 3)] ^= 1 << (flip & 7);
      const agent = joined(fresh);
      if (agent === undefined || findings(agent) !== "") continue;
      if (String(program(agent)) !== String(expected))
        harmful.push(`bit ${flip & 7} of state byte ${flip >>> 3}`);
    }
    expect(harmful, "no finding of check(), but of use").toEqual([]);
  });
});
