/**
 * Copies of a heap and other agents of it: a program runs on the one, is carried over with every block it has, and goes on there.
 *
 *     run ── snapshot ── run on the copy, to its end ── the original is as it was ── end
 *     run ── attach ──── run on both agents in turns ── end
 */
import type { HeapDescriptor } from "@heapwright/core";
import { Generator } from "./generate.js";
import type { ProfileOptions } from "./profile.js";
import { broken, ConformanceError, describeError, hex } from "./promises.js";
import { Random } from "./random.js";
import { Runner, type RunOptions } from "./run.js";
import { profileFor } from "./soak.js";
import type { Subject } from "./subject.js";
import type { RunReport } from "./trial.js";

export interface CopyOptions {
  /** Before the copy, and after it. */
  readonly operations: number;
  readonly seed: number;
  readonly profile?: ProfileOptions | undefined;
  readonly run: RunOptions;
}

type Carried = "restored" | "attached";

/**
 * A heap and what is made of its snapshot.
 * @throws ConformanceError `restored`, or what the original breaks.
 */
export function runRestored(
  make: () => Subject,
  restore: (bytes: Uint8Array) => Subject,
  options: CopyOptions,
): Readonly<RunReport> {
  const { operations, seed, run } = options;
  const original = make();
  const runner = new Runner(original, run);
  const generator = generatorFor(original, options);
  for (let i = 0; i < operations; i++) runner.step(generator.next());
  const bytes = original.snapshot?.() ?? new Uint8Array(0);
  const report = carried("restored", seed, () => {
    const copy = new Runner(restore(bytes), run, runner);
    copy.step({ op: "check" });
    for (let i = 0; i < operations; i++) copy.step(generator.next());
    const done = copy.finish();
    // What was done to the copy is nothing to the original.
    runner.step({ op: "check" });
    return done;
  });
  runner.finish();
  return report;
}

/** Calls that any agent may make. */
const SHARED_CALLS = [
  "alloc",
  "allocUnsafe",
  "free",
  "realloc",
  "reallocUnsafe",
  "dup",
  "resize",
  "usableSize",
  "takenSize",
  "blocks",
  "check",
  "totals",
  "reset",
  "grow",
  "mark",
  "release",
] as const;

/**
 * A heap and another agent of it, in turns; where agents cannot have it at once, the other one goes on alone.
 * @throws ConformanceError `attached`, or what one agent alone breaks.
 */
export function runAttached(
  make: () => Subject,
  attach: (descriptor: HeapDescriptor) => Subject,
  options: CopyOptions,
): Readonly<RunReport> {
  const { operations, seed, run } = options;
  const first = make();
  const random = new Random(seed);
  let agents = [first];
  const both: Subject = { ...first };
  for (const name of SHARED_CALLS) {
    if (first[name] === undefined) continue;
    const call = (...args: unknown[]): unknown =>
      (random.pick(agents) as unknown as Record<string, (...args: unknown[]) => unknown>)[name]?.(...args);
    Object.assign(both, { [name]: call });
  }
  const runner = new Runner(both, run);
  const generator = generatorFor(first, options);
  for (let i = 0; i < operations; i++) runner.step(generator.next());
  return carried("attached", seed, () => {
    const joined = attach(first.descriptor?.() as HeapDescriptor);
    verifySame(first, joined);
    agents = first.capabilities?.shared === false ? [joined] : [first, joined];
    for (const name of SHARED_CALLS) if (joined[name] === undefined) delete both[name as "reset"];
    for (let i = 0; i < operations; i++) runner.step(generator.next());
    return runner.finish();
  });
}

/** Does the other agent list the same blocks? */
function verifySame(first: Subject, joined: Subject): void {
  const others = joined.blocks?.()[Symbol.iterator]();
  if (others === undefined) return;
  for (const { ptr, usable, state } of first.blocks?.() ?? []) {
    const { value: other } = others.next();
    if (other?.ptr === ptr && other.usable === usable && other.state === state) continue;
    const listed =
      other === undefined ? "nothing" : `${other.state} ${hex(other.ptr)}, ${other.usable} bytes`;
    throw broken(
      "attached",
      `where one lists ${state} ${hex(ptr)}, ${usable} bytes, the other has ${listed}`,
    );
  }
}

function generatorFor(subject: Subject, { seed, profile = {} }: CopyOptions): Generator {
  // A copy shall have something in it.
  const weights = { ...profile.weights, reset: 0 };
  return new Generator(seed, profileFor(subject, { ...profile, weights }));
}

/** Whatever is wrong in there is wrong with the copy. */
function carried<Result>(promise: Carried, seed: number, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ConformanceError))
      throw broken(promise, describeError(error), error).with({ seed });
    const { op, index } = error;
    const detail = error.promise === promise ? error.detail : `[${error.promise}] ${error.detail}`;
    throw broken(promise, detail, error).with({ seed, op, index });
  }
}
