/**
 * @heapwright/core: memory, chunk layout, lock, composition, errors, and the heap they make.
 */

export { type AgentCacheOptions, agentCache } from "./agent-cache/agent-cache.js";
export { attachHeap } from "./attach.js";
export { channel } from "./channel.js";
export type { Channel, ChannelOptions, Message, Recovered, WaitOptions } from "./channel-types.js";
export { type FallbackApi, fallback } from "./combinators/fallback.js";
export { type SegregateApi, type SegregateOptions, segregate } from "./combinators/segregate.js";
export { createAllocator, createHeap, defineStack } from "./create.js";
export {
  HEAP_ERROR_CODES,
  HeapError,
  type HeapErrorBlock,
  type HeapErrorBytes,
  type HeapErrorCode,
  type HeapErrorDetails,
  isHeapError,
} from "./errors.js";
export { type FailApi, failAfter, failEvery } from "./fail.js";
export type { GrowthOptions } from "./growth.js";
export type {
  ArrayView,
  ArrayViewConstructor,
  BytesView,
  Column,
  ColumnBase,
  Disposes,
  Heap,
  HeapDescriptor,
  HeapString,
  HeldLock,
  Scoped,
} from "./heap-types.js";
export type { ApisOf, Composable, PluginBundle, PluginInput } from "./infer.js";
export { type LimitApi, limit } from "./limit.js";
export { type AtomicsLockOptions, atomicsLock, noLock } from "./lock.js";
export { createMemory, type Memory, type MemorySource, type WebAssemblyMemory } from "./memory.js";
export type { AttachOptions, HeapOptions, RestoreOptions, StackOptions } from "./options.js";
export type { RecoveryReport } from "./recover.js";
export { restoreHeap } from "./restore.js";
export type {
  Align,
  Allocator,
  Block,
  BlockState,
  Capabilities,
  Contention,
  Context,
  Finding,
  FrontSite,
  Inner,
  Interrupted,
  Layout,
  Lock,
  LockKind,
  LockSite,
  Operation,
  Options,
  OptionValue,
  Phase,
  Plugin,
  PluginInstance,
  Ptr,
  Region,
  Slot,
  SlotRequest,
  StateSize,
  Strategy,
  StrategyInstance,
  Tag,
  Totals,
  WalkedBlock,
} from "./types.js";
