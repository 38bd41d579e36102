/**
 * A trial: one subject under one run, and what is known about it. The operations (`allocating.ts`, `misuse.ts`) and
 * the audits (`audit.ts`) work on it.
 */

import type { BlockRef } from "./program.js";
import { broken, codeOf, hex, type PromiseName } from "./promises.js";
import { describeBlock, type LiveBlock, type Range, Shadow } from "./shadow.js";
import type { Detects, Subject } from "./subject.js";
import { fill, firstWrong, patternByte, Views } from "./views.js";
import { Witness } from "./witness.js";

/** What a run did. A count of 0 says that something was never tried. */
export interface RunReport {
  operations: number;
  /** Blocks made. */
  allocations: number;
  reallocations: number;
  /** Of those, the ones that moved. */
  moves: number;
  frees: number;
  /** Valid requests answered with 0 or, in place, with false. */
  exhausted: number;
  /** Invalid calls made, all of them refused. */
  refused: number;
  /** Failed calls after which every byte was compared. */
  compared: number;
  /** Growth by the heap, and by somebody else. */
  growths: number;
  foreignGrowths: number;
  /** Copies made, of all blocks made. */
  dups: number;
  /** Blocks made with the largest alignment. */
  atMaxAlign: number;
  resets: number;
  marks: number;
  releases: number;
  /** Refused frees of live blocks that cannot be freed on their own; alignments above the largest one; marks that are none. */
  refusedFrees: number;
  refusedAlignments: number;
  refusedMarks: number;
  /** Refused pointers by the misuse they were. */
  readonly detected: Record<Detects, number>;
  checks: number;
  audits: number;
  peakLive: number;
  /** Operations that did nothing: no such block, or not supported. */
  skipped: number;
}

/** Pages somebody else added, filled with a pattern. */
export interface GuestPages extends Range {
  readonly seed: number;
}

/** A mark that can be released. */
export interface TakenMark {
  readonly value: number;
  /** The shadow's serial when it was taken. */
  readonly made: number;
  /** The block that was known to end where it was taken. */
  readonly behind: LiveBlock | undefined;
  /** Free bytes then; undefined where nobody counts them. */
  readonly free: number | undefined;
}

/** A report of nothing yet. */
export function emptyReport(): RunReport {
  return {
    operations: 0,
    allocations: 0,
    reallocations: 0,
    moves: 0,
    frees: 0,
    exhausted: 0,
    refused: 0,
    compared: 0,
    growths: 0,
    foreignGrowths: 0,
    dups: 0,
    atMaxAlign: 0,
    resets: 0,
    marks: 0,
    releases: 0,
    refusedFrees: 0,
    refusedAlignments: 0,
    refusedMarks: 0,
    detected: { "double-free": 0, foreign: 0, interior: 0, unaligned: 0, forged: 0 },
    checks: 0,
    audits: 0,
    peakLive: 0,
    skipped: 0,
  };
}

/** Adds what one run did to what others did; the peak is the highest one. */
export function addReport(sum: RunReport, report: Readonly<RunReport>): void {
  const peakLive = Math.max(sum.peakLive, report.peakLive);
  for (const key of Object.keys(sum) as (keyof RunReport)[]) {
    if (key !== "detected") sum[key] += report[key];
  }
  sum.peakLive = peakLive;
  for (const kind of Object.keys(sum.detected) as Detects[]) sum.detected[kind] += report.detected[kind];
}

/** How far from a block's ends its content is verified when only its ends are. */
const EDGE = 64;
/** Blocks freed last, to be freed again. */
const REMEMBERED = 64;

export class Trial {
  readonly subject: Subject;
  readonly views: Views;
  readonly shadow = new Shadow();
  readonly witness: Witness;
  /** Blocks by the name their operation gave them, dead ones included. */
  readonly names = new Map<string, LiveBlock>();
  readonly freed: LiveBlock[] = [];
  readonly guests: GuestPages[] = [];
  /** Blocks that were there before the run began: a plugin's own. */
  readonly baseline = new Set<number>();
  /** The block the operation under way was about; what resolving a program asks for. */
  picked: LiveBlock | undefined;
  /** Number of the operation under way. */
  index = 0;
  readonly report: RunReport = emptyReport();
  /** In the order they were taken. */
  marks: TakenMark[] = [];
  /** A mark that lies beyond the last block now. */
  beyond: number | undefined;
  /** The block with nothing behind it, dead blocks included; undefined where that is not known. */
  behind: LiveBlock | undefined;
  #seeds = 0;
  #freedNext = 0;

  constructor(subject: Subject, compareBytes: number) {
    this.subject = subject;
    this.views = new Views(() => subject.buffer());
    this.witness = new Witness(subject, this.views, this.shadow, compareBytes);
    for (const block of subject.blocks?.() ?? []) if (block.state !== "free") this.baseline.add(block.ptr);
  }

  /**
   * Expects the blocks of another trial, as far behind the region's start as they were there.
   * @throws ConformanceError `aligned`, `inside`, `disjoint` …
   */
  adopt(from: Trial): void {
    const { region, area } = this.subject.region();
    const distance = region.start - from.subject.region().region.start;
    this.baseline.clear();
    for (const ptr of from.baseline) this.baseline.add(ptr + distance);
    for (const block of [...from.shadow].sort((a, b) => a.made - b.made)) {
      this.shadow.insert({ ...block, ptr: block.ptr + distance }, area);
    }
    this.#seeds = from.#seeds;
  }

  /** A seed no block's content has had yet in this run. */
  nextSeed(): number {
    this.#seeds = (this.#seeds + 0x85ebca6b) | 0;
    return this.#seeds;
  }

  /** The live block a program means; undefined, and the operation is skipped, if there is none. */
  find(ref: BlockRef): LiveBlock | undefined {
    const block = typeof ref === "string" ? this.names.get(ref) : this.shadow.pick(ref);
    this.picked = block !== undefined && block.place >= 0 ? block : undefined;
    return this.picked;
  }

  /** A block that is no longer alive. */
  findFreed(ref: BlockRef): LiveBlock | undefined {
    const block = typeof ref === "string" ? this.names.get(ref) : this.freed[this.#freedIndex(ref)];
    this.picked = block !== undefined && block.place < 0 ? block : undefined;
    return this.picked;
  }

  /** Every second time the one freed last: older ones are mostly in use again or merged away. */
  #freedIndex(ref: number): number {
    const count = this.freed.length;
    return ref % 2 === 0 ? (this.#freedNext + count - 1) % count : ref % count;
  }

  /** A block is gone: remember it, to free it again. */
  bury(block: LiveBlock): void {
    this.shadow.remove(block);
    this.freed[this.#freedNext] = block;
    this.#freedNext = (this.#freedNext + 1) % REMEMBERED;
  }

  /** Gives a block new content, all its usable bytes. */
  write(block: LiveBlock): void {
    block.seed = this.nextSeed();
    fill(this.views, block.ptr, block.usable, block.seed);
  }

  /**
   * Are usable size and content of a live block what they were? The content between `from` and `to` only.
   * @throws ConformanceError `steady`, `intact`.
   */
  verify(block: LiveBlock, from = 0, to = block.usable): void {
    const usable = this.subject.usableSize(block.ptr);
    if (usable !== block.usable) {
      throw broken(
        "steady",
        `usableSize of ${describeBlock(block)} was ${block.usable} and is now ${usable}`,
      );
    }
    const wrong = firstWrong(this.views, block.ptr, from, to, block.seed);
    if (wrong >= 0) throw broken("intact", this.describeByte(block, wrong));
  }

  /** Like `verify`, but of a large block only the ends, where neighbours do harm. */
  verifyEdges(block: LiveBlock): void {
    if (block.usable <= 2 * EDGE) {
      this.verify(block);
      return;
    }
    this.verify(block, 0, EDGE);
    this.verify(block, (block.usable - EDGE) & ~3);
  }

  /** The live blocks next to an address: the likely victims of what happened there. */
  verifyNeighbours(start: number, end: number): void {
    const below = this.shadow.below(start - 1);
    const above = this.shadow.above(Math.max(end, start + 1));
    if (below !== undefined) this.verifyEdges(below);
    if (above !== undefined) this.verifyEdges(above);
  }

  describeByte(block: LiveBlock, at: number): string {
    const expected = patternByte(at, block.seed).toString(16).padStart(2, "0");
    const found = (this.views.u8[block.ptr + at] as number).toString(16).padStart(2, "0");
    return `byte +${at} of ${describeBlock(block)} is ${found} instead of ${expected} (${hex(block.ptr + at)})`;
  }

  /** A request was answered with 0: everything is as before. */
  failed(call: string): void {
    this.report.exhausted++;
    this.#compare(call, true);
  }

  /**
   * Makes an invalid call.
   * @param codes One of them must be thrown.
   * @param mayDrain What a quarantine holds may be freed before it is refused: then nothing is compared.
   */
  refuses(
    promise: PromiseName & `refuses${string}`,
    codes: readonly string[],
    name: string,
    call: () => unknown,
    mayDrain = false,
  ): void {
    this.witness.before(true);
    let result: unknown;
    try {
      result = call();
    } catch (error) {
      const code = codeOf(error);
      if (code === undefined || !codes.includes(code)) {
        const seen = code ?? (error instanceof Error ? `${error.name} (${error.message})` : String(error));
        throw broken(promise, `${name} threw ${seen} instead of ${codes.join(" or ")}`, error);
      }
      this.report.refused++;
      this.#compare(name, mayDrain);
      return;
    }
    const seen = result === undefined ? "was accepted" : `returned ${String(result)}`;
    throw broken(promise, `${name} ${seen} instead of throwing ${codes.join(" or ")}`);
  }

  #compare(call: string, mayDrain: boolean): void {
    this.views.refresh();
    if (this.witness.unchanged(call, mayDrain)) this.report.compared++;
  }
}
