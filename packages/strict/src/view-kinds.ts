/**
 * One class for each kind of element. `get` and `set` are spelled out in each, on purpose: written once, they would be one function to
 * the engine, which would look up the kind of array at each access as soon as a program has views of two kinds. What is common, and
 * slow, is in the base.
 *
 *     get   words[at] === word, index is an integer below length: the element; else look again, or throw
 */
import type { KnownBlock } from "./blocks.js";
import { liveWord } from "./blocks.js";
import { accessError, type ViewSite } from "./view-site.js";

type Elements = ArrayLike<number | bigint>;
type ElementsOf<Data> = new (buffer: ArrayBuffer | SharedArrayBuffer, offset: number, length: number) => Data;

abstract class View<Data extends Elements> {
  declare readonly length: number;
  declare readonly ptr: number;
  declare readonly seq: number;
  /** Views on the buffer as it was when it was last looked at. */
  declare protected data: Data;
  declare protected words: Int32Array;
  /** Index of the header word, and what it is while the block lives. */
  declare protected readonly at: number;
  declare protected readonly word: number;
  readonly #site: ViewSite;
  readonly #type: ElementsOf<Data>;

  constructor(site: ViewSite, type: ElementsOf<Data>) {
    const { block, mark, length }: { block: KnownBlock; mark: number; length: number } = site;
    this.#site = site;
    this.#type = type;
    this.length = length;
    this.ptr = block.ptr;
    this.seq = block.seq;
    this.at = mark >>> 2;
    this.word = liveWord(block.seq) | 0;
    this.look();
  }

  private look(): void {
    const { memory } = this.#site.ctx;
    this.words = memory.i32;
    this.data = new this.#type(memory.buffer, this.ptr, this.length);
  }

  /** Returns if it was only the buffer that was replaced; throws if the block is gone or the index outside. */
  protected refuse(index: number): void {
    const isLive = this.stillThere();
    if (!isLive || index >>> 0 !== index || index >= this.length)
      throw accessError(this.#site, index, isLive);
  }

  get isLive(): boolean {
    try {
      return this.stillThere();
    } catch {
      return false; // the heap is over, and the block with it
    }
  }

  /** Throws `ERR_DETACHED_HEAP` where the heap is over. */
  private stillThere(): boolean {
    if (this.words[this.at] === this.word) return true;
    if (this.words.length > 0) return false;
    // The buffer was replaced: the memory has grown, or is gone.
    this.#site.ctx.sync();
    this.look();
    return this.words[this.at] === this.word;
  }

  toArray(): (number | bigint)[] {
    if (!this.stillThere()) throw accessError(this.#site, 0, false);
    return Array.from(this.data);
  }
}

class Int8View extends View<Int8Array> {
  static readonly BYTES = Int8Array.BYTES_PER_ELEMENT;
  constructor(site: ViewSite) {
    super(site, Int8Array);
  }
  get(index: number): number {
    if (this.words[this.at] !== this.word || index >>> 0 !== index || index >= this.length)
      this.refuse(index);
    return this.data[index];
  }
  set(index: number, value: number): void {
    if (this.words[this.at] !== this.word || index >>> 0 !== index || index >= this.length)
      this.refuse(index);
    this.data[index] = value;
  }
}

class Uint8View extends View<Uint8Array> {
  static readonly BYTES = Uint8Array.BYTES_PER_ELEMENT;
  constructor(site: ViewSite) {
    super(site, Uint8Array);
  }
  get(index: number): number {
    if (this.words[this.at] !== this.word || index >>> 0 !== index || index >= this.length)
      this.refuse(index);
    return this.data[index];
  }
  set(index: number, value: number): void {
    if (this.words[this.at] !== this.word || index >>> 0 !== index || index >= this.length)
      this.refuse(index);
    this.data[index] = value;
  }
}

class Uint8ClampedView extends View<Uint8ClampedArray> {
  static readonly BYTES = Uint8ClampedArray.BYTES_PER_ELEMENT;
  constructor(site: ViewSite) {
    super(site, Uint8ClampedArray);
  }
  get(index: number): number {
    if (this.words[this.at] !== this.word || index >>> 0 !== index || index >= this.length)
      this.refuse(index);
    return this.data[index];
  }
  set(index: number, value: number): void {
    if (this.words[this.at] !== this.word || index >>> 0 !== index || index >= this.length)
      this.refuse(index);
    this.data[index] = value;
  }
}

class Int16View extends View<Int16Array> {
  static readonly BYTES = Int16Array.BYTES_PER_ELEMENT;
  constructor(site: ViewSite) {
    super(site, Int16Array);
  }
  get(index: number): number {
    if (this.words[this.at] !== this.word || index >>> 0 !== index || index >= this.length)
      this.refuse(index);
    return this.data[index];
  }
  set(index: number, value: number): void {
    if (this.words[this.at] !== this.word || index >>> 0 !== index || index >= this.length)
      this.refuse(index);
    this.data[index] = value;
  }
}

class Uint16View extends View<Uint16Array> {
  static readonly BYTES = Uint16Array.BYTES_PER_ELEMENT;
  constructor(site: ViewSite) {
    super(site, Uint16Array);
  }
  get(index: number): number {
    if (this.words[this.at] !== this.word || index >>> 0 !== index || index >= this.length)
      this.refuse(index);
    return this.data[index];
  }
  set(index: number, value: number): void {
    if (this.words[this.at] !== this.word || index >>> 0 !== index || index >= this.length)
      this.refuse(index);
    this.data[index] = value;
  }
}

class Int32View extends View<Int32Array> {
  static readonly BYTES = Int32Array.BYTES_PER_ELEMENT;
  constructor(site: ViewSite) {
    super(site, Int32Array);
  }
  get(index: number): number {
    if (this.words[this.at] !== this.word || index >>> 0 !== index || index >= this.length)
      this.refuse(index);
    return this.data[index];
  }
  set(index: number, value: number): void {
    if (this.words[this.at] !== this.word || index >>> 0 !== index || index >= this.length)
      this.refuse(index);
    this.data[index] = value;
  }
}

class Uint32View extends View<Uint32Array> {
  static readonly BYTES = Uint32Array.BYTES_PER_ELEMENT;
  constructor(site: ViewSite) {
    super(site, Uint32Array);
  }
  get(index: number): number {
    if (this.words[this.at] !== this.word || index >>> 0 !== index || index >= this.length)
      this.refuse(index);
    return this.data[index];
  }
  set(index: number, value: number): void {
    if (this.words[this.at] !== this.word || index >>> 0 !== index || index >= this.length)
      this.refuse(index);
    this.data[index] = value;
  }
}

class Float32View extends View<Float32Array> {
  static readonly BYTES = Float32Array.BYTES_PER_ELEMENT;
  constructor(site: ViewSite) {
    super(site, Float32Array);
  }
  get(index: number): number {
    if (this.words[this.at] !== this.word || index >>> 0 !== index || index >= this.length)
      this.refuse(index);
    return this.data[index];
  }
  set(index: number, value: number): void {
    if (this.words[this.at] !== this.word || index >>> 0 !== index || index >= this.length)
      this.refuse(index);
    this.data[index] = value;
  }
}

class Float64View extends View<Float64Array> {
  static readonly BYTES = Float64Array.BYTES_PER_ELEMENT;
  constructor(site: ViewSite) {
    super(site, Float64Array);
  }
  get(index: number): number {
    if (this.words[this.at] !== this.word || index >>> 0 !== index || index >= this.length)
      this.refuse(index);
    return this.data[index];
  }
  set(index: number, value: number): void {
    if (this.words[this.at] !== this.word || index >>> 0 !== index || index >= this.length)
      this.refuse(index);
    this.data[index] = value;
  }
}

class BigInt64View extends View<BigInt64Array> {
  static readonly BYTES = BigInt64Array.BYTES_PER_ELEMENT;
  constructor(site: ViewSite) {
    super(site, BigInt64Array);
  }
  get(index: number): bigint {
    if (this.words[this.at] !== this.word || index >>> 0 !== index || index >= this.length)
      this.refuse(index);
    return this.data[index];
  }
  set(index: number, value: bigint): void {
    if (this.words[this.at] !== this.word || index >>> 0 !== index || index >= this.length)
      this.refuse(index);
    this.data[index] = value;
  }
}

class BigUint64View extends View<BigUint64Array> {
  static readonly BYTES = BigUint64Array.BYTES_PER_ELEMENT;
  constructor(site: ViewSite) {
    super(site, BigUint64Array);
  }
  get(index: number): bigint {
    if (this.words[this.at] !== this.word || index >>> 0 !== index || index >= this.length)
      this.refuse(index);
    return this.data[index];
  }
  set(index: number, value: bigint): void {
    if (this.words[this.at] !== this.word || index >>> 0 !== index || index >= this.length)
      this.refuse(index);
    this.data[index] = value;
  }
}

interface ViewClass {
  readonly BYTES: number;
  new (site: ViewSite): View<Elements>;
}

/** The class for a typed array's name. */
export const VIEWS: { readonly [name: string]: ViewClass | undefined } = {
  Int8Array: Int8View,
  Uint8Array: Uint8View,
  Uint8ClampedArray: Uint8ClampedView,
  Int16Array: Int16View,
  Uint16Array: Uint16View,
  Int32Array: Int32View,
  Uint32Array: Uint32View,
  Float32Array: Float32View,
  Float64Array: Float64View,
  BigInt64Array: BigInt64View,
  BigUint64Array: BigUint64View,
};
