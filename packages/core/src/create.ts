/**
 * `createHeap`: a new heap on a region of a memory. See attach.ts and restore.ts for the other ways to one.
 */
import { type Assembly, assemble } from "./assemble.js";
import { buildHeap } from "./build.js";
import { planStack, type ResolvedStack, resolveStack } from "./compose.js";
import { HeapError, show } from "./errors.js";
import type { GrowthOptions } from "./growth.js";
import { HEADER } from "./header.js";
import type { Heap } from "./heap-types.js";
import type { ApisOf, Composable, PluginInput } from "./infer.js";
import { noLock } from "./lock.js";
import { createMemory, type Memory, type MemorySource } from "./memory.js";
import {
  type AnyHeapOptions,
  type AnyStackOptions,
  type AnyStrategy,
  checkGrowth,
  checkKeys,
  growthMax,
  type HeapOptions,
  type StackOptions,
  settleAgent,
} from "./options.js";
import {
  checkBase,
  checkRoom,
  fitsRoom,
  formatRegion,
  nextAgent,
  type Placement,
  placeRegion,
  roundByteCount,
  sealRegion,
} from "./region.js";
import type { Allocator, Region } from "./types.js";

/**
 * Makes a heap: writes its header, and what the strategy and the plugins keep, into memory that is given or made, whose bytes there are lost.
 *
 * `memory` is a number of bytes (a new `ArrayBuffer`), a buffer, a `WebAssembly.Memory`, or what `createMemory` has wrapped; the heap takes
 * `bytes` of it from `base` on, a multiple of 64, by default all that is there. Nothing is written where an option is refused.
 *
 * Cost: the header and the strategy's tables are written once, at most about 2 % of what the heap may grow to; the rest is not touched.
 *
 * @example
 * ```ts
 * const heap = createHeap({ memory: 1 << 20, strategy: hyperheap() });
 * const ptr = heap.alloc(100);
 * heap.free(ptr);
 * ```
 * @throws HeapError `ERR_INVALID_OPTION` for an option that is wrong, `ERR_COMPOSITION` for a stack that cannot be combined.
 */
export function createHeap<const S extends AnyStrategy, const P extends readonly PluginInput[] = readonly []>(
  options: HeapOptions<S, P> & Composable<S, P>,
): Heap & { readonly [Name in keyof ApisOf<S, P>]: ApisOf<S, P>[Name] };
// The types above are for callers; the constraint of a stack is not worth following in here.
export function createHeap(options: object): Heap {
  return buildHeap(make(options as AnyHeapOptions));
}

/** Types one stack for all agents: `createHeap({ memory, ...stack })` here, `attachHeap(descriptor, stack)` there. */
export function defineStack<
  const S extends AnyStrategy,
  const P extends readonly PluginInput[] = readonly [],
>(stack: StackOptions<S, P> & Composable<S, P>): { readonly strategy: S; readonly plugins: P };
export function defineStack(options: object): AnyStackOptions {
  checkKeys("defineStack", options, ["strategy", "plugins"]);
  const stack = options as AnyStackOptions;
  planStack(stack.strategy, stack.plugins);
  return { strategy: stack.strategy, plugins: stack.plugins ?? [] };
}

/**
 * A strategy alone on a region: its primitives, with no plugin, no lock and no argument check above it. For those who
 * compare strategies or build their own entry points; `createHeap` is what apps use.
 */
export function createAllocator(options: {
  readonly memory: MemorySource;
  readonly strategy: AnyStrategy;
  readonly base?: number;
  readonly bytes?: number;
}): { readonly allocator: Allocator; readonly memory: Memory; readonly region: Region } {
  const { strategy, memory, region } = make({ ...options, lock: noLock });
  return { allocator: strategy, memory, region };
}

/** Checks everything, then writes the header and assembles this agent. */
function make(options: AnyHeapOptions): Assembly {
  checkKeys("createHeap", options, [
    "memory",
    "base",
    "bytes",
    "strategy",
    "plugins",
    "lock",
    "growth",
    "name",
  ]);
  const stack = resolveStack(planStack(options.strategy, options.plugins));
  const { memory, placement } = createRegion(stack, options);
  const agent = settleAgent(memory, stack, options);
  formatRegion(memory, placement, stack);
  memory.u32[(placement.base + HEADER.lockKind) >>> 2] = agent.lockKind;
  const id = nextAgent(memory, placement.base);
  const assembly = assemble({ memory, placement, stack, ...agent, agent: id, fresh: true });
  sealRegion(memory, placement.base);
  return assembly;
}

/** The memory, and where everything goes in it. */
function createRegion(
  stack: ResolvedStack,
  options: {
    readonly memory: MemorySource;
    readonly base?: number;
    readonly bytes?: number;
    readonly growth?: GrowthOptions;
  },
): { memory: Memory; placement: Placement } {
  const { base = 0, bytes, growth } = options;
  checkGrowth(growth);
  const source = typeof options.memory === "number" ? roundByteCount(options.memory) : options.memory;
  const memory = createMemory(source, growth?.max === undefined ? undefined : roundByteCount(growth.max));
  checkBase(base, memory);
  const available = memory.buffer.byteLength - base;
  if (bytes !== undefined && !(Number.isInteger(bytes) && bytes > 0 && bytes <= available)) {
    throw new HeapError(
      "ERR_INVALID_OPTION",
      `bytes must be an integer that fits the memory from base on, not ${show(bytes)}`,
    );
  }
  const end = base + (bytes ?? available);
  const { headerBytes } = stack.layout;
  // A region that was given its size keeps it, unless growth was asked for.
  const max = bytes !== undefined && growth === undefined ? undefined : growthMax(memory, growth);
  const placement = placeRegion(stack, base, end, max ?? end);
  // A resizable buffer can be grown without being asked for it here, where tables for all of it can be afforded.
  if (growth === undefined && !fitsRoom(placement, headerBytes)) {
    const fixed = placeRegion(stack, base, end, end);
    checkRoom(fixed, headerBytes);
    return { memory, placement: fixed };
  }
  checkRoom(placement, headerBytes);
  return { memory, placement };
}
