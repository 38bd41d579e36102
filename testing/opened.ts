/** A heap, and the strategy's own view of it: what its tests read and break. */
import {
  createHeap,
  type GrowthOptions,
  type Heap,
  type MemorySource,
  type PluginInput,
  type Strategy,
} from "@heapwright/core";

type Context = Parameters<Strategy["create"]>[0];

export interface Opened<Space> {
  readonly heap: Heap;
  readonly space: Space;
}

export interface OpenOptions<Space> {
  readonly memory: MemorySource;
  readonly strategy: Strategy<string, unknown>;
  readonly plugins?: readonly PluginInput[];
  readonly growth?: GrowthOptions | undefined;
  /** The strategy's words, as it sees them itself. */
  readonly view: (ctx: Context) => Space;
  /** Stands in for the context's memory, whose views the strategy takes from it. */
  readonly counted?: (memory: Heap["memory"]) => Heap["memory"];
}

export function opened<Space>(options: OpenOptions<Space>): Opened<Space> {
  const { memory, strategy, plugins = [], growth, view, counted = (own) => own } = options;
  let space: Space | undefined;
  const heap = createHeap({
    memory,
    plugins,
    ...(growth !== undefined && { growth }),
    strategy: {
      ...strategy,
      create(ctx) {
        const made = strategy.create({ ...ctx, memory: counted(ctx.memory) });
        space = view(ctx);
        return made;
      },
    },
  }) as Heap;
  return { heap, space: space as Space };
}
