/** Notes to the owner of a freed cell, where they cross with an agent that leaves, or with a record that becomes another's. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { another, fill, findings, first, largest, spansOf } from "../fixtures/front-world.js";
import { recordOf, spanAt } from "./cache.js";
import { INBOX, OWNER } from "./state.js";

afterEach(() => vi.restoreAllMocks());

/** Does something in the middle of the next atomic operation of this name that `isIt` says so of. */
function within(
  name: "or" | "load" | "compareExchange",
  order: "before" | "after",
  isIt: (at: number) => boolean,
  work: () => void,
): void {
  const real = Atomics[name] as (...args: unknown[]) => number;
  let isDone = false;
  vi.spyOn(Atomics, name).mockImplementation(((...args: unknown[]) => {
    if (isDone || !isIt(args[1] as number)) return real(...args);
    isDone = true;
    if (order === "before") work();
    const value = real(...args);
    if (order === "after") work();
    return value;
  }) as never);
}

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

  it("that cannot be left, since a span is nobody's, leaves room for that of another agent to who adopts it", () => {
    const one = first();
    const [two, three, four] = [another(one), another(one), another(one)];
    const [a, b, c] = [0, 0, 0].map(() => two.heap.alloc(100)) as [number, number, number];
    const record = recordOf(one.cache, spanAt(one.cache, a));
    // Two leaves while three frees; and when three has seen that the span is nobody's, one adopts it, and four frees another of its cells.
    within(
      "or",
      "before",
      () => true,
      () => {
        two.heap.detach();
        vi.restoreAllMocks();
        within(
          "load",
          "after",
          (at) => at === record + OWNER,
          () => {
            one.heap.alloc(100);
            four.heap.free(b);
          },
        );
      },
    );
    three.heap.free(a);
    vi.restoreAllMocks();
    expect(one.cache.words[record + OWNER]).toBe(one.cache.me);
    expect(one.cache.words[one.cache.shard + INBOX]).toBe(spanAt(one.cache, a));
    expect(one.heap.usedBytes).toBe(2 * 112);
    // The owner hears of it when its cells are used up.
    const cells = one.cache.cells[one.cache.classOf[7] as number] as number;
    const more = Array.from({ length: cells - 2 }, () => one.heap.alloc(100));
    expect(new Set([...more, c]).size).toBe(cells - 1);
    expect(spansOf(one)).toBe(1);
    expect(findings(one.heap)).toBe("");
  });

  it("is not needed for the counts to be right: a block that is freed while its owner leaves", () => {
    const one = first({ options: { spares: 0 } });
    const { freeBytes } = one.heap;
    const two = another(one);
    const blocks = [0, 0, 0].map(() => two.heap.alloc(100)) as [number, number, number];
    within("or", "before", () => true, two.heap.detach);
    one.heap.free(blocks[0]);
    const used = [...one.heap.blocks()].filter(({ state }) => state === "used");
    expect(used.map(({ ptr }) => ptr)).toEqual(blocks.slice(1));
    expect(one.heap.usedBytes).toBe(2 * 112);
    expect(findings(one.heap)).toBe("");
    for (const ptr of blocks.slice(1)) one.heap.free(ptr);
    expect(one.heap.freeBytes).toBe(freeBytes);
    expect(findings(one.heap)).toBe("");
  });

  it("is not left for a span that nobody has, and who frees second is told which block", () => {
    const one = first();
    const [two, three] = [another(one), another(one)];
    const blocks = [0, 0, 0].map(() => two.heap.alloc(100)) as [number, number, number];
    two.heap.detach();
    const lock = 16;
    within(
      "compareExchange",
      "before",
      (at) => at === lock,
      () => three.heap.free(blocks[1]),
    );
    expect(() => one.heap.free(blocks[1])).toThrowError(
      expect.objectContaining({ code: "ERR_DOUBLE_FREE", ptr: blocks[1] }),
    );
    expect(one.heap.usedBytes).toBe(2 * 112);
    expect(findings(one.heap)).toBe("");
  });

  it("does not outlive a reset: who has its record next hears of its own", () => {
    const one = first({ options: { spares: 0 } });
    const two = another(one);
    for (const ptr of fill(one.heap, 100)) two.heap.free(ptr);
    one.heap.reset?.();
    expect(findings(one.heap)).toBe("");
    for (let block = 0; block < 5000; block++) two.heap.free(one.heap.alloc(100));
    expect(spansOf(one)).toBeLessThan(4);
    expect(findings(one.heap)).toBe("");
  });
});
