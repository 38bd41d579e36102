/** Programs as data: made the same from the same seed, printed so that they can be read back, named and shrunk. */
import { expect, test } from "vitest";
import { formatProgram, literal } from "./format.js";
import { Generator, generateProgram } from "./generate.js";
import { nameBlocks, tidyNames } from "./naming.js";
import { DEFAULT_WEIGHTS, makeProfile } from "./profile.js";
import { BAD_ALIGNMENTS, BAD_POINTERS, BAD_SIZES, BAD_TAGS, HUGE_SIZES, type Program } from "./program.js";
import { property } from "./property.js";
import { Random } from "./random.js";
import { runProgram } from "./run.js";
import { shrink } from "./shrink.js";
import { soak } from "./soak.js";
import type { Subject } from "./subject.js";
import { toy } from "./toy/heap.js";

const PROFILE = makeProfile(65536, 4096);

/** A program as it was printed. */
function parse(text: string): Program {
  return new Function(`return [${text}]`)() as Program;
}

test("random numbers are those of the published algorithm's shape: even, and the same for the same seed", () => {
  const [one, two, other] = [new Random(1), new Random(1), new Random(2)];
  const numbers = Array.from({ length: 1000 }, () => one.next());
  expect(Array.from({ length: 1000 }, () => two.next())).toEqual(numbers);
  expect(Array.from({ length: 1000 }, () => other.next())).not.toEqual(numbers);
  const counts = new Array<number>(16).fill(0);
  for (let i = 0; i < 160_000; i++) counts[one.below(16)]++;
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500);
  for (let i = 0; i < 1000; i++) expect([3, 4, 5]).toContain(one.between(3, 5));
});

test("a seed is a program, and a prefix of it is a prefix", () => {
  const long = generateProgram(9, 5000, PROFILE);
  expect(generateProgram(9, 5000, PROFILE)).toEqual(long);
  expect(generateProgram(9, 100, PROFILE)).toEqual(long.slice(0, 100));
  expect(generateProgram(10, 100, PROFILE)).not.toEqual(long.slice(0, 100));
});

test("long programs have every kind of operation, and only those with a weight", () => {
  const names = new Set(generateProgram(1, 60_000, PROFILE).map(({ op }) => op));
  expect([...names].sort()).toEqual(Object.keys(DEFAULT_WEIGHTS).sort());
  const weights = Object.fromEntries(Object.keys(DEFAULT_WEIGHTS).map((name) => [name, 0]));
  const frees = generateProgram(1, 100, makeProfile(65536, 16, { weights: { ...weights, free: 1 } }));
  expect(new Set(frees.map(({ op }) => op))).toEqual(new Set(["free"]));
  expect(() => new Generator(1, makeProfile(65536, 16, { weights }))).toThrow(RangeError);
});

test("what is printed can be read back", () => {
  const program = generateProgram(3, 5000, PROFILE);
  expect(parse(formatProgram(program))).toEqual(program);
  for (const value of [
    ...BAD_SIZES,
    ...BAD_ALIGNMENTS,
    ...BAD_TAGS,
    ...BAD_POINTERS,
    ...HUGE_SIZES,
    -0,
    undefined,
  ]) {
    expect(new Function(`return (${literal(value)})`)()).toEqual(value);
  }
  expect(literal(2 ** 32 - 8)).toBe("2 ** 32 - 8");
});

test("naming blocks changes nothing a heap sees", () => {
  const program = generateProgram(4, 1500, makeProfile(8192, 4096));
  const calls = (list: Program): string[] => {
    const log: string[] = [];
    const subject = toy();
    const watched: Subject = {
      ...subject,
      alloc(size, align, tag) {
        log.push(`alloc ${size} ${align}`);
        return subject.alloc(size, align, tag);
      },
      allocUnsafe(size, align, tag) {
        log.push(`allocUnsafe ${size} ${align}`);
        return subject.allocUnsafe(size, align, tag);
      },
      free(ptr) {
        log.push(`free ${ptr}`);
        subject.free(ptr);
      },
    };
    runProgram(watched, list);
    return log;
  };
  const named = nameBlocks(toy(), program, {});
  expect(calls(named)).toEqual(calls(program));
  expect(calls(tidyNames(named))).toEqual(calls(program));
  expect(
    named.every((op) => !("block" in op) || typeof op.block === "string" || op.op.startsWith("bad")),
  ).toBe(true);
});

test("any part of a program is one", () => {
  const program = nameBlocks(toy(), generateProgram(6, 600, makeProfile(8192, 4096)), {});
  for (let part = 2; part < 9; part++) {
    const report = runProgram(
      toy(),
      program.filter((_, i) => i % part !== 0),
    );
    expect(report.allocations).toBeGreaterThan(0);
  }
});

test("a program that does not fail is not shrunk", () => {
  expect(shrink(() => toy(), [{ op: "alloc", size: 16 }])).toBeUndefined();
});

test("a heap that is not fresh is told apart from a fault that cannot be reproduced", () => {
  let first = true;
  const make = () => {
    const subject = first ? toy("does not zero") : toy();
    first = false;
    return subject;
  };
  expect(() => soak(make, { operations: 1000, seed: 1 })).toThrow(/did not fail again/);
});

test("options that would make a run do nothing are refused", () => {
  expect(() => soak(() => toy(), { operations: 0 })).toThrow(RangeError);
  expect(() => soak(() => toy(), { operations: Number.NaN })).toThrow(RangeError);
  expect(() => soak(() => toy(), { checkEvery: 0 })).toThrow(RangeError);
  expect(() => property(() => toy(), { numRuns: 0 })).toThrow(RangeError);
  expect(() => runProgram(toy(), [], { auditEvery: Number.NaN })).toThrow(RangeError);
});
