/**
 * The stacks that agents share a heap under. Another one is a line here, in the order of the table's rows; plugin stacks of
 * `stacks/stacks.ts` can be named beside them.
 */
import { agentCache, type PluginInput, type Strategy } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { slab } from "@heapwright/slab";
import { tlsf } from "@heapwright/tlsf";
import { stackNamed } from "../stacks/target.js";

export interface AgentStack {
  readonly about: string;
  /** Has a front for each agent, so the aims for throughput and for the shared lock are its own. */
  readonly front: boolean;
  readonly strategy: () => Strategy<string, unknown>;
  readonly plugins: () => readonly PluginInput[];
}

/** The stack with no plugin: the shared lock on every call. */
export const PLAIN = "hyperheap";

/** Who has no front takes the shared lock on every call. */
const plain = (about: string, strategy: AgentStack["strategy"]): AgentStack => {
  return { about, front: false, strategy, plugins: () => [] };
};
const fronted = (strategy: AgentStack["strategy"]): AgentStack => {
  return { about: "a front for each agent", front: true, strategy, plugins: () => [agentCache()] };
};

export const AGENT_STACKS: { readonly [name: string]: AgentStack } = {
  [PLAIN]: plain("no plugin: every call takes the shared lock", hyperheap),
  "hyperheap + front": fronted(hyperheap),
  tlsf: plain("the same over TLSF", tlsf),
  "tlsf + front": fronted(tlsf),
  slab: plain("the same over slab, with TLSF for what is large", () => slab({ large: tlsf() })),
};

export const agentStackNames: readonly string[] = Object.keys(AGENT_STACKS);

/** @throws UsageError for a name that is neither in this table nor a plugin stack. */
export function agentStack(name: string): AgentStack {
  if (Object.hasOwn(AGENT_STACKS, name)) return AGENT_STACKS[name];
  const { about, plugins } = stackNamed(name);
  return { about, front: false, strategy: hyperheap, plugins };
}
