/**
 * Shrinking: from a program that fails to a short one that breaks the same promise.
 *
 * First each block gets a name, so that leaving operations out does not change which block the others mean. Then
 * stretches are left out, halves first, single ones last (delta debugging: Zeller and Hildebrandt, "Simplifying and isolating
 * failure-inducing input", 2002), at first all operations of a block together, then one by one; then sizes, alignments
 * and offsets are made smaller. Each step is one run on a fresh heap, so the time is bounded.
 */
import type { Heap } from "@heapwright/core";
import { makes, nameBlocks, nameIn, tidyNames } from "./naming.js";
import type { Op, Program } from "./program.js";
import { ConformanceError, type PromiseName } from "./promises.js";
import { type RunOptions, runProgram } from "./run.js";
import type { Subject } from "./subject.js";

/** Makes a fresh heap (or subject) each time it is called, always the same one. */
export type MakeTarget = () => Heap | Subject;

export interface Shrunk {
  readonly program: Program;
  /** What the shrunk program fails with. */
  readonly error: ConformanceError;
  /** Runs it took. */
  readonly runs: number;
}

/** Programs up to this length are checked after each operation, which finds a fault where it happens. */
const DENSE = 2000;
/** And up to this length with everything there is to verify. */
const SHORT = 50;

const HOPELESS = 2 ** 31;
/** What most allocators put between two blocks. */
const HEADER = 16;

/**
 * The shortest program found in the time that breaks the same promise.
 *
 * @param program One that fails.
 * @param options How it was run.
 * @param milliseconds Time after which no further run begins.
 * @returns undefined if the program does not fail on a fresh heap: then the program alone is not the reason.
 */
export function shrink(
  make: MakeTarget,
  program: Program,
  options: RunOptions = {},
  milliseconds = 10_000,
): Shrunk | undefined {
  const search = new Search(make, options, Date.now() + milliseconds);
  if (!search.accepts(program)) return undefined;
  search.accepts(nameBlocks(make(), search.program, options));
  let length: number;
  do {
    length = search.program.length;
    search.leaveOut(groupsByBlock);
    search.leaveOut(groupsOfOne);
    search.merge();
    search.simplify();
  } while (search.program.length < length && !search.late);
  search.accepts(tidyNames(search.program));
  return { program: search.program, error: search.error as ConformanceError, runs: search.runs };
}

class Search {
  readonly #make: MakeTarget;
  readonly #options: RunOptions;
  readonly #deadline: number;
  #promise: PromiseName | undefined;
  /** The best so far. */
  program: Program = [];
  error: ConformanceError | undefined;
  runs = 0;

  constructor(make: MakeTarget, options: RunOptions, deadline: number) {
    this.#make = make;
    this.#options = options;
    this.#deadline = deadline;
  }

  get late(): boolean {
    return Date.now() > this.#deadline;
  }

  /** Does it break the same promise? Then it is the best so far. */
  accepts(candidate: Program): boolean {
    const error = this.#failureOf(candidate);
    if (error === undefined) return false;
    // Verified after each operation for the first time, the same fault may be seen as another promise broken.
    const closer = this.program.length > DENSE && candidate.length <= DENSE;
    if (this.#promise !== undefined && error.promise !== this.#promise && !closer) return false;
    const { op, index } = error;
    this.program = op === undefined || index === undefined ? candidate : candidate.slice(0, index + 1);
    this.#promise = error.promise;
    this.error = error;
    return true;
  }

  #failureOf(program: Program): ConformanceError | undefined {
    this.runs++;
    const options =
      program.length <= DENSE ? { ...this.#options, ...this.#intervals(program.length) } : this.#options;
    try {
      runProgram(this.#make(), program, options);
      return undefined;
    } catch (error) {
      if (error instanceof ConformanceError) return error;
      throw error;
    }
  }

  /** Looking at everything after each operation is for programs that are nearly done: it costs the heap's size each time. */
  #intervals(length: number): RunOptions {
    const everything = length <= SHORT || this.#promise === "unchanged";
    return {
      checkEvery: 1,
      auditEvery: length <= SHORT ? 1 : 16,
      compareBytes: everything ? 2 ** 32 : 65_536,
    };
  }

  /** Leaves out stretches of groups, half of them at once, then a quarter … then single ones. */
  leaveOut(grouping: (program: Program) => number[]): void {
    const most = (): number => groups.reduce((max, group) => Math.max(max, group), -1) + 1;
    let groups = grouping(this.program);
    let count = most();
    for (let stretch = count; stretch >= 1 && !this.late; ) {
      stretch = Math.ceil(stretch / 2);
      for (let from = 0; from < count && !this.late; ) {
        const candidate = this.program.filter((_, i) => groups[i] < from || groups[i] >= from + stretch);
        if (candidate.length < this.program.length && this.accepts(candidate)) {
          groups = grouping(this.program);
          count = most();
        } else from += stretch;
      }
      if (stretch === 1) break;
    }
  }

  /** Makes each operation simpler and its numbers smaller, the last operation first. */
  simplify(): void {
    // A request that no heap can serve needs no others to be exhausted.
    const last = this.program.at(-1);
    if (last !== undefined && "size" in last && last.op !== "dup") {
      this.#replace(this.program.length - 1, { ...last, size: HOPELESS });
      this.leaveOut(groupsOfOne);
    }
    for (let i = this.program.length - 1; i >= 0 && !this.late; i--) {
      for (const simpler of SIMPLER) {
        const form = simpler(this.program[i] ?? { op: "check" });
        if (form !== undefined) this.#replace(i, form);
      }
      this.#lowerAlign(i);
      for (const key of ["size", "bytes", "offset", "mark"]) this.#lower(i, key);
    }
  }

  /** Makes one block of two that were made one after the other: many blocks often only fill the heap. */
  merge(): void {
    for (let i = this.program.length - 2; i >= 0 && !this.late; i--) {
      const [one, two] = [this.program[i], this.program[i + 1]];
      if (one === undefined || two === undefined || !makes(one) || !makes(two)) continue;
      const both = { ...one, op: "alloc", size: one.size + two.size + HEADER } as const;
      this.accepts([...this.program.slice(0, i), both, ...this.program.slice(i + 2)]);
    }
  }

  #replace(index: number, op: Op): boolean {
    if (index >= this.program.length || this.late) return false;
    return this.accepts(this.program.map((old, i) => (i === index ? op : old)));
  }

  #lowerAlign(index: number): void {
    const op = this.program[index];
    if (op === undefined || !("align" in op) || op.align === undefined) return;
    for (let align = 32; align < op.align; align *= 2) if (this.#replace(index, { ...op, align })) return;
  }

  /** The smallest number that still fails, by bisection. */
  #lower(index: number, key: string): void {
    const numberAt = (): unknown =>
      (this.program[index] as unknown as Record<string, unknown> | undefined)?.[key];
    const value = numberAt();
    if (typeof value !== "number") return;
    let passes = key === "offset" || key === "mark" ? -1 : 0;
    for (const target of [passes + 1, 16, 4096]) {
      if (target < value && this.#replace(index, { ...this.program[index], [key]: target } as Op)) break;
    }
    for (
      let fails = numberAt();
      typeof fails === "number" && fails - passes > 1 && !this.late;
      fails = numberAt()
    ) {
      const middle = Math.floor((fails + passes) / 2);
      if (!this.#replace(index, { ...this.program[index], [key]: middle } as Op)) passes = middle;
    }
  }
}

/** An operation without something it may not need, each applied to what the one before left; undefined: it has no such thing. */
const SIMPLER: readonly ((op: Op) => Op | undefined)[] = [
  (op) => without(op, "tag"),
  (op) => without(op, "align"),
  (op) => (makes(op) && op.op !== "alloc" ? { ...op, op: "alloc" } : undefined),
  (op) => (op.op === "reallocUnsafe" ? { ...op, op: "realloc" } : undefined),
];

function without(op: Op, key: string): Op | undefined {
  if (!(key in op)) return undefined;
  return Object.fromEntries(Object.entries(op).filter(([name]) => name !== key)) as unknown as Op;
}

/** Each operation on its own. */
function groupsOfOne(program: Program): number[] {
  return program.map((_, i) => i);
}

/** All operations on one block are one group; those about no block are one each. */
function groupsByBlock(program: Program): number[] {
  const groups = new Map<string, number>();
  let next = 0;
  return program.map((op) => {
    const name = nameIn(op);
    const known = name === undefined ? undefined : groups.get(name);
    if (known !== undefined) return known;
    if (name !== undefined) groups.set(name, next);
    return next++;
  });
}
