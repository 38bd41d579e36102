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
  return (size, align) => {
    if (align !== GRANULE) return allocElsewhere(space, granulesFor(space, size), align);
    const { i32 } = space;
    const top = i32[topWord];
    const end = (top + ((size - 1) >>> 4) + 1 + header) | 0;
    if (end > i32[limitWord]) return allocElsewhere(space, granulesFor(space, size), GRANULE);
    i32[made] = top + 1;
    i32[codes + (top >>> 4)] |= LIVE << ((top & 15) << 1);
    i32[topWord] = end;
    if (header !== 0) i32[wasteWord] += header;
    return ((payload + (top << 2)) << 2) >>> 0;
  };
}

/** With an alignment, or behind this region. */
function allocElsewhere(space: Space, need: number, align: number): number {
  const top = getState(space, TOP);
  const end = getState(space, END);
  const here = getState(space, LIMIT);
  let from = top;
  let limit = here;
  let start = startIn(space, from, align);
  while (start + need > limit) {
    if (limit === end) return 0;
    from = behindGap(space, limit);
    limit = nextGap(space, from, end);
    start = startIn(space, from, align);
  }
  space.i32[space.made] = start + 1;
  if (limit !== here) {
    if (top < here) addCode(space, top, DEAD);
    for (let gap = here; ; ) {
      const region = behindGap(space, gap);
      if (region === from) break;
      gap = nextGap(space, region, end);
      if (region < gap) addCode(space, region, DEAD);
    }
  }
  if (start > from) addCode(space, from, DEAD);
  addCode(space, start, LIVE);
  setState(space, TOP, start + need);
  setState(space, WASTE, getState(space, WASTE) + start - top + space.header);
  if (limit !== here) settleRegion(space);
  return addressOf(space, start) + space.headerBytes;
}

/** First granule from `from` on where a block begins whose payload is aligned. */
export function startIn(space: Space, from: number, align: number): number {
  const payload = addressOf(space, from) + space.headerBytes;
  return from + (Math.ceil(payload / align) * align - payload) / GRANULE;
}
