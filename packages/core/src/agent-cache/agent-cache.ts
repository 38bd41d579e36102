/**
 * `agentCache()`: a front. Each agent serves small requests from spans of its own, without the heap's lock; who frees another agent's block
 * leaves a bit for it.
 *
 *     heap.alloc(100) ─► gate ─► … stats, fence … ─► agentCache ──span used up──► lock ─► strategy
 *                        own                         │                          a span of 16 KiB at a time
 *                                                    └─► lowest free bit of the first span of the class
 *
 *     span    |cell|cell|cell| … |rest|          cells of one size class, no header unless plugins ask for slots
 *
 * Bytes and invariants: state.ts. How a span gets here and back: spans.ts. What a dead agent leaves: recover.ts.
 *
 * Price: a request is rounded up to the next of about 25 size classes, four to a doubling (12 % on average), up to an eighth of a span; each
 * agent holds up to one partly used span a class, and `spares` empty ones; 1.3 % of the region for the bits. Larger requests, and those with
 * an alignment, take the lock. Everything that is about all blocks (`check`, `blocks`, byte counts, statistics) stops the other agents
 * while it looks.
 */
import { HeapError, show } from "../errors.js";
import type { Plugin, PluginInstance } from "../types.js";
import { Cache, roundSize } from "./cache.js";
import { createAlloc, createFree, createResize, createSize } from "./cells.js";
import { checkCache, createTotals, createWalk } from "./inspect.js";
import { rebuild, recover, resetAll, settle } from "./recover.js";
import { leave } from "./spans.js";
import { planState } from "./state.js";

export interface AgentCacheOptions {
  /** Agents that can have the heap attached at the same time, 1 … 1024; default 16. 384 bytes each. */
  readonly agents?: number;
  /** Bytes of a span: 4096, 8192, 16384 or 32768. Default 16384, in heaps of less than 1 MiB 4096. */
  readonly spanBytes?: 4096 | 8192 | 16384 | 32768;
  /** Empty spans an agent keeps, 0 … 1024; default 4. */
  readonly spares?: number;
}

/**
 * A per-agent front. Add it to `plugins`; it has no API.
 *
 * @throws HeapError `ERR_INVALID_OPTION` for an option out of range.
 */
export function agentCache(options: AgentCacheOptions = {}): Plugin<"agentCache", undefined> {
  const { agents, spanBytes, spares } = options;
  checkInteger("agents", agents, 1, 1024);
  checkInteger("spares", spares, 0, 1024);
  checkSpanBytes(spanBytes);
  return {
    abi: 1,
    name: "agentCache",
    version: 2,
    phase: "front",
    options: {
      ...(agents === undefined ? {} : { agents }),
      ...(spanBytes === undefined ? {} : { spanBytes }),
      ...(spares === undefined ? {} : { spares }),
    },
    // 0: by the size of the heap.
    defaults: { agents: 16, spanBytes: 0, spares: 4 },
    shards({ agents, spanBytes, spares }) {
      // They may be those of a heap that is joined.
      checkInteger("agents", agents, 1, 1024);
      checkInteger("spares", spares, 0, 1024);
      checkSpanBytes(spanBytes === 0 ? undefined : spanBytes);
      return agents as number;
    },
    needs: { free: "any", maxAlign: 4096 },
    stateBytes: (size) => planState(size).words * 4,
    create(inner, ctx): PluginInstance<undefined> {
      const cache = new Cache(inner, ctx);
      const { walk, totals, check, reset } = inner;
      // A shard that somebody had before, or a copy of a heap: what nobody has any more can be adopted.
      if (!ctx.fresh) ctx.exclusive(() => rebuild(cache));
      return {
        allocator: {
          alloc: createAlloc(cache),
          free: createFree(cache),
          resize: createResize(cache),
          usableSize: createSize(cache, inner.usableSize, false),
          takenSize: createSize(cache, inner.takenSize, true),
          goodSize: (size) => (size > cache.most ? inner.goodSize(size) : roundSize(cache, size)),
          ...(walk && { walk: createWalk(cache, walk) as NonNullable<typeof walk> }),
          ...(totals && { totals: createTotals(cache, totals) as NonNullable<typeof totals> }),
          check(report) {
            check?.(report);
            checkCache(cache, report);
          },
          ...(reset && {
            reset() {
              resetAll(cache, reset);
            },
          }),
          ...(inner.recover && { recover: (interrupted) => recover(cache, interrupted) }),
        },
        api: undefined,
        leave: () => leave(cache),
        settle: (shard, interrupted) => settle(cache, shard, interrupted),
      };
    },
  };
}

function checkSpanBytes(spanBytes: unknown): void {
  if (spanBytes === undefined || [4096, 8192, 16_384, 32_768].includes(spanBytes as number)) return;
  throw new HeapError(
    "ERR_INVALID_OPTION",
    `agentCache: spanBytes must be 4096, 8192, 16384 or 32768, not ${show(spanBytes)}`,
  );
}

function checkInteger(name: string, value: unknown, least: number, most: number): void {
  if (value === undefined) return;
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return;
  throw new HeapError(
    "ERR_INVALID_OPTION",
    `agentCache: ${name} must be an integer in ${least} … ${most}, not ${show(value)}`,
  );
}
