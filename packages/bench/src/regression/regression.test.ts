// Held against known truth: simulated runs of a machine as bad as the ones these figures are taken on.
import { describe, expect, it } from "vitest";
import type { BenchResult } from "../json.js";
import { type Random, seeded } from "../random.js";
import { type Rounds, sampleResult } from "../test-results.js";
import { findRegressions } from "./regression.js";

const TIMES: { readonly [allocator: string]: number } = {
  hyperheap: 50,
  tlsf: 18,
  slab: 15,
  dlmalloc: 15,
  "as-tlsf": 22,
};
const TRACES = ["sqlite", "git-log", "lua"];
const PROCESSES = 12;

interface Machine {
  /** Times as long as it should take: by allocator, or by allocator and trace. */
  readonly slower?: { readonly [what: string]: number };
  readonly processes?: number;
  readonly allocators?: readonly string[];
}

function normal(random: Random): number {
  return Array.from({ length: 12 }, random).reduce((a, b) => a + b, -6);
}

/**
 * A run on a machine that is up to 10 % slower or faster than usual and drifts by some percent from set to set; each process is off by
 * 3 %, every twentieth by 30 % more, and all of one allocator on one trace by 0.7 % in this run. Rounds are slower than a
 * process's best by an exponential of 4 %.
 */
function simulate(
  seed: number,
  { slower = {}, processes = PROCESSES, allocators = Object.keys(TIMES) }: Machine = {},
): BenchResult {
  const random = seeded(seed);
  const mood = 0.1 * (2 * random() - 1);
  const drift = TRACES.map(() => Array.from({ length: processes }, () => mood + 0.04 * normal(random)));
  const rounds: { [allocator: string]: { [trace: string]: number[][] } } = {};
  for (const allocator of allocators) {
    rounds[allocator] = {};
    for (const [t, trace] of TRACES.entries()) {
      const effect = (slower[allocator] ?? 1) * (slower[`${allocator} ${trace}`] ?? 1);
      const bias = 0.007 * normal(random);
      rounds[allocator][trace] = drift[t].map((machine) => {
        const own = 0.03 * normal(random) + (random() < 0.05 ? 0.3 : 0);
        const best = TIMES[allocator] * effect * Math.exp(machine + bias + own);
        return Array.from({ length: 10 }, () => best * (1 - 0.04 * Math.log(1 - random())));
      });
    }
  }
  return sampleResult(rounds);
}

const quick = { draws: 20 };

describe("many comparisons of simulated runs", () => {
  it("of the same build: something found in no more than 1 of 100", () => {
    let found = 0;
    for (let i = 0; i < 400; i++)
      if (findRegressions(simulate(2 * i + 1), simulate(2 * i + 2), quick).found) found++;
    expect(found).toBeLessThanOrEqual(4);
  });

  it.each(["hyperheap", "tlsf", "slab"])(
    "%s slower by a tenth: found in more than 95 of 100, and no other",
    (name) => {
      let found = 0;
      let others = 0;
      for (let i = 0; i < 150; i++) {
        const slower = simulate(2 * i + 10_002, { slower: { [name]: 1.1 } });
        const { changes } = findRegressions(simulate(2 * i + 10_001), slower, quick);
        const names = new Set(
          changes.filter(({ verdict }) => verdict === "slower").map(({ allocator }) => allocator),
        );
        if (names.has(name)) found++;
        if (names.size > (names.has(name) ? 1 : 0)) others++;
      }
      expect(found).toBeGreaterThanOrEqual(145);
      expect(others).toBeLessThanOrEqual(2);
    },
  );

  it("the larger the slowdown, the larger the estimate and the surer", () => {
    const steps = [0.8, 0.9, 1, 1.05, 1.1, 1.2, 1.5].map((tlsf) => {
      const { changes } = findRegressions(simulate(1), simulate(2, { slower: { tlsf } }), quick);
      return changes.find(({ allocator, trace }) => allocator === "tlsf" && trace === undefined);
    });
    const ratios = steps.map((step) => step?.ratio ?? 0);
    expect(ratios).toEqual([...ratios].sort((a, b) => a - b));
    const ps = steps.slice(2).map((step) => step?.p ?? 0);
    expect(ps).toEqual([...ps].sort((a, b) => b - a));
    expect(steps.map((step) => step?.verdict)).toEqual(
      ["faster", "faster", "same", "same", "slower", "slower", "slower"].map((verdict, i) =>
        i === 3 ? steps[3]?.verdict : verdict,
      ),
    );
  });
});

describe("one comparison", () => {
  const verdicts = (old: BenchResult, now: BenchResult, options = {}): string[] =>
    findRegressions(old, now, { ...quick, ...options })
      .changes.filter(({ verdict }) => verdict !== "same")
      .map(({ allocator, trace, verdict }) => `${allocator} ${trace ?? "all"} ${verdict}`);

  it("finds what is slower on one trace only", () => {
    const now = simulate(2, { slower: { "slab lua": 1.3 } });
    expect(verdicts(simulate(1), now)).toContain("slab lua slower");
    expect(verdicts(simulate(1), now).filter((each) => !each.startsWith("slab"))).toEqual([]);
  });

  it("tells what became faster, and is content", () => {
    const now = simulate(2, { slower: { tlsf: 0.85 } });
    expect(verdicts(simulate(1), now)).toContain("tlsf all faster");
    expect(findRegressions(simulate(1), now, quick).found).toBe(false);
  });

  it("a machine that became twice as fast is no change", () => {
    const all = Object.fromEntries(Object.keys(TIMES).map((name) => [name, 0.5]));
    expect(verdicts(simulate(1), simulate(2, { slower: all }))).toEqual([]);
  });

  it("but is one where no reference is in both, which is said", () => {
    const alone = { allocators: ["tlsf", "slab"] };
    const now = simulate(2, { ...alone, slower: { tlsf: 1.5, slab: 1.5 } });
    expect(verdicts(simulate(1, alone), now)).toContain("tlsf all slower");
    expect(findRegressions(simulate(1), now, quick).references).toEqual([]);
  });

  it("does not take a reference of another version", () => {
    const now = simulate(2);
    const other = structuredClone(now) as unknown as {
      comparison: { allocators: { name: string; version: string }[] };
    };
    for (const each of other.comparison.allocators) if (each.name === "as-tlsf") each.version = "2";
    const { references, changes } = findRegressions(simulate(1), other as unknown as BenchResult, quick);
    expect(references).toEqual(["dlmalloc"]);
    expect(changes.some(({ allocator }) => allocator === "as-tlsf")).toBe(true);
  });

  it("the threshold: a certain change below it does not count", () => {
    const now = simulate(2, { slower: { hyperheap: 1.1 } });
    expect(verdicts(simulate(1), now)).toContain("hyperheap all slower");
    expect(verdicts(simulate(1), now, { threshold: 25 })).toEqual([]);
  });

  it("a large change that is not certain does not count", () => {
    const wide = (times: number): Rounds => ({
      tlsf: { lua: [12, 14, 17, 20, 24, 29].map((ns) => [ns * times]) },
      dlmalloc: { lua: Array.from({ length: 6 }, () => [10]) },
    });
    const { changes, found } = findRegressions(sampleResult(wide(1)), sampleResult(wide(1.3)), quick);
    expect(changes[0].ratio).toBeCloseTo(1.3, 1);
    expect(changes[0].p).toBeGreaterThan(0.05);
    expect([changes[0].verdict, found]).toEqual(["same", false]);
  });

  it("compares what both have, and says what is left out", () => {
    const old = simulate(1, { allocators: ["tlsf", "slab", "dlmalloc"] });
    const now = simulate(2, { allocators: ["tlsf", "hyperheap", "dlmalloc"] });
    const { changes, leftOut, found } = findRegressions(old, now, quick);
    expect(new Set(changes.map(({ allocator }) => allocator))).toEqual(new Set(["tlsf"]));
    expect(leftOut).toEqual(["only in the old result: slab", "only in the new result: hyperheap"]);
    expect(found).toBe(false);
  });

  it("says which measures it does not compare", () => {
    const views = { rows: [], complete: true };
    const { leftOut } = findRegressions(simulate(1), { ...simulate(2), views }, quick);
    expect(leftOut).toEqual(["all measures but time: views"]);
  });

  it("compares only those that are asked for, references too", () => {
    const { changes } = findRegressions(simulate(1), simulate(2), { ...quick, allocators: ["dlmalloc"] });
    expect(changes.map(({ allocator, trace }) => `${allocator} ${trace}`)).toEqual([
      "dlmalloc undefined",
      "dlmalloc sqlite",
      "dlmalloc git-log",
      "dlmalloc lua",
    ]);
    expect(() => findRegressions(simulate(1), simulate(2), { allocators: ["tlfs"] })).toThrow(
      '"tlfs" is not in the old result',
    );
  });

  it("an allocator that no longer completes a trace is lost, which is a regression", () => {
    const rounds = (tlsf: readonly (readonly number[])[]): Rounds => ({
      tlsf: { lua: tlsf },
      dlmalloc: { lua: Array.from({ length: 12 }, () => [10]) },
    });
    const twelve = Array.from({ length: 12 }, (_, i) => [20 + i / 10]);
    const { found, lost } = findRegressions(sampleResult(rounds(twelve)), sampleResult(rounds([])), quick);
    expect([found, lost]).toEqual([true, [{ allocator: "tlsf", trace: "lua", reason: "too slow" }]]);
    const back = () => findRegressions(sampleResult(rounds([])), sampleResult(rounds(twelve)), quick);
    expect(back).toThrow("no allocator on a trace in common");
  });

  it("refuses what could not show anything", () => {
    const few = { processes: 2 };
    expect(() => findRegressions(simulate(1, few), simulate(2, few))).toThrow(
      "too few processes to be certain",
    );
    const none = { ...simulate(1), comparison: null };
    expect(() => findRegressions(none, simulate(2))).toThrow("the old result has no times over traces");
    expect(() => findRegressions(simulate(1), none)).toThrow("the new result has no times over traces");
  });

  it("says where the results differ besides the code", () => {
    const old = simulate(1);
    const now = { ...simulate(2), environment: { ...old.environment, node: "v24.0.0", cpu: "another CPU" } };
    expect(findRegressions(old, now, quick).differences).toEqual([
      "Node: v20.0.0, now v24.0.0",
      "CPU: a CPU, now another CPU",
    ]);
    expect(findRegressions(old, simulate(2), quick).differences).toEqual([]);
  });
});
