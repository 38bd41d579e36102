/** A stack of plugins as an allocator of the bench: the same heap, the same calls, plugins above the strategy. */
import { defineStack, isHeapError, type PluginInput } from "@heapwright/core";
import { hyperheap as strategy } from "@heapwright/hyperheap";
import { UsageError } from "../errors.js";
import hyperheap, { heapTarget, limitedHeapTarget } from "../targets/hyperheap.js";
import type { TargetModule } from "../targets/target.js";
import { type KnownStack, STACKS, stackNames } from "./stacks.js";

/** Fences, slots in the chunk header and rounding up, for each live block. Bare heaps get it too: regions must be equal. */
const BLOCK_ROOM = 256;

/**
 * The plugins of a stack, made anew at each call, and what they are.
 * @param name a known stack, or several with `+` between them.
 * @throws {@link UsageError} for an unknown name, or for plugins that cannot be combined.
 */
export function stackNamed(name: string): KnownStack {
  const parts = name.split("+").map((part) => {
    if (!Object.hasOwn(STACKS, part))
      throw new UsageError(`unknown stack "${part}"; known: ${stackNames.join(", ")}`);
    return STACKS[part];
  });
  const plugins = (): readonly PluginInput[] => parts.map((part) => part.plugins());
  try {
    defineStack({ strategy: strategy(), plugins: plugins() });
  } catch (error) {
    if (!isHeapError(error, "ERR_COMPOSITION")) throw error;
    throw new UsageError(`stack "${name}": ${error.message}`);
  }
  return { about: parts.map(({ about }) => about).join("; "), plugins };
}

/**
 * The allocator of a stack.
 * @throws {@link UsageError} as {@link stackNamed} does.
 */
export function stackTarget(name: string): TargetModule {
  const { about, plugins } = stackNamed(name);
  return {
    ...hyperheap,
    name: `hyperheap+${name}`,
    about,
    blockRoom: BLOCK_ROOM,
    create: async (bytes) => heapTarget(bytes, plugins()),
    createLimited: (bytes) => limitedHeapTarget(bytes, plugins()),
  };
}
