/**
 * Core's entry points with a strategy for who names none. Whatever else is wrong with the options is for core to say.
 */

import type { ApisOf, AttachOptions, Composable, Heap, HeapDescriptor, PluginInput } from "@heapwright/core";
import * as core from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import type {
  AnyStrategy,
  DefaultedHeapOptions,
  DefaultedRestoreOptions,
  DefaultedStackOptions,
  DefaultStrategy,
} from "./options.js";

/** Options of core's functions, whose types are for callers. */
type CoreOptions = Parameters<typeof core.createHeap>[0] & Parameters<typeof core.restoreHeap>[1];

function withStrategy(options: object): CoreOptions {
  const isObject = typeof options === "object" && options !== null;
  const isNamed = !isObject || (options as { strategy?: unknown }).strategy !== undefined;
  return (isNamed ? options : { ...options, strategy: hyperheap() }) as CoreOptions;
}

/**
 * Makes a heap: `createHeap` of `@heapwright/core`, with `hyperheap()` unless `strategy` names another one.
 *
 * @throws HeapError `ERR_INVALID_OPTION` for an option that is wrong, `ERR_COMPOSITION` for a stack that cannot be combined.
 */
export function createHeap<
  const S extends AnyStrategy = DefaultStrategy,
  const P extends readonly PluginInput[] = readonly [],
>(
  options: DefaultedHeapOptions<S, P> & Composable<S, P>,
): Heap & { readonly [Name in keyof ApisOf<S, P>]: ApisOf<S, P>[Name] };
export function createHeap(options: object): Heap {
  return core.createHeap(withStrategy(options));
}

/**
 * Joins a heap that another agent made, with the same stack; without one, a heap of `hyperheap()` and no plugins.
 *
 * @throws HeapError `ERR_INCOMPATIBLE_HEAP` naming every difference in strategy, plugins, versions and explicit options.
 */
export function attachHeap<
  const S extends AnyStrategy = DefaultStrategy,
  const P extends readonly PluginInput[] = readonly [],
>(
  descriptor: HeapDescriptor,
  stack?: DefaultedStackOptions<S, P> & Composable<S, P>,
  options?: AttachOptions,
): Heap & { readonly [Name in keyof ApisOf<S, P>]: ApisOf<S, P>[Name] };
export function attachHeap(descriptor: HeapDescriptor, stack: object = {}, options?: AttachOptions): Heap {
  return core.attachHeap(descriptor, withStrategy(stack), options);
}

/**
 * A heap on a copy of what `heap.snapshot()` returned, with `hyperheap()` unless `strategy` names another one; without options, in a
 * new buffer of just the size. Addresses move with the base: keep offsets (`heap.toOffset`) across it.
 *
 * @throws HeapError `ERR_INCOMPATIBLE_HEAP` naming what differs, or if the bytes are no heap; `ERR_HEAP_CORRUPT` if they are a broken
 * one. The memory given is not written then.
 */
export function restoreHeap<
  const S extends AnyStrategy = DefaultStrategy,
  const P extends readonly PluginInput[] = readonly [],
>(
  bytes: Uint8Array,
  options?: DefaultedRestoreOptions<S, P> & Composable<S, P>,
): Heap & { readonly [Name in keyof ApisOf<S, P>]: ApisOf<S, P>[Name] };
export function restoreHeap(bytes: Uint8Array, options: object = {}): Heap {
  return core.restoreHeap(bytes, withStrategy(options));
}

/**
 * Types one stack for all agents: `createHeap({ memory, ...stack })` here, `attachHeap(descriptor, stack)` there.
 *
 * @throws HeapError `ERR_INVALID_OPTION`, `ERR_COMPOSITION`.
 */
export function defineStack<
  const S extends AnyStrategy = DefaultStrategy,
  const P extends readonly PluginInput[] = readonly [],
>(stack: DefaultedStackOptions<S, P> & Composable<S, P>): { readonly strategy: S; readonly plugins: P };
export function defineStack(stack: object): object {
  return core.defineStack(withStrategy(stack));
}
