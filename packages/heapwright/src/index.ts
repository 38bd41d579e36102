/**
 * heapwright: everything of `@heapwright/core`, where `strategy` may be left out: it is `hyperheap()` then.
 */
export * from "@heapwright/core";
// These four instead of core's: a module's own exports go before those of a star.
export { attachHeap, createHeap, defineStack, restoreHeap } from "./defaults.js";
export type { DefaultedHeapOptions, DefaultedRestoreOptions, DefaultedStackOptions } from "./options.js";
