/**
 * The shape of a result's file, as far as anything is made of it. What is not named is dropped.
 */
import * as v from "valibot";
import { agents, composition, views } from "./costs.js";
import { count, list, number, text } from "./parts.js";
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
    bench: text,
    node: text,
    v8: text,
    platform: text,
    cores: count,
    cpu: text,
    date: text,
  }),
  effort: v.object({
    ...v.entriesFromList(effortNumbers, number),
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
});
