/**
 * Frees that are refused: of what was freed before, of what is no block. Every layer above strict is told, so that none counts them; the
 * user gets what `onError` says, once.
 */
import { createHeap, type HeapError, limit, type PluginInput } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { stats } from "@heapwright/stats";
import { type StrictOptions, strict } from "@heapwright/strict";
import { afterEach, describe, expect, it, vi } from "vitest";
import { highWater } from "../../../docs/examples/high-water.js";
import { caught } from "./fixtures/caught.js";

const MIB = 1 << 20;

const ABOVE = {
  nothing: () => [],
  limit: () => [limit({ bytes: MIB })],
  stats: () => [stats({ shortLived: 1000, sizeClasses: true })],
  highWater: () => [highWater()],
  all: () => [limit({ bytes: MIB }), stats({ shortLived: 1000 }), highWater()],
} satisfies Record<string, () => readonly PluginInput[]>;

const PARTS: readonly (readonly [string, StrictOptions])[] = [
  ["every decorator", {}],
  ["a fence only", { poison: false, delayedFree: false }],
  ["a quarantine only", { fence: false, poison: false }],
  ["no decorator", { fence: false, poison: false, delayedFree: false }],
];

const MEMORIES: readonly (readonly [string, () => ArrayBuffer | SharedArrayBuffer])[] = [
  ["own memory", () => new ArrayBuffer(MIB)],
  ["shared memory", () => new SharedArrayBuffer(MIB)],
];

/** The heap's figures are the union of what the stacks have. */
interface Layered {
  readonly limit?: { readonly usedBytes: number };
  readonly stats?: { toJSON(): { readonly totals: object; readonly tags: object } };
  readonly highWater?: { readonly bytes: number; readonly peakBytes: number };
  readonly delayedFree?: { drain(): void };
}

function make(
  above: readonly PluginInput[],
  options: StrictOptions,
  memory: ArrayBuffer | SharedArrayBuffer,
) {
  const heap = createHeap({ memory, base: 4096, strategy: hyperheap(), plugins: [above, strict(options)] });
  const layered = heap as typeof heap & Layered;
  return {
    heap,
    figures: () => ({
      limit: layered.limit?.usedBytes,
      stats: layered.stats?.toJSON(),
      highWater: [layered.highWater?.bytes, layered.highWater?.peakBytes],
      used: heap.usedBytes,
      quarantined: heap.quarantinedBytes,
    }),
    drain: () => layered.delayedFree?.drain(),
  };
}
type Made = ReturnType<typeof make>;

/** Addresses that cannot be freed, made on a heap where blocks live. */
const WRONG: readonly (readonly [string, string, (made: Made) => number])[] = [
  [
    "a block freed just before",
    "ERR_DOUBLE_FREE",
    ({ heap }) => {
      const ptr = heap.alloc(100);
      heap.alloc(100);
      heap.free(ptr);
      return ptr;
    },
  ],
  [
    "a block freed long ago",
    "ERR_DOUBLE_FREE",
    ({ heap, drain }) => {
      const ptr = heap.alloc(100);
      heap.alloc(100);
      heap.free(ptr);
      drain();
      return ptr;
    },
  ],
  ["an address inside of a block", "ERR_INVALID_POINTER", ({ heap }) => heap.alloc(100) + 48],
  ["an unaligned address", "ERR_INVALID_POINTER", ({ heap }) => heap.alloc(100) + 4],
  ["an address before the heap", "ERR_INVALID_POINTER", () => 16],
  ["an address in the heap's header", "ERR_INVALID_POINTER", ({ heap }) => heap.region.base + 64],
  ["an address behind the heap", "ERR_INVALID_POINTER", ({ heap }) => heap.region.areaEnd + 64],
];

const cases = Object.entries(ABOVE).flatMap(([above, plugins]) =>
  PARTS.flatMap(([parts, options]) =>
    MEMORIES.map(([where, memory]) => ({ above, plugins, parts, options, where, memory })),
  ),
);

afterEach(() => {
  vi.restoreAllMocks();
});

describe.each(cases)("$above above strict with $parts, in $where", ({ plugins, options, memory }) => {
  function heapWith(onError: StrictOptions["onError"]): Made {
    const made = make(plugins(), { stacks: "off", ...options, ...(onError && { onError }) }, memory());
    for (const size of [10, 200, 3000]) made.heap.alloc(size);
    return made;
  }

  it.each(WRONG)("reported: %s is no free, and no error, and one report", (_, code, wrong) => {
    const found: HeapError[] = [];
    const made = heapWith((error) => found.push(error as HeapError));
    const ptr = wrong(made);
    const before = made.figures();
    for (const times of [1, 2]) {
      made.heap.free(ptr);
      expect(found.map((error) => [error.code, error.ptr, error.foundAt])).toEqual(
        Array.from({ length: times }, () => [code, ptr, "free(), agent 1"]),
      );
      // Made a report of once, not twice.
      expect(found[0].message.match(/found at/g)).toHaveLength(1);
      expect(made.heap.strict.reports).toEqual(found);
      expect(made.figures()).toEqual(before);
    }
    made.heap.check();
    made.heap.free(made.heap.alloc(20));
    expect(found).toHaveLength(2);
  });

  it.each(WRONG)("thrown: %s is no free, and one error", (_, code, wrong) => {
    const made = heapWith("throw");
    const ptr = wrong(made);
    const before = made.figures();
    expect(caught(() => made.heap.free(ptr))).toMatchObject({ code, ptr });
    expect(made.figures()).toEqual(before);
    made.heap.check();
  });

  it("a realloc of what is no block is thrown in any case, and reported by nobody", () => {
    const made = heapWith(() => {});
    const ptr = WRONG[0][2](made);
    const before = made.figures();
    expect(caught(() => made.heap.realloc(ptr, 500)).foundAt).toMatch(/realloc\(\)/);
    expect(caught(() => made.heap.usableSize(ptr)).foundAt).toBe("usableSize() or realloc(), agent 1");
    expect(made.heap.strict.reports).toEqual([]);
    expect(made.figures()).toEqual(before);
    made.heap.check();
  });
});
