/** What there is to measure, one after the other: which results they give and which tables. */
import { measureAgents } from "./agents/run.js";
import { type CompareOptions, compare } from "./compare.js";
import { measureComposition } from "./composition/run.js";
import { UsageError } from "./errors.js";
import type { Results } from "./json.js";
import { measureLatency } from "./latency/run.js";
import { measureLive } from "./live/run.js";
import { agentsTable } from "./report/agents.js";
import { compositionTable } from "./report/composition.js";
import { latencyTable } from "./report/latency.js";
import { liveTable } from "./report/live.js";
import { spaceTable } from "./report/space.js";
import { stacksTable } from "./report/stacks.js";
import { threadsTable } from "./report/threads.js";
import { comparisonTable } from "./report/time.js";
import { timelineNotes } from "./report/timeline.js";
import { viewsTable } from "./report/views.js";
import type { Effort } from "./schedule.js";
import { measureSpace } from "./space/run.js";
import { measureStacks } from "./stacks/run.js";
import { measureThreads } from "./threads/run.js";
import { measureTimeline } from "./timeline/run.js";
import { findTrace } from "./traces.js";
import { measureViews } from "./views/run.js";

export interface MeasureOptions extends CompareOptions {
  /** Plugin stacks; default all. */
  readonly stacks?: readonly string[] | undefined;
  /** Numbers of agents that share a heap; default 1 and 2. */
  readonly workers?: readonly number[] | undefined;
}

interface Measure {
  readonly about: string;
  /** Left out of a run that does not name it, unless that is a full one. */
  readonly extra?: true;
  run(options: MeasureOptions): Promise<Results>;
}

const MEASURES = {
  time: {
    about: "ns per operation over the traces",
    run: async (options) => ({ comparison: await compare(options) }),
  },
  live: {
    about: "cost against the number of live blocks: random replace",
    run: async (options) => ({ live: await measureLive(options) }),
  },
  latency: {
    about: "percentiles of single operations over the traces",
    run: async (options) => ({ latency: await measureLatency(options) }),
  },
  space: {
    about: "the smallest region each trace completes in, and how far blocks extend",
    run: async (options) => ({ space: await measureSpace(options) }),
  },
  timeline: {
    about: "footprint over time, and what lies where, on the first and the last trace",
    run: async (options) => ({ timeline: await measureTimeline(options) }),
  },
  composition: {
    about: "what composing costs: heap against strategy, a layer against none",
    run: async (options) => ({
      composition: await measureComposition({ ...options, trace: findTrace("sqlite") }),
    }),
  },
  stacks: {
    about: "what plugins cost: the traces under each stack of them, against none",
    extra: true,
    run: async (options) => ({ stacks: await measureStacks(options) }),
  },
  views: {
    about: "what checked views cost: reads of a block, against a typed array",
    extra: true,
    run: async (options) => ({ views: await measureViews(options) }),
  },
  agents: {
    about: "several workers on one heap: throughput, the shared lock, and what the lock costs one",
    extra: true,
    run: async (options) => ({ agents: await measureAgents(options) }),
  },
  threads: {
    about: "traces of several threads, replayed by them on one shared heap",
    extra: true,
    run: async (options) => ({ threads: await measureThreads(options) }),
  },
} as const satisfies { readonly [name: string]: Measure };

export type MeasureName = keyof typeof MEASURES;

export const measureNames = Object.keys(MEASURES) as readonly MeasureName[];

/** What is measured where no measure is named; `named` are those that other options ask for. */
export function defaultMeasures(full: boolean, named: readonly MeasureName[] = []): readonly MeasureName[] {
  return measureNames.filter((name) => full || !("extra" in MEASURES[name]) || named.includes(name));
}

/** One line on a measure. */
export function aboutMeasure(name: MeasureName): string {
  return MEASURES[name].about;
}

/** @throws {@link UsageError} for an unknown name. */
export function findMeasure(name: string): MeasureName {
  const found = measureNames.find((each) => each === name);
  if (found === undefined)
    throw new UsageError(`unknown measure "${name}"; known: ${measureNames.join(", ")}`);
  return found;
}

/** Runs the measures in the order of the tables. Interrupted, it returns what there is. */
export async function runMeasures(names: readonly MeasureName[], options: MeasureOptions): Promise<Results> {
  let results: Results = {};
  for (const name of measureNames) {
    if (!names.includes(name) || options.signal?.aborted) continue;
    results = { ...results, ...(await MEASURES[name].run(options)) };
  }
  return results;
}

/** The tables of what was measured. */
export function tablesOf(results: Results, effort: Effort): string[] {
  const { comparison, live, latency, space, timeline, composition, stacks, views, agents, threads } = results;
  return [
    comparison && comparisonTable(comparison, effort),
    live && liveTable(live, { ...effort, processes: effort.liveProcesses }),
    latency && latencyTable(latency),
    space && spaceTable(space),
    timeline && timelineNotes(timeline),
    composition && compositionTable(composition),
    stacks && stacksTable(stacks, effort),
    views && viewsTable(views, effort),
    agents && agentsTable(agents, effort),
    threads && threadsTable(threads, effort),
  ].filter((table) => table !== undefined);
}
