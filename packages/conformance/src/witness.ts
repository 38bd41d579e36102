/**
 * Proof that a failed call changed nothing: a copy of the region's bytes and counts from before the call, compared with
 * what is there afterwards.
 *
 * Whether a call will fail is not known before it is made, so calls that may are preceded by a copy. Copies cost
 * about 0.1 ns a byte and comparing 0.3, so a budget bounds them: so many bytes an operation on average. Small heaps
 * are copied each time.
 */
import type { Totals } from "@heapwright/core";
import { broken, hex } from "./promises.js";
import { describeBlock, type Range, type Shadow } from "./shadow.js";
import type { Subject } from "./subject.js";
import type { Views } from "./views.js";

export class Witness {
  readonly #subject: Subject;
  readonly #views: Views;
  readonly #shadow: Shadow;
  readonly #bytesPerCall: number;
  #credit = 0;
  #copy = new Int32Array(0);
  #taken = false;
  #region: Range = { start: 0, end: 0 };
  #totals: Totals | undefined;

  constructor(subject: Subject, views: Views, shadow: Shadow, bytesPerCall: number) {
    this.#subject = subject;
    this.#views = views;
    this.#shadow = shadow;
    this.#bytesPerCall = bytesPerCall;
  }

  /** Before a call that may fail. `wanted`: it is likely to, so a copy is worth the budget. */
  before(wanted: boolean): void {
    this.#taken = false;
    const { region } = this.#subject.region();
    const bytes = region.end - region.start;
    // Unused budget is not saved up beyond one copy.
    this.#credit = Math.min(this.#credit + this.#bytesPerCall, Math.max(bytes, this.#bytesPerCall));
    const always = bytes <= this.#bytesPerCall;
    if (!always && (!wanted || this.#credit < bytes)) return;
    this.#credit -= bytes;
    this.#taken = true;
    this.#region = region;
    this.#totals = this.#subject.totals?.();
    const words = this.#views.i32.subarray(region.start >>> 2, region.end >>> 2);
    if (this.#copy.length !== words.length) this.#copy = new Int32Array(words.length);
    this.#copy.set(words);
  }

  /**
   * The call has failed. Was there a copy to compare with?
   * @param mayDrain An exhausted request frees quarantined blocks, or gives back what a front holds, before it fails: then nothing is compared.
   * @throws ConformanceError `unchanged`.
   */
  unchanged(call: string, mayDrain: boolean): boolean {
    if (!this.#taken) return false;
    if (mayDrain && (this.#subject.givesBack === true || (this.#totals?.quarantined ?? 0) > 0)) return false;
    const { region } = this.#subject.region();
    if (region.start !== this.#region.start || region.end !== this.#region.end) {
      throw broken(
        "unchanged",
        `the failed ${call} moved the region's end from ${hex(this.#region.end)} to ${hex(region.end)}`,
      );
    }
    this.#compareBytes(call);
    this.#compareTotals(call);
    return true;
  }

  #compareBytes(call: string): void {
    const { i32 } = this.#views;
    const copy = this.#copy;
    const first = this.#region.start >>> 2;
    for (let i = 0; i < copy.length; i++) {
      if (copy[i] === i32[first + i]) continue;
      const address = (first + i) * 4;
      const skip = this.#subject.volatile.find((range) => address >= range.start && address < range.end);
      if (skip !== undefined) {
        i = (skip.end >>> 2) - first - 1;
        continue;
      }
      const was = hex(copy[i] >>> 0);
      throw broken(
        "unchanged",
        `the failed ${call} changed the word at ${hex(address)} from ${was} to ${hex(i32[first + i] >>> 0)} (${this.#place(address)})`,
      );
    }
  }

  #compareTotals(call: string): void {
    const before = this.#totals;
    const after = this.#subject.totals?.();
    if (before === undefined || after === undefined) return;
    for (const key of Object.keys(before) as (keyof Totals)[]) {
      if (before[key] === after[key]) continue;
      throw broken(
        "unchanged",
        `the failed ${call} changed the count ${key} from ${before[key]} to ${after[key]}`,
      );
    }
  }

  #place(address: number): string {
    const { area } = this.#subject.region();
    const block = this.#shadow.covering(address);
    if (block !== undefined) return `inside ${describeBlock(block)}`;
    if (address < area.start) return `in the heap's header, +${address - this.#region.start}`;
    const below = this.#shadow.below(address);
    return below === undefined ? "before the first block" : `after ${describeBlock(below)}`;
  }
}
