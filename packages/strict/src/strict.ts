/**
 * `strict({ … })`: all decorators, with defaults that find the common bugs at a few times the price of a bare heap.
 *
 *     plugins: [strict()]  is  [record, fence(), poison(), delayedFree(), strictErrors]
 *
 * record is `heap.strict`, see record.ts; strictErrors has no API, see refused.ts.
 *
 * Price with the defaults, in a hyperheap: 32 bytes of header more and a fence of 64 bytes a block, 64 blocks that wait, 4.8 KiB a
 * heap; about four times as long. The package's README has it measured.
 */
import type { Plugin } from "@heapwright/core";
import type { StrictApi } from "./api.js";
import { type DelayedFreeApi, type DelayedFreeOptions, delayedFree } from "./delayed-free.js";
import { type FenceOptions, fence } from "./fence.js";
import { checkChoice, invalidOption } from "./options.js";
import { type PoisonOptions, poison } from "./poison.js";
import { type CollectedBlock, record } from "./record.js";
import { type RefusedByRegion, strictErrors } from "./refused.js";
import type { ReportPolicy } from "./reports.js";
import type { StackMode } from "./stacks.js";

export interface StrictOptions {
  /** Options of `fence`; false leaves it out. */
  readonly fence?: FenceOptions | false;
  /** Options of `poison`; false leaves it out. */
  readonly poison?: PoisonOptions | false;
  /** Options of `delayedFree`; false leaves it out. */
  readonly delayedFree?: DelayedFreeOptions | false;
  /** Call stacks of allocations and frees: of one block in 1,024 (default), of all, of none. */
  readonly stacks?: StackMode;
  /** What becomes of a finding; default `"throw"`. */
  readonly onError?: ReportPolicy;
  /**
   * Name of a tag in reports and leaks, instead of the one that a plugin of the stack keeps (`stats` does); undefined for tags that are
   * to have that one. Not needed where all names come from such a plugin.
   */
  readonly tagName?: (tag: number) => string | undefined;
  /**
   * Report blocks whose view (`heap.strict.view`) or handle (`heap.strict.track`) was garbage-collected before they were freed: to the
   * console, or to a function. Default false.
   */
  readonly collected?: boolean | ((block: CollectedBlock) => void);
}

/** A part that its option can leave out: surely there, surely not, or perhaps. */
type Part<Option, Given> = [Option] extends [false] ? false : false extends Option ? Given | false : Given;

/** The parts of `strict()`, for a heap's `plugins`; of those that `false` leaves out the heap's type has no API. */
export type StrictPlugins<Fence = undefined, Poison = undefined, Delay = undefined> = readonly [
  Plugin<"strict", StrictApi>,
  Part<Fence, Plugin<"fence", undefined>>,
  Part<Poison, Plugin<"poison", undefined>>,
  Part<Delay, Plugin<"delayedFree", DelayedFreeApi>>,
  Plugin<"strictErrors", undefined>,
];

/**
 * Finds memory bugs: add it to `plugins`.
 *
 * @throws RangeError for an option out of range.
 */
export function strict<
  Fence extends FenceOptions | false | undefined = undefined,
  Poison extends PoisonOptions | false | undefined = undefined,
  Delay extends DelayedFreeOptions | false | undefined = undefined,
>(
  options?: StrictOptions & {
    readonly fence?: Fence;
    readonly poison?: Poison;
    readonly delayedFree?: Delay;
  },
): StrictPlugins<NoInfer<Fence>, NoInfer<Poison>, NoInfer<Delay>>;
export function strict(
  options: StrictOptions = {},
): StrictPlugins<false | undefined, false | undefined, false | undefined> {
  const { stacks = "sampled", onError = "throw", tagName, collected = false } = options;
  checkChoice("strict", "stacks", stacks, ["off", "sampled", "all"]);
  if (typeof onError !== "function") checkChoice("strict", "onError", onError, ["throw", "report"]);
  if (tagName !== undefined && typeof tagName !== "function")
    throw invalidOption("strict", "tagName", "a function", tagName);
  if (typeof collected !== "function" && typeof collected !== "boolean")
    throw invalidOption("strict", "collected", "a boolean or a function", collected);
  const records: RefusedByRegion = new WeakMap();
  return [
    record({ stacks, onError, tagName, collected, records }, options.fence === false),
    options.fence !== false && fence(options.fence),
    options.poison !== false && poison(options.poison),
    options.delayedFree !== false && delayedFree(options.delayedFree),
    strictErrors(records),
  ];
}
