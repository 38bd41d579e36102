/**
 * slab: small requests from cells of their size, side by side in spans; large ones handed to another strategy.
 *
 *     area, which is `large`'s          a span of 2, 4 or 8 KiB: one of its blocks
 *     |block|block|    |span|span|      |cell|cell|cell|cell|…|cell|rest|   one class, a multiple of 16 bytes, no headers
 *
 *     map, in the heap header           |free bits|kind|    for each 512 bytes of the area
 *
 * A block has no header: a bit says that it is free, one word for 512 bytes says what lies there. What a cell is asked for is rounded
 * up to 16 bytes, so typed arrays lie side by side without a byte in between. Spans are few and small for a class that is asked for rarely and
 * become larger with its demand; one without a live cell goes back to `large`, but for one a class that is kept until memory is
 * short. Bytes and invariants: space.ts.
 *
 * Price: 8 bytes of map for 512 of the region (1.56 %, with `large`'s own tables on top of it); up to 15 bytes a block for rounding, at a span's
 * end what no cell fits into and 16 bytes (0.2 to 0.8 %), and what is free in the spans that each class has begun. Allocation and free O(1), but
 * where a span is taken or given back: what `large` takes, and up to 32 words. Slots of plugins stand in front of each payload.
 */
import type { Allocator, Context, Memory, Strategy } from "@heapwright/core";
import { createAlloc, createFree, createRealloc, createResize, createSize } from "./cells.js";
import { check } from "./check.js";
import { verifyOptions, verifyState } from "./joined.js";
import { endAll, recover } from "./recover.js";
import {
  CAPACITY,
  FRAME,
  GRANULE,
  type Large,
  largeOptions,
  MADE_LARGE,
  MOST_CLASSES,
  SPAN_BYTES,
  Space,
  stateBytes,
} from "./space.js";
import { freeBytes, hasFree, trim } from "./spans.js";
import { walk } from "./walk.js";

export interface SlabOptions {
  /** Serves what no cell does, and gives the memory for spans. It must free any block, align to 2048 bytes, and walk. */
  readonly large: Strategy<string, unknown>;
  /** Largest request that gets a cell, slots of plugins included: a multiple of 16 from 16 to 512; default 512. */
  readonly upTo?: number;
}

export interface SlabApi {
  /** Bytes of all spans, their rests included. */
  readonly spanBytes: number;
  /** Gives the spans that are kept empty back, which happens by itself where memory is short. O(classes). */
  trim(): void;
}

/**
 * Size-class pages over another strategy.
 *
 * @throws RangeError for an option out of range; TypeError for a `large` that cannot be stood on.
 */
export function slab({ large, upTo }: SlabOptions): Strategy<"slab", SlabApi> {
  checkLarge(large);
  if (upTo !== undefined && !(upTo % GRANULE === 0 && upTo >= GRANULE && upTo <= MOST_CLASSES * GRANULE))
    throw new RangeError(`slab: upTo must be a multiple of 16 from 16 to 512, not ${upTo}`);
  const { capabilities } = large;
  const prefixed = (options: Strategy["options"] = {}): Strategy["options"] =>
    Object.fromEntries(Object.entries(options).map(([name, value]) => [`large.${name}`, value]));
  return {
    abi: 1,
    name: "slab",
    version: 2,
    fields: [],
    alignment: Math.max(FRAME, large.alignment ?? 0),
    options: {
      ...prefixed(large.options),
      ...(upTo === undefined ? {} : { upTo }),
      large: `${large.name} ${large.version}`,
    },
    defaults: { ...prefixed(large.defaults), upTo: MOST_CLASSES * GRANULE },
    stateBytes: (size) => stateBytes(size, large),
    capabilities: { ...capabilities, free: "any", marks: false },
    create(ctx) {
      const space = new Space(ctx, large);
      if (!ctx.fresh) {
        verifyOptions(space, ctx.options.upTo);
        verifyState(space, ctx.region.areaStart, ctx.region.areaEnd);
      }
      const made = large.create(largeContext(ctx, space, large));
      const allocator = made.allocator as Large;
      const { sideSlot } = made;
      return {
        allocator: primitives(space, ctx.memory, allocator),
        api: createApi(ctx, space, allocator),
        // Cells have their slots in front; blocks of `large` may have them elsewhere.
        ...(sideSlot && { sideSlot }),
      };
    },
  };
}

function checkLarge(large: unknown): void {
  const shape = large as Partial<Strategy> | null | undefined;
  if (
    typeof shape !== "object" ||
    shape === null ||
    typeof shape.create !== "function" ||
    shape.capabilities === undefined
  )
    throw new TypeError("slab: large must be a strategy, as tlsf() or hyperheap()");
  const { free, maxAlign } = shape.capabilities;
  if (free !== "any") throw new TypeError(`slab: large must free any block; "${shape.name}" frees ${free}`);
  if (maxAlign < FRAME)
    throw new TypeError(`slab: large must align to ${FRAME} bytes; "${shape.name}" aligns to ${maxAlign}`);
}

/** What `large` gets to see: the whole area, a state of its own, and a word of its own for what it is about to make. */
function largeContext(ctx: Context, space: Space, large: Strategy): Context {
  return {
    ...ctx,
    state: space.largeState,
    layout: ctx.layout.part(large),
    options: largeOptions(ctx.options),
    made: space.state + MADE_LARGE,
  };
}

function createApi(ctx: Context, space: Space, large: Allocator): SlabApi {
  return {
    get spanBytes() {
      ctx.sync();
      return space.i32[space.state + SPAN_BYTES] >>> 0;
    },
    trim() {
      ctx.exclusive(() => trim(space, large));
    },
  };
}

function primitives(space: Space, memory: Memory, large: Large): Allocator {
  const { totals, reset, growthFor, extend, largestFree, recover: recoverLarge } = large;
  const state = (word: number): number => space.i32[space.state + word] >>> 0;
  const alloc = createAlloc(space, large);
  const free = createFree(space, large);
  return {
    alloc,
    free,
    realloc: createRealloc(space, memory, large, { alloc, free }),
    resize: createResize(space, large),
    usableSize: createSize(space, large.usableSize, space.header),
    takenSize: createSize(space, large.takenSize, 0),
    goodSize(size) {
      const cell = Math.ceil(size / GRANULE) * GRANULE;
      const good = large.goodSize(size);
      // A block of `large` may have been made for it, or resized to it.
      return cell + space.header <= space.most * GRANULE ? Math.min(cell, good) : good;
    },
    owns: large.owns,
    walk: (visit) => walk(space, large.walk, visit),
    check: (report) => check(space, large, report),
    ...(reset && { reset: () => endAll(space, large) }),
    ...(totals && {
      totals(into) {
        totals(into);
        const cells = state(CAPACITY);
        const spans = state(SPAN_BYTES);
        const free = freeBytes(space);
        into.used += cells - free - spans;
        into.free += free;
        into.overhead += spans - cells;
      },
    }),
    ...(largestFree && {
      largestFree() {
        const most = largestFree();
        for (let sizeClass = space.most; sizeClass * GRANULE - space.header > most; sizeClass--) {
          if (hasFree(space, sizeClass)) return sizeClass * GRANULE - space.header;
        }
        return most;
      },
    }),
    ...(recoverLarge && {
      recover: (interrupted) => recover(space, { ...large, recover: recoverLarge }, interrupted),
    }),
    ...(growthFor && {
      growthFor(size, align, gap) {
        const isSmall = size + space.header <= space.most * GRANULE && align === GRANULE;
        return isSmall ? growthFor(2 * FRAME - space.tail, FRAME, gap) : growthFor(size, align, gap);
      },
    }),
    ...(extend && { extend }),
  };
}
