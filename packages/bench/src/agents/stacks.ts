/**
 * The stacks that agents share a heap under. Another one is a line here, in the order of the table's rows; plugin stacks of
 * `stacks/stacks.ts` can be named beside them.
 */
import { agentCache, type PluginInput } from "@heapwright/core";
import { stackNamed } from "../stacks/target.js";

export interface AgentStack {
  readonly about: string;
  /** Has a front for each agent, so the aims for throughput and for the shared lock are its own. */
  readonly front: boolean;
  readonly plugins: () => readonly PluginInput[];
}

/** The stack with no plugin: the shared lock on every call. */
export const PLAIN = "hyperheap";

export const AGENT_STACKS: { readonly [name: string]: AgentStack } = {
  [PLAIN]: { about: "no plugin: every call takes the shared lock", front: false, plugins: () => [] },
  "hyperheap + front": { about: "a front for each agent", front: true, plugins: () => [agentCache()] },
};

export const agentStackNames: readonly string[] = Object.keys(AGENT_STACKS);

/** @throws UsageError for a name that is neither in this table nor a plugin stack. */
export function agentStack(name: string): AgentStack {
  if (Object.hasOwn(AGENT_STACKS, name)) return AGENT_STACKS[name];
  const { about, plugins } = stackNamed(name);
  return { about, front: false, plugins };
}
