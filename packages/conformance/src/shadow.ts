/**
 * The shadow model: every live block of a heap, known from its answers alone, in address order.
 *
 * It is the oracle of all runs: a block that overlaps another one, lies outside the area or is not aligned is found the
 * moment it is handed out, whatever the heap believes. Blocks are kept in sorted buckets of at most 256, so that
 * inserting and removing cost O(√n) with small constants (about 0.3 µs at 10,000 live blocks).
 */
import { broken, hex } from "./promises.js";

/** One live block. The identity of the object stays through `move`. */
export interface LiveBlock {
  /** Number of the operation that made it; names the block in messages and programs. */
  readonly id: number;
  ptr: number;
  /** Bytes asked for. */
  size: number;
  /** Bytes the heap said can be used. */
  usable: number;
  /** Alignment asked for. */
  align: number;
  /** Seed of the content. */
  seed: number;
  /** Tag given, 0 if none. */
  tag: number;
  /** When it was made, or last moved, in the order of all that were: see `Shadow.serial`. */
  made: number;
  /** Position in the order that programs count live blocks in; -1 once it is freed. */
  place: number;
}

/** Addresses from `start` up to `end`, `end` excluded. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

const BUCKET = 256;
const MIN_ALIGN = 16;

/** Bytes a block takes in the model: one without content still has an address of its own. */
const endOf = (block: LiveBlock): number => block.ptr + Math.max(1, block.usable);

/** First index in `0 … count` for which `isAfter` holds; it holds for all that follow. */
function search(count: number, isAfter: (index: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isAfter(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** `b12 [0x440, 0x480) of 64 bytes`. */
export function describeBlock(block: LiveBlock): string {
  return `b${block.id} [${hex(block.ptr)}, ${hex(block.ptr + block.usable)}) of ${block.size} bytes`;
}

export class Shadow {
  /** Never empty buckets, each sorted, all of one before all of the next. */
  readonly #buckets: LiveBlock[][] = [];
  readonly #live: LiveBlock[] = [];
  /** Blocks in the order they were made, with their `made` at that time: an entry whose block is dead, or has another one by now, is stale. */
  readonly #order: LiveBlock[] = [];
  readonly #orderMade: number[] = [];
  #serial = 0;

  /** Live blocks. */
  get count(): number {
    return this.#live.length;
  }

  /** The block a program names with a number. `undefined` when none lives. */
  pick(index: number): LiveBlock | undefined {
    return this.#live[index % this.#live.length];
  }

  /** Blocks made or moved so far; those with a higher `made` came later. */
  get serial(): number {
    return this.#serial;
  }

  /** The block that was made, or moved, last, of those alive; the only one some allocators can free. */
  last(): LiveBlock | undefined {
    const order = this.#order;
    for (let i = order.length - 1; i >= 0; i--) {
      const block = order[i];
      // Of a block that has moved the later entry comes first.
      if (block.place >= 0) return block;
      order.pop();
      this.#orderMade.pop();
    }
    return undefined;
  }

  /** Those made or moved after so many had been. */
  since(serial: number): LiveBlock[] {
    return this.#live.filter(({ made }) => made > serial);
  }

  /** A block has been moved: no other one was made later. */
  renew(block: LiveBlock): void {
    block.made = ++this.#serial;
    const order = this.#order;
    if (order.length >= 2 * this.#live.length + 1024) this.#forgetStale();
    order.push(block);
    this.#orderMade.push(block.made);
  }

  /**
   * Adds a block the heap has just handed out.
   * @param area Where blocks may be.
   * @throws ConformanceError `pointer`, `aligned`, `inside`, `disjoint`, `sized`.
   */
  insert(block: LiveBlock, area: Range): void {
    this.#place(block, area);
    block.place = this.#live.length;
    this.#live.push(block);
    this.renew(block);
  }

  /** Takes a freed block out. */
  remove(block: LiveBlock): void {
    this.#unplace(block);
    const last = this.#live.pop() as LiveBlock;
    if (last !== block) {
      this.#live[block.place] = last;
      last.place = block.place;
    }
    block.place = -1;
  }

  /** The block has another address or size from now on. */
  move(block: LiveBlock, ptr: number, size: number, usable: number, area: Range): void {
    this.#unplace(block);
    block.ptr = ptr;
    block.size = size;
    block.usable = usable;
    this.#place(block, area);
  }

  /** The block whose usable bytes contain the address. */
  covering(address: number): LiveBlock | undefined {
    const block = this.below(address);
    return block !== undefined && address < endOf(block) ? block : undefined;
  }

  /** The live block at exactly this address. */
  at(ptr: number): LiveBlock | undefined {
    const block = this.below(ptr);
    return block?.ptr === ptr ? block : undefined;
  }

  /** The block with the highest address up to and including this one. */
  below(address: number): LiveBlock | undefined {
    const bucket = this.#buckets[this.#bucketOf(address)];
    if (bucket === undefined) return undefined;
    return bucket[search(bucket.length, (i) => bucket[i].ptr > address) - 1];
  }

  /** The block with the lowest address from this one on. */
  above(address: number): LiveBlock | undefined {
    const index = this.#bucketOf(address);
    const bucket = this.#buckets[index];
    const inside = bucket?.[search(bucket.length, (i) => bucket[i].ptr >= address)];
    return inside ?? this.#buckets[index + 1]?.[0];
  }

  /** All of them in address order. */
  *[Symbol.iterator](): IterableIterator<LiveBlock> {
    for (const bucket of this.#buckets) yield* bucket;
  }

  /** Calls `visit` for each block in address order; faster than iterating. */
  forEach(visit: (block: LiveBlock) => void): void {
    for (const bucket of this.#buckets) for (const block of bucket) visit(block);
  }

  /** Every block is gone. */
  clear(): void {
    for (const block of this.#live) block.place = -1;
    this.#live.length = 0;
    this.#buckets.length = 0;
    this.#order.length = 0;
    this.#orderMade.length = 0;
  }

  #forgetStale(): void {
    const made = this.#orderMade;
    let kept = 0;
    for (const [i, block] of this.#order.entries()) {
      if (block.place < 0 || block.made !== made[i]) continue;
      this.#order[kept] = block;
      made[kept++] = block.made;
    }
    this.#order.length = kept;
    made.length = kept;
  }

  /** Last bucket that begins at or below the address; the first one if none does. */
  #bucketOf(address: number): number {
    const buckets = this.#buckets;
    return Math.max(0, search(buckets.length, (i) => (buckets[i][0] as LiveBlock).ptr > address) - 1);
  }

  #place(block: LiveBlock, area: Range): void {
    const { ptr, size, usable, align } = block;
    if (!Number.isInteger(ptr) || ptr <= 0 || ptr >= 2 ** 32)
      throw broken("pointer", `the heap returned ${ptr}`);
    if (ptr % Math.max(MIN_ALIGN, align) !== 0) {
      throw broken("aligned", `${hex(ptr)} is not a multiple of ${Math.max(MIN_ALIGN, align)}`);
    }
    if (!Number.isInteger(usable) || usable < size) {
      throw broken("sized", `${size} bytes were asked for, usableSize(${hex(ptr)}) is ${usable}`);
    }
    if (ptr < area.start || endOf(block) > area.end) {
      throw broken("inside", `${describeBlock(block)} is not inside [${hex(area.start)}, ${hex(area.end)})`);
    }
    const below = this.below(ptr);
    const above = this.above(ptr);
    if (below !== undefined && endOf(below) > ptr) throw overlap(block, below);
    if (above !== undefined && above.ptr < endOf(block)) throw overlap(block, above);
    this.#sort(block);
  }

  #sort(block: LiveBlock): void {
    const index = this.#bucketOf(block.ptr);
    const bucket = this.#buckets[index];
    if (bucket === undefined) {
      this.#buckets.push([block]);
      return;
    }
    bucket.splice(
      search(bucket.length, (i) => bucket[i].ptr > block.ptr),
      0,
      block,
    );
    if (bucket.length > BUCKET) this.#buckets.splice(index + 1, 0, bucket.splice(BUCKET >>> 1));
  }

  #unplace(block: LiveBlock): void {
    const index = this.#bucketOf(block.ptr);
    const bucket = this.#buckets[index] as LiveBlock[];
    bucket.splice(bucket.indexOf(block), 1);
    if (bucket.length === 0) this.#buckets.splice(index, 1);
  }
}

function overlap(block: LiveBlock, other: LiveBlock): Error {
  return broken("disjoint", `${describeBlock(block)} overlaps ${describeBlock(other)}, which is alive`);
}
