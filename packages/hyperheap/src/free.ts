/**
 * The free path: one bit test for the pointer, a look at both neighbours, and the stores that merge.
 *
 *     UAAAU  U___U      UAAA__U  U_____U      U__AAAU  U_____U      U__AAA__U  U_______U
 *
 * Order of stores: clearing the used bit commits, each merge is one `next`; what follows can be derived from the chain. Like
 * alloc.ts one long function, for the same measured reason.
 */
import { checkBack, previousChunk, setBack, spanBefore, wipeHeader } from "./chain.js";
import { enterFree, removeFree, resizeFree } from "./free-chunks.js";
import { isLive, unmarkPayload } from "./maps.js";
import { freeRun, isRun } from "./pages.js";
import { FREE, LAST, lastChunk, NEXT, PREV, type Space, USED, USED_BIT } from "./space.js";
import { refusal } from "./validate.js";

/** The `free` primitive of one agent: ends the block at `ptr`. Both neighbours are looked at before anything changes. */
export function createFree(space: Space): (ptr: number) => void {
  return (ptr) => {
    if (!isLive(space, ptr)) return freeRare(space, ptr);
    const { i32, header, state } = space;
    const chunk = ptr - header;
    const last = lastChunk(space);
    const span = spanBefore(space, chunk, last);
    const left = previousChunk(space, chunk);
    const mergeLeft = left !== 0 && (i32[(left + PREV) >>> 2] & USED_BIT) === 0;
    let end = chunk + span;
    let after = 0;
    let right = 0;
    let rightSpan = 0;
    if (chunk !== last) {
      checkBack(space, end, span);
      after = end;
      if ((i32[(end + PREV) >>> 2] & USED_BIT) === 0) {
        right = end;
        rightSpan = spanBefore(space, right, last);
        end += rightSpan;
        after = right === last ? 0 : end;
        if (after !== 0) checkBack(space, after, rightSpan);
      }
    }
    const start = mergeLeft ? left : chunk;

    i32[(chunk + PREV) >>> 2] &= ~USED_BIT;
    unmarkPayload(space, ptr);
    let gained = span - header;
    if (right !== 0) {
      i32[(chunk + NEXT) >>> 2] = after === 0 ? 0 : end - chunk;
      wipeHeader(space, right);
      gained += header;
    }
    if (mergeLeft) {
      i32[(left + NEXT) >>> 2] = after === 0 ? 0 : end - left;
      wipeHeader(space, chunk);
      gained += header;
    }
    if (after !== 0) {
      if (start !== chunk || right !== 0) setBack(space, after, end - start);
      // What grows first, what goes then: most maxima of the index stay as they are.
      if (mergeLeft) resizeFree(space, left, chunk - left, end - left);
      else enterFree(space, chunk, end - chunk);
      if (right !== 0) removeFree(space, right, rightSpan);
    } else {
      if (mergeLeft) removeFree(space, left, chunk - left);
      i32[state + LAST] = start - space.base;
    }
    i32[state + USED] -= span - header;
    i32[state + FREE] += gained;
  };
}

/** Page runs, and what is no block. */
function freeRare(space: Space, ptr: number): void {
  if (!isRun(space, ptr)) throw refusal(space, ptr);
  freeRun(space, ptr);
}
