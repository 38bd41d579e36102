/** What `check()` finds: each word of the state and of a block's header changed by one, and what it says then. */
import { createHeap, isHeapError } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { stats } from "@heapwright/stats";
import { describe, expect, it } from "vitest";
import { CLASS_RECORD, planState, RECORD, RECORDS, TOTAL_CURRENT } from "./state.js";

function prepared() {
  const heap = createHeap({
    memory: 1 << 18,
    strategy: hyperheap(),
    plugins: [stats({ maxTags: 60, sizeClasses: true, shortLived: 9 })],
  });
  const [mesh, sound] = [heap.stats.tag("mesh"), heap.stats.tag("sound")];
  heap.alloc(12_345, 16, mesh);
  const ptr = heap.alloc(200, 16, mesh);
  heap.free(heap.alloc(77, 16, sound));
  heap.alloc(5);
  const { f64 } = heap.memory;
  // Found by what the totals' first figure must be, which is nowhere else.
  const start = f64.subarray(0, heap.region.areaStart / 8).indexOf(12_345 + 200 + 5) - TOTAL_CURRENT;
  return { heap, mesh, sound, ptr, start, plan: planState(60, true, 1) };
}

const found = (heap: { check(): void }): string => {
  try {
    heap.check();
  } catch (error) {
    if (isHeapError(error)) return [error, ...(error.errors ?? [])].map(({ message }) => message).join("\n");
    throw error;
  }
  return "";
};

const RECORD_NAMES = [
  "current",
  "peak",
  "allocated",
  "taken current",
  "taken peak",
  "taken allocated",
  "allocations",
  "frees",
  "failures",
  "short-lived",
];

describe("check", () => {
  it("finds nothing in a heap that is sound", () => {
    const { heap } = prepared();
    expect(found(heap)).toBe("");
  });

  // What never falls and nothing else depends on is only known to be no less than something.
  it.each(RECORD_NAMES.map((name, index) => [name, index] as const))(
    "finds a wrong %s in a record",
    (name, index) => {
      for (const number of [0, 1, 2]) {
        const { heap, start } = prepared();
        const { f64 } = heap.memory;
        const at = start + RECORDS + number * RECORD + index;
        const was = f64[at] as number;
        for (const wrong of [-1, was + 2 ** 40, Number.NaN]) {
          f64[at] = wrong;
          const isBound = /peak|allocated|failures/.test(name) && wrong > was;
          if (isBound && !/peak/.test(name)) continue;
          expect(found(heap), `${name} of ${number}: ${was} -> ${wrong}`).toMatch(
            /^stats: |; first: stats: /,
          );
        }
        f64[at] = was;
        expect(found(heap)).toBe("");
      }
    },
  );

  it("finds wrong totals", () => {
    for (const offset of [0, 1, 2, 3]) {
      const { heap, start } = prepared();
      const { f64 } = heap.memory;
      const at = start + TOTAL_CURRENT + offset;
      for (const wrong of [-1, (f64[at] as number) + 1, (f64[at] as number) - 1]) {
        // A peak may be anything from what there is now on.
        if (offset % 2 === 1 && wrong > (f64[at] as number)) continue;
        const was = f64[at] as number;
        f64[at] = wrong;
        if (offset % 2 === 0 || wrong < (f64[at - 1] as number)) expect(found(heap)).toContain("stats: ");
        f64[at] = was;
      }
      expect(found(heap)).toBe("");
    }
  });

  it("finds wrong size classes", () => {
    const { heap, start, plan } = prepared();
    const { f64 } = heap.memory;
    const classes = start + (plan.records + plan.classes) / 8;
    for (let at = classes; at < classes + 3 * CLASS_RECORD; at++) {
      f64[at] += 1;
      expect(found(heap)).toContain("stats: ");
      f64[at] -= 1;
    }
    expect(found(heap)).toBe("");
  });

  it("finds wrong names and a wrong index", () => {
    const { heap, start, plan } = prepared();
    const { u32, u8 } = heap.memory;
    const state = start * 8;
    const words = [state / 4, (state + plan.names) / 4, (state + plan.names) / 4 + 17];
    for (let at = (state + plan.index) / 4; at < (state + plan.bytes) / 4; at++) words.push(at);
    for (const at of words) {
      const was = u32[at] as number;
      for (const wrong of [was + 1, was + 70, 0xffffffff]) {
        u32[at] = wrong;
        expect(found(heap), `word ${at - state / 4}`).toContain("stats: ");
        u32[at] = was;
      }
    }
    // The name itself: it is found where another one would be.
    u8[state + plan.names + 4] ^= 1;
    expect(found(heap)).toContain("stats: name 1 is found as number");
    u8[state + plan.names + 4] ^= 1;
    expect(found(heap)).toBe("");
  });

  it("finds a wrong header, and says nothing of sums it would make wrong", () => {
    const { heap, ptr, mesh } = prepared();
    const { u32 } = heap.memory;
    const first = (ptr - 32) / 4;
    // next, prev, tag, heap, size, taken, born
    for (const [word, wrong] of [
      [2, mesh + 7],
      [4, 0],
      [4, 209],
      [5, 241],
    ] as const) {
      const was = u32[first + word] as number;
      u32[first + word] = wrong;
      expect(found(heap)).toMatch(/^stats: the header of the block at 0x[0-9a-f]+ says .*$/);
      u32[first + word] = was;
    }
    // Another tag that there is, another size that could be: the sums show it.
    u32[first + 2] = mesh + 1;
    expect(found(heap)).toContain('currentBytes are 0, the blocks have 200 of tag "sound"');
    u32[first + 2] = mesh;
    u32[first + 4] = 199;
    expect(found(heap)).toContain('currentBytes are 12545, the blocks have 12544 of tag "mesh"');
  });
});
