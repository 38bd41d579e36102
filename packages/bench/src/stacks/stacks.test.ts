import { describe, expect, it } from "vitest";
import { defaultMeasures } from "../measures.js";
import { prepare, replay, settle } from "../replay.js";
import { regionBytes } from "../replay-job.js";
import { loadTarget } from "../targets/index.js";
import { type Row, randomTrace, traceOf } from "../test-traces.js";
import { MALLOC } from "../trace.js";
import { describeTrace } from "../trace-stats.js";
import { verifyReplay } from "../verify.js";
import { BARE, STACKS, stackNames } from "./stacks.js";
import { stackTarget } from "./target.js";

describe("the stacks", () => {
  it("begin with the bare one and have names that can be listed and joined", () => {
    expect(stackNames[0]).toBe(BARE);
    for (const name of stackNames) expect(name).toMatch(/^[a-z-]+$/);
    expect(stackNames.filter((name) => STACKS[name].plugins().length === 0)).toEqual([BARE]);
  });

  it.each(stackNames)("%s answers rightly, twice on one heap", async (name) => {
    const module = await loadTarget(`hyperheap+${name}`);
    expect([module.name, module.about]).toEqual([`hyperheap+${name}`, STACKS[name].about]);
    const program = prepare(randomTrace(6000, 12), module.alignment);
    const slots = new Int32Array(program.slots);
    const target = await module.create(32 << 20);
    for (const run of [1, 2]) {
      verifyReplay(program, target, slots, { alignment: module.alignment, limitMs: 60_000 });
      settle(target, slots);
      expect(
        [...slots].every((slot) => slot === 0),
        `run ${run}`,
      ).toBe(true);
    }
    target.check?.();
  });

  it("several make one, their plugins together", async () => {
    const { name, about } = stackTarget("bare+limit");
    expect([name, about]).toEqual(["hyperheap+bare+limit", `${STACKS.bare.about}; ${STACKS.limit.about}`]);
    const used = async (stack: string): Promise<number> => {
      const target = await stackTarget(stack).create(1 << 20);
      return target.takenSize?.(target.malloc(100)) ?? 0;
    };
    expect(await used("bare+limit")).toBe(await used("bare"));
    expect(await used("limit+strict")).toBe(await used("strict"));
    expect(await used("strict")).toBeGreaterThan(await used("fence"));
    expect(await used("fence")).toBeGreaterThan((await used("limit")) + 64);
  });

  it("unknown names and what cannot be combined are the user's mistakes", async () => {
    expect(() => stackTarget("fences")).toThrow('unknown stack "fences"; known: bare, limit');
    expect(() => stackTarget("limit+")).toThrow('unknown stack ""');
    expect(() => stackTarget("constructor")).toThrow("unknown stack");
    expect(() => stackTarget("limit+limit")).toThrow(/^stack "limit\+limit": .*limit/);
    expect(() => stackTarget("strict+fence")).toThrow(/^stack "strict\+fence": .*fence/);
    await expect(loadTarget("hyperheap+none")).rejects.toThrow('unknown stack "none"');
  });
});

describe("the memory", () => {
  const blocks = 600_000;
  const trace = traceOf(
    Array.from({ length: blocks }, (_, id): Row => [MALLOC, id, 1]),
    blocks,
  );

  it("is the same for every stack, and enough where blocks are tiny", async () => {
    const bytes = stackNames.map((name) => regionBytes(stackTarget(name), describeTrace(trace)));
    expect(new Set(bytes).size).toBe(1);
    for (const name of stackNames) {
      const module = stackTarget(name);
      const program = prepare(trace, module.alignment);
      const slots = new Int32Array(blocks);
      replay(program, await module.create(bytes[0]), slots);
      expect(slots[blocks - 1]).toBeGreaterThan(0);
    }
  });

  it("can be less, down to none", async () => {
    const { createLimited } = stackTarget("limit");
    expect(await createLimited?.(64)).toBeUndefined();
    const target = await createLimited?.(65_536);
    expect(target?.buffer().byteLength).toBe(65_536);
  });
});

it("only a full run measures stacks unasked", () => {
  expect(defaultMeasures(false)).toEqual(["time", "live", "latency", "space", "timeline", "composition"]);
  expect(defaultMeasures(true)).toEqual([...defaultMeasures(false), "stacks", "views", "agents", "threads"]);
  expect(defaultMeasures(false, ["stacks"])).toEqual([...defaultMeasures(false), "stacks"]);
});
