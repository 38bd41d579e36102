/** The sections with the plots of what allocators are compared by; undefined where the measure has nothing to show. */
import type { BenchResult } from "../json.js";
import { repeatsText } from "../report/time.js";
import type { Palette } from "./allocators.js";
import { html } from "./markup.js";
import { spacePanels } from "./other-panels.js";
import type { PageData } from "./page-data.js";
import { grid, plot, type Section, section } from "./section.js";
import { numberCell, plainNumber, tableMarkup } from "./tables.js";
import { timePanels } from "./time-panels.js";

export function timeSection({ comparison, effort }: BenchResult, palette: Palette): Section | undefined {
  const panels = comparison === null ? [] : timePanels(comparison, palette);
  if (comparison === null || panels.length === 0) return undefined;
  return section(
    "time",
    "Time per operation",
    comparison.complete,
    html`<p>Median over ${repeatsText(effort)} of a replay's time per operation. Whiskers are half the interquartile range of the processes’ medians to each side; × is how many times as long as the reference. Shorter is better. A bar that is cut leaves its axis.</p>`,
    grid(panels),
  );
}

export function liveSection({ live, effort }: BenchResult, { live: plots }: PageData): Section | undefined {
  if (live === null || plots.length === 0) return undefined;
  return section(
    "live",
    "Cost against live blocks",
    live.complete,
    html`<p>Random replace: so many blocks of 8 to 1000 bytes are alive, and a step frees one and makes another. <i>learned</i> is the same 512 steps over and over, <i>random</i> a million that a round does not get through. Median over ${repeatsText({ ...effort, processes: effort.liveProcesses })}. Both axes are logarithmic.</p>`,
    html`<div class="plots">${plots.map(({ pattern }, i) =>
      plot("live", i, pattern, `Nanoseconds per operation over live blocks, ${pattern}`),
    )}</div>`,
  );
}

export function latencySection({ latency }: BenchResult, { latency: plots }: PageData): Section | undefined {
  if (latency === null || plots.length === 0) return undefined;
  const { pooled, clock, shared } = latency;
  const rows = [
    ...pooled.filter(({ samples }) => samples > 0),
    { allocator: "clock alone", all: clock, samples: clock.samples, repeatable: undefined, traces: [] },
  ].map(({ allocator, all, repeatable, samples, traces }) => [
    allocator,
    ...[all.p50, all.p99, all.p999, all.p9999, all.max, repeatable?.p9999, repeatable?.max].map((value) =>
      numberCell(value, plainNumber),
    ),
    numberCell(samples, plainNumber),
    traces.length === 0 ? "" : `${traces.length} of ${shared.length}`,
  ]);
  return section(
    "latency",
    "Latency of single operations",
    latency.complete,
    html`<p>Every operation timed alone, over ${shared.join(", ")}. Each sample holds one reading of the clock, which is drawn as well, not subtracted. <i>Repeatable</i> is each operation’s fastest sample over the replays: the rest of the tail is the machine’s.</p>
<div class="choice" role="group" aria-label="samples"><button type="button" data-show="all" aria-pressed="true">all samples</button><button type="button" data-show="repeatable" aria-pressed="false">repeatable</button></div>`,
    plot(
      "latency",
      0,
      "Percentiles",
      "Nanoseconds that a share of the operations does not exceed, by allocator",
    ),
    tableMarkup(
      "latency-table",
      "Nanoseconds",
      [
        "allocator",
        "p50",
        "p99",
        "p99.9",
        "p99.99",
        "max",
        "repeatable p99.99",
        "repeatable max",
        "operations",
        "traces",
      ],
      rows,
    ),
  );
}

export function spaceSection({ space }: BenchResult, palette: Palette): Section | undefined {
  const panels = space === null ? [] : spacePanels(space, palette);
  if (space === null || panels.length === 0) return undefined;
  return section(
    "space",
    "Utilisation",
    space.complete,
    html`<p>The most bytes the trace has alive, in percent of the smallest region in which it completes; longer is better. And over how many times those bytes the blocks extend where there is room.</p>`,
    grid(panels),
  );
}

export function footprintSection(
  { timeline }: BenchResult,
  { footprint: plots }: PageData,
): Section | undefined {
  if (timeline === null || plots.length === 0) return undefined;
  return section(
    "footprint",
    "Footprint over time",
    timeline.complete,
    html`<p>Over how many bytes the blocks have extended by and by, in ample memory; the area is what the program has alive. Who needs far more than the others leaves the plot; the legend tells the bytes.</p>`,
    html`<div class="plots">${plots.map(({ trace }, i) => plot("footprint", i, trace, `Bytes over operations, ${trace}`))}</div>`,
  );
}

export function mapSection({ timeline }: BenchResult, { map: plots }: PageData): Section | undefined {
  if (timeline === null || plots.length === 0) return undefined;
  return section(
    "map",
    "Heap map over time",
    timeline.complete,
    html`<p>What lies where while the trace runs, in a memory little larger than its peak: addresses upwards, operations to the right. <i>Never used</i> is memory that no block has been in yet; <i>free</i> was in use before, or is between blocks. <i>By block size</i>: the size of the blocks that hold most of the place.</p>
<div class="choice" role="group" aria-label="colours"><button type="button" data-show="state" aria-pressed="true">by state</button><button type="button" data-show="sizes" aria-pressed="false">by block size</button></div>
<div class="key" id="map-key"></div>`,
    html`<div class="plots three">${plots.map(({ trace, allocator }, i) =>
      plot(
        "map",
        i,
        html`${allocator} <span class="unit">on ${trace}</span>`,
        `Heap map of ${allocator} on ${trace}`,
      ),
    )}</div>`,
  );
}
