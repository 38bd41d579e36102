/**
 * The blocks freed last, of this heap by any agent: who they were, for a pointer into memory that has long been free.
 *
 *     |next|0|0|0|offset|size|seq|by|offset|size|seq|by| …     256 places, a ring; by: agent that freed it
 *
 * Price: 4 KiB a heap, four stores a free.
 */
import type { Context } from "@heapwright/core";

const PLACES = 256;
const PLACE_WORDS = 4;
export const GRAVEYARD_BYTES = (4 + PLACES * PLACE_WORDS) * 4;

/** A block that was. */
export interface Buried {
  readonly ptr: number;
  readonly size: number;
  readonly seq: number;
  readonly freedBy: number;
}

export class Graveyard {
  readonly #at: number;
  readonly #base: number;
  readonly #isShared: boolean;
  #words: Uint32Array;

  /** @param address Byte address of `GRAVEYARD_BYTES`. */
  constructor(ctx: Context, address: number) {
    this.#at = address >>> 2;
    this.#base = ctx.region.base;
    this.#isShared = ctx.shards > 1;
    this.#words = ctx.memory.u32;
    ctx.onRefresh(() => {
      this.#words = ctx.memory.u32;
    });
  }

  bury(ptr: number, size: number, seq: number, agent: number): void {
    const words = this.#words;
    const next = this.#next();
    const place = this.#at + 4 + next * PLACE_WORDS;
    words[place] = ptr - this.#base;
    words[place + 1] = size;
    words[place + 2] = seq;
    words[place + 3] = agent;
  }

  /** The next place, which behind a front somebody else may be asking for, too. */
  #next(): number {
    if (this.#isShared) return Atomics.add(this.#words, this.#at, 1) % PLACES;
    const next = this.#words[this.#at] % PLACES;
    this.#words[this.#at] = (next + 1) % PLACES;
    return next;
  }

  /** The block freed last of those an address lay in. */
  find(address: number): Buried | undefined {
    const words = this.#words;
    const next = words[this.#at] % PLACES;
    for (let back = 1; back <= PLACES; back++) {
      const place = this.#at + 4 + ((next + PLACES - back) % PLACES) * PLACE_WORDS;
      const ptr = this.#base + words[place];
      const size = words[place + 1];
      if (size === 0 || address < ptr || address >= ptr + size) continue;
      return { ptr, size, seq: words[place + 2], freedBy: words[place + 3] };
    }
    return undefined;
  }
}
