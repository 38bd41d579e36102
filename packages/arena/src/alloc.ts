/**
 * The alloc path: the block begins where the last one ended.
 *
 *     LLLLL__________   a block             LLLLLBBBB______
 *     LLLLL__________   an aligned one      LLLLLpppBBBB___      p: a piece that is no block
 *     LLLLL__|gap|___   one that is larger  LLLLLpp|gap|BBB
 *
 * Order of stores: what is being made, the codes at and above the top, which mean nothing there, then the top, which commits. The rest can be
 * derived.
 */
import { addCode, nextGap } from "./codes.js";
import { behindGap, settleRegion } from "./regions.js";
import {
  addressOf,
  DEAD,
  END,
  GRANULE,
  getState,
  granulesFor,
  LIMIT,
  LIVE,
  type Space,
  setState,
  TOP,
  WASTE,
} from "./space.js";

/** The `alloc` primitive of one agent. */
export function createAlloc(space: Space): (size: number, align: number) => number {
  const { header, areaWord, codes, made, state } = space;
  const [topWord, limitWord, wasteWord] = [state + TOP, state + LIMIT, state + WASTE];
  const payload = areaWord + (header << 2);
  const payloadGranule = (payload >>> 2) | 0;

  /** With an alignment the block may begin further up. */
  function allocAligned(size: number, align: number): number {
    const { i32 } = space;
    const top = i32[topWord];
    const first = payloadGranule + top;
    const start = top + (((first + (align >>> 4) - 1) & (0 - (align >>> 4))) - first);
    const end = (start + ((size - 1) >>> 4) + 1 + header) | 0;
    if (end > i32[limitWord]) return allocBehind(space, granulesFor(space, size), align);
    i32[made] = start + 1;
    // Above the top there are no codes: where there is nothing to leave out, the block's is over it.
    i32[codes + (top >>> 4)] |= DEAD << ((top & 15) << 1);
    i32[codes + (start >>> 4)] |= LIVE << ((start & 15) << 1);
    i32[topWord] = end;
    i32[wasteWord] += start - top + header;
    return ((payload + (start << 2)) << 2) >>> 0;
  }

  return (size, align) => {
    if (align !== GRANULE) return allocAligned(size, align);
    const { i32 } = space;
    const top = i32[topWord];
    const end = (top + ((size - 1) >>> 4) + 1 + header) | 0;
    if (end > i32[limitWord]) return allocBehind(space, granulesFor(space, size), GRANULE);
    i32[made] = top + 1;
    i32[codes + (top >>> 4)] |= LIVE << ((top & 15) << 1);
    i32[topWord] = end;
    if (header !== 0) i32[wasteWord] += header;
    return ((payload + (top << 2)) << 2) >>> 0;
  };
}

/** Behind this region. */
function allocBehind(space: Space, need: number, align: number): number {
  const top = getState(space, TOP);
  const end = getState(space, END);
  const here = getState(space, LIMIT);
  let from = top;
  let limit = here;
  let start = 0;
  do {
    if (limit === end) return 0;
    from = behindGap(space, limit);
    limit = nextGap(space, from, end);
    start = startIn(space, from, align);
  } while (start + need > limit);
  space.i32[space.made] = start + 1;
  if (top < here) addCode(space, top, DEAD);
  for (let gap = here; ; ) {
    const region = behindGap(space, gap);
    if (region === from) break;
    gap = nextGap(space, region, end);
    if (region < gap) addCode(space, region, DEAD);
  }
  if (start > from) addCode(space, from, DEAD);
  addCode(space, start, LIVE);
  setState(space, TOP, start + need);
  setState(space, WASTE, getState(space, WASTE) + start - top + space.header);
  settleRegion(space);
  return addressOf(space, start) + space.headerBytes;
}

/** First granule from `from` on where a block begins whose payload is aligned. */
export function startIn(space: Space, from: number, align: number): number {
  const payload = addressOf(space, from) + space.headerBytes;
  return from + (Math.ceil(payload / align) * align - payload) / GRANULE;
}
