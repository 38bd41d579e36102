/** Core's options with `strategy` optional. */
import type { HeapOptions, PluginInput, RestoreOptions, Strategy } from "@heapwright/core";
import type { hyperheap } from "@heapwright/hyperheap";

export type AnyStrategy = Strategy<string, unknown>;

/** The strategy of who names none. */
export type DefaultStrategy = ReturnType<typeof hyperheap>;

/** A strategy and plugins, in any order; see `defineStack`. */
export interface DefaultedStackOptions<S extends AnyStrategy, P extends readonly PluginInput[]> {
  /** What places blocks; default `hyperheap()`. */
  readonly strategy?: S | undefined;
  readonly plugins?: P;
}

/** `HeapOptions` of core, `strategy` optional. */
export interface DefaultedHeapOptions<S extends AnyStrategy, P extends readonly PluginInput[]>
  extends DefaultedStackOptions<S, P>,
    Omit<HeapOptions<S, P>, "strategy" | "plugins"> {}

/** `RestoreOptions` of core, `strategy` optional. */
export interface DefaultedRestoreOptions<S extends AnyStrategy, P extends readonly PluginInput[]>
  extends DefaultedStackOptions<S, P>,
    Omit<RestoreOptions<S, P>, "strategy" | "plugins"> {}
