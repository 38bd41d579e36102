/**
 * The operations that end many blocks at once: `release` and `reset`.
 *
 *     made      a  b  |mark  c  d          release ends c and d, and what was freed of a and b stays so
 *     after     a  b  |
 *
 * A block that moved after the mark was made after it. One made before and grown in place afterwards stays, all of it. A mark
 * is spent when a block made before it is freed or shrunk in place, or grows over what dead blocks have left between it and the mark:
 * whether it then lies inside another block, its number does not say.
 */
import type { ReleaseOp } from "./program.js";
import { broken, describeError, hex } from "./promises.js";
import { describeBlock, type LiveBlock } from "./shadow.js";
import type { TakenMark, Trial } from "./trial.js";

/** Of the blocks ended at once, so many are asked for afterwards: each throws, which takes 10 µs. */
const ASKED = 32;

/** Takes a mark. */
export function mark(trial: Trial): boolean {
  const { subject, shadow } = trial;
  if (subject.mark === undefined || subject.release === undefined) return false;
  const value = subject.mark();
  // Not only addresses: a mark may say more than where.
  if (!Number.isSafeInteger(value) || value < 0) throw broken("accepts", `mark() returned ${String(value)}`);
  trial.marks.push({ value, made: shadow.serial, behind: trial.behind, free: subject.totals?.().free });
  trial.report.marks++;
  return true;
}

/** Ends every block made since a mark, and no other. */
export function release(trial: Trial, op: ReleaseOp): boolean {
  const { subject, shadow, marks } = trial;
  // Marks are nested: every second time the last one.
  const index = op.mark % 2 === 0 ? marks.length - 1 : ((op.mark - 1) / 2) % marks.length;
  const taken = marks[index];
  if (taken === undefined || subject.release === undefined) return false;
  const ended = shadow.since(taken.made);
  const name = `release(${hex(taken.value)})`;
  subject.release(taken.value);
  trial.views.refresh();
  for (const block of ended) trial.bury(block);
  // A later mark with a block in front of it that has just ended lies beyond the last block.
  const oldest = ended.reduce((least, { made }) => Math.min(least, made), Number.POSITIVE_INFINITY);
  trial.beyond = marks.slice(index + 1).find(({ made }) => made >= oldest)?.value;
  trial.marks = marks.slice(0, index + 1);
  trial.behind = undefined;
  verifyEnded(trial, "released", ended, name);
  verifySurvivors(trial, name);
  const free = subject.totals?.().free;
  if (taken.free !== undefined && free !== undefined && free < taken.free) {
    throw broken("reusable", `${taken.free} bytes were free at the mark, and ${free} are after ${name}`);
  }
  trial.report.releases++;
  return true;
}

/** `reset`: every block ends. */
export function reset(trial: Trial): boolean {
  const { subject, shadow } = trial;
  if (subject.reset === undefined) return false;
  const ended = [...shadow];
  subject.reset();
  trial.views.refresh();
  for (const block of ended) trial.bury(block);
  trial.marks = [];
  trial.behind = undefined;
  trial.beyond = undefined;
  verifyEnded(trial, "emptied", ended, "reset()");
  trial.report.resets++;
  return true;
}

/** Are they dead? Asked only of a heap that always tells. */
function verifyEnded(
  trial: Trial,
  promise: "released" | "emptied",
  ended: readonly LiveBlock[],
  name: string,
): void {
  const { subject } = trial;
  if (!subject.detects.includes("double-free")) return;
  const step = Math.max(1, Math.floor(ended.length / ASKED));
  for (let i = ended.length - 1; i >= 0; i -= step) {
    const block = ended[i];
    let usable: number;
    try {
      usable = subject.usableSize(block.ptr);
    } catch {
      continue;
    }
    throw broken(promise, `${describeBlock(block)} has ${usable} usable bytes after ${name}`);
  }
}

/** Does every other block still live, as large as it was? */
function verifySurvivors(trial: Trial, name: string): void {
  trial.shadow.forEach((block) => {
    let usable: number;
    try {
      usable = trial.subject.usableSize(block.ptr);
    } catch (error) {
      throw broken("released", `${name} ended ${describeBlock(block)}: ${describeError(error)}`, error);
    }
    if (usable === block.usable) return;
    throw broken("released", `${name} left ${usable} usable bytes of ${describeBlock(block)}`);
  });
}

/**
 * A block was moved, or resized in place. If it is the last one, nothing is taken behind it any more: also not what dead blocks had left
 * there, and marks behind those are spent.
 */
export function noteResized(trial: Trial, block: LiveBlock, usableBefore: number, hasMoved: boolean): void {
  const { shadow } = trial;
  trial.beyond = undefined;
  if (hasMoved) shadow.renew(block);
  else if (block.usable < usableBefore) dropMarks(trial, ({ made }) => made >= block.made);
  else if (shadow.last() === block) {
    dropMarks(trial, ({ made, behind }) => made >= block.made && behind !== block);
    if (block.usable > usableBefore) forgetFree(trial, block);
  }
  if (shadow.last() === block) trial.behind = block;
}

/** A block is about to be freed: marks taken after it was made are spent. Where only the last one can be freed, they lie beyond it now. */
export function noteFreed(trial: Trial, block: LiveBlock): void {
  const spent = dropMarks(trial, ({ made }) => made >= block.made);
  trial.behind = undefined;
  if (spent !== undefined && trial.subject.frees === "last") trial.beyond = spent;
}

/** Forgets the first mark that is spent, and all later ones. Its value. */
function dropMarks(trial: Trial, isSpent: (mark: TakenMark) => boolean): number | undefined {
  const { marks } = trial;
  const spent = marks.findIndex(isSpent);
  if (spent < 0) return undefined;
  trial.marks = marks.slice(0, spent);
  return marks[spent].value;
}

/** A block made before these marks has become longer: so much less is free after they are released. */
function forgetFree(trial: Trial, block: LiveBlock): void {
  trial.marks = trial.marks.map((taken) => (taken.made < block.made ? taken : { ...taken, free: undefined }));
}
