/**
 * The whole battery, no test runner needed: the runs every heap gets, and a row of the capability table for each thing it may be
 * able to do. `conformance` registers it with Vitest; `selfTest` shows what it finds.
 */
import type { Heap, HeapDescriptor } from "@heapwright/core";
import { CAPABILITIES, type CapabilityRow, type Case, type Judge } from "./capabilities.js";
import { runAttached, runRestored } from "./copies.js";
import { type HeapSubjectOptions, heapSubject } from "./heap-subject.js";
import { misuseProgram } from "./misuse-program.js";
import type { ProfileOptions } from "./profile.js";
import type { Program } from "./program.js";
import { ConformanceError } from "./promises.js";
import { property } from "./property.js";
import { anySeed } from "./random.js";
import { type RunOptions, runProgram } from "./run.js";
import { shrink } from "./shrink.js";
import { soak } from "./soak.js";
import type { Subject } from "./subject.js";
import { formatTable } from "./table.js";
import { addReport, emptyReport, type RunReport } from "./trial.js";

export interface BatteryOptions<H extends Heap = Heap> extends Pick<RunOptions, "reusable" | "maxBytes"> {
  /** Of all its programs; default: any, and the table shows it. */
  readonly seed?: number;
  /** Operations of the long run; the runs of single capabilities have a quarter. Default 20,000. */
  readonly operations?: number;
  /** Short programs, each on a fresh heap; default 50. */
  readonly numRuns?: number;
  /** Operations of the longest short program; default 200. */
  readonly maxOperations?: number;
  readonly profile?: ProfileOptions;
  /** Milliseconds for shrinking what is found; default 5,000. */
  readonly shrinkMs?: number;
  /** How heaps are driven, also restored and attached ones: `marks`, `tags`, `volatile` … */
  readonly subject?: HeapSubjectOptions | ((heap: H) => HeapSubjectOptions);
  /** Makes a heap of what `snapshot()` returned, as `restoreHeap` does, of the same stack. */
  readonly restore?: (bytes: Uint8Array) => H | Subject;
  /** Joins the heap of a descriptor as another agent, as `attachHeap` does, with the same stack. */
  readonly attach?: (descriptor: HeapDescriptor) => H | Subject;
  /** Like the function that makes the heap, but on shared memory. Of a stack that is not shared it must be refused. */
  readonly makeShared?: () => H | Subject;
}

/** One test of the battery. */
export interface BatteryPart {
  readonly title: string;
  /** @throws ConformanceError naming the broken promise. */
  run(): void;
}

/** The battery for one heap. */
export class Battery<H extends Heap = Heap> {
  readonly #make: () => H | Subject;
  readonly #options: BatteryOptions<H>;
  readonly #runs: readonly { readonly title: string; readonly report: () => Readonly<RunReport> }[];
  readonly #rows = new Map<string, CapabilityRow>();
  /** Which of the runs that every heap gets has failed. */
  #failed: string | undefined;
  readonly seed: number;

  /** @param make A fresh heap (or subject) each time it is called. Nothing is run before a part's `run`. */
  constructor(make: () => H | Subject, options: BatteryOptions<H> = {}) {
    this.#make = make;
    this.#options = options;
    this.seed = options.seed ?? anySeed();
    this.#runs = [
      { title: "every kind of misuse is refused and changes nothing", report: once(() => this.#misuse()) },
      { title: "short programs, verified after every operation", report: once(() => this.#programs()) },
      { title: "a long run", report: once(() => this.#soak({})) },
    ];
  }

  /** The runs every heap gets, then one part for each capability. */
  get parts(): readonly BatteryPart[] {
    return [
      ...this.#runs.map(({ title, report }) => ({ title, run: () => void report() })),
      ...CAPABILITIES.map(({ name, judge }) => ({
        title: `${name}: as claimed`,
        run: () => this.#judge(name, judge),
      })),
    ];
  }

  #judge(name: string, judge: Judge): void {
    const note = (claimed: string, found: string): void => {
      this.#rows.set(name, { capability: name, claimed, found });
    };
    try {
      note(...judge(this.#case()));
    } catch (error) {
      if (!(error instanceof ConformanceError)) {
        note("", "BROKEN");
        throw error;
      }
      note("", `BROKEN: ${error.promise}`);
      throw this.#failed === undefined
        ? error
        : error.with({ note: `${this.#failed} has failed, too: see there first` });
    }
  }

  /** The capability table as far as its parts have run. */
  get rows(): readonly CapabilityRow[] {
    return [...this.#rows.values()];
  }

  /** The rows in columns, under a title. */
  table(name: string): string {
    const rows = this.rows.map(({ capability, claimed, found }) => [capability, claimed, found]);
    return formatTable(`${name} (seed ${this.seed})`, ["capability", "claimed", "found"], rows);
  }

  #case(): Case {
    const { restore, attach, makeShared } = this.#options;
    const { operations, profile, run } = this.#settled;
    const copying = { operations: Math.ceil(operations / 8), seed: this.seed, profile, run };
    return {
      make: this.#target,
      tally: this.#tally(),
      soak: (weights) => this.#soak(weights, 4),
      run: (program) => this.#runProgram(program),
      restored: restore && (() => runRestored(this.#target, (bytes) => this.#wrap(restore(bytes)), copying)),
      attached: attach && (() => runAttached(this.#target, (from) => this.#wrap(attach(from)), copying)),
      shared: makeShared && {
        make: makeShared,
        soak: () => this.#soak({}, 4, () => this.#wrap(makeShared())),
      },
    };
  }

  /** What the general runs did; one that failed has said so itself, and counts nothing. */
  #tally(): RunReport {
    const sum = emptyReport();
    for (const { title, report } of this.#runs) {
      try {
        addReport(sum, report());
      } catch (error) {
        if (!(error instanceof ConformanceError)) throw error;
        this.#failed ??= title;
      }
    }
    return sum;
  }

  get #settled() {
    const { operations = 20_000, numRuns = 50, maxOperations = 200, shrinkMs = 5000 } = this.#options;
    const { profile = {}, reusable = true, maxBytes = 256 << 20 } = this.#options;
    const run = { reusable, maxBytes, checkEvery: 250, auditEvery: 250, compareBytes: 16_384 };
    return { operations, numRuns, maxOperations, shrinkMs, profile, run };
  }

  readonly #wrap = (target: H | Subject): Subject => {
    if ("conformance" in target) return target;
    const { subject } = this.#options;
    return heapSubject(target, typeof subject === "function" ? subject(target) : subject);
  };

  readonly #target = (): Subject => this.#wrap(this.#make());

  #misuse(): Readonly<RunReport> {
    return this.#runProgram(misuseProgram(this.#target().maxAlign));
  }

  #runProgram(program: Program): Readonly<RunReport> {
    const { shrinkMs } = this.#settled;
    const run = { ...this.#settled.run, checkEvery: 8, auditEvery: 8, compareBytes: 64 << 20 };
    try {
      return runProgram(this.#target(), program, run);
    } catch (error) {
      if (!(error instanceof ConformanceError) || shrinkMs <= 0) throw error;
      const shrunk = shrink(this.#target, program, run, shrinkMs);
      throw shrunk === undefined ? error : shrunk.error.with({ program: shrunk.program });
    }
  }

  #programs(): Readonly<RunReport> {
    const { numRuns, maxOperations, shrinkMs, profile } = this.#settled;
    const { reusable, maxBytes } = this.#settled.run;
    const { seed } = this;
    return property(this.#target, { numRuns, maxOperations, shrinkMs, profile, seed, reusable, maxBytes });
  }

  #soak(weights: object, share = 1, make = this.#target): Readonly<RunReport> {
    const { operations, shrinkMs, profile, run } = this.#settled;
    return soak(make, {
      operations: Math.ceil(operations / share),
      seed: this.seed,
      shrinkMs,
      profile: { ...profile, weights: { ...profile.weights, ...weights } },
      ...run,
    });
  }
}

/** The same result, or the same error, each time it is asked for. */
function once<Result>(work: () => Result): () => Result {
  let settled: { readonly result: Result } | { readonly error: unknown } | undefined;
  return () => {
    if (settled === undefined) {
      try {
        settled = { result: work() };
      } catch (error) {
        settled = { error };
      }
    }
    if ("error" in settled) throw settled.error;
    return settled.result;
  };
}

/**
 * Runs the whole battery, without a test runner.
 *
 * @param make A fresh heap (or subject) each time it is called.
 * @returns The capability table.
 * @throws ConformanceError the first broken promise.
 */
export function runBattery<H extends Heap>(
  make: () => H | Subject,
  options: BatteryOptions<H> = {},
): readonly CapabilityRow[] {
  const battery = new Battery(make, options);
  for (const part of battery.parts) part.run();
  return battery.rows;
}
