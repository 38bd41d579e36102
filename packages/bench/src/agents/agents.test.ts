import { createHeap, type Heap } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { describe, expect, it } from "vitest";
import { GREATEST_SIZE, LEAST_SIZE } from "../live/replace.js";
import { defaultMeasures } from "../measures.js";
import { agentsTable } from "../report/agents.js";
import { EFFORTS } from "../schedule.js";
import { Control, ORDER, WORD } from "./control.js";
import type { TeamRound } from "./crew.js";
import { CHECKED_ROUNDS, createLarson, STEP_OPERATIONS } from "./larson.js";
import { larsonJob } from "./larson-job.js";
import { lockJob } from "./lock-job.js";
import { ENTERED_AIM, larsonCell, lockRows, measureAgents } from "./run.js";
import { agentStack, agentStackNames, PLAIN } from "./stacks.js";

describe("the workload of one agent", () => {
  const made = (): { heap: Heap; seen: number[] } => {
    const heap: Heap = createHeap({ memory: 1 << 20, strategy: hyperheap() });
    const seen: number[] = [];
    return { heap: Object.create(heap, { allocUnsafe: { value: spy } }), seen };
    function spy(size: number): number {
      seen.push(size);
      return heap.allocUnsafe(size);
    }
  };

  it("keeps every slot filled with blocks of 8 to 1000 bytes, uniform, and leaves nothing behind", () => {
    const { heap, seen } = made();
    const larson = createLarson(heap, 1);
    const slots = new Int32Array(200);
    larson.fill(slots);
    const first = new Set(slots);
    larson.replaceChecked(slots, 4000);
    larson.replace(slots, 8000);
    expect(seen).toHaveLength(12_200);
    expect([...heap.blocks()].filter(({ state }) => state === "used")).toHaveLength(200);
    expect([Math.min(...seen), Math.max(...seen)]).toEqual([LEAST_SIZE, GREATEST_SIZE]);
    const mean = seen.reduce((sum, size) => sum + size, 0) / seen.length;
    expect(Math.abs(mean - (LEAST_SIZE + GREATEST_SIZE) / 2)).toBeLessThan(12);
    expect(new Set(slots).size).toBe(200);
    expect([...slots].filter((ptr) => first.has(ptr)).length).toBeLessThan(200);
    heap.check();
    larson.empty(slots);
    expect(heap.usedBytes).toBe(0);
  });

  it("the same seed gives the same calls, another one others", () => {
    const calls = [7, 7, 8].map((seed) => {
      const { heap, seen } = made();
      const slots = new Int32Array(50);
      const larson = createLarson(heap, seed);
      larson.fill(slots);
      larson.replace(slots, 500);
      return { seen, slots: [...slots] };
    });
    expect(calls[1]).toEqual(calls[0]);
    expect(calls[2].seen).not.toEqual(calls[0].seen);
  });

  it.each([
    ["the first word", 0, "the first word of the block"],
    ["a byte", 5, "byte 5 of the block of"],
  ])("checking finds %s that changed", (_, at, message) => {
    const { heap } = made();
    const larson = createLarson(heap, 1);
    const slots = new Int32Array(1);
    larson.fill(slots);
    heap.memory.u8[slots[0] + at] = ~heap.memory.u8[slots[0] + at];
    if (at === 0) heap.memory.u32[slots[0] >>> 2] = 0;
    expect(() => larson.replaceChecked(slots, 1)).toThrow(message);
  });

  it("checking finds misaligned blocks and exhaustion", () => {
    const { heap } = made();
    const answering = (ptr: number): Heap => Object.create(heap, { allocUnsafe: { value: () => ptr } });
    expect(() => createLarson(answering(24), 1).fill(new Int32Array(1))).toThrow("24 is not 16-aligned");
    expect(() => createLarson(answering(0), 1).fill(new Int32Array(1))).toThrow("bytes");
  });
});

describe("the control words", () => {
  it("give orders, count who has done, and pass arrays on", () => {
    const driver = new Control(2);
    const threads = [new Control(driver.buffer), new Control(driver.buffer)];
    Atomics.store(driver.words, WORD.spare, 2);
    driver.give(ORDER.time);
    expect(threads.map((thread) => thread.awaitOrder(0))).toEqual([1, 1]);
    expect(threads[0].stopped).toBe(false);
    driver.stop();
    expect(threads[1].stopped).toBe(true);
    expect([threads[0].handOver(0), threads[1].handOver(1), threads[0].handOver(2)]).toEqual([2, 0, 1]);
    expect(Atomics.load(driver.words, WORD.handedOver)).toBe(3);
    threads[0].done(0, { begin: 5, end: 9, operations: 4 });
    expect(driver.awaitAll(WORD.done, 1)).toBe(false);
    threads[1].done(1, { begin: 6, end: 8, operations: 3 });
    expect(driver.awaitAll(WORD.done, 1)).toBe(true);
    expect(driver.timed()).toEqual([
      { begin: 5, end: 9, operations: 4 },
      { begin: 6, end: 8, operations: 3 },
    ]);
    driver.give(ORDER.end);
    expect(threads[0].stopped).toBe(false);
    expect(driver.awaitAll(WORD.done, 1)).toBe(false);
  });
});

const STACKS = [...agentStackNames, "stats", "limit+stats"];

describe("teams", () => {
  it.each(STACKS.flatMap((stack) => [1, 2, 3].map((threads) => [stack, threads] as const)))(
    "%s with %i threads: no block is wrong, arrays go round, the heap is sound and empty in the end",
    async (stack, threads) => {
      const shape = { blocks: 40, rounds: 5 };
      const { team, warm, round } = await larsonJob({ kind: "larson", stack, threads, shape, check: true });
      expect(warm(1, 5)).toBeGreaterThan(0);
      const checked = team.check();
      expect(checked.operations).toBe(STEP_OPERATIONS * threads * CHECKED_ROUNDS * shape.blocks);
      expect(checked.handedOver).toBe(threads * CHECKED_ROUNDS);
      const { larson } = round(20);
      const { operations, entered, contended, handedOver, elapsedNs } = larson.team as TeamRound;
      expect(elapsedNs).toBeGreaterThan(0);
      expect(larson.ns).toBe(elapsedNs / operations);
      expect(contended).toBeLessThanOrEqual(entered);
      // At the beginning, and each time that so many steps are done.
      const due = STEP_OPERATIONS * shape.rounds * shape.blocks;
      expect(handedOver).toBeGreaterThanOrEqual(threads);
      expect(Math.abs(handedOver - threads - operations / due)).toBeLessThanOrEqual(threads);
      if (agentStack(stack).front) expect(entered / operations).toBeLessThan(1);
      else expect(entered).toBe(operations);
      team.end();
      team.heap.check();
      expect(team.heap.usedBytes).toBe(0);
    },
  );

  it("say what goes wrong in a thread", async () => {
    const shape = { blocks: 4, rounds: 5 };
    const { team } = await larsonJob({ kind: "larson", stack: PLAIN, threads: 2, shape, check: false });
    for (const { ptr, size, state } of team.heap.blocks()) {
      if (state === "used" && size < 1010) team.heap.memory.u32[(ptr >>> 2) + 1] ^= -1;
    }
    expect(() => team.check()).toThrow(/byte \d+ of the block of \d+ at \d+, made by agent 1, changed/);
  });
});

describe("one agent on shared memory", () => {
  it.each([false, true])("locked: %s", (locked) => {
    const job = lockJob({ kind: "lock", locked });
    const { replace, pattern } = job.round(1);
    expect(Math.min(replace.ns, pattern.ns)).toBeGreaterThan(0);
    const { entered, contended } = job.heap.contention;
    if (locked) expect(entered).toBeGreaterThan(0);
    else expect(entered).toBe(0);
    expect(contended).toBe(0);
    job.heap.check();
  });
});

const teamRound = (operations: number, entered = operations): TeamRound => {
  return { elapsedNs: 1e6, operations, entered, contended: entered / 10, slept: 0, handedOver: 1 };
};

describe("the figures", () => {
  it("ratios are paired by round; aims are for two workers with a front", () => {
    const one = [
      [2, 4],
      [2, 2],
    ];
    const rounds = [[teamRound(4000, 100), teamRound(8000, 200)], [teamRound(4000, 100)]];
    const cell = larsonCell({ stack: "s", workers: 2 }, rounds, one, true);
    if (cell.status !== "measured") throw new Error("not measured");
    expect([cell.median, cell.min, cell.max]).toEqual([5, 4, 8]);
    expect(cell.ratio).toEqual({ value: 2, low: 2, high: 2 });
    expect([cell.ratioVerdict, cell.enteredVerdict]).toEqual(["within", "within"]);
    expect(cell.entered.value).toBeLessThan(ENTERED_AIM);
    expect(cell.contended).toBeCloseTo(0.1);

    const slow = larsonCell({ stack: "s", workers: 2 }, [[teamRound(3000)]], [[2]], true);
    expect(slow).toMatchObject({ ratioVerdict: "over", enteredVerdict: "over" });
    const plain = larsonCell({ stack: "s", workers: 2 }, [[teamRound(3000)]], [[2]], false);
    expect(plain).not.toHaveProperty("ratioVerdict");
    expect(plain).not.toHaveProperty("enteredVerdict");
    expect(larsonCell({ stack: "s", workers: 1 }, [[teamRound(1)]], [[1]], true)).not.toHaveProperty("ratio");
    expect(larsonCell({ stack: "s", workers: 2 }, [[teamRound(1)]], [[]], true)).not.toHaveProperty("ratio");
  });

  it("the lock's cost is a paired difference, measured against its limit", () => {
    const series = (...ns: number[][]) => {
      return {
        processes: ns.map((rounds) =>
          rounds.map((value) => ({ replace: { ns: value, runs: 1 }, pattern: { ns: value / 2, runs: 1 } })),
        ),
      };
    };
    const [replace, pattern] = lockRows([series([100, 110], [90]), series([150, 160], [140])]);
    expect(replace).toMatchObject({
      workload: "replace",
      difference: { value: 50 },
      ofMinima: 50,
      verdict: "over",
    });
    expect(pattern).toMatchObject({ workload: "pattern", difference: { value: 25 }, verdict: "within" });
    expect(lockRows([series([100])])).toEqual([]);
    expect(lockRows([series(), series([100])])).toEqual([]);
  });
});

describe("measureAgents", () => {
  it("has every stack with every number of workers, and the lock's cost", async () => {
    const steps: number[] = [];
    const effort = { ...EFFORTS.quick, processes: 2, rounds: 2, agentsMs: 5, setRoundMs: 2, warmMs: 10 };
    const cost = await measureAgents({
      ...{ effort, stacks: ["stats"], workers: [2] },
      progress: (done, total) => steps.push(done / total),
    });
    expect(cost.complete).toBe(true);
    expect(cost.cells.map(({ stack, workers, status }) => [stack, workers, status])).toEqual([
      [PLAIN, 1, "measured"],
      [PLAIN, 2, "measured"],
      ["stats", 1, "measured"],
      ["stats", 2, "measured"],
    ]);
    for (const cell of cost.cells) {
      if (cell.status !== "measured") continue;
      expect(cell.processes.map(({ length }) => length)).toEqual([2, 2]);
      expect(cell.entered.value).toBe(1);
      expect(cell.ratio === undefined).toBe(cell.workers === 1);
    }
    expect(cost.lock.map(({ workload }) => workload)).toEqual(["replace", "pattern"]);
    expect(steps).toEqual([...steps].sort((a, b) => a - b));
    expect(steps[steps.length - 1]).toBeLessThanOrEqual(1);
    for (const line of agentsTable(cost, effort).split("\n")) expect(line.length).toBeLessThanOrEqual(120);
  });

  it("refuses unknown stacks, and is measured where it or its workers are named, or with all", async () => {
    await expect(measureAgents({ effort: EFFORTS.quick, stacks: ["none"] })).rejects.toThrow(
      'unknown stack "none"',
    );
    expect(defaultMeasures(false)).not.toContain("agents");
    expect(defaultMeasures(false, ["agents"])).toContain("agents");
    expect(defaultMeasures(true)).toContain("agents");
  });
});
