/**
 * Checked views: typed access to a block that throws instead of reading somebody else's bytes.
 *
 *     view.get(i)    header word of the block, compared with the one it had    (page runs: in the side table)
 *                    i, compared with the length
 *                    the element
 *
 * The word is unlike any other block's and changes with free, realloc and reset, so one load and one comparison tell whether the block
 * lives; nothing is registered anywhere. Of a block that was freed *and* whose header became somebody's payload, the word is what he
 * wrote there: he would have to guess 32 bits.
 *
 * Price, on Node 20: 2.0 to 2.3 times a read of a plain typed array at random indices. One class per kind of element, or each access in a
 * program with several kinds would look up what it is.
 */
import type { Context } from "@heapwright/core";
import type { KnownBlock } from "./blocks.js";
import { count } from "./text.js";
import { VIEWS } from "./view-kinds.js";

/** The typed-array constructors there are views for. */
export interface ViewConstructor {
  readonly name: string;
  readonly BYTES_PER_ELEMENT: number;
  readonly prototype: { readonly [index: number]: number | bigint };
}

/** A typed accessor of a block. */
export interface CheckedView<Value extends number | bigint = number> {
  /** Address of the block. */
  readonly ptr: number;
  /** Elements. */
  readonly length: number;
  /** Number of the allocation it belongs to. */
  readonly seq: number;
  /** Is the block still this one? Never throws. */
  readonly isLive: boolean;
  /**
   * Element `index`. O(1).
   * @throws HeapError `ERR_USE_AFTER_FREE` if the block is gone, was reallocated or the heap was reset; `ERR_HEAP_OVERFLOW` for an index from
   * `length` on or none at all, `ERR_HEAP_UNDERFLOW` for one below 0.
   */
  get(index: number): Value;
  /** Sets element `index`; throws as `get`, and then nothing was written. */
  set(index: number, value: Value): void;
  /** A copy of the elements; throws as `get`. */
  toArray(): Value[];
}

/** The view of a typed-array constructor: of `bigint` for the two that hold them. */
export type ViewOf<Type extends ViewConstructor> = CheckedView<Type["prototype"][number]>;

/** With the lock held. */
export function createView<Type extends ViewConstructor>(
  ctx: Context,
  block: KnownBlock,
  mark: number,
  type: Type,
  length: number | undefined,
): ViewOf<Type> {
  const View = VIEWS[type?.name];
  if (View === undefined) {
    throw ctx.error(
      "ERR_INVALID_OPTION",
      `a view needs a typed-array constructor, not ${String(type?.name)}`,
    );
  }
  const room = Math.floor(block.size / View.BYTES);
  const elements = length ?? room;
  if (!(Number.isInteger(elements) && elements >= 0 && elements <= room)) {
    throw ctx.error(
      "ERR_INVALID_SIZE",
      `block #${block.seq} has room for ${count(room, "element")} of ${View.BYTES} bytes, not ${String(length)}`,
      { ptr: block.ptr, block },
    );
  }
  return new View({ ctx, block, mark, length: elements }) as unknown as ViewOf<Type>;
}
