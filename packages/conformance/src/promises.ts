/**
 * What an allocator promises, as the kit holds it to it, and the error that names the promise that was broken.
 *
 * The key of a promise is stable: shrinking keeps a program only if it breaks the same one, and a test of a planted
 * fault can ask for it. The sentence is what a person reads first.
 */
import { formatProgram } from "./format.js";
import type { Op, Program } from "./program.js";

/** Every promise, as a sentence. */
export const PROMISES = {
  pointer: "a pointer is 0 or an unsigned 32-bit integer",
  aligned: "a block has the alignment asked for, and 16 at least",
  inside: "a block lies inside the heap's area",
  disjoint: "live blocks never share a byte",
  sized:
    "a block's usable size is at least what was asked for and what goodSize says, and no more than it takes",
  steady: "a block's usable size changes only through its own realloc or resize",
  zeroed: "alloc and realloc zero every byte they promise to",
  kept: "realloc and resize keep the content up to min(old usable size, new size)",
  copied: "dup makes a block with the bytes it was given",
  intact: "nobody but its holder writes into a live block",
  unchanged: "a failed call changes nothing",
  refusesSize: "an invalid size throws ERR_INVALID_SIZE",
  refusesAlignment: "an invalid alignment throws ERR_INVALID_ALIGNMENT, one above maxAlign ERR_UNSUPPORTED",
  refusesTag: "an invalid tag throws ERR_INVALID_OPTION",
  refusesPointer: "a pointer that is no live block throws ERR_INVALID_POINTER or ERR_DOUBLE_FREE",
  refusesFree: "a live block that cannot be freed on its own throws ERR_UNSUPPORTED",
  refusesMark: "a mark that is none, or beyond the last block, throws ERR_INVALID_OPTION",
  accepts: "a valid call does not throw, and says what it did",
  consistent: "check() finds nothing wrong",
  counted: "the byte counts add up to the capacity, and the capacity is the area",
  listed: "blocks() shows every live block once, in address order, and no other as used",
  owned: "owns is true for every block and false outside the region",
  reusable: "what was freed can be had again",
  grown: "grow adds at least what was asked for to the area",
  guest: "pages that somebody else added to the memory are left alone",
  released: "release ends exactly the blocks made since the mark",
  emptied: "reset ends every block",
  restored: "a heap restored from a snapshot has the same blocks with the same bytes, and is one of its own",
  attached: "another agent sees the same blocks with the same bytes",
  capable: "capabilities say what the heap can do, no less and no more",
} as const;

export type PromiseName = keyof typeof PROMISES;

/** Where a failure came from and how to see it again. */
export interface Failure {
  /** Index of the operation in the program that was run; its length where the end of the run found it. */
  readonly index?: number | undefined;
  readonly op?: Op | undefined;
  /** Where in the long run that was shrunk it was first found. */
  readonly firstIndex?: number | undefined;
  /** Seed that makes the failing run again. */
  readonly seed?: number | undefined;
  /** fast-check's path to the counterexample. */
  readonly path?: string | undefined;
  /** The shortest program found that breaks the same promise. */
  readonly program?: Program | undefined;
  /** What else a person should know. */
  readonly note?: string | undefined;
  readonly cause?: unknown;
}

/** Thrown for a broken promise. `message` is the whole report; `detail` only what was seen. */
export class ConformanceError extends Error {
  readonly promise: PromiseName;
  readonly detail: string;
  readonly index: number | undefined;
  readonly op: Op | undefined;
  readonly firstIndex: number | undefined;
  readonly seed: number | undefined;
  readonly path: string | undefined;
  readonly program: Program | undefined;

  constructor(promise: PromiseName, detail: string, failure: Failure = {}) {
    super(
      report(promise, detail, failure),
      failure.cause === undefined ? undefined : { cause: failure.cause },
    );
    this.name = "ConformanceError";
    this.promise = promise;
    this.detail = detail;
    this.index = failure.index;
    this.op = failure.op;
    this.firstIndex = failure.firstIndex;
    this.seed = failure.seed;
    this.path = failure.path;
    this.program = failure.program;
  }

  /** The same finding with more known about where it came from. */
  with(failure: Failure): ConformanceError {
    const { index, op, seed, path, program, cause } = this;
    return new ConformanceError(this.promise, this.detail, {
      index,
      op,
      seed,
      path,
      program,
      cause,
      ...failure,
    });
  }
}

/** Operations of a program that a message shows. */
const SHOWN = 100;

function report(promise: PromiseName, detail: string, failure: Failure): string {
  const lines = [`[${promise}] ${PROMISES[promise]}`, `  ${detail}`];
  if (failure.op !== undefined)
    lines.push(`  at operation #${failure.index}: ${formatProgram([failure.op])}`);
  else if (failure.index !== undefined) lines.push(`  found at the end, after ${failure.index} operations`);
  if (failure.seed !== undefined) lines.push(`  ${describeSeed(failure)}`);
  if (failure.note !== undefined) lines.push(`  ${failure.note}`);
  if (failure.program !== undefined) {
    const count = failure.program.length;
    lines.push(`  shrunk to ${count} operation${count === 1 ? "" : "s"}; as a test:`, "");
    lines.push("runProgram(makeHeap(), [", formatProgram(failure.program.slice(0, SHOWN), "  "));
    if (count > SHOWN) lines.push(`  // … and ${count - SHOWN} more: the error's \`program\` has them all`);
    lines.push("]);", "");
  }
  return lines.join("\n");
}

function describeSeed({ seed, path, firstIndex }: Failure): string {
  if (path !== undefined) return `seed: ${seed}, path: ${JSON.stringify(path)}`;
  return firstIndex === undefined
    ? `seed: ${seed}`
    : `seed: ${seed}, first found at its operation #${firstIndex}`;
}

/** Makes the error of a broken promise; the caller throws it. */
export function broken(promise: PromiseName, detail: string, cause?: unknown): ConformanceError {
  return new ConformanceError(promise, detail, cause === undefined ? {} : { cause });
}

const BRAND = Symbol.for("heapwright.HeapError");

/** The code of a `HeapError`, told by its brand; undefined for anything else. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !(BRAND in error)) return undefined;
  const { code } = error as { readonly code?: unknown };
  return typeof code === "string" ? code : undefined;
}

/** A thrown value in one line. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = codeOf(error);
  return `${code === undefined ? error.name : code}: ${error.message.split("\n", 1)[0]}`;
}

/** An address as people read it. */
export function hex(address: number): string {
  return `0x${address.toString(16)}`;
}
