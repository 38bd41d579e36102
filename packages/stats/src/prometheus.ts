/**
 * Statistics as Prometheus scrapes them: text exposition format 0.0.4.
 *
 *     # HELP heapwright_used_bytes Bytes asked for by the blocks that live
 *     # TYPE heapwright_used_bytes gauge
 *     heapwright_used_bytes{heap="game",tag=""} 100
 *     heapwright_used_bytes{heap="game",tag="scene/mesh"} 1500000
 *     ...
 *     # HELP heapwright_capacity_bytes Bytes of the heap's area
 *     # TYPE heapwright_capacity_bytes gauge
 *     heapwright_capacity_bytes{heap="game"} 16777216
 */
import { requireDistinct } from "./distinct.js";
import {
  COUNTERS,
  type Figure,
  HEAP_FIGURES,
  HEAP_PEAKS,
  SIZE_CLASS_FIGURES,
  type StatsSource,
} from "./figures.js";

/** What one series of each figure is of: its labels as text, and where the figures are. */
interface Row<Name extends string> {
  readonly labels: string;
  readonly figures: { readonly [Key in Name]?: number };
}

/**
 * The figures of heaps in the text exposition format of Prometheus, 0.0.4; serve it as `text/plain; version=0.0.4`.
 *
 * A series per figure and tag, labels `heap` and `tag` (`""` for requests without one), and one per figure of the heap, label `heap`
 * only. Bytes and counts, as integers of full precision. Figures which are not counted are left out.
 *
 * Cost: O(tags), and O(tags * size classes) where those are counted.
 *
 * @param sources `heap.stats` of each heap.
 * @returns Lines that each end with a line feed; nothing where there is no source.
 * @throws Error if two heaps have the same name, for their series would clash; and whatever a source throws: half a text would look
 * like tags that went away.
 */
export function prometheusText(...sources: readonly StatsSource[]): string {
  const snapshots = sources.map((source) => source.toJSON());
  requireDistinct(snapshots);
  const ofTags = snapshots.flatMap(({ heap, tags }) =>
    tags.map((tag) => ({ labels: labelText({ heap, tag: tag.name }), figures: tag })),
  );
  const ofSizes = snapshots.flatMap(({ heap, tags }) =>
    tags.flatMap(({ name, sizeClasses = [] }) =>
      sizeClasses.map((sizes) => ({
        labels: labelText({ heap, tag: name, size_class: `${sizes.upTo}` }),
        figures: sizes,
      })),
    ),
  );
  const ofHeaps = snapshots.map(({ heap, totals }) => ({ labels: labelText({ heap }), figures: totals }));
  return [
    ...families(COUNTERS, ofTags),
    ...families(SIZE_CLASS_FIGURES, ofSizes),
    ...families(HEAP_FIGURES, ofHeaps),
    ...families(HEAP_PEAKS, ofHeaps),
  ].join("");
}

/** Per figure, all its series, which the format wants together. */
function families<Name extends string>(
  figures: readonly Figure<Name>[],
  rows: readonly Row<Name>[],
): string[] {
  return figures.map(({ name, prometheus, description, type }) => {
    const metric = `heapwright_${prometheus}`;
    const series = rows
      .filter((row) => row.figures[name] !== undefined)
      .map((row) => `${metric}{${row.labels}} ${row.figures[name]}\n`);
    if (series.length === 0) return "";
    return `# HELP ${metric} ${description}\n# TYPE ${metric} ${type}\n${series.join("")}`;
  });
}

function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${value.replace(/[\\"]/g, "\\$&").replace(/\n/g, "\\n")}"`)
    .join(",");
}
