/**
 * Requests that no cell serves: the inner strategy's. Also small ones where it has no room for a span any more, but for a block.
 *
 * Before one is answered as exhausted, spares go back where that serves it: see shortage.ts.
 */
import { makeRoom } from "./shortage.js";
import { FIRST_MADE, GRANULE, LARGE, type Large, MADE_LARGE, type Space } from "./space.js";

/** A block of `large`. */
export function allocLarge(space: Space, large: Large, size: number, align: number, tag: number): number {
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
