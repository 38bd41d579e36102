/**
 * hyperheap: address-ordered first fit over offset-linked chunks, page runs from the top.
 *
 * Placement is a contract: the free chunk with the lowest address that fits wins, free merges at once, the slack in front of
 * an aligned block stays a free chunk, an alignment of 4096 is a page run. Bytes and invariants: space.ts.
 *
 * Price: 16 bytes a block before rounding to 16; tables of 0.78 % (payload map), 0.39 % (free map) and 0.28 % (index) of the
 * region, and 0.1 % for pages. Allocation, and what free and resize do to the index: O(log region), see fit.ts; with an
 * alignment above 16 see there too. The rest of free and resize, and every validation of a good pointer: O(1).
 */
import type { Allocator, Strategy } from "@heapwright/core";
import { createAlloc } from "./alloc.js";
import { check } from "./check.js";
import { appendFree } from "./chunks.js";
import { extend, growthFor } from "./extend.js";
import { createFree } from "./free.js";
import { verifyState } from "./joined.js";
import { largestFree } from "./largest.js";
import { isRun, runSlot } from "./pages.js";
import { recover } from "./recover.js";
import { createResize, createSize } from "./resize.js";
import {
  BOUNDARY,
  FREE,
  GRANULE,
  getState,
  PAGE,
  PAGES,
  PAGES_FREE,
  Space,
  setState,
  stateBytes,
  USED,
} from "./space.js";
import { walk } from "./walk.js";

/** Address-ordered first fit with page runs. It has no options. */
export function hyperheap(): Strategy<"hyperheap", undefined> {
  return {
    abi: 1,
    name: "hyperheap",
    version: 5,
    fields: ["next", "prev", "*", "heap"],
    stateBytes,
    capabilities: {
      free: "any",
      detects: ["double-free", "foreign", "interior", "unaligned", "forged"],
      shared: true,
      grow: true,
      reset: true,
      marks: false,
      maxAlign: PAGE,
    },
    create(ctx) {
      const space = new Space(ctx);
      if (ctx.fresh) format(space);
      else verifyState(space);
      return {
        allocator: primitives(space),
        api: undefined,
        sideSlot(ptr, index) {
          if ((ptr & (PAGE - 1)) !== 0 || !isRun(space, ptr)) return -1;
          return index < 0 ? 0 : runSlot(space, ptr, index);
        },
      };
    },
  };
}

/** A fresh heap is one free chunk. State and tables are zero. */
function format(space: Space): void {
  setState(space, BOUNDARY, space.areaStart - space.base);
  appendFree(space, space.areaStart, space.areaEnd);
}

function primitives(space: Space): Allocator {
  const free = createFree(space);
  return {
    alloc: createAlloc(space),
    free,
    resize: createResize(space),
    usableSize: createSize(space, 0),
    takenSize: createSize(space, space.header),
    goodSize: (size) => Math.max(GRANULE, Math.ceil(size / GRANULE) * GRANULE),
    owns: (ptr) => ptr >= space.areaStart && ptr < space.areaEnd,
    reset: () => reset(space, free),
    walk: (visit) => walk(space, visit),
    check: (report) => check(space, report),
    totals(into) {
      const free = getState(space, FREE);
      const used = getState(space, USED);
      const page = getState(space, PAGES);
      const pageFree = getState(space, PAGES_FREE);
      const capacity = space.areaEnd - space.areaStart;
      into.capacity += capacity;
      into.used += used;
      into.free += free;
      into.page += page;
      into.pageFree += pageFree;
      into.overhead += capacity - used - free - page - pageFree;
    },
    largestFree: () => largestFree(space),
    recover: ({ made }) => recover(space, made, free),
    growthFor: (size, align, gap) => growthFor(space, size, align, gap),
    extend: (gapEnd, end) => extend(space, gapEnd, end),
  };
}

/** Ends every block. What lies between runs or under a bridge and belongs to somebody else stays theirs. */
function reset(space: Space, free: (ptr: number) => void): void {
  const live: number[] = [];
  walk(space, ({ ptr, state }) => {
    if (state === "used" || state === "page") live.push(ptr);
  });
  for (const ptr of live) free(ptr);
}
