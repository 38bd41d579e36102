/** Several agents' parts become one order, whoever comes first and however they overlap. */
import { mergeTraces, type TracePart } from "@heapwright/trace";
import { describe, expect, it } from "vitest";
import { rowsOf } from "./fixtures/rows.js";
import { ALLOC, FREE, FROM, highOf, MARK, numberOf, RELEASE, RESET, RESIZED, TIME, TO } from "./log.js";

type Entry = readonly [kind: number, ptr: number, size: number, stamp: number];

const part = (agent: number, entries: readonly Entry[], more: Partial<TracePart> = {}): TracePart => ({
  part: 1,
  heap: "app",
  agent,
  number: 0,
  words: Int32Array.from(entries.flat()),
  zeroed: false,
  dropped: 0,
  ...more,
});

/** Merged in every order of the parts, which makes no difference. */
function merged(...parts: readonly TracePart[]) {
  const made = mergeTraces(parts);
  const { threads: _threads, ...again } = mergeTraces([...parts].reverse());
  expect({ ...again, threads: made.threads }).toEqual(made);
  return made;
}

const P = 0x1000;
const Q = 0xfffff000 | 0;

describe("addresses change hands", () => {
  it("freed by one, given to another", () => {
    const made = merged(
      part(1, [
        [ALLOC, P, 10, 1],
        [FREE, P, 0, 3],
      ]),
      part(2, [
        [ALLOC, Q, 20, 2],
        [ALLOC, P, 30, 4],
        [FREE, Q, 0, 4],
      ]),
    );
    expect(rowsOf(made)).toEqual(["malloc 0 10", "malloc 1 20", "free 0", "malloc 2 30", "free 1"]);
    expect([...made.threads]).toEqual([1, 2, 1, 2, 2]);
    expect([made.implied, made.leftOut, made.maxLive]).toEqual([0, 0, 2]);
  });

  it("a free has the stamp of what was made last: that comes first", () => {
    expect(rowsOf(merged(part(1, [[FREE, P, 0, 1]]), part(2, [[ALLOC, P, 10, 1]])))).toEqual([
      "malloc 0 10",
      "free 0",
    ]);
  });

  it("while a realloc moves, another one gets its old address, and it one that another has freed", () => {
    const made = merged(
      part(1, [
        [ALLOC, P, 10, 1],
        [FROM, P, 0, 2],
        [TO, Q, 50, 4],
        [FREE, Q, 0, 5],
      ]),
      part(2, [
        [ALLOC, Q, 20, 2],
        [FREE, Q, 0, 2],
        [ALLOC, P, 30, 3],
        [RESIZED, P, 31, 5],
      ]),
    );
    expect(rowsOf(made)).toEqual([
      ...["malloc 0 10", "malloc 1 20", "free 1", "malloc 2 30", "realloc 0 50", "realloc 2 31", "free 0"],
    ]);
    expect([made.implied, made.leftOut]).toEqual([0, 0]);
  });

  it("across the wrap of the stamp", () => {
    const made = merged(
      part(1, [
        [ALLOC, P, 10, -1],
        [FREE, P, 0, 0],
      ]),
      part(2, [
        [ALLOC, Q, 20, 0],
        [ALLOC, P, 30, 1],
      ]),
    );
    expect(rowsOf(made)).toEqual(["malloc 0 10", "malloc 1 20", "free 0", "malloc 2 30"]);
    expect(made.implied).toBe(0);
  });

  it("marks of one end what another has made", () => {
    const mark = 2 ** 40 + 5;
    const made = merged(
      part(1, [
        [ALLOC, P, 10, 1],
        [MARK, mark | 0, highOf(mark), 1],
        [RELEASE, mark | 0, highOf(mark), 4],
        [RELEASE, 77, 0, 5],
      ]),
      part(2, [
        [ALLOC, Q, 20, 2],
        [ALLOC, 64, 30, 3],
      ]),
    );
    expect(numberOf(mark | 0, highOf(mark))).toBe(mark);
    expect(rowsOf(made)).toEqual(["malloc 0 10", "malloc 1 20", "malloc 2 30", "free 2", "free 1", "free 0"]);
  });
});

describe("what is missing", () => {
  it("a part: frees are left out, ends implied, a realloc that began in it is a malloc", () => {
    const made = merged(
      part(1, [
        [FREE, Q, 0, 0],
        [ALLOC, P, 10, 1],
        [ALLOC, P, 20, 2],
        [TO, P, 30, 3],
        [RESIZED, Q, 40, 4],
      ]),
    );
    expect(rowsOf(made)).toEqual([
      ...["malloc 0 10", "free 0", "malloc 1 20", "free 1", "malloc 2 30", "malloc 3 40"],
    ]);
    expect([made.leftOut, made.implied]).toEqual([1, 2]);
  });

  it("requests no file can have: the block is none of the trace's", () => {
    const made = merged(
      part(1, [
        [ALLOC, P, (2 ** 30 + 1) | 0, 1],
        [FREE, P, 0, 1],
        [ALLOC, P, 2 ** 30, 2],
        [RESIZED, P, (2 ** 31) | 0, 3],
        [FREE, P, 0, 3],
      ]),
    );
    expect(rowsOf(made)).toEqual([`malloc 0 ${2 ** 30}`, "free 0"]);
    expect(made.leftOut).toBe(4);
  });

  it("what was dropped is added up over agents, not over the parts of one", () => {
    const made = merged(
      part(1, [[ALLOC, P, 1, 1]], { dropped: 3 }),
      part(1, [], { dropped: 8, number: 1 }),
      part(2, [[ALLOC, Q, 1, 2]], { dropped: 5 }),
    );
    expect(made.dropped).toBe(13);
    expect(merged(part(1, [[ALLOC, P, 1, 1]])).dropped).toBeUndefined();
  });
});

describe("what comes along", () => {
  it("tags under their names, those without one by their number", () => {
    const made = merged(
      part(1, [[ALLOC, P, 1, 1]], { tags: Uint32Array.of(5000), names: [[5000, "mesh"]] }),
      part(
        2,
        [
          [ALLOC, Q, 1, 2],
          [FREE, P, 0, 2],
          [RESET, 0, 0, 3],
        ],
        { tags: Uint32Array.of(5001, 0, 0) },
      ),
    );
    expect([made.names, [...(made.tags ?? [])]]).toEqual([
      ["mesh", "#5001"],
      [1, 2, 1, 2],
    ]);
  });

  it("times in microseconds, in longer ticks where they would not fit", () => {
    const at = (time: number): Entry => [TIME, time | 0, highOf(time), 0];
    const now = 1.7e15;
    const entries: Entry[] = [at(now), [ALLOC, P, 1, 1], at(now + 2 ** 31), [FREE, P, 0, 1]];
    expect(merged(part(1, entries))).toMatchObject({ tickNs: 1000, times: Uint32Array.of(0, 2 ** 31) });
    entries[2] = at(now + 3 * 2 ** 32);
    const { tickNs = 0, times = [] } = merged(part(1, entries));
    expect([tickNs, times[1] * tickNs]).toEqual([3001, expect.closeTo(3 * 2 ** 32 * 1000, -4)]);
  });

  it("the heap's name, or another", () => {
    const one = part(1, [[ALLOC, P, 1, 1]]);
    expect([mergeTraces([one]).name, mergeTraces([one], "mine").name]).toEqual(["app", "mine"]);
  });
});

describe("refused are", () => {
  const one = part(1, [[ALLOC, P, 1, 1]]);
  it.each([
    ["nothing", [], "no operation was recorded"],
    ["empty parts", [part(1, [])], "no operation was recorded"],
    ["two heaps", [one, part(2, [], { heap: "other" })], 'parts of two heaps, "app" and "other"'],
    ["a part twice", [one, one], "part 0 of agent 1 is there twice"],
    ["another version", [{ ...one, part: 2 } as never], "a part of version 2"],
    ["an unknown entry", [part(1, [[99, P, 1, 1]])], "an entry of unknown kind 99"],
    ["what is no recording of one time", [one, part(2, [[ALLOC, Q, 1, -(2 ** 31)]])], "too far apart"],
  ])("%s", (_name, parts, message) => {
    expect(() => mergeTraces(parts)).toThrowError(
      expect.objectContaining({ name: "TraceError", message: expect.stringContaining(message) }),
    );
  });
});
