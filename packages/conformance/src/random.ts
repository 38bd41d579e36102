/**
 * Seeded random numbers: xoshiro128** (Blackman and Vigna), seeded through splitmix32. The same seed gives the same
 * numbers on every engine, so a seed in a bug report is the whole program.
 */

const rotateLeft = (x: number, by: number): number => (x << by) | (x >>> (32 - by));

/** A stream of 32-bit numbers. Not for secrets. */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** @param seed Any number; its low 32 bits count. */
  constructor(seed: number) {
    let state = seed | 0;
    const splitmix = (): number => {
      state = (state + 0x9e3779b9) | 0;
      let z = state ^ (state >>> 16);
      z = Math.imul(z, 0x21f0aaad);
      z ^= z >>> 15;
      z = Math.imul(z, 0x735a2d97);
      return z ^ (z >>> 15);
    };
    this.#a = splitmix();
    this.#b = splitmix();
    this.#c = splitmix();
    // All four zero would be a fixed point.
    this.#d = splitmix() | 1;
  }

  /** 0 … 2^32 - 1. */
  next(): number {
    const result = Math.imul(rotateLeft(Math.imul(this.#b, 5), 7), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = rotateLeft(this.#d, 11);
    return result;
  }

  /** An integer in 0 … `limit` - 1, for limits up to 2^32. */
  below(limit: number): number {
    return Math.floor((this.next() / 2 ** 32) * limit);
  }

  /** An integer in `min` … `max`, both included. */
  between(min: number, max: number): number {
    return min + this.below(max - min + 1);
  }

  /** A number in 0 … 1, 1 excluded. */
  fraction(): number {
    return this.next() / 2 ** 32;
  }

  /** One of them. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}

/** A seed nobody chose; print it. */
export function anySeed(): number {
  return Math.floor(Math.random() * 2 ** 31);
}
