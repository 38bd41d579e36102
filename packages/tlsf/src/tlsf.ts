/**
 * `tlsf()`: two-level segregated fit (Masmano, Ripoll, Crespo, Real: TLSF, a new dynamic memory allocator for real-time systems, 2004).
 */
import type { Allocator, Strategy } from "@heapwright/core";
import { createAlloc } from "./alloc.js";
import { check } from "./check.js";
import { dropTop } from "./ends.js";
import { extend, growthFor } from "./extend.js";
import { createFree } from "./free.js";
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
