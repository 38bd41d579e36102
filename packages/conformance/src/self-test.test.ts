/** The battery finds every planted fault, by its promise; the registered tests can fail, and say what was not found. */
import { expect, test } from "vitest";
import { conformanceSelfTest } from "./conformance.js";
import { formatSelfTest, selfTest, tryFault } from "./self-test.js";
import { FAULTS } from "./toy/faults.js";

const tables: string[] = [];
conformanceSelfTest({ print: (table) => tables.push(table) });

test("all of them are found, each by a message that names a promise it breaks", () => {
  const results = selfTest();
  expect(results.map(({ fault }) => fault)).toEqual(Object.keys(FAULTS));
  expect(results.filter(({ found }) => !found)).toEqual([]);
  for (const { promise, message, expected } of results) {
    expect(expected).toContain(promise);
    expect(message).toContain(`[${promise}] `);
  }
  expect(tables).toEqual([formatSelfTest(results)]);
  console.log(formatSelfTest(results));
});

test("what is not found is told from what is", () => {
  const sound = tryFault(undefined);
  expect(sound).toMatchObject({ found: false, promise: undefined, message: "" });
  const missed = { ...sound, fault: "does nothing", expected: ["intact", "kept"] } as const;
  const other = { ...missed, promise: "listed" } as const;
  expect(formatSelfTest([missed, other])).toMatch(
    /0 of 2 found[\s\S]*does nothing +intact or kept +NOT FOUND\n.*NOT FOUND, but listed/,
  );
});
