/**
 * What the hot paths (alloc.ts, free.ts) leave over: aligned blocks, resizing, the free tail. In the pictures `_` is free,
 * `U` used, `A` the chunk in hand; headers are part of their chunks.
 *
 * Order of stores: what is new is written while nothing reaches it, one store commits it (`next` or the used bit), and bitmaps
 * and sums follow, which can be derived from the chain.
 */
import { isUsed, nextChunk, setBack, setNext, spanOf, wipeAround, wipeHeader, writeHeader } from "./chain.js";
import { findAligned, slackFor } from "./fit.js";
import { enterFree, removeFree, resizeFree } from "./free-chunks.js";
import { markPayload, unmarkPayload } from "./maps.js";
import {
  BOUNDARY,
  FREE,
  getState,
  LAST,
  lastChunk,
  PREV,
  type Space,
  setState,
  USED,
  USED_BIT,
} from "./space.js";

/**
 * A block behind the slack that its alignment asks for, which stays a free chunk of its own.
 *
 *     U____________U   no slack, the rest is too small    UAAAAAAAAAAAAU
 *     U____________U   no slack, a rest                   UAAAAAAA_____U
 *     U____________U   slack, the rest is too small       U___AAAAAAAAAU
 *     U____________U   slack and a rest                   U___AAAA_____U
 */
export function allocAligned(space: Space, need: number, align: number): number {
  const chunk = findAligned(space, need, align);
  if (chunk === 0) return 0;
  const { header, least } = space;
  const slack = slackFor(space, chunk, align);
  const span = spanOf(space, chunk);
  const right = nextChunk(space, chunk);
  const block = chunk + slack;
  const room = span - slack;
  const split = room - header - need >= least;
  const blockSpan = split ? header + need : room;
  const blockNext = split || right !== 0 ? blockSpan : 0;
  const rest = block + blockSpan;

  space.i32[space.made] = (block - space.base) >>> 2;
  if (split) writeHeader(space, rest, right === 0 ? 0 : right - rest, blockSpan, 0);
  if (right !== 0) setBack(space, right, split ? right - rest : blockSpan);
  if (slack > 0) {
    writeHeader(space, block, blockNext, slack, USED_BIT);
    setNext(space, chunk, slack);
  } else {
    setNext(space, chunk, blockNext);
    space.i32[(chunk + PREV) >>> 2] |= USED_BIT;
  }

  if (right === 0) {
    // The last chunk was outside the free map; slack in front of the block is not the last chunk any more.
    if (slack > 0) enterFree(space, chunk, slack);
    setState(space, LAST, (split ? rest : block) - space.base);
  } else {
    if (split) enterFree(space, rest, right - rest);
    if (slack > 0) resizeFree(space, chunk, span, slack);
    else removeFree(space, chunk, span);
  }
  markPayload(space, block + header);
  const left = (slack > 0 ? slack - header : 0) + (split ? room - blockSpan - header : 0);
  setState(space, FREE, getState(space, FREE) - (span - header) + left);
  setState(space, USED, getState(space, USED) + blockSpan - header);
  return block + header;
}

/**
 * Resizes a used chunk in place.
 *
 *     grow    UAAA____U  UAAAAA__U  or all of it  UAAAAAAAU
 *     shrink  UAAAAAU    UAAA__U                  UAAAA__U  UAA____U
 *
 * @returns False, and nothing has changed, if there is no room.
 */
export function resizeChunk(space: Space, ptr: number, need: number): boolean {
  const { header, least } = space;
  const chunk = ptr - header;
  const span = spanOf(space, chunk);
  const payload = span - header;
  if (need === payload) return true;
  const right = nextChunk(space, chunk);
  const rightFree = right !== 0 && !isUsed(space, right);
  const room = rightFree ? payload + spanOf(space, right) : payload;
  if (need > room) return false;
  const rest = room - need;
  if (rest < least) {
    // Not enough for a chunk: a free neighbour is taken whole, else the block stays as it is.
    if (rightFree && need > payload) absorb(space, chunk, right);
    return true;
  }
  cut(space, chunk, right, rightFree, header + need);
  return true;
}

/** `UAAA____U` to `UAAAAAAAU` */
function absorb(space: Space, chunk: number, right: number): void {
  const { header } = space;
  const span = right - chunk;
  const rightSpan = spanOf(space, right);
  const after = nextChunk(space, right);
  setNext(space, chunk, after === 0 ? 0 : span + rightSpan);
  if (after === 0) setState(space, LAST, chunk - space.base);
  else {
    removeFree(space, right, rightSpan);
    unmarkPayload(space, right + header);
    setBack(space, after, span + rightSpan);
  }
  wipeHeader(space, right);
  setState(space, FREE, getState(space, FREE) - (rightSpan - header));
  setState(space, USED, getState(space, USED) + rightSpan);
}

/** The block ends after `keep` bytes; what follows, with the right neighbour if that is free, becomes one free chunk. */
function cut(space: Space, chunk: number, right: number, rightFree: boolean, keep: number): void {
  const { header, base } = space;
  const span = spanOf(space, chunk);
  const after = rightFree ? nextChunk(space, right) : right;
  const end = rightFree ? right + spanOf(space, right) : chunk + span;
  const rest = chunk + keep;
  const freeBefore = rightFree ? end - right - header : 0;
  if (rightFree && after !== 0) {
    removeFree(space, right, end - right);
    unmarkPayload(space, right + header);
  }
  writeHeader(space, rest, after === 0 ? 0 : end - rest, keep, 0);
  setNext(space, chunk, keep);
  if (rightFree) wipeAround(space, right, rest);
  if (after === 0) setState(space, LAST, rest - base);
  else {
    setBack(space, after, end - rest);
    enterFree(space, rest, end - rest);
  }
  setState(space, FREE, getState(space, FREE) - freeBefore + (end - rest - header));
  setState(space, USED, getState(space, USED) - (span - keep));
}

/**
 * A free last chunk over `[from, to)`, or that much more of the one there is, and the boundary behind it, which commits: before it a new
 * header lies at the boundary, where no chunk is.
 */
export function appendFree(space: Space, from: number, to: number): void {
  const { header, base } = space;
  const last = lastChunk(space);
  if (last !== 0 && !isUsed(space, last)) {
    setState(space, BOUNDARY, to - base);
    setState(space, FREE, getState(space, FREE) + to - from);
    return;
  }
  writeHeader(space, from, 0, last === 0 ? 0 : from - last, 0);
  if (last !== 0) setNext(space, last, from - last);
  setState(space, BOUNDARY, to - base);
  setState(space, LAST, from - base);
  setState(space, FREE, getState(space, FREE) + to - from - header);
}
