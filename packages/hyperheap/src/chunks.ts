/**
 * Allocating, freeing and resizing chunks. `_` free, `U` used, `A` the chunk in hand, `h` headers are part of their chunks.
 *
 * Order of stores: what is new is written while nothing reaches it, one store commits it (`next` or the used bit), and bitmaps
 * and sums follow, which can be derived from the chain.
 */
import {
  corrupt,
  distanceBack,
  isUsed,
  nextChunk,
  previousChunk,
  setBack,
  setNext,
  spanBefore,
  spanOf,
  wipeHeader,
  writeHeader,
} from "./chain.js";
import { findAligned, findFit, slackFor } from "./fit.js";
import { enterFree, markPayload, removeFree, unmarkPayload } from "./maps.js";
import {
  FREE,
  GRANULE,
  getState,
  LAST,
  lastChunk,
  MAX_REQUEST,
  NEXT,
  PREV,
  roundRequest,
  type Space,
  setState,
  USED,
  USED_BIT,
} from "./space.js";

/**
 * A block of at least `size` bytes at the lowest address that fits, or 0: the front of a free chunk.
 *
 *     U____________U   the rest is too small    UAAAAAAAAAAAAU
 *     U____________U   a rest                   UAAAAAAA_____U
 *
 * Longer than V8 inlines (460 bytecodes), on purpose: compiled on its own it has the whole inlining budget for the helpers it
 * calls, whoever calls it. Inlined into a layer, it left half of them as calls (5 to 10 ns).
 */
export function allocChunk(space: Space, size: number, align: number): number {
  if (size > MAX_REQUEST) return 0;
  const need = roundRequest(size);
  if (align > GRANULE) return allocAligned(space, need, align);
  const chunk = findFit(space, need);
  if (chunk === 0) return 0;
  const { i32, header, state } = space;
  const last = lastChunk(space);
  const span = spanBefore(space, chunk, last);
  const isLast = chunk === last;
  const blockSpan = header + need;
  const restSpan = span - blockSpan;
  const ptr = chunk + header;
  if (!isLast) checkBack(space, chunk + span, span);
  if (restSpan < space.least) {
    i32[(chunk + PREV) >>> 2] |= USED_BIT;
    if (!isLast) removeFree(space, chunk);
    markPayload(space, ptr);
    i32[state + FREE] -= span - header;
    i32[state + USED] += span - header;
    return ptr;
  }
  const rest = chunk + blockSpan;
  i32[(rest + NEXT) >>> 2] = isLast ? 0 : restSpan;
  i32[(rest + PREV) >>> 2] = -blockSpan;
  i32[(rest + space.heapField) >>> 2] = space.base - rest;
  if (!isLast) setBack(space, chunk + span, restSpan);
  i32[(chunk + NEXT) >>> 2] = blockSpan;
  i32[(chunk + PREV) >>> 2] |= USED_BIT;
  if (isLast) {
    i32[state + LAST] = rest - space.base;
  } else {
    removeFree(space, chunk);
    enterFree(space, rest);
  }
  markPayload(space, ptr);
  i32[state + FREE] -= blockSpan;
  i32[state + USED] += need;
  return ptr;
}

/**
 * A block behind the slack that its alignment asks for, which stays a free chunk of its own.
 *
 *     U____________U   no slack, the rest is too small    UAAAAAAAAAAAAU
 *     U____________U   no slack, a rest                   UAAAAAAA_____U
 *     U____________U   slack, the rest is too small       U___AAAAAAAAAU
 *     U____________U   slack and a rest                   U___AAAA_____U
 */
function allocAligned(space: Space, need: number, align: number): number {
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
    if (slack > 0) enterFree(space, chunk);
    setState(space, LAST, (split ? rest : block) - space.base);
  } else {
    if (slack === 0) removeFree(space, chunk);
    if (split) enterFree(space, rest);
  }
  markPayload(space, block + header);
  const left = (slack > 0 ? slack - header : 0) + (split ? room - blockSpan - header : 0);
  setState(space, FREE, getState(space, FREE) - (span - header) + left);
  setState(space, USED, getState(space, USED) + blockSpan - header);
  return block + header;
}

/** Throws `ERR_HEAP_CORRUPT` unless the chunk that follows points back at its neighbour. */
function checkBack(space: Space, right: number, span: number): void {
  const back = distanceBack(space, right);
  if (back !== span) corrupt(space, right, "prev", back);
}

/**
 * Frees a used chunk and merges it with free neighbours. Both are looked at before anything changes.
 *
 *     UAAAU  U___U      UAAA__U  U_____U      U__AAAU  U_____U      U__AAA__U  U_______U
 */
export function freeChunk(space: Space, ptr: number): void {
  const { i32, header, state } = space;
  const chunk = ptr - header;
  const last = lastChunk(space);
  const span = spanBefore(space, chunk, last);
  const left = previousChunk(space, chunk);
  const mergeLeft = left !== 0 && (i32[(left + PREV) >>> 2] & USED_BIT) === 0;
  let end = chunk + span;
  let after = 0;
  let right = 0;
  if (chunk !== last) {
    checkBack(space, end, span);
    after = end;
    if ((i32[(end + PREV) >>> 2] & USED_BIT) === 0) {
      right = end;
      const rightSpan = spanBefore(space, right, last);
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
    if (after !== 0) removeFree(space, right);
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
    if (!mergeLeft) enterFree(space, chunk);
  } else {
    if (mergeLeft) removeFree(space, left);
    i32[state + LAST] = start - space.base;
  }
  i32[state + USED] -= span - header;
  i32[state + FREE] += gained;
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
    removeFree(space, right);
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
  if (rightFree) {
    if (after !== 0) removeFree(space, right);
    wipeHeader(space, right);
  }
  writeHeader(space, rest, after === 0 ? 0 : end - rest, keep, 0);
  setNext(space, chunk, keep);
  if (after === 0) setState(space, LAST, rest - base);
  else {
    setBack(space, after, end - rest);
    enterFree(space, rest);
  }
  setState(space, FREE, getState(space, FREE) - freeBefore + (end - rest - header));
  setState(space, USED, getState(space, USED) - (span - keep));
}

/** Payload bytes of a used chunk. */
export function payloadOf(space: Space, ptr: number): number {
  return spanOf(space, ptr - space.header) - space.header;
}

/** A free last chunk over `[from, to)`, or that much more of the one there is. The boundary is the caller's to move first. */
export function appendFree(space: Space, from: number, to: number): void {
  const { header, base } = space;
  const last = lastChunk(space);
  if (last !== 0 && !isUsed(space, last)) {
    setState(space, FREE, getState(space, FREE) + to - from);
    return;
  }
  writeHeader(space, from, 0, last === 0 ? 0 : from - last, 0);
  if (last !== 0) setNext(space, last, from - last);
  setState(space, LAST, from - base);
  setState(space, FREE, getState(space, FREE) + to - from - header);
}
