/**
 * Statistics as OpenTelemetry metrics, through a meter of the user's: whatever reads it gets, of each collection,
 *
 *     heapwright.memory.used      By       1500000  heapwright.heap="game" heapwright.tag="scene/mesh"
 *     heapwright.memory.used      By           100  heapwright.heap="game" heapwright.tag=""
 *     heapwright.allocations      {block}        3  heapwright.heap="game" heapwright.tag="scene/mesh"
 *     heapwright.memory.capacity  By      16777216  heapwright.heap="game"
 *
 * Nothing of OpenTelemetry is imported, not even types: `Meter` below is the part of its meter that is used.
 */
import { requireDistinct } from "./distinct.js";
import {
  COUNTERS,
  type Figure,
  HEAP_FIGURES,
  HEAP_PEAKS,
  SIZE_CLASS_FIGURES,
  type StatsSnapshot,
  type StatsSource,
} from "./figures.js";

/** What a meter takes to describe an instrument. */
export interface MeterInstrumentOptions {
  readonly unit: string;
  readonly description: string;
  /** `ValueType` of `@opentelemetry/api`: 0 for integers, 1 for any number. */
  readonly valueType: 0 | 1;
}

export type MeterAttributes = Record<string, string | number>;

/** What a callback tells the figures to. */
export interface MeterObserver {
  observe(instrument: object, value: number, attributes: MeterAttributes): void;
}

/** The part of a `Meter` of `@opentelemetry/api` (1.3 or later) that `observeStats` uses. */
export interface Meter {
  createObservableCounter(name: string, options: MeterInstrumentOptions): object;
  createObservableUpDownCounter(name: string, options: MeterInstrumentOptions): object;
  createObservableGauge(name: string, options: MeterInstrumentOptions): object;
  addBatchObservableCallback(callback: (observer: MeterObserver) => void, instruments: object[]): void;
  removeBatchObservableCallback(callback: (observer: MeterObserver) => void, instruments: object[]): void;
}

/**
 * Lets a meter observe the figures of heaps whenever it collects: those of one heap are then all of one moment.
 *
 * Counters for what never falls, up-down counters for what may be summed over tags, gauges for the rest. Attributes are
 * `heapwright.heap`, for figures of a tag `heapwright.tag` (`""` for requests without one), for those by size `heapwright.size_class`
 * (the most bytes of the class). A source that throws, as that of a detached heap does, is left out of the collection.
 *
 * Cost: that of `toJSON()` per source and collection; nothing in between.
 *
 * @param meter `metrics.getMeter("...")` of `@opentelemetry/api`, or of a `MeterProvider`.
 * @param sources `heap.stats` of each heap.
 * @returns Ends it: the sources are asked no more, and may be collected. What a reader makes of series that no longer come is up to it;
 * the SDK goes on to say their last value where it accumulates.
 * @throws Error if two heaps have the same name.
 */
export function observeStats(meter: Meter, ...sources: readonly StatsSource[]): () => void {
  requireDistinct(readable(sources));
  const ofTags = instruments(meter, COUNTERS);
  const ofSizes = instruments(meter, SIZE_CLASS_FIGURES);
  const ofHeaps = [...instruments(meter, HEAP_FIGURES), ...instruments(meter, HEAP_PEAKS)];
  const all = [...ofTags, ...ofSizes, ...ofHeaps].map(([instrument]) => instrument);
  let observed = sources;

  const observeAll = (observer: MeterObserver): void => {
    for (const { heap, totals, tags } of readable(observed)) {
      const ofHeap = { "heapwright.heap": heap };
      observe(observer, ofHeaps, totals, ofHeap);
      for (const tag of tags) {
        const ofTag = { ...ofHeap, "heapwright.tag": tag.name };
        observe(observer, ofTags, tag, ofTag);
        for (const sizes of tag.sizeClasses ?? []) {
          observe(observer, ofSizes, sizes, { ...ofTag, "heapwright.size_class": sizes.upTo });
        }
      }
    }
  };
  meter.addBatchObservableCallback(observeAll, all);
  return () => {
    meter.removeBatchObservableCallback(observeAll, all);
    // For meters that keep the callback, as one without an SDK may.
    observed = [];
  };
}

type Instrument<Name extends string> = readonly [instrument: object, name: Name];

function instruments<Name extends string>(
  meter: Meter,
  figures: readonly Figure<Name>[],
): Instrument<Name>[] {
  return figures.map(({ name, type, unit, description, opentelemetry, sums }) => {
    const create =
      type === "counter"
        ? "createObservableCounter"
        : sums
          ? "createObservableUpDownCounter"
          : "createObservableGauge";
    const options = { unit, description, valueType: unit === "1" ? 1 : 0 } as const;
    return [meter[create](`heapwright.${opentelemetry}`, options), name];
  });
}

function observe<Name extends string>(
  observer: MeterObserver,
  instruments: readonly Instrument<Name>[],
  figures: { readonly [Key in Name]?: number },
  attributes: MeterAttributes,
): void {
  for (const [instrument, name] of instruments) {
    const value = figures[name];
    if (value !== undefined) observer.observe(instrument, value, attributes);
  }
}

/** Snapshots of the sources that have one. */
function readable(sources: readonly StatsSource[]): StatsSnapshot[] {
  return sources.flatMap((source) => {
    try {
      return [source.toJSON()];
    } catch {
      return [];
    }
  });
}
