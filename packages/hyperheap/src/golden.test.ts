/**
 * Golden vectors: every address, every `freeBytes`, the final chunks, the boundary of page runs. Made by independent models of
 * the placement rules.
 */
import { readFileSync } from "node:fs";
import { describe, it } from "vitest";
import { heapOf } from "./fixtures/places.js";
import { replay } from "./fixtures/replay.js";
import type { Vector } from "./fixtures/vector.js";

const PLACEMENT = ["table-22", "first-fit-small", "first-fit-full", "aligned", "pages", "aligned-pages"];
const REALLOC = ["realloc-small", "realloc-random", "realloc-aligned"];
const FILES = [
  ...PLACEMENT.map((name) => `../golden/${name}.json`),
  ...REALLOC.map((name) => `./fixtures/golden/${name}.json`),
];

function load(file: string): Vector {
  return JSON.parse(readFileSync(new URL(file, import.meta.url), "utf8"));
}

describe.each(FILES)("golden vectors: %s", (file) => {
  const vector = load(file);
  const { areaBytes, areaStartMod4096: startsAt, ops } = vector;
  // Of a short vector each operation is checked.
  const checkEvery = ops.length < 1000 ? 1 : 128;

  it("matches every address and every freeBytes", () => {
    replay(vector, heapOf({ areaBytes, startsAt }), { checkEvery });
  });

  it("matches with the calls that zero, too", () => {
    replay(vector, heapOf({ areaBytes, startsAt }), { checkEvery, zeroed: true });
  });
});
