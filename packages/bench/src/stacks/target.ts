/** A stack of plugins as an allocator of the bench: the same heap, the same calls, plugins above the strategy. */
import { defineStack, isHeapError, type PluginInput } from "@heapwright/core";
import { hyperheap as strategy } from "@heapwright/hyperheap";
import { UsageError } from "../errors.js";
import hyperheap, { heapTarget, limitedHeapTarget } from "../targets/hyperheap.js";
import type { TargetModule } from "../targets/target.js";
import { STACKS, stackNames } from "./stacks.js";

/** Fences, slots in the chunk header and rounding up, for each live block. Bare heaps get it too: regions must be equal. */
const BLOCK_ROOM = 256;

/**
 * The allocator of a stack.
 * @param name a known stack, or several with `+` between them.
 * @throws {@link UsageError} for an unknown name, or for plugins that cannot be combined.
 */
export function stackTarget(name: string): TargetModule {
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
  return {
    ...hyperheap,
    name: `hyperheap+${name}`,
    about: parts.map(({ about }) => about).join("; "),
    blockRoom: BLOCK_ROOM,
    create: async (bytes) => heapTarget(bytes, plugins()),
    createLimited: (bytes) => limitedHeapTarget(bytes, plugins()),
  };
}
