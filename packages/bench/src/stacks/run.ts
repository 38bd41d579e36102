/**
 * What plugins cost: the traces over one strategy with no plugin and under each stack. It is the main comparison with stacks for
 * allocators, so processes, turns and figures are the same.
 */
import { type CompareOptions, type Comparison, compare } from "../compare.js";
import type { Effort } from "../schedule.js";
import { STACK_PREFIX } from "../targets/index.js";
import { BARE, stackNames } from "./stacks.js";

export interface StackOptions extends Omit<CompareOptions, "allocators"> {
  /** Names as {@link stackNames} has them, or several with `+` between them; default all. The bare strategy is always measured. */
  readonly stacks?: readonly string[] | undefined;
}

/** Milliseconds for a checked replay. What a stack costs is the question, so being slow is no reason to know less of it. */
const PATIENCE_MS = 20_000;

function patient(effort: Effort): Effort {
  return {
    ...effort,
    limitMs: Math.max(effort.limitMs, PATIENCE_MS),
    slowMs: Number.POSITIVE_INFINITY,
  };
}

/** @throws UsageError for an unknown stack or a broken trace, before anything is measured. */
export async function measureStacks(options: StackOptions): Promise<Comparison> {
  const { stacks = stackNames, progress } = options;
  return compare({
    ...options,
    allocators: [...new Set([BARE, ...stacks])].map((name) => STACK_PREFIX + name),
    effort: patient(options.effort),
    ...(progress && { progress: (done, total, what) => progress(done, total, `stacks on ${what}`) }),
  });
}
