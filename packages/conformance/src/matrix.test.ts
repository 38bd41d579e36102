/**
 * Every strategy of the workspace passes the whole kit under every stack of plugins on every memory it supports. A strategy takes
 * some ten seconds; `HEAPWRIGHT_SOAK` makes the programs so many times longer.
 */
import { describe, expect, it } from "vitest";
import { SOAK } from "../../../testing/soak.js";
import { conformance } from "./conformance.js";
import { cellOf, MEMORIES, STACKS, STRATEGIES } from "./matrix.fixture.js";

const SCALE = Math.max(0.4, SOAK);
/** Up to a fifth each stack is on every third memory only, and on others with another strategy. */
const SHARE = SOAK <= 0.2 ? 3 : 1;
const OPTIONS = {
  seed: 17,
  operations: Math.ceil(2500 * SCALE),
  numRuns: Math.ceil(5 * SCALE),
  maxOperations: 150,
  timeout: 60_000 * Math.max(1, SCALE),
} as const;

const stacks = Object.keys(STACKS) as (keyof typeof STACKS)[];

let cell = 0;

describe.each(Object.entries(STRATEGIES))("%s", (strategy, of) => {
  const isShared = of.make().capabilities.shared;

  for (const [where, memory] of Object.entries(MEMORIES)) {
    for (const stack of stacks) {
      const name = `${stack} on ${where}`;
      if (cell++ % SHARE !== 0) continue;
      const { make, options } = cellOf(of, stack, memory);
      if (of.refuses?.includes(stack) === true || (memory.shared && !isShared)) {
        it(`${name}: is refused`, () => {
          expect(make).toThrow(expect.objectContaining({ code: "ERR_COMPOSITION" }));
        });
        continue;
      }
      const isFirst = stack === "no plugin" && where === "an ArrayBuffer";
      const print = (table: string): void => {
        // Of the others, too, every row was held to it, or is lacking; only what cannot grow was not grown.
        const open = table.split("\n").filter((row) => row.includes("not tried"));
        expect(open.filter((row) => memory.max !== undefined || !row.includes("growth by others"))).toEqual(
          [],
        );
        expect(table).not.toContain("BROKEN");
        if (isFirst) console.log(table.replace(name, strategy));
      };
      conformance(name, make, { ...OPTIONS, ...options, print });
    }
  }
});
