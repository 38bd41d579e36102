/**
 * `tlsf()`: two-level segregated fit (Masmano, Ripoll, Crespo, Real: TLSF, a new dynamic memory allocator for real-time systems, 2004). For
 * whoever needs a bound: alloc and free touch a constant number of words, however large the heap is and whatever is in it.
 *
 * Good fit: free chunks are in lists by size, exact up to 63 granules of 16 bytes, then 32 lists a power of two; a request takes the first
 * chunk of the lowest list whose chunks all fit, found by two levels of bits. Neighbours merge at once. Two free chunks are in no list: the
 * top, and the cursor, what the last cut has left, of which small requests are cut without any list (as dlmalloc has its wilderness and its
 * designated victim). With the top alone, every small request that no list has exactly would take a chunk out of one list and put
 * the rest into another.
 *
 *     state        second level, heads        maps                       area
 *     |64 bytes    |a bit, a word a list      |two bits a granule        |    chunk|chunk|…|top______|chunk|    |
 *
 * A chunk, without plugins' slots (with s of them the header has 4 + 4 s bytes; payloads stay 16-aligned, nothing is filled):
 *
 *          -4       0        4        8        12                             16 n - 8  16 n - 4
 *     used  |size    |payload …                                                          |next chunk
 *     free  |size    |next    |prev    | …                                     |size     |next chunk
 *                    ^ ptr, a multiple of 16, in granule g
 *
 * | word | invariant |
 * |---|---|
 * | size | granules to the next chunk, 1 … 2^28; negative in a bridge. Nobody's in the cursor and the top |
 * | size, again | in a list's chunk its last word, the one before the next chunk's header |
 * | next, prev | words from the state to what comes next and before in the list; 0 is nothing, and the first one's `prev` is the list's head |
 * | TOP, TOP_END | granules; where there is no top, both are END |
 * | CURSOR, CURSOR_END | granules; where there is no cursor, both are 0 |
 * | END | the granule behind the last chunk. The word before it, where the next header would be, is in the area and nobody's |
 * | USED | sum of the payloads of blocks, modulo 2^32 |
 * | CHUNKS | how many blocks and chunks in lists there are |
 * | BRIDGED | granules of bridges |
 * | FIRST_LEVEL | has a bit for every word of the second level that is not 0, from the third on; may have others |
 * | second level | bit c is set if list c is not empty |
 * | live bit | of the granule a block's payload begins in, no other |
 * | after-free bit | of the granule behind a free chunk; at END it may stay set while the top ends there |
 *
 * Between the first chunk and END chunks lie side by side; no two free ones do. From `size`, the four words of the top and the cursor, END,
 * and the live bits everything else can be made anew (recover.ts), and each store leaves those right: the chain can be walked at any time.
 *
 * Nothing in the area is trusted: whether a pointer is a block the live bit says, whether a free chunk lies before it the after-free bit;
 * sizes and links are range-checked and compared with their other ends before anything changes.
 *
 * Price: 4 bytes a block, and up to 15 of rounding; tables of 1.6 % of the region and 3 KiB at most. A request above 1 KiB passes over chunks that
 * are less than 1/32 too large to be sure of: they are looked at only before it is exhausted, eight at most.
 */
import type { Allocator, Strategy } from "@heapwright/core";
import { createAlloc } from "./alloc.js";
import { check } from "./check.js";
import { dropTop } from "./ends.js";
import { extend, growthFor } from "./extend.js";
import { createFree } from "./free.js";
import { verifyState } from "./joined.js";
import { largestFree } from "./largest.js";
import { createRealloc } from "./realloc.js";
import { recover, reset } from "./recover.js";
import { createResize, createSize } from "./resize.js";
import {
  BRIDGED,
  CHUNKS,
  CURSOR,
  END,
  GRANULE,
  getState,
  MAX_ALIGN,
  Space,
  setState,
  stateBytes,
  TOP,
  TOP_END,
  USED,
} from "./space.js";
import { walk } from "./walk.js";

/** Two-level segregated fit. It has no options. */
export function tlsf(): Strategy<"tlsf", undefined> {
  return {
    abi: 1,
    name: "tlsf",
    version: 1,
    fields: ["size"],
    packed: true,
    stateBytes,
    capabilities: {
      free: "any",
      detects: ["double-free", "foreign", "interior", "unaligned", "forged"],
      shared: true,
      grow: true,
      reset: true,
      marks: false,
      maxAlign: MAX_ALIGN,
    },
    create(ctx) {
      const space = new Space(ctx);
      if (ctx.fresh) format(space);
      else verifyState(space);
      return { allocator: primitives(space), api: undefined };
    },
  };
}

/** A fresh heap is all top. State and maps are zero. */
function format(space: Space): void {
  const hasRoom = space.granules - space.first >= space.least;
  setState(space, END, hasRoom ? space.granules : space.first);
  dropTop(space);
  setState(space, TOP, space.first);
}

function primitives(space: Space): Allocator {
  const alloc = createAlloc(space);
  const free = createFree(space);
  return {
    alloc,
    free,
    realloc: createRealloc(space, alloc, free),
    resize: createResize(space),
    usableSize: createSize(space, 0),
    takenSize: createSize(space, space.header),
    goodSize: (size) =>
      Math.max(space.least, Math.ceil((size + space.header) / GRANULE)) * GRANULE - space.header,
    owns: (ptr) => ptr >= space.areaStart && ptr < space.areaEnd,
    reset: () => reset(space),
    walk: (visit) => walk(space, visit),
    check: (report) => check(space, report),
    totals(into) {
      const capacity = space.areaEnd - space.areaStart;
      const used = getState(space, USED) >>> 0;
      // All chunks tile the area from the first to the end: what is no block, no bridge and no header is free.
      const end = getState(space, END);
      const hasTop = getState(space, TOP) !== getState(space, TOP_END);
      const chunks = getState(space, CHUNKS) + (hasTop ? 1 : 0) + (getState(space, CURSOR) !== 0 ? 1 : 0);
      const tiled = (end - space.first - getState(space, BRIDGED)) * GRANULE;
      const free = tiled - chunks * space.header - used;
      into.capacity += capacity;
      into.used += used;
      into.free += free;
      into.overhead += capacity - used - free;
    },
    largestFree: () => largestFree(space),
    recover: ({ made }) => recover(space, made, free),
    growthFor: (size, align, gap) => growthFor(space, size, align, gap),
    extend: (gapEnd, end) => extend(space, gapEnd, end),
  };
}
