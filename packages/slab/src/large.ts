/**
 * Requests that no cell serves: the inner strategy's. Also small ones where it has no room for a span any more, but for a block.
 *
 * Before one is answered as exhausted, spares go back where that serves it: see shortage.ts.
 */
import { take } from "./cells.js";
import { makeRoom } from "./shortage.js";
import { FIRST_MADE, GRANULE, LARGE, type Large, MADE_LARGE, type Space } from "./space.js";
import { refill } from "./spans.js";

/** A block of `large`, or, for an alignment above 16, a cell whose size is a multiple of it. */
export function allocLarge(space: Space, large: Large, size: number, align: number, tag: number): number {
  if (align !== GRANULE) {
    const cell = alignedCell(space, large, size, align);
    if (cell !== 0) return cell;
  }
  const ptr = allocFrom(space, large, size, align, tag);
  return ptr === 0 && makeRoom(space, large, size, align) ? allocFrom(space, large, size, align, tag) : ptr;
}

function allocFrom(space: Space, large: Large, size: number, align: number, tag: number): number {
  const { i32, state } = space;
  i32[space.made] = LARGE;
  try {
    const ptr = large.alloc(size, align, tag);
    // From here on `made` alone says which block nobody was given yet.
    if (ptr !== 0) i32[space.made] = FIRST_MADE + (((ptr - space.origin) / GRANULE) | 0);
    return ptr;
  } finally {
    i32[state + MADE_LARGE] = 0;
  }
}

/** Spans begin at a multiple of 2 KiB, so cells of a multiple of `align` bytes are aligned; 0 if there is none so large, or no room. */
function alignedCell(space: Space, large: Large, size: number, align: number): number {
  const { most, header } = space;
  if (header !== 0 || size > most << 4) return 0;
  const sizeClass = (((size - 1) | (align - 1)) + 1) >>> 4;
  if (sizeClass > most) return 0;
  const cursor = refill(space, large, sizeClass);
  return cursor === 0 ? 0 : take(space, cursor, sizeClass);
}
