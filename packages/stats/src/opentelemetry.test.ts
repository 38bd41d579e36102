/** Metrics as the SDK of OpenTelemetry collects them. */
import { metrics } from "@opentelemetry/api";
import {
  DataPointType,
  InstrumentType,
  MeterProvider,
  type MetricData,
  MetricReader,
} from "@opentelemetry/sdk-metrics";
import { describe, expect, it, vi } from "vitest";
import type { StatsSnapshot, StatsSource } from "./figures.js";
import { empty, hostile, scene, sourceOf, vast } from "./fixtures/snapshots.js";
import { workedHeap } from "./fixtures/worked.js";
import { type Meter, observeStats } from "./index.js";

class Reader extends MetricReader {
  protected override async onShutdown(): Promise<void> {}
  protected override async onForceFlush(): Promise<void> {}

  async read(): Promise<MetricData[]> {
    const { resourceMetrics, errors } = await this.collect();
    expect(errors).toEqual([]);
    return resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
  }
}

function setUp(...sources: StatsSource[]) {
  const reader = new Reader();
  const meter = new MeterProvider({ readers: [reader] }).getMeter("test");
  return { reader, meter, stop: observeStats(meter, ...sources) };
}

/** `[metric, attributes, value]` of each point, sorted. */
type Point = [metric: string, attributes: object, value: unknown];
const sorted = (points: Point[]) => points.map((point) => JSON.stringify(point)).sort();
const points = (data: MetricData[]) =>
  data.flatMap(({ descriptor, dataPoints }) =>
    dataPoints.map(({ attributes, value }): Point => [descriptor.name, attributes, value]),
  );

/** What must be there, from the snapshot alone, names spelled out. */
function expected({ heap, totals, tags }: StatsSnapshot): Point[] {
  const found: Point[] = [];
  for (const tag of tags) {
    const attributes = { "heapwright.heap": heap, "heapwright.tag": tag.name };
    const add = (metric: string, value: number) => found.push([`heapwright.${metric}`, attributes, value]);
    add("memory.used", tag.currentBytes);
    add("memory.peak", tag.peakBytes);
    add("memory.allocated", tag.allocatedBytes);
    add("memory.freed", tag.freedBytes);
    add("memory.taken", tag.takenCurrentBytes);
    add("memory.taken_peak", tag.takenPeakBytes);
    add("memory.taken_allocated", tag.takenAllocatedBytes);
    add("memory.taken_freed", tag.takenFreedBytes);
    add("allocations", tag.allocations);
    add("frees", tag.frees);
    add("failures", tag.failures);
    add("blocks.live", tag.liveBlocks);
    if (tag.shortLived !== undefined) add("blocks.short_lived", tag.shortLived);
    for (const { upTo, allocations, liveBlocks } of tag.sizeClasses ?? []) {
      const sized = { ...attributes, "heapwright.size_class": upTo };
      found.push(["heapwright.size_classes.allocations", sized, allocations]);
      found.push(["heapwright.size_classes.live", sized, liveBlocks]);
    }
  }
  const add = (metric: string, value: number) =>
    found.push([`heapwright.${metric}`, { "heapwright.heap": heap }, value]);
  add("memory.capacity", totals.capacity);
  add("memory.free", totals.free);
  add("memory.largest_free", totals.largestFree);
  add("memory.fragmentation", totals.fragmentation);
  add("memory.heap_peak", totals.peakBytes);
  add("memory.heap_taken_peak", totals.takenPeakBytes);
  return found;
}

const detached: StatsSource = {
  toJSON() {
    throw new Error("detached");
  },
};

describe("observeStats", () => {
  it.each([scene, hostile, empty, vast])(
    "observes each figure of the snapshot once: $heap",
    async (snapshot) => {
      const { reader } = setUp(sourceOf(snapshot));
      expect(sorted(points(await reader.read()))).toEqual(sorted(expected(snapshot)));
    },
  );

  it("observes a heap while it works, each time as it is then", async () => {
    const { heap, work } = workedHeap();
    const { reader } = setUp(heap.stats);
    for (let each = 0; each < 3; each++) {
      expect(sorted(points(await reader.read()))).toEqual(sorted(expected(heap.stats.toJSON())));
      work(100);
    }
  });

  it("observes several heaps, and leaves out those that throw", async () => {
    const { reader } = setUp(sourceOf(scene), detached, sourceOf(hostile), detached);
    expect(sorted(points(await reader.read()))).toEqual(sorted([scene, hostile].flatMap(expected)));
  });

  it("leaves out a heap that is detached later", async () => {
    const source = sourceOf(scene);
    const { reader } = setUp(sourceOf(empty), source);
    source.toJSON = detached.toJSON;
    expect(sorted(points(await reader.read()))).toEqual(sorted(expected(empty)));
  });

  it("describes instruments: kind, unit, description, integers", async () => {
    const { reader } = setUp(sourceOf(hostile));
    const kinds = new Map<string, string>();
    for (const { descriptor, dataPointType } of await reader.read()) {
      const { name, type, unit, description, valueType } = descriptor as typeof descriptor & {
        type?: InstrumentType;
      };
      kinds.set(name.slice("heapwright.".length), `${type} ${unit} ${valueType}`);
      expect(description.length).toBeGreaterThan(8);
      expect(dataPointType).toBe(
        type === InstrumentType.OBSERVABLE_GAUGE ? DataPointType.GAUGE : DataPointType.SUM,
      );
    }
    const counter = InstrumentType.OBSERVABLE_COUNTER;
    const upDown = InstrumentType.OBSERVABLE_UP_DOWN_COUNTER;
    const gauge = InstrumentType.OBSERVABLE_GAUGE;
    expect(Object.fromEntries(kinds)).toEqual({
      "memory.used": `${upDown} By 0`,
      "memory.peak": `${gauge} By 0`,
      "memory.allocated": `${counter} By 0`,
      "memory.freed": `${counter} By 0`,
      "memory.taken": `${upDown} By 0`,
      "memory.taken_peak": `${gauge} By 0`,
      "memory.taken_allocated": `${counter} By 0`,
      "memory.taken_freed": `${counter} By 0`,
      allocations: `${counter} {block} 0`,
      frees: `${counter} {block} 0`,
      failures: `${counter} {request} 0`,
      "blocks.live": `${upDown} {block} 0`,
      "blocks.short_lived": `${counter} {block} 0`,
      "size_classes.allocations": `${counter} {block} 0`,
      "size_classes.live": `${upDown} {block} 0`,
      "memory.capacity": `${upDown} By 0`,
      "memory.free": `${upDown} By 0`,
      "memory.largest_free": `${gauge} By 0`,
      "memory.fragmentation": `${gauge} 1 1`,
      "memory.heap_peak": `${gauge} By 0`,
      "memory.heap_taken_peak": `${gauge} By 0`,
    });
  });

  it("has no name which is the namespace of another, nor of an attribute", async () => {
    const { reader } = setUp(sourceOf(hostile));
    const names = (await reader.read()).map(({ descriptor }) => descriptor.name);
    const all = [...names, "heapwright.heap", "heapwright.tag", "heapwright.size_class"];
    for (const name of all) expect(all.filter((other) => other.startsWith(`${name}.`))).toEqual([]);
    expect(new Set(all).size).toBe(all.length);
  });

  it("takes one snapshot per collection, and the next one the next time", async () => {
    const toJSON = vi.fn(() => scene);
    const { reader } = setUp({ toJSON });
    toJSON.mockClear();
    await reader.read();
    expect(toJSON).toHaveBeenCalledTimes(1);
    const tags = scene.tags.map((tag) => ({ ...tag, currentBytes: tag.currentBytes + 7 }));
    toJSON.mockReturnValue({ ...scene, tags });
    expect(sorted(points(await reader.read()))).toEqual(sorted(expected({ ...scene, tags })));
  });

  it("stops: sources are asked no more, and what they would say is not told", async () => {
    const toJSON = vi.fn(() => scene);
    const { reader, stop } = setUp({ toJSON });
    stop();
    toJSON.mockClear();
    expect(points(await reader.read())).toEqual([]);
    expect(toJSON).not.toHaveBeenCalled();
    stop();
  });

  it("stopped after a collection: the SDK, which accumulates, goes on to say what it knew", async () => {
    const toJSON = vi.fn(() => scene);
    const { reader, stop } = setUp({ toJSON });
    await reader.read();
    stop();
    toJSON.mockReturnValue({ ...scene, heap: "another" }).mockClear();
    expect(sorted(points(await reader.read()))).toEqual(sorted(expected(scene)));
    expect(toJSON).not.toHaveBeenCalled();
  });

  it("removes what it added, and asks the sources no more even where the meter keeps it", () => {
    const add = vi.fn<Meter["addBatchObservableCallback"]>();
    const remove = vi.fn<Meter["removeBatchObservableCallback"]>();
    const meter: Meter = {
      createObservableCounter: (name) => ({ name }),
      createObservableUpDownCounter: (name) => ({ name }),
      createObservableGauge: (name) => ({ name }),
      addBatchObservableCallback: add,
      removeBatchObservableCallback: remove,
    };
    const toJSON = vi.fn(() => scene);
    const observe = vi.fn();
    const stop = observeStats(meter, { toJSON });
    expect(add).toHaveBeenCalledTimes(1);
    const [callback, instruments] = add.mock.calls[0];
    callback({ observe });
    expect(observe).toHaveBeenCalledTimes(expected(scene).length);
    for (const [instrument] of observe.mock.calls) expect(instruments).toContain(instrument);

    stop();
    expect(remove).toHaveBeenCalledTimes(1);
    expect(remove.mock.calls[0][0]).toBe(callback);
    expect(remove.mock.calls[0][1]).toEqual(instruments);
    toJSON.mockClear();
    callback({ observe });
    expect(toJSON).not.toHaveBeenCalled();
    expect(observe).toHaveBeenCalledTimes(expected(scene).length);
  });

  it("takes the meter of an app without an SDK", () => {
    observeStats(metrics.getMeter("test"), sourceOf(scene))();
  });

  it("refuses two heaps of one name", () => {
    expect(() => setUp(sourceOf(scene), detached, sourceOf(scene))).toThrow(
      'Two sources are of a heap named "game"',
    );
  });
});
