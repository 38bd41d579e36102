import { expect, it } from "vitest";
import { shownAndPrinted } from "../../scripts/lib/example.js";

/** Addresses, and the fence's bytes, which depend on them. */
const mask = (text: string): string =>
  text
    .replace(/0x[0-9a-f]+/g, "0x…")
    .replace(/<[0-9a-f ]+ {3}/, "<… ")
    .replace(/expected [0-9a-f]{2}/, "expected …");

it("prints what its README says", () => {
  const { shown, printed } = shownAndPrinted(import.meta.url, mask);
  expect(printed).toBe(shown);
});
