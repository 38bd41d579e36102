/** The same results for programs: everything the tables are made of, every round of every process included. */
import type { AgentCost } from "./agents/run.js";
import type { Comparison } from "./compare.js";
import type { Composition } from "./composition/run.js";
import type { Environment } from "./environment.js";
import type { Latency } from "./latency/run.js";
import type { LiveCost } from "./live/run.js";
import type { Effort } from "./schedule.js";
import type { Space } from "./space/run.js";
import { type Summary, summarize } from "./summary.js";
import type { ThreadsCost } from "./threads/run.js";
import type { Timeline } from "./timeline/run.js";
import type { ViewCost } from "./views/run.js";

/** What was measured; a measure that was not asked for, or not come to, is missing. */
export interface Results {
  readonly comparison?: Comparison;
  readonly live?: LiveCost;
  readonly latency?: Latency;
  readonly space?: Space;
  readonly timeline?: Timeline;
  readonly composition?: Composition;
  readonly stacks?: Comparison;
  readonly views?: ViewCost;
  readonly agents?: AgentCost;
  readonly threads?: ThreadsCost;
}

/** Of the file's format: up by one where a field changes. */
export const RESULT_VERSION = 3;

export interface BenchResult {
  readonly format: "heapwright-bench";
  readonly version: typeof RESULT_VERSION;
  readonly environment: Environment;
  readonly effort: Effort;
  readonly comparison: Comparison | null;
  readonly summary: Summary | null;
  readonly live: LiveCost | null;
  readonly latency: Latency | null;
  readonly space: Space | null;
  readonly timeline: Timeline | null;
  readonly composition: Composition | null;
  /** Allocators are `hyperheap+` and the stack's name; the summary's reference is the bare one. */
  readonly stacks: Comparison | null;
  readonly stacksSummary: Summary | null;
  readonly views: ViewCost | null;
  readonly agents: AgentCost | null;
  readonly threads: ThreadsCost | null;
}

export function toJson(environment: Environment, effort: Effort, results: Results): BenchResult {
  const { comparison, live, latency, space, timeline, composition, stacks, views, agents, threads } = results;
  return {
    format: "heapwright-bench",
    version: RESULT_VERSION,
    environment,
    effort,
    comparison: comparison ?? null,
    summary: comparison === undefined ? null : summarize(comparison),
    live: live ?? null,
    latency: latency ?? null,
    space: space ?? null,
    timeline: timeline ?? null,
    composition: composition ?? null,
    stacks: stacks ?? null,
    stacksSummary: stacks === undefined ? null : summarize(stacks),
    views: views ?? null,
    agents: agents ?? null,
    threads: threads ?? null,
  };
}
