import { expect, it } from "vitest";
import { shownAndPrinted } from "../../scripts/lib/example.js";

it("prints what its README says", () => {
  const { shown, printed } = shownAndPrinted(import.meta.url);
  expect(printed).toBe(shown);
});
