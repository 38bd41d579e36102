/** In place of `runner.ts` in the CJS build. */
function refuse(): never {
  throw new Error(
    "conformance() and conformanceSelfTest() need Vitest, which cannot be required: import @heapwright/conformance from an ES module. " +
      "runBattery(), soak(), property() and selfTest() need no test runner",
  );
}

export const afterAll = refuse;
export const describe = refuse;
export const it = refuse;
