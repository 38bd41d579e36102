/** Options that are wrong are refused where they are written. */
import type { TracePart } from "./log.js";

/** More entries than this could make more operations than a file may have. */
const MOST_OPERATIONS = 1 << 23;
const MOST_CLOCK = 1 << 20;

export interface TraceOptions {
  /**
   * Operations this agent can hold, 2 … 8,388,608; default 1,048,576. Each takes 16 bytes outside of the heap, with tags 20; a `realloc` that
   * moves counts as two. Pages that are not written yet cost most engines nothing.
   */
  readonly operations?: number;
  /** Begin to record when the heap is made or attached. Default true. */
  readonly start?: boolean;
  /** Record the tag of each block. Default false. */
  readonly tags?: boolean;
  /** Read the clock each so many operations, 1 … 1,048,576; 0, the default, never. A reading takes some 50 ns. */
  readonly clock?: number;
  /** The app asks with `alloc`, not `allocUnsafe`: blocks are recorded as zeroed (calloc). No plugin sees which it was. Default false. */
  readonly zeroed?: boolean;
  /**
   * Gets what was recorded when `operations` are reached, and recording goes on; without it recording ends there. The part's arrays are the log
   * itself, written anew as soon as it returns: post it, write it, or keep a `structuredClone`. Called in the midst of a call, with the heap's
   * lock held: it must not call the heap.
   */
  readonly sink?: (part: TracePart) => void;
}

export type SettledOptions = Required<Omit<TraceOptions, "sink">> & Pick<TraceOptions, "sink">;

/** @throws RangeError (`code`: `ERR_INVALID_OPTION`) for the first that is wrong. */
export function settle(options: TraceOptions): SettledOptions {
  const { operations = 1 << 20, start = true, tags = false, clock = 0, zeroed = false, sink } = options;
  checkInteger("operations", operations, 2, MOST_OPERATIONS);
  checkInteger("clock", clock, 0, MOST_CLOCK);
  for (const [name, value] of Object.entries({ start, tags, zeroed }))
    if (typeof value !== "boolean") throw invalidOption(name, "a boolean", value);
  if (sink !== undefined && typeof sink !== "function") throw invalidOption("sink", "a function", sink);
  return { operations, start, tags, clock, zeroed, ...(sink && { sink }) };
}

function checkInteger(name: string, value: unknown, least: number, most: number): void {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return;
  throw invalidOption(name, `an integer in ${least} … ${most}`, value);
}

function invalidOption(name: string, must: string, value: unknown): RangeError {
  const found = typeof value === "string" ? JSON.stringify(value) : String(value);
  return Object.assign(new RangeError(`trace: ${name} must be ${must}, not ${found}`), {
    code: "ERR_INVALID_OPTION",
  });
}
