/**
 * `realloc` by rule 8, three times over: drawings made by hand, what the placement model makes of them and of random programs
 * (the files in fixtures/golden, which `vitest -u` writes anew), and the heap, with headers of 16, 32 and 48 bytes.
 */
import { describe, expect, it } from "vitest";
import { slots } from "../../../testing/slots.js";
import { headerBytes } from "./fixtures/header-bytes.js";
import { type Case, REALLOC_CASES, RUN_CASES } from "./fixtures/model.js";
import { heapOf } from "./fixtures/places.js";
import { ALIGNED, RANDOM, record } from "./fixtures/programs.js";
import { replay } from "./fixtures/replay.js";
import { drawStrips, STRIPS } from "./fixtures/strips.js";
import { textOf, type Vector } from "./fixtures/vector.js";

const drawn = drawStrips();
const random = record(RANDOM);
const aligned = record(ALIGNED);

const VECTORS = [
  { vector: drawn.vector, parts: drawn.parts },
  { vector: random.vector(), parts: [] },
  { vector: aligned.vector(), parts: [] },
];

/** The fewest times a case has to come up in a random vector, for it to say something about the case. */
const OFTEN = 20;
const OFTEN_RUN = 5;

function seldom(cases: readonly Case[], met: ReadonlyMap<Case, number>, least: number): string[] {
  return cases.filter((each) => (met.get(each) ?? 0) < least).map((each) => `${each}: ${met.get(each) ?? 0}`);
}

describe("the drawings", () => {
  it.each(STRIPS.map((strip, index) => ({ ...strip, part: drawn.parts[index] })))("$name", (strip) => {
    const { name, before, after = before, part } = strip;
    expect(part).toMatchObject({ name, before, after });
  });

  it("show every case", () => {
    expect(seldom(REALLOC_CASES, drawn.met, 1)).toEqual([]);
  });
});

describe.each(VECTORS)("golden vector $vector.name", ({ vector, parts }) => {
  it("is what the model makes", async () => {
    await expect(textOf(vector, parts)).toMatchFileSnapshot(`./fixtures/golden/${vector.name}.json`);
  });
});

describe("the random vectors", () => {
  it("have every case of chunks often", () => {
    const unaligned = REALLOC_CASES.filter((each) => !each.includes("alignment"));
    expect(seldom(unaligned, random.model.met, OFTEN)).toEqual([]);
    expect(seldom(REALLOC_CASES, aligned.model.met, OFTEN)).toEqual([]);
  });

  it("have every case of page runs", () => {
    // The area begins within a page, so that the last chunk that is left is never whole pages.
    const possible = RUN_CASES.filter((each) => each !== "no chunk is left");
    expect(seldom(possible, aligned.model.met, OFTEN_RUN)).toEqual([]);
  });
});

/** Every header size; the vectors are made anew for it. */
describe.each([
  ["no slots", 0],
  ["headers of 32 bytes", 2],
  ["headers of 32 bytes, full", 5],
  ["headers of 48 bytes", 6],
])("the heap does as the model, %s", (_, count) => {
  const h = headerBytes(count);
  const programs = [RANDOM, ALIGNED].flatMap((program) =>
    [1, 2, 3].map((seed) => ({ ...program, seed, operations: 1200 })),
  );
  it.each(programs)("$name, seed $seed", (program) => {
    const vector: Vector = record(program, h).vector();
    const plugins = count === 0 ? [] : [slots(count, count > 2 ? 1 : 0)];
    const { areaBytes, areaStartMod4096: startsAt } = program;
    const heap = heapOf({ areaBytes, startsAt, plugins });
    const words = heap.slots === undefined ? undefined : { count, api: heap.slots };
    replay(vector, heap, { words, headerBytes: h, zeroed: program.seed === 2 });
  });
});
