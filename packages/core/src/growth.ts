/**
 * Growth of the memory and of the area, asked for (`heap.grow`) or before a request is answered with 0.
 *
 *     before  |header|area                |
 *     after   |header|area                ··············|       nobody else grew the memory
 *     after   |header|area                |guest's pages|·····|  somebody did: "adopt" takes what follows them
 *
 * Nothing grows for a request that would fail afterwards all the same.
 */
import { GRANULE, HEADER, MAX_END, PAGE, roundDown, roundUp } from "./header.js";
import type { Memory } from "./memory.js";
import type { LiveRegion } from "./region.js";
import type { Allocator, Inner, Totals } from "./types.js";

/** How a heap may grow. */
export interface GrowthOptions {
  /** Bytes it grows by at least; default 1 MiB. */
  readonly step?: number;
  /** Bytes the memory may reach; default what the buffer was made for. Side tables are sized for it at creation. */
  readonly max?: number;
  /** Pages somebody else added behind the heap: never grow past them, or take over what follows them (default). */
  readonly foreign?: "leave" | "adopt";
}

export const DEFAULT_STEP = 1 << 20;
const WASM_PAGE = 65536;
/** Less than this is no room for a chunk under any header. */
const LEAST = 2048;

export interface Growth {
  /** Grows memory and area by at least `bytes`; false, and nothing has changed, if that cannot be had. */
  grow(bytes: number): boolean;
  /** Grows by what the request needs, at least a step; false if no growth would serve it. */
  growFor(size: number, align: number): boolean;
}

export interface GrowthSite {
  readonly memory: Memory;
  readonly region: LiveRegion;
  readonly strategy: Allocator;
  /** Everybody takes views and the area's end again. */
  refreshAll(): void;
  readonly step: number;
  readonly foreign: "leave" | "adopt";
}

/** Growth of one heap; call with the lock held. */
export function createGrowth(site: GrowthSite): Growth {
  const { memory, region, strategy, step, foreign } = site;
  const claimed = (region.base + HEADER.claimedBytes) >>> 2;

  /** Bytes between the area's end and the memory's, if somebody else has grown it; 0 if nobody has. */
  function gap(): number {
    memory.refresh();
    const bytes = memory.buffer.byteLength;
    return bytes > region.base + memory.u32[claimed] ? bytes - region.areaEnd : 0;
  }

  function canGrow(): boolean {
    if (strategy.extend === undefined) return false;
    return gap() === 0 || foreign === "adopt";
  }

  /** Space that only page runs can use is page runs: copies of the heap keep its base modulo a page from now on. */
  function noteRuns(): void {
    const sums: Totals = { capacity: 0, used: 0, free: 0, quarantined: 0, overhead: 0, page: 0, pageFree: 0 };
    strategy.totals?.(sums);
    if (sums.pageFree > 0) memory.u32[(region.base + HEADER.alignGranted) >>> 2] = PAGE;
  }

  /** Whole pages of the memory's kind, or what is left up to the maximum if that is enough. */
  function growBy(asked: number): boolean {
    const before = memory.buffer.byteLength;
    const gapEnd = gap() === 0 ? region.areaEnd : roundUp(before, GRANULE);
    const bytes = Math.max(asked, LEAST) + Math.max(0, gapEnd - before);
    const unit = memory.kind === "WebAssembly.Memory" ? WASM_PAGE : PAGE;
    const limit = Math.min(region.areaMax, MAX_END) - before;
    let amount = roundUp(before + bytes, unit) - before;
    if (amount > limit) amount = roundDown(before + limit, unit) - before;
    if (amount < bytes) return false;
    if (!memory.grow(amount)) return false;
    site.refreshAll();
    const end = roundDown(before + amount, GRANULE);
    // First: what the strategy has not taken over yet belongs to nobody, should this agent end here.
    memory.u32[claimed] = before + amount - region.base;
    memory.u32[(region.base + HEADER.regionBytes) >>> 2] = end - region.base;
    strategy.extend?.(gapEnd, end);
    noteRuns();
    site.refreshAll();
    return true;
  }

  return {
    grow(bytes) {
      return canGrow() && growBy(bytes);
    },
    growFor(size, align) {
      if (strategy.growthFor === undefined || !canGrow()) return false;
      const need = strategy.growthFor(size, align, gap());
      if (need < 0) return false;
      return growBy(Math.max(need, step)) || (need < step && growBy(need));
    },
  };
}

/** The layer that grows before a request is answered with 0. */
export function growing(inner: Inner, growFor: Growth["growFor"]): Partial<Allocator> {
  const { alloc } = inner;
  return {
    alloc(size, align, tag) {
      const ptr = alloc(size, align, tag);
      if (ptr !== 0 || !growFor(size, align)) return ptr;
      return alloc(size, align, tag);
    },
  };
}
