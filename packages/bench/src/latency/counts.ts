/**
 * How often each value was seen: samples of whole nanoseconds take few different values, so counting loses nothing, and
 * percentiles over millions of samples from many processes are exact.
 */

/** As it is sent between processes: values ascending, and how often each. */
export interface PackedCounts {
  readonly values: Uint32Array;
  readonly counts: Uint32Array;
}

/** The same for files. */
export interface Histogram {
  readonly values: readonly number[];
  readonly counts: readonly number[];
}

/** In nanoseconds. */
export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly p9999: number;
  readonly max: number;
}

/** Significant bits of the values of a histogram: no more than 3 % too small. */
const BITS = 6;

/** Below this a value is counted in an array, from here on in a map. */
const FEW = 65_536;

export class Counts {
  readonly #low = new Float64Array(FEW);
  readonly #high = new Map<number, number>();
  #total = 0;

  constructor(...parts: readonly PackedCounts[]) {
    for (const { values, counts } of parts)
      for (let i = 0; i < values.length; i++) this.add(values[i], counts[i]);
  }

  /** How many samples. */
  get total(): number {
    return this.#total;
  }

  add(value: number, count = 1): void {
    if (value < FEW) this.#low[value] += count;
    else this.#high.set(value, (this.#high.get(value) ?? 0) + count);
    this.#total += count;
  }

  #sorted(): [value: number, count: number][] {
    const sorted: [number, number][] = [];
    for (let value = 0; value < FEW; value++)
      if (this.#low[value] > 0) sorted.push([value, this.#low[value]]);
    return sorted.concat([...this.#high].sort(([a], [b]) => a - b));
  }

  pack(): PackedCounts {
    const sorted = this.#sorted();
    return {
      values: Uint32Array.from(sorted, ([value]) => value),
      counts: Uint32Array.from(sorted, ([, count]) => count),
    };
  }

  /** As plain arrays with few values, each rounded down to its first {@link BITS} bits. */
  histogram(): Histogram {
    const values: number[] = [];
    const counts: number[] = [];
    for (const [value, count] of this.#sorted()) {
      const unit = 2 ** Math.max(0, Math.floor(Math.log2(Math.max(1, value))) + 1 - BITS);
      const rounded = value - (value % unit);
      if (values[values.length - 1] === rounded) counts[counts.length - 1] += count;
      else {
        values.push(rounded);
        counts.push(count);
      }
    }
    return { values, counts };
  }

  /**
   * The grain of what was counted: the smallest distance between two values that each make up 5 % of the samples at least, or
   * the smallest value but 0 where no two do. A clock's values scatter around its ticks by a nanosecond.
   */
  grain(): number {
    const sorted = this.#sorted();
    const common = sorted.filter(([, count]) => count >= 0.05 * this.#total);
    const gaps = common.slice(1).map(([value], index) => value - common[index][0]);
    return gaps.length > 0 ? Math.min(...gaps) : (sorted.find(([value]) => value > 0)?.[0] ?? Number.NaN);
  }

  /** Nearest rank: the smallest value that at least this share of the samples does not exceed. NaN without samples. */
  percentiles(shares: readonly number[]): number[] {
    const sorted = this.#sorted();
    let seen = 0;
    let at = -1;
    return shares.map((share) => {
      // Rounded first: 0.99 * 100 must be the rank 99 whatever its last bit is.
      const rank = Math.max(1, Math.ceil(Number((share * this.#total).toPrecision(12))));
      while (seen < rank && at + 1 < sorted.length) seen += sorted[++at][1];
      return at < 0 ? Number.NaN : sorted[at][0];
    });
  }

  summary(): Percentiles {
    const [p50, p99, p999, p9999, max] = this.percentiles([0.5, 0.99, 0.999, 0.9999, 1]);
    return { p50, p99, p999, p9999, max };
  }
}
