/**
 * The generator of long programs: operation by operation from a seed, nothing stored. It never looks at the heap, so
 * the same seed and profile give the same program whatever the heap does, and a prefix can be made again for shrinking.
 *
 * Programs come in tides: a stretch in which blocks are made faster than freed, until the heap is full, then one in
 * which they are freed faster. A heap in balance would hardly ever be empty, fragmented or exhausted.
 */

import {
  alignBands,
  badAlignments,
  MAX_GROWTH,
  type OpName,
  type Profile,
  type SizeBand,
  sizeBands,
} from "./profile.js";
import {
  ALIGNED_CALLS,
  BAD_MARKS,
  BAD_PLACES,
  BAD_POINTERS,
  BAD_SIZES,
  BAD_TAGS,
  type Op,
  POINTER_CALLS,
  type Program,
  SIZED_CALLS,
} from "./program.js";
import { Random } from "./random.js";

/** Items with weights, to draw from. */
class Weighted<T> {
  readonly #items: T[] = [];
  /** Up to which share of 1 each item reaches. */
  readonly #ends: number[] = [];

  constructor(items: readonly { readonly weight: number; readonly item: T }[]) {
    const sum = items.reduce((total, { weight }) => total + Math.max(0, weight), 0);
    let end = 0;
    for (const { weight, item } of items) {
      if (!(weight > 0)) continue;
      end += weight / sum;
      this.#items.push(item);
      this.#ends.push(end);
    }
    if (this.#items.length === 0) throw new RangeError("no operation has a weight above 0");
  }

  draw(random: Random): T {
    const at = random.fraction();
    const last = this.#items.length - 1;
    let i = 0;
    while (i < last && this.#ends[i] <= at) i++;
    return this.#items[i];
  }
}

const TIDE_MIN = 64;
const TIDE_MAX = 8192;
/** Largest size in a tide of small blocks. */
const SMALL = 512;
/** How much more often the tide's side is drawn. */
const TIDE_STRENGTH = 1.6;

const MAKERS: readonly OpName[] = ["alloc", "allocUnsafe", "dup", "reallocNull"];

/** The operations of one seed, one after the other, without end. */
export class Generator {
  readonly #random: Random;
  readonly #rising: Weighted<OpName>;
  readonly #falling: Weighted<OpName>;
  readonly #allSizes: Weighted<SizeBand>;
  readonly #aligns: Weighted<number>;
  readonly #badAligns: readonly unknown[];
  readonly #smallSizes: Weighted<SizeBand>;
  #names: Weighted<OpName>;
  #sizes: Weighted<SizeBand>;
  #tide = 0;

  constructor(seed: number, profile: Profile) {
    this.#random = new Random(seed);
    const names = (rising: boolean): Weighted<OpName> => {
      const favoured = (name: OpName): boolean => (rising ? MAKERS.includes(name) : name === "free");
      return new Weighted(
        (Object.entries(profile.weights) as [OpName, number][]).map(([item, weight]) => ({
          item,
          weight: favoured(item) ? weight * TIDE_STRENGTH : weight,
        })),
      );
    };
    this.#rising = names(true);
    this.#falling = names(false);
    this.#names = this.#falling;
    this.#badAligns = badAlignments(profile.maxAlign);
    const bands = sizeBands(profile.capacity).map((item) => ({ item, weight: item.weight }));
    this.#allSizes = new Weighted(bands);
    this.#smallSizes = new Weighted(
      bands.filter(({ item }) => item.max <= SMALL || item.min > profile.capacity),
    );
    this.#sizes = this.#allSizes;
    this.#aligns = new Weighted(
      alignBands(profile.maxAlign).map(({ align, weight }) => ({ item: align, weight })),
    );
  }

  next(): Op {
    const random = this.#random;
    if (this.#tide-- === 0) {
      this.#names = this.#names === this.#falling ? this.#rising : this.#falling;
      // Many small blocks and few large ones fill a heap in different ways.
      this.#sizes = random.below(2) === 0 ? this.#smallSizes : this.#allSizes;
      // By octaves: short and long stretches equally often.
      this.#tide = Math.floor(TIDE_MIN * (TIDE_MAX / TIDE_MIN) ** random.fraction());
    }
    const op = this.#names.draw(random);
    switch (op) {
      case "alloc":
      case "allocUnsafe":
      case "dup":
      case "reallocNull":
        return { op, size: this.#size(), align: this.#aligns.draw(random), tag: random.below(8) };
      case "realloc":
      case "reallocUnsafe":
        return { op, block: random.next(), size: this.#size(), align: this.#aligns.draw(random) };
      case "resize":
        return { op, block: random.next(), size: this.#size() };
      case "free":
        return { op, block: random.next() };
      case "grow":
      case "growForeign":
        // By octaves: a heap that may hardly grow shall grow, too.
        return { op, bytes: Math.floor(MAX_GROWTH ** random.fraction()) };
      case "freeNull":
      case "reset":
      case "check":
      case "mark":
        return { op };
      case "release":
        return { op, mark: random.next() };
      case "badSize":
        return { op, call: random.pick(SIZED_CALLS), value: random.pick(BAD_SIZES), block: random.next() };
      case "badAlign":
        return {
          op,
          call: random.pick(ALIGNED_CALLS),
          value: random.pick(this.#badAligns),
          block: random.next(),
        };
      case "badTag":
        return { op, call: random.pick(ALIGNED_CALLS), value: random.pick(BAD_TAGS), block: random.next() };
      case "badPointer":
        return {
          op,
          call: random.pick(POINTER_CALLS),
          where: random.pick(BAD_PLACES),
          block: random.next(),
          offset: random.next(),
        };
      case "badValue":
        return { op, call: random.pick(POINTER_CALLS), value: random.pick(BAD_POINTERS) };
      case "badFree":
        return { op, block: random.next() };
      case "badMark":
        return { op, value: random.pick(BAD_MARKS) };
    }
  }

  #size(): number {
    const random = this.#random;
    const { min, max, exact } = this.#sizes.draw(random);
    return exact === undefined ? random.between(min, max) : random.pick(exact);
  }
}

/** The first `operations` operations of a seed. */
export function generateProgram(seed: number, operations: number, profile: Profile): Program {
  const generator = new Generator(seed, profile);
  return Array.from({ length: operations }, () => generator.next());
}
