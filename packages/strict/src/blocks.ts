/**
 * The record strict keeps of each block, in its header:
 *
 * | word | invariant |
 * |---|---|
 * | seq | number of the allocation, 1 …, disguised; bit 31 is set once the block was freed |
 * | tag | as it was given, 0 if none |
 * | agent | agent that allocated it |
 * | size | bytes asked for; only where no fence keeps them |
 *
 * The disguise (an exclusive or) makes numbers unlike what programs keep in memory: a checked view looks at the word of a block whose
 * header may long be somebody's payload.
 *
 * Price: 12 bytes a block, 16 without a fence, before rounding; three stores an allocation.
 */
import type { Context, HeapErrorBlock, Inner, Slot } from "@heapwright/core";

const DISGUISE = 0x5b3c27a9;
const DEAD = 0x80000000;
const SEQ_MASK = 0x7fffffff;

/** What is known of a block. */
export interface KnownBlock extends HeapErrorBlock {
  readonly tag: string | number;
  readonly seq: number;
  readonly state: string;
  /** Agent that allocated it. */
  readonly agent: number;
}

/** The word of the live block number `seq`. */
export const liveWord = (seq: number): number => (seq ^ DISGUISE) >>> 0;
export const deadWord = (word: number): number => (word ^ DEAD) >>> 0;
/** Number of the block whose word this is. */
export const seqOf = (word: number): number => (word ^ DISGUISE) & SEQ_MASK;
export const isDead = (word: number): boolean => ((word ^ DISGUISE) & DEAD) !== 0;
/** The number after `seq`: from 2^31 - 1 on it begins again. */
export const nextSeq = (seq: number): number => (seq >= SEQ_MASK ? 1 : seq + 1);

/** Reads what the headers say. */
export class Blocks {
  /** The header words. */
  readonly seq: Slot;
  readonly tag: Slot;
  readonly agent: Slot;
  readonly size: Slot | undefined;
  readonly #inner: Inner;
  readonly #ctx: Context;
  readonly #tagName: ((tag: number) => string | undefined) | undefined;

  /** @param tagName Asked before the stack's names are. */
  constructor(ctx: Context, inner: Inner, tagName: ((tag: number) => string | undefined) | undefined) {
    this.seq = ctx.slot("seq");
    this.tag = ctx.slot("tag");
    this.agent = ctx.slot("agent");
    this.size = ctx.options.sizes === true ? ctx.slot("size") : undefined;
    this.#ctx = ctx;
    this.#inner = inner;
    this.#tagName = tagName;
  }

  /** Name of a tag, or the tag. */
  named(tag: number): string | number {
    return tag === 0 ? 0 : (this.#tagName?.(tag) ?? this.#ctx.tagName(tag) ?? tag);
  }

  /** Visits every live and quarantined block with what is known of it. O(chunks). */
  walk(visit: (block: KnownBlock) => void): void {
    this.#inner.walk?.(({ ptr, size, state }) => {
      if (state === "free" || state === "reserved") return;
      visit(this.#known(ptr, size, state));
    });
  }

  /** The block an address lies in or just behind; its fence is its own. O(chunks). */
  at(address: number): KnownBlock | undefined {
    let found: KnownBlock | undefined;
    let ended = false;
    try {
      this.#inner.walk?.(({ ptr, size, state }) => {
        if (ended || ptr > address) ended = true;
        else found = state === "free" || state === "reserved" ? undefined : this.#known(ptr, size, state);
      });
    } catch {
      // A chain that cannot be walked: what is asked about is another error.
    }
    return found;
  }

  /** What is known of a live block, which `ptr` is. O(1). */
  one(ptr: number): KnownBlock {
    return this.#known(ptr, this.#inner.usableSize(ptr), "used");
  }

  #known(ptr: number, size: number, state: string): KnownBlock {
    return {
      ptr,
      size: this.size === undefined ? size : Math.min(size, this.size.read(ptr)),
      tag: this.named(this.tag.read(ptr)),
      seq: seqOf(this.seq.read(ptr)),
      state,
      agent: this.agent.read(ptr),
    };
  }
}
