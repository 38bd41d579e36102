/** Which blocks a release ends, which marks it leaves, and which lie beyond the last block then. */
import type { Totals } from "@heapwright/core";
import { describe, expect, test } from "vitest";
import { misuseProgram } from "./misuse-program.js";
import { BAD_MARKS, type Op } from "./program.js";
import { ConformanceError } from "./promises.js";
import { runProgram } from "./run.js";
import type { Subject } from "./subject.js";
import { refuse } from "./toy/common.js";
import { stackToy } from "./toy/stack.js";
import type { RunReport } from "./trial.js";

const make = (name: string, size = 100): Op => ({ op: "alloc", as: name, size });
const mark: Op = { op: "mark" };
/** Of the mark taken last, and of the first one. */
const last: Op = { op: "release", mark: 0 };
const first: Op = { op: "release", mark: 1 };
const beyond: Op = { op: "badMark" };

const run = (program: readonly Op[], subject: Subject = stackToy()): Readonly<RunReport> =>
  runProgram(subject, program, { reusable: false });

/** Sizes of the blocks that the first release has left; another one, at the end, empties the heap. */
function alive(program: readonly Op[]): number[] {
  const sizes: number[][] = [];
  const subject = stackToy();
  const watched: Subject = {
    ...subject,
    release(value) {
      subject.release?.(value);
      const blocks = [...(subject.blocks?.() ?? [])].filter(({ state }) => state === "used");
      sizes.push(blocks.map(({ size }) => size));
    },
  };
  run(program, watched);
  return sizes[0] ?? [];
}

describe("release ends", () => {
  test.each<[string, readonly Op[], number[]]>([
    ["what was made since", [make("a", 1), mark, make("b", 2), make("c", 3), last], [1]],
    ["back to an older mark", [make("a", 1), mark, make("b", 2), mark, make("c", 3), first], [1]],
    [
      "a block that has moved since",
      [make("a", 1), make("b", 2), mark, { op: "realloc", block: "a", size: 300 }, last],
      [2],
    ],
    [
      "nothing of a block that has grown in place",
      [make("a", 1), mark, { op: "realloc", block: "a", size: 300 }, make("b", 2), last],
      [300],
    ],
  ])("%s", (_, program, sizes) => {
    expect(alive(program)).toEqual(sizes);
  });

  test("nothing where the mark may lie inside a block that has grown over dead ones", () => {
    const dead: Op[] = [make("b"), make("a"), { op: "realloc", block: "a", size: 100, align: 256 }];
    const grow: Op = { op: "realloc", block: "b", size: 101 };
    const free: Op = { op: "free", block: "a" };
    expect(run([...dead, free, mark, grow, last])).toMatchObject({ releases: 1, skipped: 1 });
    expect(run([make("b"), mark, grow, last])).toMatchObject({ releases: 2, skipped: 0 });
  });

  test("nothing where the mark is spent: a block made before it is gone, or shorter", () => {
    for (const spend of [
      { op: "free", block: "a" },
      { op: "realloc", block: "a", size: 10 },
    ] as const) {
      expect(run([make("a"), mark, spend, make("b"), last])).toMatchObject({ releases: 1, skipped: 1 });
    }
  });
});

describe("a mark beyond the last block is tried", () => {
  test.each<[string, readonly Op[]]>([
    ["after a release of an older one", [mark, make("a"), mark, first, beyond]],
    ["after a free", [make("a"), mark, { op: "free", block: "a" }, beyond]],
  ])("%s", (_, program) => {
    expect(run(program)).toMatchObject({ refusedMarks: 1, skipped: 0 });
    const careless = () => run(program, stackToy("releases to marks beyond the top"));
    expect(careless).toThrow(expect.objectContaining({ promise: "refusesMark" }));
    expect(careless).toThrow(ConformanceError);
  });

  test.each<[string, readonly Op[], Partial<Subject>]>([
    ["where nothing lay between two marks", [make("a"), mark, mark, first, beyond], {}],
    [
      "after another block was made",
      [make("a"), mark, { op: "free", block: "a" }, make("b", 400), beyond],
      {},
    ],
    [
      "after the last block has grown",
      [make("a"), mark, make("b"), mark, first, { op: "realloc", block: "a", size: 900 }, beyond],
      {},
    ],
    ["where any block can be freed", [make("a"), mark, { op: "free", block: "a" }, beyond], { frees: "any" }],
  ])("not %s", (_, program, other) => {
    const subject = { ...stackToy(), ...other };
    const { refusedMarks, skipped } = run(program, subject);
    expect([refusedMarks, skipped]).toEqual([0, 1]);
  });
});

test("less memory than at the mark is lost memory", () => {
  const subject = stackToy();
  let isLost = false;
  const leaky: Subject = {
    ...subject,
    release(value) {
      subject.release?.(value);
      isLost = true;
    },
    totals() {
      const totals = subject.totals?.() as Totals;
      const lost = isLost ? 16 : 0;
      return { ...totals, free: totals.free - lost, overhead: totals.overhead + lost };
    },
  };
  expect(() => run([make("a"), mark, make("b"), last], leaky)).toThrow(
    expect.objectContaining({ promise: "reusable" }),
  );
});

test("what was lost between two blocks must come back when the run ends", () => {
  const program = [
    make("a", 4000),
    make("b"),
    { op: "realloc", block: "a", size: 3000, align: 256 },
  ] as const;
  expect(() => runProgram(stackToy("gives nothing back at release"), program)).toThrow(
    expect.objectContaining({ promise: "reusable" }),
  );
  runProgram(stackToy(), program);
});

test("no mark is released after a reset", () => {
  const subject = stackToy();
  let isReset = false;
  const strict: Subject = {
    ...subject,
    reset() {
      subject.reset?.();
      isReset = true;
    },
    release(value) {
      if (isReset) throw new Error("a mark from before the reset");
      subject.release?.(value);
    },
  };
  expect(runProgram(strict, [make("a"), mark, { op: "reset" }, last])).toMatchObject({
    resets: 2,
    skipped: 1,
  });
});

test("what is refused must be refused with its own code", () => {
  const subject = stackToy();
  const wrong: Subject = {
    ...subject,
    free(ptr) {
      const blocks = [...(subject.blocks?.() ?? [])].filter(({ state }) => state === "used");
      if (blocks.at(-1)?.ptr !== ptr) throw refuse("ERR_INVALID_POINTER", ptr);
      subject.free(ptr);
    },
    release(value) {
      if (value > (subject.mark?.() ?? 0)) throw refuse("ERR_UNSUPPORTED", value);
      subject.release?.(value);
    },
  };
  expect(() => run([make("a"), make("b"), { op: "badFree", block: "a" }], wrong)).toThrow(
    expect.objectContaining({ promise: "refusesFree" }),
  );
  expect(() => run([mark, make("a"), mark, first, beyond], { ...wrong, free: subject.free })).toThrow(
    expect.objectContaining({ promise: "refusesMark" }),
  );
});

test("the program of every kind of misuse comes to each kind", () => {
  const { refusedMarks, refusedFrees, refusedAlignments, detected } = run(misuseProgram(256));
  expect(refusedMarks).toBe(BAD_MARKS.length);
  expect(Math.min(refusedFrees, refusedAlignments, ...Object.values(detected))).toBeGreaterThan(3);
  // Pointers into live blocks.
  expect(detected.interior).toBeGreaterThan(10);
});

test("a mark may say more than where, and is a number in any case", () => {
  const subject = stackToy();
  const generations: Subject = {
    ...subject,
    mark: () => 7 * 2 ** 40 + (subject.mark?.() ?? 0),
    release: (value) => subject.release?.(value % 2 ** 40),
  };
  expect(run([make("a"), mark, make("b"), last], generations).releases).toBe(2);
  expect(() => run([mark], { ...subject, mark: () => Number.NaN })).toThrow("mark() returned NaN");
});

test("a quarantine may be drained before a release is refused, and nothing else may change", () => {
  const program = [mark, make("a"), mark, first, beyond];
  const draining = (quarantined: number): Subject => {
    const subject = stackToy();
    const u8 = new Uint8Array(subject.buffer());
    return {
      ...subject,
      totals() {
        const totals = subject.totals?.() as Totals;
        return { ...totals, free: totals.free - quarantined, quarantined };
      },
      release(value) {
        if (value > (subject.mark?.() ?? 0)) u8[0]++;
        subject.release?.(value);
      },
    };
  };
  expect(run(program, draining(16)).refusedMarks).toBe(1);
  expect(() => run(program, draining(0))).toThrow(expect.objectContaining({ promise: "unchanged" }));
});
