import { createHeap, type Heap } from "@heapwright/core";
import { tlsf } from "@heapwright/tlsf";
import { describe, expect, it } from "vitest";
import { Control, WORD } from "../agents/control.js";
import { agentStackNames, PLAIN } from "../agents/stacks.js";
import { prepare } from "../replay.js";
import { threadsTable } from "../report/threads.js";
import { EFFORTS } from "../schedule.js";
import { randomTrace, traceOf } from "../test-traces.js";
import { FREE, MALLOC, REALLOC, type Trace } from "../trace.js";
import { findTrace, findTraces } from "../traces.js";
import { WORKLOADS, workloadNames } from "../workloads/index.js";
import { ReplayCrew } from "./crew.js";
import { threadsJob } from "./job.js";
import { measureThreads, threadsCell, threadsOf } from "./run.js";
import { Abandoned, clearBoard, createBoard, patterned, replayShare, sharesOf } from "./share.js";

const heapOf = (): Heap => createHeap({ memory: new SharedArrayBuffer(1 << 20), strategy: tlsf() });

const count = ({ ops }: Trace, op: number): number => ops.filter((each) => each === op).length;

describe("the shares of a trace", () => {
  const trace = traceOf([
    [MALLOC, 0, 10, 0, 0],
    [MALLOC, 1, 20, 0, 1],
    [REALLOC, 0, 30, 0, 1],
    [FREE, 0, 0, 0, 0],
    [MALLOC, 0, 40, 0, 2],
    [FREE, 1, 0, 0, 2],
  ]);

  it("have every operation once, in its thread's order, with its turn on its block", () => {
    const { shares, blocks } = sharesOf(prepare(trace, 16), trace.threads, 3);
    expect(blocks).toBe(3);
    expect(
      shares.map(({ ops, blocks, turns, places }) => [[...ops], [...blocks], [...turns], [...places]]),
    ).toEqual([
      [
        [MALLOC, FREE],
        [0, 0],
        [0, 2],
        [0, 3],
      ],
      [
        [MALLOC, REALLOC],
        [1, 0],
        [0, 1],
        [1, 2],
      ],
      [
        [MALLOC, FREE],
        [2, 1],
        [0, 1],
        [4, 5],
      ],
    ]);
    const [all] = sharesOf(prepare(trace, 16), trace.threads, 1).shares;
    expect([...all.turns]).toEqual([0, 0, 1, 2, 0, 1]);
  });

  it("one after the other is the trace itself", () => {
    const random = randomTrace(4000, 8, 5);
    const heap = heapOf();
    const { shares, blocks } = sharesOf(prepare(random, 16), random.threads, 1);
    const board = createBoard(blocks, 1);
    const work = { heap, share: shares[0], board, control: new Control(1), writes: 3 };
    expect(replayShare({ ...work, touch: patterned(heap) })).toBe(random.length);
    const live = [...board.slots].filter((ptr) => ptr !== 0);
    expect(live).toHaveLength(random.length - 2 * count(random, FREE) - count(random, REALLOC));
    expect([...heap.blocks()].filter(({ state }) => state === "used")).toHaveLength(live.length);
    heap.check();
    clearBoard(board);
    expect(new Set([...board.slots, ...board.turns, ...board.progress])).toEqual(new Set([0]));
  });

  it("a byte that changed is found", () => {
    const heap = heapOf();
    const { shares, blocks } = sharesOf(prepare(trace, 16), trace.threads, 1);
    const touch = patterned(heap);
    const spoiled = {
      ...touch,
      made: (ptr: number, size: number, block: number) => {
        touch.made(ptr, size, block);
        heap.memory.u8[ptr + 7] ^= 1;
      },
    };
    const work = {
      heap,
      share: shares[0],
      board: createBoard(blocks, 1),
      control: new Control(1),
      writes: 0,
    };
    expect(() => replayShare({ ...work, touch: spoiled })).toThrow("byte 7 of the block of 10");
  });

  it("who waits for one that failed gives up, for a block or for one too far behind", () => {
    const heap = heapOf();
    const control = new Control(2);
    control.words[WORD.failed] = 1;
    const { shares, blocks } = sharesOf(prepare(trace, 16), trace.threads, 3);
    const work = { heap, control, writes: 0 };
    expect(() => replayShare({ ...work, share: shares[2], board: createBoard(blocks, 3) })).toThrow(
      Abandoned,
    );
    const far = randomTrace(6000, 0, 1);
    const mine = sharesOf(prepare(far, 16), far.threads, 2);
    expect(() => replayShare({ ...work, share: mine.shares[0], board: createBoard(mine.blocks, 2) })).toThrow(
      Abandoned,
    );
    expect([...heap.blocks()].filter(({ state }) => state === "used").length).toBeLessThan(4096);
  });
});

describe("a crew", () => {
  const several = workloadNames.filter((name) => WORKLOADS[name].threads);

  it.each(several)("%s is said to have several threads, and has", (name) => {
    expect(threadsOf(WORKLOADS[name].make())).toBeGreaterThan(1);
  });

  it("and nobody else's", () => {
    for (const name of workloadNames)
      if (!several.includes(name)) expect(threadsOf(WORKLOADS[name].make())).toBe(1);
  });

  it.each(several.flatMap((name) => agentStackNames.map((stack) => [name, stack] as const)))(
    "replays %s on %s: no byte changes, the heap is sound and empty in the end",
    async (name, stack) => {
      const { path } = findTrace(name);
      const { operations } = { operations: WORKLOADS[name].make().length };
      const { crew, round } = await threadsJob({
        kind: "threads",
        stack,
        threads: 2,
        trace: path,
        check: true,
      });
      const { threads } = round(0);
      expect(threads).toMatchObject({ runs: 1, team: { operations } });
      expect(crew.heap.usedBytes).toBe(0);
      crew.heap.check();
      crew.end();
    },
  );

  it("says what goes wrong in a thread", async () => {
    const trace = traceOf([
      [MALLOC, 0, 100, 0, 0],
      [FREE, 0, 0, 0, 1],
    ]);
    const crew = await ReplayCrew.create(PLAIN, 2, trace, 0);
    expect(crew.replay().operations).toBe(2);
    for (let size = 1 << 25; size >= 16; size >>= 1) while (crew.heap.allocUnsafe(size) !== 0);
    expect(() => crew.replay()).toThrow("100 bytes");
    crew.end();
  });
});

describe("the figures", () => {
  const round = (elapsedNs: number) => {
    return { elapsedNs, operations: 1000, entered: 500, contended: 50, slept: 0, handedOver: 0 };
  };

  it("ratios are paired by round", () => {
    const place = { trace: "t", stack: "s", threads: 2 };
    const cell = threadsCell(
      place,
      [[round(100), round(200)], [round(100)]],
      [[round(200), round(400)], [round(200)]],
    );
    if (cell.status !== "measured") throw new Error("not measured");
    expect([cell.median, cell.min, cell.max]).toEqual([8750, 5000, 10_000]);
    expect(cell.ratio).toEqual({ value: 2, low: 2, high: 2 });
    expect([cell.entered, cell.contended]).toEqual([0.5, 0.1]);
    expect(threadsCell(place, [[round(100)]])).not.toHaveProperty("ratio");
  });

  it("measureThreads has every stack by one thread and by all, and leaves out what has one", async () => {
    const effort = { ...EFFORTS.quick, processes: 1, rounds: 2, agentsMs: 2, warmMs: 5 };
    const steps: number[] = [];
    const cost = await measureThreads({
      ...{ effort, stacks: [PLAIN], traces: findTraces(["lifo", "mstress"]) },
      progress: (done, total) => steps.push(done / total),
    });
    expect(cost.traces.map(({ name, threads }) => [name, threads])).toEqual([["mstress", 2]]);
    expect(cost.cells.map(({ stack, threads, status }) => [stack, threads, status])).toEqual([
      [PLAIN, 1, "measured"],
      [PLAIN, 2, "measured"],
    ]);
    expect(steps[steps.length - 1]).toBeLessThanOrEqual(1);
    const text = threadsTable(cost, effort);
    expect(text).toMatch(/^mstress +hyperheap +2 +\S+ +\S+ … \S+ +\S+× +\S+× … \S+× +1\.000 +\d+%$/m);
    for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(120);
    await expect(measureThreads({ effort, traces: [], stacks: ["none"] })).rejects.toThrow(
      'unknown stack "none"',
    );
  });
});
