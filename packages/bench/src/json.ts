/** The same results for programs: everything the tables are made of, every round included. */
import type { Comparison } from "./compare.js";
import type { Composition } from "./composition/run.js";
import type { Environment } from "./environment.js";
import type { Effort } from "./schedule.js";
import { type Summary, summarize } from "./summary.js";

export interface BenchResult {
  readonly format: "heapwright-bench";
  readonly version: 1;
  readonly environment: Environment;
  readonly effort: Effort;
  readonly comparison: Comparison;
  readonly summary: Summary;
  readonly composition: Composition | null;
}

export function toJson(
  environment: Environment,
  effort: Effort,
  comparison: Comparison,
  composition: Composition | undefined,
): BenchResult {
  return {
    format: "heapwright-bench",
    version: 1,
    environment,
    effort,
    comparison,
    summary: summarize(comparison),
    composition: composition ?? null,
  };
}
