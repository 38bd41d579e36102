/** Splits and merges as strips: the heap before and after one call, a letter a granule. */
import type { Heap } from "@heapwright/core";
import { expect, it } from "vitest";
import { opened } from "./fixtures/opened.js";
import { strip } from "./fixtures/strips.js";
import { GRANULE, type Space } from "./space.js";

const LETTERS = 40;

interface Drawing {
  readonly heap: Heap;
  readonly space: Space;
  readonly names: Map<number, string>;
  readonly at: Map<string, number>;
  make(name: string, granules: number, align?: number): void;
  draw(): string;
}

/** A heap of 40 granules, all top. */
function drawing(): Drawing {
  let bytes = 4096;
  for (;;) {
    const { heap, space } = opened(bytes);
    const room = space.granules - space.first;
    if (room !== LETTERS) {
      bytes += (LETTERS - room) * GRANULE;
      continue;
    }
    const names = new Map<number, string>();
    const at = new Map<string, number>();
    return {
      heap,
      space,
      names,
      at,
      make(name, granules, align = 16) {
        const ptr = heap.allocUnsafe(granules * GRANULE - space.header, align as 16);
        if (ptr === 0) return;
        names.set(ptr, name);
        at.set(name, ptr);
      },
      draw: () => strip(space, names),
    };
  }
}

/** Makes a heap that looks so: `_` are blocks that are freed afterwards. */
function drawn(strip: string): Drawing {
  const made = drawing();
  const free: number[] = [];
  for (const run of strip.replace(/-+$/, "").match(/(.)\1*/g) ?? []) {
    const name = run.charAt(0);
    made.make(name, run.length);
    if (name === "_") free.push(made.at.get("_") as number);
  }
  for (const ptr of free) {
    made.names.delete(ptr);
    made.heap.free(ptr);
  }
  expect(made.draw()).toBe(strip);
  return made;
}

const CASES: readonly (readonly [string, string, (drawing: Drawing) => void, string])[] = [
  ["a fresh heap is all top", `${"-".repeat(40)}`, () => {}, `${"-".repeat(40)}`],
  [
    "cut from the top's front",
    `AAA${"-".repeat(37)}`,
    ({ make }) => make("B", 5),
    `AAABBBBB${"-".repeat(32)}`,
  ],
  [
    "all of the top, where nothing would remain",
    `AAA${"-".repeat(37)}`,
    ({ make }) => make("B", 37),
    `AAA${"B".repeat(37)}`,
  ],
  [
    "a chunk of just the size, though larger ones come first",
    `AA_____BB___CC${"-".repeat(26)}`,
    ({ make }) => make("D", 3),
    `AA_____BBDDDCC${"-".repeat(26)}`,
  ],
  [
    "no such chunk: the next larger one, whose rest is the cursor",
    `AA_____BB_________CC${"-".repeat(20)}`,
    ({ make }) => make("D", 3),
    `AADDD..BB_________CC${"-".repeat(20)}`,
  ],
  [
    "then the cursor",
    `AA______BB_________CC${"-".repeat(19)}`,
    ({ make }) => {
      make("D", 3);
      make("E", 1);
    },
    `AADDDE..BB_________CC${"-".repeat(19)}`,
  ],
  [
    "all of the cursor",
    `AA______BB_________CC${"-".repeat(19)}`,
    ({ make }) => {
      make("D", 3);
      make("E", 3);
    },
    `AADDDEEEBB_________CC${"-".repeat(19)}`,
  ],
  [
    "a cursor too small goes into a list, the next rest takes its place",
    `AA____BB_________CC${"-".repeat(21)}`,
    ({ make }) => {
      make("D", 2);
      make("E", 5);
    },
    `AADD__BBEEEEE....CC${"-".repeat(21)}`,
  ],
  [
    "freed between blocks",
    `AABBBCC${"-".repeat(33)}`,
    ({ heap, at }) => heap.free(at.get("B") as number),
    `AA___CC${"-".repeat(33)}`,
  ],
  [
    "freed before a free chunk",
    `AABBB___CC${"-".repeat(30)}`,
    ({ heap, at }) => heap.free(at.get("B") as number),
    `AA______CC${"-".repeat(30)}`,
  ],
  [
    "freed behind a free chunk",
    `AA___BBBCC${"-".repeat(30)}`,
    ({ heap, at }) => heap.free(at.get("B") as number),
    `AA______CC${"-".repeat(30)}`,
  ],
  [
    "freed between free chunks",
    `AA__BBB____CC${"-".repeat(27)}`,
    ({ heap, at }) => heap.free(at.get("B") as number),
    `AA_________CC${"-".repeat(27)}`,
  ],
  [
    "freed between free chunks of one size, neighbours in their list",
    `AA__BBB__CC${"-".repeat(29)}`,
    ({ heap, at }) => heap.free(at.get("B") as number),
    `AA_______CC${"-".repeat(29)}`,
  ],
  [
    "freed before the top",
    `AABBB${"-".repeat(35)}`,
    ({ heap, at }) => heap.free(at.get("B") as number),
    `AA${"-".repeat(38)}`,
  ],
  [
    "freed between a free chunk and the top",
    `AA__BBB${"-".repeat(33)}`,
    ({ heap, at }) => heap.free(at.get("B") as number),
    `AA${"-".repeat(38)}`,
  ],
  [
    "freed at the end where the top is used up: the top again",
    `AA${"-".repeat(38)}`,
    ({ heap, make, at }) => {
      make("B", 38);
      heap.free(at.get("B") as number);
    },
    `AA${"-".repeat(38)}`,
  ],
  [
    "freed before the cursor",
    `AA______BB${"-".repeat(30)}`,
    ({ heap, make, at }) => {
      make("D", 3);
      heap.free(at.get("D") as number);
    },
    `AA......BB${"-".repeat(30)}`,
  ],
  [
    "freed behind the cursor",
    `AA______BBCC${"-".repeat(28)}`,
    ({ heap, make, at }) => {
      make("D", 3);
      heap.free(at.get("B") as number);
    },
    `AADDD.....CC${"-".repeat(28)}`,
  ],
  [
    "freed between the cursor and the top: all of it top",
    `AA______BB${"-".repeat(30)}`,
    ({ heap, make, at }) => {
      make("D", 3);
      heap.free(at.get("B") as number);
    },
    `AADDD${"-".repeat(35)}`,
  ],
  [
    "grown into a free chunk",
    `AAA____BB${"-".repeat(31)}`,
    ({ heap, at }) => heap.reallocUnsafe(at.get("A") as number, 5 * GRANULE - 4),
    `AAAAA__BB${"-".repeat(31)}`,
  ],
  [
    "grown over all of it",
    `AAA____BB${"-".repeat(31)}`,
    ({ heap, at }) => heap.reallocUnsafe(at.get("A") as number, 7 * GRANULE - 4),
    `AAAAAAABB${"-".repeat(31)}`,
  ],
  [
    "grown into the top",
    `AAA${"-".repeat(37)}`,
    ({ heap, at }) => heap.reallocUnsafe(at.get("A") as number, 5 * GRANULE - 4),
    `AAAAA${"-".repeat(35)}`,
  ],
  [
    "grown into the cursor",
    `AA______BB${"-".repeat(30)}`,
    ({ heap, make, at }) => {
      make("D", 3);
      heap.reallocUnsafe(at.get("D") as number, 4 * GRANULE - 4);
    },
    `AADDDD..BB${"-".repeat(30)}`,
  ],
  [
    "shrunk between blocks",
    `AAAAABB${"-".repeat(33)}`,
    ({ heap, at }) => heap.reallocUnsafe(at.get("A") as number, 2 * GRANULE - 4),
    `AA___BB${"-".repeat(33)}`,
  ],
  [
    "shrunk beside a free chunk",
    `AAAAA__BB${"-".repeat(31)}`,
    ({ heap, at }) => heap.reallocUnsafe(at.get("A") as number, 2 * GRANULE - 4),
    `AA_____BB${"-".repeat(31)}`,
  ],
  [
    "shrunk beside the top",
    `AAAAA${"-".repeat(35)}`,
    ({ heap, at }) => heap.reallocUnsafe(at.get("A") as number, 2 * GRANULE - 4),
    `AA${"-".repeat(38)}`,
  ],
  ["all freed at once", `AA__BBB${"-".repeat(33)}`, ({ heap }) => heap.reset?.(), "-".repeat(40)],
];

it.each(CASES)("%s", (_name, before, act, after) => {
  const made = drawn(before);
  act(made);
  expect(made.draw()).toBe(after);
  made.heap.check();
});
