/**
 * The plugin `strictErrors`: refused frees where `onError` does not throw. It stands outside of the whole stack, as it is the user who
 * shall see no error; the layers in between (`limit`, `stats`) shall, so that none of them counts a free that was none.
 *
 *     heap.free(p) ─► strictErrors ─► limit ─► stats ─► strict ─► fence ─► … ─► strategy
 *                     reports once ◄── what strict throws on ◄─┘ ◄── what they throw ─┘
 *
 * It is part of every `strict()`, since the layers of a stack are the same for all agents, and `onError` is each agent's own choice.
 * Nothing in the heap is its own.
 *
 * Price: none where errors are thrown, as it changes no primitive then; else a `try` for each free.
 */
import type { Context, HeapErrorCode, Inner, Plugin, PluginInstance, Region } from "@heapwright/core";
import { isHeapError, type Known } from "./enrich.js";

/** What the record of a heap and its outermost layer share, for one agent. */
export interface RefusedFrees {
  /** A call of `heap.free` is under way: pointer errors are thrown, and `report` gets them. */
  isFreeing: boolean;
  /** Makes a report of a pointer error, unless it is one, and hands it on. */
  report(error: Known): void;
}

/** The region is one object for all layers of one agent, and no other agent's or heap's. */
const records = new WeakMap<Region, RefusedFrees>();

/** For the record, which is made before what stands above it. */
export function leaveRefusals(ctx: Context, frees: RefusedFrees): void {
  records.set(ctx.region, frees);
}

/** Is it about a pointer that is no live block? */
export const isPointerError = (code: HeapErrorCode): boolean =>
  code === "ERR_DOUBLE_FREE" || code === "ERR_INVALID_POINTER";

export function strictErrors(): Plugin<"strictErrors", undefined> {
  return {
    abi: 1,
    name: "strictErrors",
    version: 1,
    phase: "trace",
    rank: Number.NEGATIVE_INFINITY,
    create: createErrors,
  };
}

function createErrors(inner: Inner, ctx: Context): PluginInstance<undefined> {
  const frees = records.get(ctx.region);
  if (frees === undefined) return { api: undefined };
  const { free, realloc } = inner;
  return {
    allocator: {
      free(ptr) {
        const before = frees.isFreeing;
        frees.isFreeing = true;
        try {
          free(ptr);
        } catch (error) {
          if (!isHeapError(error) || !isPointerError(error.code)) throw error;
          frees.report(error);
        } finally {
          frees.isFreeing = before;
        }
      },
      // Its own: one made of this `free` would take a refused one for done.
      realloc,
    },
    api: undefined,
  };
}
