/**
 * What lay where in a heap, again and again during a replay: the addresses in bins, the replay in columns, a character for each
 * cell, so that a map of 100 columns is some 26 KB of JSON.
 */

/** What a heap tells of a block. */
export interface MappedBlock {
  readonly ptr: number;
  readonly usable: number;
  readonly state: "used" | "free" | "quarantined" | "page";
}

export interface HeapMap {
  /** Bytes of the memory; bins share them equally, from address 0. */
  readonly bytes: number;
  readonly bins: number;
  /** Operations done at each column. */
  readonly at: readonly number[];
  /**
   * A string for each column, a digit of base 64 (0 to 9, A to Z, a to z, - and _) for each bin: sevenths of the bin in used
   * blocks, times eight, plus sevenths in page runs, both rounded up. What is left is free, or the heap's own.
   */
  readonly state: readonly string[];
  /** A digit for each bin: the class of `SIZE_CLASSES` whose blocks hold most of it, from 1; 0 where there is none. */
  readonly sizes: readonly string[];
}

/** Digits of base 64. */
export const CELLS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
/** Parts that shares are told in. */
export const PARTS = 7;
/**
 * Bytes of a block at most, for each class but the last. Half-way between powers of two, which programs like to ask for: a heap that
 * rounds 64 KiB up has it in the same class as one that does not.
 */
export const SIZE_CLASSES = [48, 192, 768, 6144, 98_304] as const;
export const BINS = 128;

const CLASSES = SIZE_CLASSES.length + 1;

function classOf(bytes: number): number {
  const found = SIZE_CLASSES.findIndex((most) => bytes <= most);
  return found < 0 ? CLASSES - 1 : found;
}

/** Adds up one column after the other. */
export class HeapMapper {
  readonly #bytes: number;
  readonly #binBytes: number;
  readonly #used = new Float64Array(BINS);
  readonly #page = new Float64Array(BINS);
  readonly #classes = new Float64Array(BINS * CLASSES);
  readonly #at: number[] = [];
  readonly #state: string[] = [];
  readonly #sizes: string[] = [];

  constructor(bytes: number) {
    this.#bytes = bytes;
    this.#binBytes = bytes / BINS;
  }

  /** A column. Blocks in quarantine are used: nobody else can have them. */
  add(at: number, blocks: Iterable<MappedBlock>): void {
    this.#used.fill(0);
    this.#page.fill(0);
    this.#classes.fill(0);
    for (const { ptr, usable, state } of blocks) {
      if (state !== "free") this.#spread(ptr, usable, state === "page" ? this.#page : this.#used);
    }
    const part = (bytes: number): number => Math.min(PARTS, Math.ceil((PARTS * bytes) / this.#binBytes));
    const bins = Array.from({ length: BINS }, (_, bin) => bin);
    this.#at.push(at);
    this.#state.push(
      bins.map((bin) => CELLS[part(this.#used[bin]) * (PARTS + 1) + part(this.#page[bin])]).join(""),
    );
    this.#sizes.push(bins.map((bin) => this.#mostIn(bin)).join(""));
  }

  get map(): HeapMap {
    return { bytes: this.#bytes, bins: BINS, at: this.#at, state: this.#state, sizes: this.#sizes };
  }

  #spread(ptr: number, usable: number, into: Float64Array): void {
    const sizeClass = classOf(usable);
    const end = Math.min(ptr + usable, this.#bytes);
    for (let from = ptr; from < end; ) {
      const bin = Math.floor(from / this.#binBytes);
      const to = Math.min(end, (bin + 1) * this.#binBytes);
      into[bin] += to - from;
      this.#classes[bin * CLASSES + sizeClass] += to - from;
      from = to;
    }
  }

  #mostIn(bin: number): number {
    const classes = this.#classes.subarray(bin * CLASSES, (bin + 1) * CLASSES);
    const most = Math.max(...classes);
    return most === 0 ? 0 : classes.indexOf(most) + 1;
  }
}
