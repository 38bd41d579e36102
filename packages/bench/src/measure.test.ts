import { describe, expect, it } from "vitest";
import { rounds, warmUp } from "./measure.js";
import { takeTurns } from "./schedule.js";

describe("measuring", () => {
  it("a round repeats and restores, once at least", () => {
    let runs = 0;
    let restored = 0;
    const round = rounds({
      operations: 4,
      run: () => {
        runs++;
      },
      restore: () => {
        restored++;
        expect(restored).toBe(runs);
      },
    });
    expect(round(0).runs).toBe(1);
    expect(round(1).runs).toBeGreaterThan(1);
    expect(restored).toBe(runs);
    expect(round(1).ns).toBeGreaterThanOrEqual(0);
  });

  it("what the work throws comes through", () => {
    const round = rounds({
      operations: 4,
      run: () => {
        throw new RangeError("no room");
      },
      restore: () => {},
    });
    expect(() => round(1)).toThrow(RangeError);
  });

  it("warms up until three rounds bring nothing", () => {
    const took = [10, 8, 8, 7.9, 6, 6, 6, 6, 6];
    let calls = 0;
    warmUp(() => ({ ns: took[calls++], runs: 1 }), 1, 60_000);
    expect(calls).toBe(8);
    calls = 0;
    warmUp(() => ({ ns: 1 / ++calls, runs: 1 }), 1, 5);
    expect(calls).toBeGreaterThan(3);
  });

  it("takes turns, each round beginning with the next", async () => {
    const order: string[] = [];
    await takeTurns(["a", "b", "c"], 4, async (worker, round) => {
      order.push(`${round}${worker}`);
    });
    expect(order.join(" ")).toBe("0a 0b 0c 1b 1c 1a 2c 2a 2b 3a 3b 3c");
  });
});
