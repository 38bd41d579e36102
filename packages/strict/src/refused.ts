/**
 * The plugin `strictErrors`: refused frees. It stands outside of the whole stack. There it is known that whatever the layers in between
 * (`limit`, `stats`) ask for is part of a `free`; and where `onError` does not throw, it is the user who shall see no error, while those
 * layers shall, so that none of them counts a free that was none.
 *
 *     heap.free(p) ─► strictErrors ─► limit ─► stats ─► strict ─► fence ─► … ─► strategy
 *                     reports once ◄───────────────────────┘ ◄── what they throw ─┘
 *
 * It is part of every `strict()`, since the layers of a stack are the same for all agents, and `onError` is each agent's own choice.
 * Nothing in the heap is its own.
 *
 * Price: a `try` for each free; none where errors are thrown and no layer in between has a `free`, as it changes no primitive then.
 */
import type { HeapErrorCode, Inner, Plugin, Region } from "@heapwright/core";
import { isHeapError, type Known } from "./enrich.js";

/** What the record of a heap and its outermost layer share, for one agent. */
export interface RefusedFrees {
  /** The function that takes calls of `heap.free`, while one is under way: pointer errors are thrown, and `report` gets them. */
  underWay: ((ptr: number) => void) | undefined;
  /** The record's own `free`, if it needs nobody outside: it throws what is refused. */
  readonly alone: ((ptr: number) => void) | undefined;
  /** Makes a report of a pointer error, unless it is one, keeps it, and throws it or hands it on. */
  report(error: Known): void;
}

/**
 * How the layers of one agent that one `strict()` has made find each other: the region is one object for all of them, and no other agent's
 * or heap's. The record is made first, as what stands below.
 */
export type RefusedByRegion = WeakMap<Region, RefusedFrees>;

/** Is it about a pointer that is no live block? */
export const isPointerError = (code: HeapErrorCode): boolean =>
  code === "ERR_DOUBLE_FREE" || code === "ERR_INVALID_POINTER";

export function strictErrors(records: RefusedByRegion): Plugin<"strictErrors", undefined> {
  return {
    abi: 1,
    name: "strictErrors",
    version: 1,
    phase: "trace",
    concurrent: true,
    rank: Number.NEGATIVE_INFINITY,
    create(inner, ctx) {
      const frees = records.get(ctx.region);
      const isNeeded = frees !== undefined && frees.alone !== inner.free;
      return { ...(isNeeded && { allocator: reporting(inner, frees) }), api: undefined };
    },
  };
}

function reporting({ free, realloc }: Inner, frees: RefusedFrees): Partial<Inner> {
  function freeReporting(ptr: number): void {
    const before = frees.underWay;
    frees.underWay = freeReporting;
    try {
      free(ptr);
    } catch (error) {
      if (!isHeapError(error) || !isPointerError(error.code)) throw error;
      frees.report(error);
    } finally {
      frees.underWay = before;
    }
  }
  // The `realloc` of below: one made of this `free` would take a refused one for done.
  return { free: freeReporting, realloc };
}
