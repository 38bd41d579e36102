/**
 * `arena()`: bump allocation. A block begins where the last one ended; what goes goes all at once, back to a mark or to the beginning. For
 * what lives as long as a frame, a request, a level, a parse.
 *
 *     state                codes             area
 *     |words |events       |2 bits a granule |block|block|ended|pad|block|block|                         |
 *                                            ^0                                ^TOP                       ^LIMIT
 *
 *     granule  0     1     2     3     4     5     6     7     8     9     10    (16 bytes each; here no plugin asks for slots)
 *              |block            |left |block (aligned)  |ended|block      |TOP …
 *     code     3     0     0     1     3     0     0     1     3     0
 *
 * A piece is a block, a block that has ended, or what was left out for an alignment or at a region's end. Pieces tile everything below the top.
 * There are headers only if plugins ask for slots: `layout.headerBytes` in front of each payload, a multiple of 16.
 *
 * | word | invariant, all in granules |
 * |---|---|
 * | codes | of each granule: 0 no piece begins here, 1 a piece that is no block, 3 a live block, 2 a gap's first or last granule (regions.ts). Above TOP only gaps, from END on none |
 * | TOP | where the next block begins: behind the last piece |
 * | LIMIT | end of the region TOP is in: the first gap at or above it, else END |
 * | END | end of what the arena has taken over of the area |
 * | REGION | where the region begins that TOP is in: behind the last gap below it, else 0 |
 * | BEYOND | payload that the regions behind LIMIT have room for, each as one block |
 * | GAPS | how many gaps there are |
 * | WASTE | granules below TOP that are no live block's payload: headers, pieces that are none, gaps |
 * | GENERATION, HIGH, EVENTS, events | see marks.ts |
 *
 * Only the last block can be freed by the heap's user: then the top goes back over it, and over what has ended below. Layers end any, which
 * move blocks (`realloc`) or hold them back; below the top that is overhead until everything above has gone. Nothing is ever donated: a
 * block's usable size is the distance to the next piece.
 *
 * Price: no byte a block without slots, rounding to 16; 1.56 % of the region for the codes. Allocation and every validation O(1); ending a block
 * and asking for its size O(its bytes / 256), a word each; release and reset O(what they end / 256); a region change O(codes).
 */
import type { Allocator, Context, Memory, Strategy } from "@heapwright/core";
import { createAlloc } from "./alloc.js";
import { check } from "./check.js";
import { lastLive } from "./codes.js";
import { extend, growthFor } from "./extend.js";
import { createRealloc, free, lower, resize, usableSize } from "./free.js";
import { verifyState } from "./joined.js";
import { positionOf, takeMark } from "./marks.js";
import { recover } from "./recover.js";
import { eachRegionBehind, roomIn } from "./regions.js";
import { addressOf, BEYOND, GRANULE, getState, LIMIT, PAGE, Space, stateBytes, TOP, WASTE } from "./space.js";
import { walk } from "./walk.js";

/** What lies between a moment and its end; `using` ends it. */
export type ArenaScope = {
  /** The mark taken when the scope began. */
  readonly mark: number;
  /** Ends every block made since. The second time nothing happens. Throws what `release` of the arena throws. */
  release(): void;
} & Disposes;

type DisposeKey<Symbols> = Symbols extends { readonly dispose: infer Key extends symbol } ? Key : never;
/** `[Symbol.dispose]` where the compiler knows it. */
type Disposes = { [Key in DisposeKey<SymbolConstructor>]: () => void };

/** `heap.arena`. */
export interface ArenaApi {
  /** A number that stands for now. O(1). */
  mark(): number;
  /**
   * Ends every block made since `mark()` gave that number; the mark can be released again. Throws `ERR_INVALID_OPTION` for a number that is no
   * mark, and for one that is spent: a block made before it has been freed or made shorter, an earlier mark released, or all reset.
   * O(bytes ended / 256).
   */
  release(mark: number): void;
  /** Marks, and releases when it is left: `using scope = heap.arena.scope()`. */
  scope(): ArenaScope;
  /** Bytes from the area's start to the top: blocks, their headers, and what has ended or was left out between them. */
  readonly topBytes: number;
}

/** Bump allocation with marks. It has no options. */
export function arena(): Strategy<"arena", ArenaApi> {
  return {
    abi: 1,
    name: "arena",
    version: 1,
    fields: [],
    stateBytes,
    capabilities: {
      free: "last",
      detects: ["double-free", "foreign", "interior", "unaligned", "forged"],
      shared: true,
      grow: true,
      reset: true,
      marks: true,
      maxAlign: PAGE,
    },
    create(ctx) {
      const space = new Space(ctx);
      if (ctx.fresh) extend(space, space.areaStart, ctx.region.areaEnd);
      else verifyState(space);
      return { allocator: primitives(space, ctx.memory), api: createApi(ctx, space) };
    },
  };
}

function primitives(space: Space, memory: Memory): Allocator {
  const alloc = createAlloc(space);
  return {
    alloc,
    realloc: createRealloc(space, memory, alloc),
    free: (ptr) => free(space, ptr),
    resize: (ptr, size) => resize(space, ptr, size),
    usableSize: (ptr) => usableSize(space, ptr),
    takenSize: (ptr) => usableSize(space, ptr) + space.headerBytes,
    goodSize: (size) => Math.max(GRANULE, Math.ceil(size / GRANULE) * GRANULE),
    owns: (ptr) => ptr >= space.areaStart && ptr < addressOf(space, space.areaGranules),
    last(below) {
      const before = Math.ceil((below - space.headerBytes - space.areaStart) / GRANULE);
      const found = lastLive(space, Math.max(0, Math.min(before, getState(space, TOP))));
      return found < 0 ? 0 : addressOf(space, found) + space.headerBytes;
    },
    reset: () => lower(space, 0, true),
    mark: () => takeMark(space),
    release: (mark) => lower(space, positionOf(space, mark), true),
    releasable(mark) {
      positionOf(space, mark);
    },
    walk: (visit) => walk(space, visit),
    check: (report) => check(space, report),
    totals(into) {
      const top = getState(space, TOP);
      const capacity = space.areaGranules * GRANULE;
      const used = (top - getState(space, WASTE)) * GRANULE;
      const free = (roomIn(space, top, getState(space, LIMIT)) + getState(space, BEYOND)) * GRANULE;
      into.capacity += capacity;
      into.used += used;
      into.free += free;
      into.overhead += capacity - used - free;
    },
    largestFree() {
      const limit = getState(space, LIMIT);
      let most = roomIn(space, getState(space, TOP), limit);
      eachRegionBehind(space, limit, (from, to) => {
        most = Math.max(most, roomIn(space, from, to));
      });
      return most * GRANULE;
    },
    recover: ({ made }) => recover(space, made),
    growthFor: (size, align, gap) => growthFor(space, size, align, gap),
    extend: (gapEnd, end) => extend(space, gapEnd, end),
  };
}

function createApi(ctx: Context, space: Space): ArenaApi {
  /** As a part of something that has none. */
  const unsupported = (): Error => ctx.error("ERR_UNSUPPORTED", "this stack has no marks");
  const api: ArenaApi = {
    mark() {
      ctx.sync();
      const { mark } = ctx.outermost();
      if (mark === undefined) throw unsupported();
      return mark();
    },
    release(mark) {
      ctx.sync();
      const { release } = ctx.outermost();
      if (release === undefined) throw unsupported();
      release(mark);
    },
    scope() {
      const mark = api.mark();
      let isOpen = true;
      const scope = {
        mark,
        release() {
          if (isOpen) api.release(mark);
          isOpen = false;
        },
      };
      const dispose = (Symbol as unknown as { readonly dispose?: symbol }).dispose;
      if (dispose !== undefined) Object.defineProperty(scope, dispose, { value: () => scope.release() });
      return scope as unknown as ArenaScope;
    },
    get topBytes() {
      return ctx.observe(() => getState(space, TOP) * GRANULE);
    },
  };
  return api;
}
