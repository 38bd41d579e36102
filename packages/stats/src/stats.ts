/**
 * `stats({ maxTags, sizeClasses, shortLived })`: who holds the memory. Every block is counted under the tag it was asked for with, in
 * the heap's own memory (state.ts), so that all agents count into the same records and every copy of the heap has them.
 *
 *     heap.alloc(100, 16, MESH) ─► stats ─► fence, quarantine … ─► strategy
 *                                  │
 *                                  ├─► the block's header |…|tag|…|size|taken|
 *                                  └─► record of MESH: one allocation, 100 bytes asked for, so many taken; peaks
 *
 * | slot | invariant |
 * |---|---|
 * | tag | 0, or an id that was interned in this heap |
 * | size | bytes asked for; at most `taken` |
 * | taken | what `takenSize` says, which does not change unless the size does |
 * | born | how many blocks had been made with this one, modulo 2^32; only with `shortLived` |
 *
 * Counted only when it has happened: a request that got 0 is a failure and nothing else, a pointer that is refused counts nowhere.
 * What is refused above (`limit`, `failEvery`, wrong arguments) is not seen here.
 *
 * Price: three words a block, the state's 160 bytes a tag; for each block that is made one `takenSize` and about twenty loads and
 * stores, for each that is freed half of them.
 */
import type { Context, Inner, Plugin, PluginInstance } from "@heapwright/core";
import { createApi, type StatsApi } from "./api.js";
import { checkRecords } from "./check.js";
import { createLayer } from "./layer.js";
import { Names } from "./names.js";
import { checkFlag, checkInteger } from "./options.js";
import { Reader } from "./reader.js";
import { createRecords } from "./records.js";
import { createShardedRecords } from "./sharded.js";
import { MOST_TAGS, maxTagsFor, planState, TAG_BASE, TAGS } from "./state.js";

export interface StatsOptions {
  /**
   * Tags there can be, 1 … 65,536. Default: one for each 16 KiB the heap can reach, at least 64, at most 4096. Each takes about 160
   * bytes of the heap, in use or not.
   */
  readonly maxTags?: number;
  /** Count blocks by size, in powers of two: 528 bytes a tag more. Default false. */
  readonly sizeClasses?: boolean;
  /**
   * Count blocks that are freed before this many others are made, 1 … 2^31; 0, the default, does not. A word a block more. A block
   * that outlives 2^32 others can be taken for young.
   */
  readonly shortLived?: number;
}

/**
 * Tagged statistics. Add it to `plugins`; `heap.stats` is its API.
 *
 * @throws RangeError for an option out of range.
 */
export function stats(options: StatsOptions = {}): Plugin<"stats", StatsApi> {
  const { maxTags, sizeClasses, shortLived } = options;
  checkInteger("maxTags", maxTags, 1, MOST_TAGS);
  checkFlag("sizeClasses", sizeClasses);
  checkInteger("shortLived", shortLived, 0, 2 ** 31);
  return {
    abi: 1,
    name: "stats",
    version: 1,
    phase: "account",
    options: {
      ...(maxTags === undefined ? {} : { maxTags }),
      ...(sizeClasses === undefined ? {} : { sizeClasses }),
      ...(shortLived === undefined ? {} : { shortLived }),
    },
    // 0: by the size of the heap.
    defaults: { maxTags: 0, sizeClasses: false, shortLived: 0 },
    slots({ maxTags, shortLived }) {
      // They may be those of a heap that is joined.
      checkInteger("maxTags", maxTags, 0, MOST_TAGS);
      checkInteger("shortLived", shortLived, 0, 2 ** 31);
      return ["tag", { name: "sizes", words: 2 }, ...((shortLived as number) > 0 ? ["born"] : [])];
    },
    concurrent: true,
    stateBytes: (size) => planState(maxTagsFor(size), size.options.sizeClasses as boolean, size.shards).bytes,
    create: createStats,
  };
}

function createStats(inner: Inner, ctx: Context): PluginInstance<StatsApi> {
  const { options, region } = ctx;
  const { check, walk, release } = inner;
  if (release !== undefined && walk === undefined) {
    throw ctx.error(
      "ERR_COMPOSITION",
      "stats walks the heap to count what release() ends, and this one cannot",
      {
        hint: "use stats with a strategy that brings `walk`",
      },
    );
  }
  const { shards } = ctx;
  const maxTags = maxTagsFor({ regionBytes: region.areaMax - region.base, options, shards });
  const plan = planState(maxTags, options.sizeClasses as boolean, shards);
  const names = new Names(ctx, plan.maxTags, {
    count: ctx.state + TAGS * 4,
    names: ctx.state + plan.names,
    index: ctx.state + plan.index,
  });
  const records = shards === 1 ? createRecords(ctx, plan) : createShardedRecords(ctx, plan);
  const { allocator, slots, unknownTag, within } = createLayer(inner, ctx, records);
  const reader = new Reader(ctx, inner, plan, names);
  return {
    allocator: {
      ...allocator,
      check(report) {
        check?.(report);
        checkRecords({ inner, names, slots, records, reader }, report);
      },
    },
    api: createApi({ ctx, names, reader, records, maxTags, unknownTag, within }),
    tagName: (tag) => (tag > TAG_BASE ? names.text(tag - TAG_BASE) : undefined),
  };
}
