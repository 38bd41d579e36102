/** Results for tests, made of nothing but rounds. */
import type { Cell, Comparison } from "./compare.js";
import type { Environment } from "./environment.js";
import { figuresOf } from "./figures.js";
import { type BenchResult, toJson } from "./json.js";
import { EFFORTS } from "./schedule.js";
import { randomTrace } from "./test-traces.js";
import { describeTrace } from "./trace-stats.js";

/** Nanoseconds: `[process][round]` of each allocator on each trace. */
export type Rounds = {
  readonly [allocator: string]: { readonly [trace: string]: readonly (readonly number[])[] };
};

const HERE: Environment = {
  bench: "1.0.0",
  node: "v20.0.0",
  v8: "11.3",
  platform: "linux x64",
  cores: 2,
  cpu: "a CPU",
  date: "2026-01-01T00:00:00.000Z",
};

/** A result with these rounds; no rounds at all stand for "not run". */
export function sampleResult(rounds: Rounds, environment: Partial<Environment> = {}): BenchResult {
  const traces = [...new Set(Object.values(rounds).flatMap((each) => Object.keys(each)))];
  const stats = describeTrace(randomTrace(10, 0));
  const cells = Object.entries(rounds).flatMap(([allocator, byTrace]) =>
    Object.entries(byTrace).map(([trace, processes]): Cell => {
      if (processes.length === 0)
        return { allocator, trace, status: "not run", reason: "too slow", detail: "too slow" };
      return { allocator, trace, status: "measured", ...figuresOf(processes), replays: 1, slow: false };
    }),
  );
  const comparison: Comparison = {
    allocators: Object.keys(rounds).map((name) => ({ name, about: "", version: `${name} 1`, notes: [] })),
    traces: traces.map((name) => ({ name, stats })),
    cells,
    complete: true,
  };
  return toJson({ ...HERE, ...environment }, EFFORTS.default, { comparison });
}
