/**
 * Running a program: each operation is executed and verified, the whole heap at intervals, and at the end everything is
 * freed and must be usable again.
 */
import type { Heap } from "@heapwright/core";
import { allocate, free, freeNull, grow, growForeign, reallocate, resize } from "./allocating.js";
import { audit, check } from "./audit.js";
import { mark, release, reset } from "./marks.js";
import { badArgument, badFree, badMark, badPointer, badValue } from "./misuse.js";
import type { Op, Program } from "./program.js";
import { broken, ConformanceError, describeError } from "./promises.js";
import type { LiveBlock } from "./shadow.js";
import { type Subject, toSubject } from "./subject.js";
import { type RunReport, Trial } from "./trial.js";

export interface RunOptions {
  /** Operations from one `check()`, with the byte counts, to the next; default 1. */
  readonly checkEvery?: number;
  /** Operations from one look at every live block, its content and `blocks()`, to the next; default 1. */
  readonly auditEvery?: number;
  /**
   * Bytes an operation that may be spent on proving that failed calls change nothing, on average; default 64 MiB, which is each time for
   * regions up to that size.
   */
  readonly compareBytes?: number;
  /**
   * Must a request that the fresh heap can serve be served again once all is freed, unless it has grown? Default true; false
   * under `failAfter`.
   */
  readonly reusable?: boolean;
  /** Growth stops where the buffer would be larger than this; default 256 MiB. */
  readonly maxBytes?: number;
}

const DEFAULTS: Required<RunOptions> = {
  checkEvery: 1,
  auditEvery: 1,
  compareBytes: 64 << 20,
  reusable: true,
  maxBytes: 256 << 20,
};

/** A request for the probe is repeated: a plugin may let single ones fail. */
const PROBE_TRIES = 3;

/** One run, operation by operation; `runProgram` for programs that need not be stored. */
export class Runner {
  readonly #trial: Trial;
  readonly #options: Required<RunOptions>;
  #probe = 0;
  /** Where blocks cannot be freed one by one: taken before any was made. */
  #start: number | undefined;
  #freshEnd = 0;
  #sinceCheck = 0;
  #sinceAudit = 0;

  /**
   * @param target A fresh heap or subject; the run leaves it empty.
   * @param from A run on the heap that `target` is a copy of: its blocks are expected in the copy.
   */
  constructor(target: Heap | Subject, options: RunOptions = {}, from?: Runner) {
    this.#options = { ...DEFAULTS, ...options };
    atLeastOne("checkEvery", this.#options.checkEvery);
    atLeastOne("auditEvery", this.#options.auditEvery);
    this.#trial = new Trial(toSubject(target), this.#options.compareBytes);
    if (from !== undefined) {
      this.#guarded(undefined, () => this.#trial.adopt(from.#trial));
      return;
    }
    this.#guarded(undefined, () => {
      const { subject } = this.#trial;
      if (subject.frees !== "any" && subject.release !== undefined) this.#start = subject.mark?.();
      if (this.#options.reusable) this.#measureProbe();
      this.#freshEnd = this.#trial.subject.region().area.end;
      check(this.#trial);
    });
  }

  /** What was done so far. */
  get report(): Readonly<RunReport> {
    return this.#trial.report;
  }

  /** Number of the operation that made the block the last operation was about. */
  get pickedBlock(): number | undefined {
    return this.#trial.picked?.id;
  }

  /** @throws ConformanceError */
  step(op: Op): void {
    const trial = this.#trial;
    trial.picked = undefined;
    this.#guarded(op, () => {
      trial.views.refresh();
      if (!this.#execute(op)) trial.report.skipped++;
      this.#atIntervals();
    });
    trial.report.operations++;
    trial.index++;
  }

  /** Verifies everything, frees what is left and verifies that it can be had again. */
  finish(): Readonly<RunReport> {
    const trial = this.#trial;
    const { subject, shadow } = trial;
    trial.picked = undefined;
    this.#guarded(undefined, () => {
      check(trial);
      audit(trial);
      const next = (): LiveBlock | undefined =>
        subject.frees === "last" ? shadow.last() : shadow.pick(shadow.count - 1);
      for (let block = next(); block !== undefined && subject.frees !== "none"; block = next()) {
        subject.free(block.ptr);
        trial.bury(block);
      }
      if (subject.frees !== "any" && !this.#empty()) return;
      check(trial);
      audit(trial);
      // What lies between two growths need not become one piece again.
      const grown = subject.region().area.end !== this.#freshEnd;
      if (this.#probe > 0 && !grown && !this.#tryProbe(this.#probe)) {
        throw broken(
          "reusable",
          `${this.#probe} bytes could be had from the fresh heap, but not from the emptied one`,
        );
      }
    });
    return trial.report;
  }

  /** Ends every block at once. False where that cannot be done. */
  #empty(): boolean {
    // A mark may not survive a reset.
    if (this.#start === undefined || this.#trial.report.resets > 0) return reset(this.#trial);
    this.#trial.marks = [{ value: this.#start, made: 0, behind: undefined, free: undefined }];
    return release(this.#trial, { op: "release", mark: 0 });
  }

  /** Did it do anything? */
  #execute(op: Op): boolean {
    const trial = this.#trial;
    switch (op.op) {
      case "alloc":
      case "allocUnsafe":
      case "dup":
      case "reallocNull":
        return allocate(trial, op);
      case "realloc":
      case "reallocUnsafe":
        return reallocate(trial, op);
      case "resize":
        return resize(trial, op);
      case "free":
        return free(trial, op);
      case "freeNull":
        return freeNull(trial);
      case "grow":
        return this.#mayGrow(op.bytes) && grow(trial, op);
      case "growForeign":
        return this.#mayGrow(op.bytes) && growForeign(trial, op);
      case "reset":
        return reset(trial);
      case "mark":
        return mark(trial);
      case "release":
        return release(trial, op);
      case "check":
        check(trial);
        audit(trial);
        return true;
      case "badSize":
      case "badAlign":
      case "badTag":
        return badArgument(trial, op);
      case "badPointer":
        return badPointer(trial, op);
      case "badValue":
        return badValue(trial, op);
      case "badFree":
        return badFree(trial, op);
      case "badMark":
        return badMark(trial, op);
    }
  }

  #mayGrow(bytes: number): boolean {
    return this.#trial.views.u8.length + bytes <= this.#options.maxBytes;
  }

  #atIntervals(): void {
    if (++this.#sinceCheck >= this.#options.checkEvery) {
      this.#sinceCheck = 0;
      check(this.#trial);
    }
    if (++this.#sinceAudit >= this.#options.auditEvery) {
      this.#sinceAudit = 0;
      audit(this.#trial);
    }
  }

  /** Finds a large request that the fresh heap can serve. */
  #measureProbe(): void {
    const { subject } = this.#trial;
    // It must be possible to give it back.
    if (subject.frees === "none" && this.#start === undefined && subject.reset === undefined) return;
    const { area } = subject.region();
    const bytes = area.end - area.start;
    for (let share = 7 / 8; share * bytes >= 16; share /= share > 0.5 ? 7 / 4 : 2) {
      const size = Math.floor(share * bytes);
      if (!this.#tryProbe(size)) continue;
      this.#probe = size;
      return;
    }
  }

  #tryProbe(size: number): boolean {
    const { subject } = this.#trial;
    for (let tries = 0; tries < PROBE_TRIES; tries++) {
      const ptr = subject.allocUnsafe(size, 16, 0);
      if (ptr === 0) continue;
      if (subject.frees !== "none") subject.free(ptr);
      else if (this.#start !== undefined) subject.release?.(this.#start);
      else subject.reset?.();
      return true;
    }
    return false;
  }

  /** Whatever is thrown in there says where; what is no broken promise itself breaks one: nothing may throw. */
  #guarded(op: Op | undefined, work: () => void): void {
    try {
      work();
    } catch (error) {
      const where = op === undefined ? { index: this.#trial.index } : { index: this.#trial.index, op };
      if (error instanceof ConformanceError) throw error.with(where);
      throw broken("accepts", `the heap threw ${describeError(error)}`, error).with(where);
    }
  }
}

/**
 * A run that does nothing because of a wrong option would pass.
 * @throws RangeError
 */
export function atLeastOne(option: string, value: number): void {
  if (!(value >= 1)) throw new RangeError(`${option} must be 1 or more, not ${String(value)}`);
}

/**
 * Runs a program on a fresh heap (or subject) and verifies every promise on the way.
 *
 * @returns What was done; look for zeros.
 * @throws ConformanceError naming the broken promise and the operation.
 */
export function runProgram(
  target: Heap | Subject,
  program: Program,
  options: RunOptions = {},
): Readonly<RunReport> {
  const runner = new Runner(target, options);
  for (const op of program) runner.step(op);
  return runner.finish();
}
