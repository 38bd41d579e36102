/** What is needed of the test runner. The CJS build gets `runner-required.ts` instead: Vitest cannot be required. */
export { afterAll, describe, it } from "vitest";
