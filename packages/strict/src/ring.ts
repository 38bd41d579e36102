/**
 * The quarantine's record in the heap header: which blocks wait, in the order they were freed in.
 *
 *     0      4      8      12     16     20           32
 *     |count |first |order |bytes |apart |0           |offset|by|offset|by| … `slots` places of 8 bytes, a ring
 *
 * | word | invariant |
 * |---|---|
 * | count | places in use, from `first` on, around the end of the ring; at most `slots` |
 * | first | place of the block that was freed first |
 * | order | number the last freed block got, of which each block has its own in its header slot; never 0. Behind a front there is a ring a shard, and |
 * | | the number's lowest bits say which |
 * | bytes | payload bytes of all blocks that wait |
 * | apart | those of them whose blocks have no chunk header: page runs, mostly, which the strategy counts elsewhere |
 * | offset | the block's payload from the heap's base |
 * | by | agent that freed it, bit 31: it has no chunk header |
 *
 * The truth is in the blocks: a slot that is not 0 commits a free, and orders it. Everything here can be made again from them.
 *
 * Price: 32 bytes and 8 a place. Entering and leaving O(1).
 */
import type { Context } from "@heapwright/core";

const COUNT = 0;
const FIRST = 1;
const ORDER = 2;
const BYTES = 3;
const APART = 4;
const PLACES = 8;
const PLACE_WORDS = 2;
const APART_BIT = 0x80000000;

/** With several, lines of 64 bytes each: they are different agents'. */
export function ringBytes(slots: number, shards: number): number {
  const bytes = (PLACES + PLACE_WORDS * slots) * 4;
  return shards === 1 ? bytes : Math.ceil(bytes / 64) * 64;
}

/** From one number of a shard to its next: the lowest power of two that tells all shards. */
export const orderStep = (shards: number): number => 2 ** Math.ceil(Math.log2(shards));

/**
 * One agent's view of the ring. All of it in the heap's memory; call with the lock held. Fields are only declared, as hot paths like
 * them.
 */
export class Ring {
  declare readonly slots: number;
  /** Numbers of this ring are `shard` modulo `step`. */
  declare readonly step: number;
  declare private readonly shard: number;
  /** Index of the first word, and the heap's base. */
  declare private readonly at: number;
  declare private readonly base: number;
  declare private words: Int32Array;

  constructor(ctx: Context, slots: number, shard: number) {
    this.slots = slots;
    this.step = orderStep(ctx.shards);
    this.shard = shard;
    this.at = (ctx.state + shard * ringBytes(slots, ctx.shards)) >>> 2;
    this.base = ctx.region.base;
    this.words = ctx.memory.i32;
    ctx.onRefresh(() => {
      this.words = ctx.memory.i32;
    });
  }

  /** Blocks that wait. Never more than there are places, whatever is in the word. */
  get count(): number {
    return Math.min(this.words[this.at + COUNT] >>> 0, this.slots);
  }
  get bytes(): number {
    return this.words[this.at + BYTES] >>> 0;
  }
  get bytesApart(): number {
    return this.words[this.at + APART] >>> 0;
  }
  /** The count as it stands there, for `check()`. */
  get writtenCount(): number {
    return this.words[this.at + COUNT] >>> 0;
  }
  /** The first place as it stands there; less than `slots`. */
  get first(): number {
    return this.words[this.at + FIRST] >>> 0;
  }
  get order(): number {
    return this.words[this.at + ORDER] >>> 0;
  }

  /** Word index of the `index`-th place from the first on. A first that cannot be is taken for 0: no division, which is slow. */
  private place(index: number): number {
    const { slots } = this;
    let place = this.words[this.at + FIRST];
    if (place < 0 || place >= slots) place = 0;
    place += index;
    if (place >= slots) place -= slots;
    return this.at + PLACES + place * PLACE_WORDS;
  }

  /** Address of the block that was freed as the `index`-th of those that wait. */
  ptr(index: number): number {
    return this.base + (this.words[this.place(index)] >>> 0);
  }

  /** Agent that freed it. */
  freedBy(index: number): number {
    return this.words[this.place(index) + 1] & ~APART_BIT;
  }

  isApart(index: number): boolean {
    return this.words[this.place(index) + 1] < 0;
  }

  /** The number of the next block: 1 … 2^32 - 1, then from 1 on. */
  nextOrder(): number {
    const { step } = this;
    const order = ((this.words[this.at + ORDER] & -step) + step + this.shard) | 0 || step;
    this.words[this.at + ORDER] = order;
    return order;
  }

  /** Writes the place of one more block, which nothing reaches before `enter`. */
  prepare(ptr: number, agent: number, isApart: boolean): void {
    const place = this.place(this.count);
    this.words[place] = ptr - this.base;
    this.words[place + 1] = isApart ? agent | APART_BIT : agent;
  }

  /** The prepared block waits, with its bytes. */
  enter(bytes: number, isApart: boolean): void {
    this.words[this.at + COUNT]++;
    this.words[this.at + BYTES] += bytes;
    if (isApart) this.words[this.at + APART] += bytes;
  }

  /** The block that has waited longest leaves; its bytes are still counted. */
  leave(): void {
    const { words, at } = this;
    const next = words[at + FIRST] + 1;
    words[at + FIRST] = next < this.slots ? next : 0;
    words[at + COUNT]--;
  }

  /** The bytes of a block that has left and is free. */
  forget(bytes: number, isApart: boolean): void {
    this.words[this.at + BYTES] -= bytes;
    if (isApart) this.words[this.at + APART] -= bytes;
  }

  /** The next number follows this one. */
  resume(order: number): void {
    this.words[this.at + ORDER] = order;
  }

  clear(): void {
    this.words.fill(0, this.at + COUNT, this.at + ORDER);
    this.words.fill(0, this.at + BYTES, this.at + PLACES);
  }
}
