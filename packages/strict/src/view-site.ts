/** What a checked view asks when something is wrong: where it belongs to, and the error for an access that is refused. */
import type { Context, HeapErrorCode } from "@heapwright/core";
import type { KnownBlock } from "./blocks.js";
import { count } from "./text.js";

/** What a view is made of, and asks when something is wrong. */
export interface ViewSite {
  readonly ctx: Context;
  readonly block: KnownBlock;
  /** Byte address of the header word. */
  readonly mark: number;
  readonly length: number;
}

/** Why an access was refused. */
export function accessError({ ctx, block, length }: ViewSite, index: number, isLive: boolean): Error {
  const { ptr, size, tag, seq } = block;
  const about = {
    ptr,
    block: { ptr, size, tag, seq, state: isLive ? "used" : "freed" },
    foundAt: `view, agent ${ctx.agent}`,
  };
  const make = (code: HeapErrorCode, message: string): Error => ctx.error(code, message, about);
  if (!isLive) {
    return make(
      "ERR_USE_AFTER_FREE",
      `the view is of block #${seq}, which was freed, reallocated or reset since`,
    );
  }
  const what = `index ${String(index)} of a view of block #${seq} is outside its ${count(length, "element")}`;
  return index < 0 ? make("ERR_HEAP_UNDERFLOW", what) : make("ERR_HEAP_OVERFLOW", what);
}
