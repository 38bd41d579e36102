/**
 * Prometheus text, read by a parser of other people's.
 *
 * The parser is lenient in what these tests hold by other means: it keeps an unknown escape as it stands, merges neighbours of the same
 * labels, takes any value, and forgets a last line without a line feed.
 */
import parse from "parse-prometheus-text-format";
import { describe, expect, it } from "vitest";
import { COUNTERS, HEAP_FIGURES, HEAP_PEAKS, SIZE_CLASS_FIGURES, type StatsSnapshot } from "./figures.js";
import { empty, HOSTILE, hostile, scene, sourceOf, vast } from "./fixtures/snapshots.js";
import { workedHeap } from "./fixtures/worked.js";
import { prometheusText } from "./index.js";

const textOf = (...snapshots: StatsSnapshot[]) => prometheusText(...snapshots.map(sourceOf));

/** `[metric, labels in order, value]` of each series. */
type Series = [metric: string, labels: Record<string, string>, value: string];

function parsed(text: string): Series[] {
  return parse(text).flatMap(({ name, metrics }) =>
    metrics.map(({ labels = {}, value }): Series => [name, labels, value]),
  );
}

/** What must be there, from the snapshot alone, names spelled out. */
function expected({ heap, totals, tags }: StatsSnapshot): Series[] {
  const series: Series[] = [];
  for (const tag of tags) {
    const labels = { heap, tag: tag.name };
    const add = (metric: string, value: number) => series.push([`heapwright_${metric}`, labels, `${value}`]);
    add("used_bytes", tag.currentBytes);
    add("peak_bytes", tag.peakBytes);
    add("allocated_bytes_total", tag.allocatedBytes);
    add("freed_bytes_total", tag.freedBytes);
    add("taken_bytes", tag.takenCurrentBytes);
    add("taken_peak_bytes", tag.takenPeakBytes);
    add("taken_allocated_bytes_total", tag.takenAllocatedBytes);
    add("taken_freed_bytes_total", tag.takenFreedBytes);
    add("allocations_total", tag.allocations);
    add("frees_total", tag.frees);
    add("failures_total", tag.failures);
    add("live_blocks", tag.liveBlocks);
    if (tag.shortLived !== undefined) add("short_lived_total", tag.shortLived);
    for (const { upTo, allocations, liveBlocks } of tag.sizeClasses ?? []) {
      const sized = { ...labels, size_class: `${upTo}` };
      series.push(["heapwright_size_class_allocations_total", sized, `${allocations}`]);
      series.push(["heapwright_size_class_live_blocks", sized, `${liveBlocks}`]);
    }
  }
  const add = (metric: string, value: number) => series.push([`heapwright_${metric}`, { heap }, `${value}`]);
  add("capacity_bytes", totals.capacity);
  add("free_bytes", totals.free);
  add("largest_free_bytes", totals.largestFree);
  add("fragmentation_ratio", totals.fragmentation);
  add("heap_peak_bytes", totals.peakBytes);
  add("heap_taken_peak_bytes", totals.takenPeakBytes);
  return series;
}

const sorted = (series: Series[]) => series.map((one) => JSON.stringify(one)).sort();

describe("prometheusText", () => {
  it.each([scene, hostile, empty, vast])("says each figure of the snapshot once: $heap", (snapshot) => {
    expect(sorted(parsed(textOf(snapshot)))).toEqual(sorted(expected(snapshot)));
  });

  it("says each figure of a heap that has worked", () => {
    const { stats } = workedHeap().heap;
    const snapshot = stats.toJSON();
    expect(snapshot.totals.failures).toBeGreaterThan(0);
    expect(sorted(parsed(prometheusText(stats)))).toEqual(sorted(expected(snapshot)));
  });

  it("says the figures of several heaps", () => {
    const all = [scene, hostile, empty, vast];
    expect(sorted(parsed(textOf(...all)))).toEqual(sorted(all.flatMap(expected)));
  });

  it("has no series twice: no two lines begin alike", () => {
    const series = textOf(scene, hostile, empty, vast)
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => line.slice(0, line.lastIndexOf(" ")));
    expect(new Set(series).size).toBe(series.length);
    expect(series).toHaveLength([scene, hostile, empty, vast].flatMap(expected).length);
  });

  it("writes nothing but what the grammar knows, escapes included", () => {
    const text = textOf(scene, hostile, empty, vast);
    expect(text.endsWith("\n")).toBe(true);
    const value = String.raw`"(?:[^"\\\n]|\\["\\n])*"`;
    const sample = new RegExp(
      String.raw`^[a-z_]+\{[a-z_]+=${value}(?:,[a-z_]+=${value})*\} [0-9]+(?:\.[0-9]+(?:e-[0-9]+)?)?$`,
    );
    for (const line of text.slice(0, -1).split("\n")) {
      expect(line).toMatch(line.startsWith("#") ? /^# (HELP|TYPE) heapwright_[a-z_]+ [^\\]+$/ : sample);
    }
  });

  it("escapes backslash, quote and line feed, and nothing else", () => {
    const text = textOf(hostile);
    const heap = String.raw`heap="heap \"\\\n1\""`;
    expect(text).toContain(`heapwright_frees_total{${heap},tag="say \\"hi\\""} 1\n`);
    expect(text).toContain(`heapwright_frees_total{${heap},tag="C:\\\\temp\\\\new"} 1\n`);
    expect(text).toContain(`heapwright_frees_total{${heap},tag="two\\nlines"} 1\n`);
    expect(text).toContain(`heapwright_frees_total{${heap},tag="carriage\rreturn\ttab"} 1\n`);
    for (const name of HOSTILE.filter((name) => !/["\\\n]/.test(name))) {
      expect(text).toContain(`heapwright_frees_total{${heap},tag="${name}"} 1\n`);
    }
  });

  it("has HELP, TYPE and then all series of a family, each family once", () => {
    const lines = textOf(scene, hostile, empty, vast).split("\n").slice(0, -1);
    const order: string[] = [];
    for (const line of lines) {
      const [, kind, name] = /^(?:# (HELP|TYPE) )?(heapwright_[a-z_]+)/.exec(line)!;
      const entry = `${kind ?? "series"} ${name}`;
      if (order.at(-1) !== entry) order.push(entry);
    }
    const metrics = [...COUNTERS, ...SIZE_CLASS_FIGURES, ...HEAP_FIGURES, ...HEAP_PEAKS].map(
      ({ prometheus }) => `heapwright_${prometheus}`,
    );
    expect(order).toEqual(metrics.flatMap((name) => [`HELP ${name}`, `TYPE ${name}`, `series ${name}`]));
  });

  it("gives the types: a counter is what is called total", () => {
    for (const { name, type, help } of parse(textOf(hostile))) {
      expect([name, type]).toEqual([name, name.endsWith("_total") ? "COUNTER" : "GAUGE"]);
      expect(help.length).toBeGreaterThan(8);
    }
  });

  it("writes figures in full up to 2^53", () => {
    expect(textOf(vast)).toContain('heapwright_capacity_bytes{heap="vast"} 9007199254740991\n');
  });

  it("leaves out families nothing is counted for", () => {
    expect(textOf(scene)).not.toMatch(/short_lived|size_class/);
    expect(textOf(empty)).not.toContain("used_bytes");
    expect(prometheusText()).toBe("");
  });

  it("refuses two heaps of one name", () => {
    expect(() => textOf(scene, empty, { ...empty, heap: "game" })).toThrow(
      'Two sources are of a heap named "game": their figures could not be told apart. Pass each heap once, and give each ' +
        "heap a name of its own, createHeap({ name }).",
    );
  });

  it("lets the error of a source through", () => {
    const detached = {
      toJSON(): StatsSnapshot {
        throw new Error("detached");
      },
    };
    expect(() => prometheusText(sourceOf(scene), detached)).toThrow("detached");
  });
});
