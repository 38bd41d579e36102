/**
 * The plugin stacks whose cost is measured, each over the same strategy. Another one is a line here, in the order of the
 * table's columns; several at once are named with `+` between them.
 */
import { limit, type PluginInput } from "@heapwright/core";
import { stats } from "@heapwright/stats";
import { delayedFree, fence, poison, strict } from "@heapwright/strict";
import { trace } from "@heapwright/trace";

export interface KnownStack {
  readonly about: string;
  readonly plugins: () => readonly PluginInput[];
}

/** More than any heap of the bench has. */
const NEVER_REACHED = 2 ** 32 - 1;

/** Emptied into a sink that keeps nothing, so that every call of a replay is recorded. */
const RECORDED = 1 << 19;

export const STACKS: { readonly [name: string]: KnownStack } = {
  bare: { about: "no plugin", plugins: () => [] },
  limit: { about: "a limit that is never reached", plugins: () => [limit({ bytes: NEVER_REACHED })] },
  trace: {
    about: "calls recorded, half a million of them between two emptyings",
    plugins: () => [trace({ operations: RECORDED, sink: () => {} })],
  },
  stats: { about: "counts and bytes by tag", plugins: () => [stats()] },
  "stats-all": {
    about: "stats with size classes and short-lived blocks",
    plugins: () => [stats({ sizeClasses: true, shortLived: 1000 })],
  },
  fence: { about: "patterns around each block, checked at free", plugins: () => [fence()] },
  poison: { about: "blocks filled when made and when freed", plugins: () => [poison()] },
  "delayed-free": { about: "a quarantine of 64 blocks", plugins: () => [delayedFree()] },
  strict: {
    about: "fence, poison, delayed free, and a record of who asked and who freed",
    plugins: () => [strict()],
  },
};

/** The stack all others are compared to. */
export const BARE = "bare";

export const stackNames: readonly string[] = Object.keys(STACKS);
