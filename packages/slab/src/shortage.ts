/**
 * What is done before a request is answered as exhausted: spares go back, if that makes room for it. Nothing changes where it does not.
 *
 *     |U|free|spare|free|U|     the three become one free chunk; is it large enough?
 */
import { type Large, SPARE_BYTES, type Space, spanAddress } from "./space.js";
import { findSpare, give, spareOf } from "./spans.js";

/**
 * True if memory was given back that serves the request. A strategy may look for chunks in lists by size and miss one that is hardly larger
 * than what was asked for; so 1/32 more is asked for here. O(classes), else O(blocks).
 */
export function makeRoom(space: Space, large: Large, size: number, align: number): boolean {
  const { i32, state } = space;
  if (i32[state + SPARE_BYTES] === 0) return false;
  const need = size + Math.ceil(size / 32) + align;
  const one = findSpare(space, large, need);
  if (one !== 0) {
    give(space, large, one);
    return true;
  }
  const spares = sparesIn(space, large, need);
  for (const span of spares) give(space, large, span);
  return spares.length > 0;
}

/** Spares that lie in a stretch of free memory of so many bytes; none if there is no such stretch. */
function sparesIn(space: Space, large: Large, need: number): number[] {
  const spares = new Map<number, number>();
  for (let sizeClass = 1; sizeClass <= space.most; sizeClass++) {
    const span = spareOf(space, sizeClass);
    if (span !== 0) spares.set(spanAddress(space, span), span);
  }
  let start = 0;
  let within: number[] = [];
  let found: number[] = [];
  large.walk(({ ptr, usable, state }) => {
    const spare = spares.get(ptr);
    if (state !== "free" && spare === undefined) {
      start = 0;
      within = [];
      return;
    }
    if (start === 0) start = ptr;
    if (spare !== undefined) within.push(spare);
    if (within.length > 0 && found.length === 0 && ptr + usable - start >= need) found = within;
  });
  return found;
}
