/**
 * @heapwright/strict: finds memory bugs in a heap: fences, poison, delayed free, leaks, checked views, and reports of what was found.
 */
export type { FoundBlock, StrictApi } from "./api.js";
export { type DelayedFreeApi, type DelayedFreeOptions, delayedFree } from "./delayed-free.js";
export { type FenceOptions, fence } from "./fence.js";
export { formatReport } from "./format.js";
export type { Leak, LeakedBlock } from "./leaks.js";
export { type PoisonOptions, poison } from "./poison.js";
export type { CollectedBlock } from "./record.js";
export type { ReportPolicy } from "./reports.js";
export type { StackMode } from "./stacks.js";
export { type StrictOptions, type StrictPlugins, strict } from "./strict.js";
export type { CheckedView, ViewConstructor, ViewOf } from "./views.js";
