import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { PROMISES } from "./promises.js";
import { FAULTS } from "./toy/faults.js";

test("the README lists every promise, and counts promises and planted faults right", () => {
  const text = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const rows = [...text.matchAll(/^\| `(\w+)` \| (.*) \|$/gm)].filter(([, name]) => name in PROMISES);
  expect(Object.fromEntries(rows.map(([, name, sentence]) => [name, sentence]))).toEqual(PROMISES);
  expect(text).toContain(`**${Object.keys(PROMISES).length} promises**`);
  expect(text).toContain(`plant ${Object.keys(FAULTS).length} faults`);
});
