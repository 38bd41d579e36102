/** The battery finds every planted fault, by its promise; the registered tests can fail, and say what was not found. */
import { expect, test } from "vitest";
import { conformanceSelfTest } from "./conformance.js";
import { ConformanceError, PROMISES } from "./promises.js";
import { demandFound, formatSelfTest, judge, selfTest, tryFault } from "./self-test.js";
import { FAULTS, type Fault } from "./toy/faults.js";

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

test.each<[Fault, string]>([
  ["restores all but one block", "[accepts] the heap threw ERR_DOUBLE_FREE"],
  ["restores blocks without their last bytes", "[intact] "],
  ["shares its bytes with its copy", "["],
  ["cannot be used after it was restored", "["],
  ["shows other agents no blocks", "where one lists used "],
  ["claims to be resettable", "reset is claimed, but not there"],
  ["resets without saying so", "reset is there, but not claimed"],
  ["grows without saying so", "grow is not claimed, but grow() has grown the heap"],
])("a heap that %s is found for that, and for nothing else", (fault, detail) => {
  const { promise, message } = tryFault(fault);
  expect(message).toContain(`[${promise}] ${PROMISES[promise ?? "pointer"]}: ${detail}`);
});

test("what is found as another promise is not found", () => {
  const wrong = judge("does not zero", new ConformanceError("kept", "byte +0"));
  expect(wrong).toMatchObject({ found: false, promise: "kept", expected: ["zeroed"] });
  expect(() => demandFound(wrong)).toThrow("not found as zeroed: [kept] realloc and resize keep");
  const right = judge("does not zero", new ConformanceError("zeroed", "byte +0"));
  expect(right.found).toBe(true);
  demandFound(right);
  expect(judge("does not zero", new TypeError("x"))).toMatchObject({ found: false, message: "TypeError: x" });
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
