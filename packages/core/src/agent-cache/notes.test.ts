/** Notes to the owner of a freed cell, where they cross with an agent that leaves, or with a record that becomes another's. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { another, fill, findings, first, largest, spansOf } from "../fixtures/front-world.js";

afterEach(() => vi.restoreAllMocks());

describe("a note", () => {
  it("in a record that becomes another's does not keep that one from its own", () => {
    const one = first({ options: { spares: 0 } });
    const [two, three] = [another(one), another(one)];
    // Notes of spans that a large request then takes back.
    const blocks = fill(one.heap, 100);
    for (const ptr of blocks) two.heap.free(ptr);
    one.heap.free(one.heap.alloc(largest(one.heap)));
    // One calls no more. Its records are another's now.
    const queue: number[] = [];
    let most = 0;
    for (let block = 0; block < 5000; block++) {
      queue.push(two.heap.alloc(100));
      if (queue.length > 300) three.heap.free(queue.shift() as number);
      if (block > 1000) most = Math.max(most, spansOf(two));
    }
    expect(most).toBeLessThan(8);
    expect(findings(two.heap)).toBe("");
  });
});
