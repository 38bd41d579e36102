/**
 * The shape of a result's file, as far as anything is made of it. What is not named is dropped.
 */
import * as v from "valibot";
import { agents, composition, threads, views } from "./costs.js";
import { count, line, list, number, positive } from "./parts.js";
import { comparison, latency, live, space, timeline } from "./replays.js";

/** A measure, or null where there was none. */
const measure = <const Schema extends v.GenericSchema>(schema: Schema) => v.nullable(schema);

const effortNumbers = [
  "processes",
  "rounds",
  "roundMs",
  "warmMs",
  "limitMs",
  "slowMs",
  "liveProcesses",
  "liveRoundMs",
  "liveSteadyMs",
  "latencyReplays",
  "spaceMs",
  "sets",
  "setRounds",
  "setRoundMs",
  "setsMs",
  "agentsMs",
] as const;

/** Summaries are made anew of what they summarize. */
export const resultSchema = v.object({
  environment: v.object({
    bench: line,
    node: line,
    v8: line,
    platform: line,
    cores: positive,
    cpu: line,
    date: line,
  }),
  effort: v.object({
    ...v.entriesFromList(effortNumbers, number),
    processes: positive,
    rounds: positive,
    roundMs: positive,
    liveCounts: list(count),
  }),
  comparison: measure(comparison),
  live: measure(live),
  latency: measure(latency),
  space: measure(space),
  timeline: measure(timeline),
  composition: measure(composition),
  stacks: measure(comparison),
  views: measure(views),
  agents: measure(agents),
  threads: measure(threads),
});
