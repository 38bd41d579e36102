/**
 * What becomes of a finding: it is thrown, or handed on while the program goes on.
 */
import type { Context } from "@heapwright/core";
import { formatReport } from "./format.js";
import type { CollectedBlock } from "./record.js";
import { blockText } from "./text.js";

/**
 * `throw`: the call that finds something throws it, and has done nothing. `report`: it is written to the console. A function is
 * called with it, with the heap's lock held: it shall not call the heap. Where it is not thrown, an overflow or a write after
 * free is mended and the call goes on, and a wrong pointer is not freed, nor counted as freed by any plugin.
 */
export type ReportPolicy = "throw" | "report" | ((error: Error) => void);

declare const console: { error?(text: string): void } | undefined;

/** Reports kept for `heap.strict.reports`. */
const KEPT = 64;

export class Reports {
  readonly throws: boolean;
  readonly #hand: (error: Error) => void;
  readonly #name: string;
  readonly #kept: Error[] = [];

  constructor(ctx: Context, policy: ReportPolicy) {
    this.throws = policy === "throw";
    this.#hand =
      typeof policy === "function"
        ? policy
        : (error) => say(`heap "${ctx.heapName}": ${formatReport(error)}`);
    this.#name = ctx.heapName;
  }

  /** The last of them, oldest first. */
  get kept(): readonly Error[] {
    return [...this.#kept];
  }

  keep(error: Error): void {
    this.#kept.push(error);
    if (this.#kept.length > KEPT) this.#kept.shift();
  }

  /** Keeps it, and throws it or hands it on. */
  add(error: Error): void {
    this.keep(error);
    if (this.throws) throw error;
    this.#hand(error);
  }

  /** A block nobody can free any more. There is no call to throw it from: it goes to the console. */
  lost(block: CollectedBlock): void {
    const { stack } = block;
    say(
      `heap "${this.#name}": ${blockText(block)} was never freed, and what stood for it is gone${stack === undefined ? "" : `\n${stack}`}`,
    );
  }
}

function say(text: string): void {
  if (typeof console !== "undefined") console.error?.(text);
}
