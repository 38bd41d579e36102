import { readFileSync } from "node:fs";
import { createHeap, restoreHeap } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { expect, test } from "vitest";
import { runBattery } from "./battery.js";
import { PROMISES } from "./promises.js";
import { FAULTS } from "./toy/faults.js";

test("the README lists every promise, and counts promises and planted faults right", () => {
  const text = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const rows = [...text.matchAll(/^\| `(\w+)` \| (.*) \|$/gm)].filter(([, name]) => name in PROMISES);
  expect(Object.fromEntries(rows.map(([, name, sentence]) => [name, sentence]))).toEqual(PROMISES);
  expect(text).toContain(`**${Object.keys(PROMISES).length} promises**`);
  expect(text).toContain(`${Object.keys(FAULTS).length} known kinds of broken allocator`);
});

test("the README shows rows of the table that its first program prints", () => {
  const stack = { strategy: hyperheap() };
  const rows = runBattery(() => createHeap({ memory: 65536, ...stack }), {
    seed: 1,
    operations: 4000,
    restore: (bytes) => restoreHeap(bytes, stack),
  });
  const counted = (cells: readonly string[]): string => cells.join("|").replace(/held: \d+/, "held: N");
  const printed = rows.map(({ capability, claimed, found }) => counted([capability, claimed, found]));
  const text = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const shown = [...text.matchAll(/^ {6}(\S.*?) {2,}(\S+) {2,}(\S.*)$/gm)].map(([, ...cells]) =>
    counted(cells),
  );
  expect(shown.shift()).toBe("capability|claimed|found");
  expect(shown.length).toBeGreaterThan(5);
  for (const row of shown) expect(printed).toContain(row.replace(/held: \d+/, "held: N"));
});
