/** `heap.strict`: what a person asks a heap that keeps records. */
import type { Context, Inner } from "@heapwright/core";
import type { Blocks, KnownBlock } from "./blocks.js";
import { Collected } from "./collected.js";
import { findLeaks, type Leak } from "./leaks.js";
import type { CollectedBlock, RecordOptions } from "./record.js";
import type { Reports } from "./reports.js";
import type { Stacks } from "./stacks.js";
import { type CheckedView, createView, type ViewConstructor, type ViewOf } from "./views.js";

/** The block an address belongs to. */
export interface FoundBlock {
  readonly ptr: number;
  /** Bytes asked for. */
  readonly size: number;
  readonly tag: string | number;
  readonly seq: number;
  readonly state: string;
  /** Agent that allocated it. */
  readonly agent: number;
  /** Bytes from the block's beginning to the address; from `size` on it lies behind, in the fence. */
  readonly offset: number;
  /** Where it was allocated, if that is known. */
  readonly stack?: string;
}

export interface StrictApi {
  /** Number of the latest allocation: what `leaks` can begin after. */
  readonly seq: number;
  /**
   * What was found so far by this agent, thrown or not, oldest first: damage, and what was refused to be freed. The last 64. Not in it:
   * `ERR_HEAP_CORRUPT`, and wrong pointers given to anything but `free`, which are thrown in any case.
   */
  readonly reports: readonly Error[];
  /**
   * Blocks that were not freed, by tag and place, the most bytes first. O(chunks).
   * @param options `after`: only blocks allocated after that number.
   */
  leaks(options?: { readonly after?: number }): Leak[];
  /** The block an address lies in or just behind, live or in quarantine. O(chunks). */
  at(address: number): FoundBlock | undefined;
  /**
   * An accessor of a live block, whose reads and writes throw when the block is gone or the index is outside: `ERR_USE_AFTER_FREE`,
   * `ERR_HEAP_OVERFLOW`, `ERR_HEAP_UNDERFLOW`. Survives growth of the memory. A block that has moved is gone.
   *
   * @param length Elements; default all that fit the size asked for.
   * @throws HeapError `ERR_INVALID_POINTER`, `ERR_DOUBLE_FREE` for what is no live block; `ERR_INVALID_SIZE` if it has not so many.
   */
  view<Type extends ViewConstructor>(ptr: number, type: Type, length?: number): ViewOf<Type>;
  /**
   * Reports the block if `object` (a view of it, a handle) is garbage-collected before it is freed. Needs `collected`.
   *
   * @param ptr The block; default what the object shows (`byteOffset`) or says (`ptr`).
   * @returns The object.
   * @throws HeapError as `view`; `ERR_UNSUPPORTED` without the option.
   */
  track<Tracked extends object>(object: Tracked, ptr?: number): Tracked;
}

export interface ApiParts {
  readonly ctx: Context;
  readonly inner: Inner;
  readonly blocks: Blocks;
  readonly stacks: Stacks | undefined;
  readonly reports: Reports;
  readonly now: () => number;
  readonly collected: RecordOptions["collected"];
}

export function createApi(parts: ApiParts): StrictApi {
  const { ctx, inner, blocks, stacks, reports, now } = parts;
  const collected = parts.collected === false ? undefined : new Collected(lost);

  function lost(ptr: number, seq: number): void {
    let block: KnownBlock | undefined;
    try {
      block = ctx.exclusive(() => blocks.at(ptr));
    } catch {
      return; // the heap is gone, and the block with it
    }
    if (block === undefined || block.ptr !== ptr || block.seq !== seq || block.state === "quarantined")
      return;
    const { size, tag } = block;
    const stack = stacks?.text(seq).allocated;
    const found: CollectedBlock = { ptr, size, tag, seq, ...(stack === undefined ? {} : { stack }) };
    if (typeof parts.collected === "function") parts.collected(found);
    else reports.lost(found);
  }

  /** What is known of a live block; throws for anything else. */
  function live(ptr: number): KnownBlock {
    inner.usableSize(ptr);
    return blocks.one(ptr);
  }

  function checkAddress(ptr: unknown): asserts ptr is number {
    if (typeof ptr === "number" && ptr >>> 0 === ptr && ptr !== 0) return;
    throw ctx.error("ERR_INVALID_POINTER", `${String(ptr)} is not an address`);
  }

  return {
    get seq() {
      ctx.sync();
      return now();
    },
    get reports() {
      return reports.kept;
    },
    leaks({ after = 0 } = {}) {
      return ctx.exclusive(() => findLeaks(blocks, stacks, after));
    },
    at(address) {
      const block = ctx.exclusive(() => (inner.owns(address) ? blocks.at(address) : undefined));
      if (block === undefined) return undefined;
      const stack = stacks?.text(block.seq).allocated;
      return { ...block, offset: address - block.ptr, ...(stack === undefined ? {} : { stack }) };
    },
    view(ptr, type, length) {
      checkAddress(ptr);
      const view = ctx.exclusive(() => createView(ctx, live(ptr), blocks.seq.address(ptr), type, length));
      collected?.track(view, ptr, (view as CheckedView).seq);
      return view;
    },
    track(object, given) {
      if (collected === undefined) {
        throw ctx.error("ERR_UNSUPPORTED", "tracking objects needs the option `collected` of strict()");
      }
      const ptr = given ?? addressOf(object);
      checkAddress(ptr);
      const { seq } = ctx.exclusive(() => live(ptr));
      collected.track(object, ptr, seq);
      return object;
    },
  };
}

/** Where an object says its block is. */
function addressOf(object: object): unknown {
  if (ArrayBuffer.isView(object)) return object.byteOffset;
  return (object as { readonly ptr?: unknown }).ptr;
}
