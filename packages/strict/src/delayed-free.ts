/**
 * `delayedFree({ slots, bytes, verify })`: a quarantine. A freed block is not given to anyone else for a while, so that what is
 * done to it meanwhile by those who still believe in it can be found.
 *
 *     free(p)      the longest waiting blocks become free, until there is room for p; p waits
 *     alloc        exhausted: they become free, oldest first, one by one, until the request fits
 *
 * Quarantined is a third state. To the strategy the block is in use, to everyone above it is freed. Which it is, a slot of the block
 * says, for all agents:
 *
 * | word | invariant |
 * |---|---|
 * | order | 0 while the block is live; else the number of its free, by which the quarantine is ordered |
 *
 * Found here: freeing (resizing, asking the size of) a block that waits, or what lies in it; with `poison` in the stack, bytes
 * written to it, when it leaves, at `check()`, and with `verify: "every-free"` at each free.
 *
 * Behind a front each agent has a quarantine of its own, of `slots` and `bytes`; what it holds is freed when it leaves or has ended.
 *
 * Over a strategy with marks, `mark` and `release` drain it: a mark stands for the blocks that are there, not for those that wait. Where only the last
 * block can be freed, those that wait are passed over.
 *
 * The heap grows before the quarantine is drained: what it holds back is worth more than memory that can still be had. Bound it by
 * `bytes` where it is not.
 *
 * Price: 4 bytes a block (none in a hyperheap without other slots), 8 a place, the blocks that wait. About 25 ns a free, and the poison's
 * fill and comparison.
 */
import type { Context, Finding, Inner, Plugin, WalkedBlock } from "@heapwright/core";
import { type Damage, damageError, describeDamage } from "./finding.js";
import { checkChoice, checkOption } from "./options.js";
import { fillPoison, firstUnpoisoned, poisonDouble } from "./pattern.js";
import { createRealloc } from "./realloc.js";
import { Ring, ringBytes } from "./ring.js";
import { hex } from "./text.js";

export interface DelayedFreeOptions {
  /** Blocks that wait at most, 1 … 65,536; default 64. */
  readonly slots?: number;
  /** Payload bytes that wait at most, 1 … 2^32 - 1; a larger block is freed at once. Default: as many as there are. */
  readonly bytes?: number;
  /** When poison is compared, besides when a block leaves and by `check()`: default never, or of all blocks at each free. */
  readonly verify?: "leaving" | "every-free";
}

export interface DelayedFreeApi {
  /** Blocks that wait. */
  readonly count: number;
  /** Their payload bytes. */
  readonly bytes: number;
  /**
   * Frees them all. Throws `ERR_USE_AFTER_FREE` for one that was written to; the finding is mended, and draining can go on.
   * O(blocks that wait).
   */
  drain(): void;
}

const MAX_BYTES = 2 ** 32 - 1;

/**
 * Holds freed blocks back.
 *
 * @throws RangeError for an option out of range.
 */
export function delayedFree(options: DelayedFreeOptions = {}): Plugin<"delayedFree", DelayedFreeApi> {
  const { slots, bytes, verify } = options;
  checkOptions(options);
  checkChoice("delayedFree", "verify", verify, ["leaving", "every-free"]);
  return {
    abi: 1,
    name: "delayedFree",
    version: 1,
    phase: "guard",
    concurrent: true,
    rank: 30,
    options: { ...(slots === undefined ? {} : { slots }), ...(bytes === undefined ? {} : { bytes }) },
    defaults: { slots: 64, bytes: MAX_BYTES },
    slots(settled) {
      // They may be those of a heap that is joined.
      checkOptions(settled);
      return ["order"];
    },
    stateBytes: ({ options, shards }) => shards * ringBytes(options.slots as number, shards),
    create: (inner, ctx) => createQuarantine(inner, ctx, verify === "every-free"),
  };
}

function checkOptions({ slots, bytes }: { readonly slots?: unknown; readonly bytes?: unknown }): void {
  checkOption("delayedFree", "slots", slots, 1, 65_536);
  checkOption("delayedFree", "bytes", bytes, 1, MAX_BYTES);
}

function createQuarantine(
  inner: Inner,
  ctx: Context,
  everyFree: boolean,
): { allocator: Partial<Inner>; api: DelayedFreeApi; leave?(): void } {
  const { alloc, free, resize, usableSize, takenSize, reset, mark, release, releasable, last } = inner;
  const { walk, check, totals, recover } = inner;
  const { region, agent } = ctx;
  const maxBytes = ctx.options.bytes as number;
  // -1: nobody fills, nothing to compare.
  const poisoned = (ctx.plugins.get("poison")?.freed as number | undefined) ?? -1;
  const double = poisonDouble(poisoned & 255);
  const order = ctx.slot("order");
  const rings = Array.from(
    { length: ctx.shards },
    (_, shard) => new Ring(ctx, ctx.options.slots as number, shard),
  );
  const ring = rings[ctx.shard] as Ring;
  let bytes = ctx.memory.u8;
  let words = ctx.memory.i32;
  let doubles = ctx.memory.f64;
  ctx.onRefresh(() => {
    bytes = ctx.memory.u8;
    words = ctx.memory.i32;
    doubles = ctx.memory.f64;
  });

  // ---- pointers ----------------------------------------------------------------------------------------------------

  /** Usable bytes of a live block; throws for everything else, and of what waits it says who freed it. */
  function liveSize(ptr: number): number {
    let usable = 0;
    try {
      usable = usableSize(ptr);
    } catch (error) {
      throw refusal(ptr, error);
    }
    if (order.read(ptr) !== 0) throw refusal(ptr, undefined);
    return usable;
  }

  /** The strategy takes what waits for live: a pointer into it is one into freed memory all the same. */
  function refusal(ptr: number, error: unknown): unknown {
    if (ptr % 16 !== 0) return error;
    for (const each of rings) {
      for (let index = 0; index < each.count; index++) {
        const start = each.ptr(index);
        if (ptr < start) continue;
        const size = sizeAt(start);
        if (ptr >= start + size) continue;
        const by = each.freedBy(index);
        const what = ptr === start ? "was freed before" : `lies in the freed block at ${hex(start)}`;
        return ctx.error("ERR_DOUBLE_FREE", `${hex(ptr)} ${what}, by agent ${by}; it is in quarantine`, {
          ptr,
          block: { ptr: start, size, state: "quarantined" },
          offset: ptr - start,
          relativeTo: "block",
          freedAt: `agent ${by}`,
        });
      }
    }
    // It waits by its slot, but not in the ring: the slot was overwritten, or it left while the heap was broken.
    return (
      error ?? ctx.error("ERR_DOUBLE_FREE", `${hex(ptr)} was freed before; it is in quarantine`, { ptr })
    );
  }

  /** Of a block that waits; 0 if it has just left another agent's quarantine. */
  function sizeAt(ptr: number): number {
    try {
      return usableSize(ptr);
    } catch (error) {
      if (rings.length > 1) return 0;
      throw error;
    }
  }

  // ---- poison ------------------------------------------------------------------------------------------------------

  const isPoison = (): number => poisoned;

  function damageOf(of: Ring, index: number): Damage | undefined {
    const ptr = of.ptr(index);
    const size = usableSize(ptr);
    if (firstUnpoisoned(bytes, doubles, ptr, ptr + size, poisoned, double) < 0) return undefined;
    return {
      code: "ERR_USE_AFTER_FREE",
      block: { ptr, size, state: "quarantined" },
      from: ptr,
      to: ptr + size,
      expected: isPoison,
      freedBy: of.freedBy(index),
    };
  }

  function mend({ from, to }: Damage): void {
    bytes.fill(poisoned, from, to);
  }

  /** Throws for the `index`-th of the blocks that wait if it was written to; then it is as if it had not been. */
  function verify(of: Ring, index: number, foundAt: string): void {
    if (poisoned < 0) return;
    const damage = damageOf(of, index);
    if (damage === undefined) return;
    const error = damageError(ctx, damage, foundAt);
    mend(damage);
    throw error;
  }

  // ---- in and out --------------------------------------------------------------------------------------------------

  /** The block that has waited longest becomes free. Throws, and it still waits, if it was written to. */
  function evict(of: Ring, foundAt: string): void {
    const ptr = of.ptr(0);
    const usable = usableSize(ptr);
    if (poisoned >= 0 && firstUnpoisoned(bytes, doubles, ptr, ptr + usable, poisoned, double) >= 0)
      verify(of, 0, foundAt);
    const isApart = of.isApart(0);
    // Out first: where the heap is too broken to free this one, the others shall not wait behind it for ever.
    of.leave();
    free(ptr);
    of.forget(usable, isApart);
  }

  /** All that wait become free, in whose quarantine ever. */
  function drainAll(foundAt: string): void {
    for (const each of rings) while (each.count > 0) evict(each, foundAt);
  }

  /** What no drained quarantine makes possible is not worth draining it. */
  function allocDraining(size: number, align: number, tag: number): number {
    if (size > region.areaEnd - region.areaStart) return 0;
    while (ring.count > 0) {
      evict(ring, "alloc()");
      const ptr = alloc(size, align, tag);
      if (ptr !== 0) {
        order.write(ptr, 0);
        return ptr;
      }
    }
    return 0;
  }

  const layer = {
    alloc(size: number, align: number, tag: number): number {
      const ptr = alloc(size, align, tag);
      if (ptr === 0) return allocDraining(size, align, tag);
      order.write(ptr, 0);
      return ptr;
    },
    free(ptr: number): void {
      const usable = liveSize(ptr);
      if (everyFree) for (let index = 0; index < ring.count; index++) verify(ring, index, "free()");
      // What is too large to wait at all drives nobody out.
      const waits = usable <= maxBytes;
      while (waits && ring.count > 0 && (ring.count === ring.slots || ring.bytes + usable > maxBytes))
        evict(ring, "free()");
      if (poisoned >= 0) fillPoison(bytes, words, ptr, ptr + usable, poisoned);
      if (!waits) {
        free(ptr);
        return;
      }
      const slot = order.address(ptr);
      const isApart = slot < region.areaStart || slot >= region.areaEnd;
      ring.prepare(ptr, agent, isApart);
      words[slot >>> 2] = ring.nextOrder();
      ring.enter(usable, isApart);
    },
    resize(ptr: number, size: number): boolean {
      liveSize(ptr);
      return resize(ptr, size);
    },
    usableSize: liveSize,
  };

  // ---- inspection --------------------------------------------------------------------------------------------------

  const isWaiting = ({ ptr, state }: WalkedBlock): boolean =>
    (state === "used" || state === "page") && order.read(ptr) !== 0;

  function checkRings(report: (finding: Finding) => void): void {
    for (const [shard, each] of rings.entries()) checkRing(each, shard, report);
  }

  /** Which ring's number it is. */
  const isOf = (shard: number, number: number): boolean => (number & (ring.step - 1)) === shard;

  function checkRing(ring: Ring, shard: number, report: (finding: Finding) => void): void {
    const { count, slots, writtenCount } = ring;
    if (writtenCount > slots) report({ message: `quarantine: ${writtenCount} blocks in ${slots} places` });
    if (ring.first >= slots) report({ message: `quarantine: the first place is ${ring.first} of ${slots}` });
    const waiting = new Set<number>();
    let sum = 0;
    walk?.((block) => {
      if (!isWaiting(block) || !isOf(shard, order.read(block.ptr))) return;
      waiting.add(block.ptr);
      sum += block.usable;
    });
    if (walk !== undefined && sum !== ring.bytes)
      report({ message: `quarantine: bytes are ${ring.bytes}, the blocks have ${sum}` });
    for (let index = 0; index < count; index++) {
      const ptr = ring.ptr(index);
      if (walk !== undefined && !waiting.has(ptr)) {
        report({ message: `quarantine: place ${index} is ${hex(ptr)}, where no block waits`, ptr });
        continue;
      }
      waiting.delete(ptr);
      const expected = ring.order - ring.step * (count - 1 - index);
      if (expected > 0 && order.read(ptr) !== expected)
        report({
          message: `quarantine: the block at ${hex(ptr)} is number ${order.read(ptr)}, not ${expected}`,
          ptr,
        });
      const damage = poisoned < 0 ? undefined : damageOf(ring, index);
      if (damage === undefined) continue;
      report(describeDamage(ctx, damage, "check()"));
      mend(damage);
    }
    for (const ptr of waiting)
      report({ message: `quarantine: the block at ${hex(ptr)} waits in no place`, ptr });
  }

  /**
   * More than there are places for cannot wait: those that did longest become free. Who freed them is only in the ring, if there.
   * @param dead It is that of an agent which has ended, and has none any more: all of them become free.
   */
  function rebuildRing(ring: Ring, shard: number, dead: boolean): void {
    const by = new Map<number, number>();
    for (let index = 0; index < ring.count; index++) by.set(ring.ptr(index), ring.freedBy(index));
    const waiting: { readonly ptr: number; readonly usable: number; readonly order: number }[] = [];
    walk?.((block) => {
      if (isWaiting(block) && isOf(shard, order.read(block.ptr)))
        waiting.push({ ptr: block.ptr, usable: block.usable, order: order.read(block.ptr) });
    });
    // Behind the latest number: where numbers have begun again, the high ones are older.
    const age = (each: { readonly order: number }): number => (ring.order - each.order) >>> 0;
    waiting.sort((a, b) => age(b) - age(a));
    ring.clear();
    const tooMany = dead ? waiting.length : Math.max(0, waiting.length - ring.slots);
    for (const { ptr } of waiting.splice(0, tooMany)) free(ptr);
    for (const { ptr, usable } of waiting) {
      const slot = order.address(ptr);
      const isApart = slot < region.areaStart || slot >= region.areaEnd;
      ring.prepare(ptr, by.get(ptr) ?? agent, isApart);
      ring.enter(usable, isApart);
    }
    // The number that was given last, if the block it was for never got it.
    const newest = waiting[waiting.length - 1];
    if (newest !== undefined) ring.resume(newest.order);
  }

  const sum = (figure: "count" | "bytes" | "bytesApart"): number =>
    rings.reduce((all, each) => all + each[figure], 0);

  /** Behind a front nobody else frees what waits here. What was written to is reported when all are free. */
  function leave(): void {
    let found: unknown;
    for (let before = -1; ring.count > 0; ) {
      // What was written to is mended, and leaves the second time; what cannot be freed even then is left behind.
      if (ring.count === before) ring.leave();
      before = ring.count;
      for (let tries = 0; tries < 2 && ring.count === before; tries++) {
        try {
          evict(ring, "detach()");
        } catch (error) {
          found ??= error;
        }
      }
    }
    if (found !== undefined) throw found;
  }

  const allocator: Partial<Inner> = {
    ...layer,
    takenSize(ptr) {
      liveSize(ptr);
      return takenSize(ptr);
    },
    realloc: createRealloc(ctx, layer),
    ...(reset && {
      reset() {
        reset();
        for (const each of rings) each.clear();
      },
    }),
    // What waits was freed: the user's last block is the last one that does not.
    ...(last && {
      last(below) {
        let ptr = last(below);
        while (ptr !== 0 && order.read(ptr) !== 0) ptr = last(ptr);
        return ptr;
      },
    }),
    // A block that was freed before the mark must not spend it by becoming free afterwards.
    ...(mark && {
      mark() {
        drainAll("mark()");
        return mark();
      },
    }),
    ...(release && {
      release(mark) {
        releasable?.(mark);
        drainAll("release()");
        release(mark);
      },
    }),
    ...(walk && {
      walk(visit) {
        walk((block) => {
          if (isWaiting(block)) block.state = "quarantined";
          visit(block);
        });
      },
    }),
    // The blocks say which of them wait, and in which order.
    ...(recover &&
      walk && {
        recover(interrupted) {
          recover(interrupted);
          for (const [shard, each] of rings.entries()) rebuildRing(each, shard, shard === interrupted.shard);
        },
      }),
    check(report) {
      check?.(report);
      checkRings(report);
    },
    ...(totals && {
      totals(into) {
        totals(into);
        const waiting = sum("bytes");
        into.quarantined += waiting;
        if (sum("bytesApart") === 0 || walk === undefined) {
          into.used -= waiting;
          return;
        }
        // Blocks without a header may be page runs: the walk knows as what the strategy counts them.
        walk((block) => {
          if (isWaiting(block)) into[block.state as "used" | "page"] -= block.usable;
        });
      },
    }),
  };
  const api: DelayedFreeApi = {
    get count() {
      return ctx.exclusive(() => sum("count"));
    },
    get bytes() {
      return ctx.exclusive(() => sum("bytes"));
    },
    drain() {
      ctx.exclusive(() => drainAll("drain()"));
    },
  };
  return { allocator, api, ...(rings.length > 1 && { leave }) };
}
