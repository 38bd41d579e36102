/** The sections of the page, one a measure; undefined where the measure has nothing to show. */
import type { BenchResult } from "../json.js";
import { repeatsText } from "../report/time.js";
import type { Palette } from "./allocators.js";
import { type Panel, panelMarkup } from "./bars.js";
import { figureRows, notRunRows } from "./figures-list.js";
import { type Content, html, type Markup } from "./markup.js";
import { agentPanels, compositionPanels, spacePanels, viewPanels } from "./other-panels.js";
import type { PageData } from "./page-data.js";
import { numberCell, plainNumber, tableMarkup } from "./tables.js";
import { stackPanels, timePanels } from "./time-panels.js";

export interface Section {
  readonly id: string;
  readonly title: string;
  readonly body: Markup;
}

const INTERRUPTED = html`<p class="warn">Interrupted: what is missing was not measured.</p>`;

function section(id: string, title: string, complete: boolean, ...body: Content[]): Section {
  return { id, title, body: html`${complete ? "" : INTERRUPTED}${body}` };
}

const grid = (panels: readonly Panel[]): Markup =>
  html`<div class="panels${panels.length < 3 ? " few" : ""}">${panels.map(panelMarkup)}</div>`;

/** Where the script draws. */
function plot(kind: keyof PageData, index: number, title: Content, about: string): Markup {
  return html`<figure class="plot" data-plot="${kind}" data-index="${index}"><figcaption><b>${title}</b></figcaption>
<div class="canvas" role="img" aria-label="${about}"></div><p class="readout" aria-live="off"></p></figure>`;
}

function timeSection({ comparison, effort }: BenchResult, palette: Palette): Section | undefined {
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

function liveSection({ live, effort }: BenchResult, { live: plots }: PageData): Section | undefined {
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

function latencySection({ latency }: BenchResult, { latency: plots }: PageData): Section | undefined {
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

function spaceSection({ space }: BenchResult, palette: Palette): Section | undefined {
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

function footprintSection({ timeline }: BenchResult, { footprint: plots }: PageData): Section | undefined {
  if (timeline === null || plots.length === 0) return undefined;
  return section(
    "footprint",
    "Footprint over time",
    timeline.complete,
    html`<p>Over how many bytes the blocks have extended by and by, in ample memory; the area is what the program has alive. Who needs far more than the others leaves the plot; the legend tells the bytes.</p>`,
    html`<div class="plots">${plots.map(({ trace }, i) => plot("footprint", i, trace, `Bytes over operations, ${trace}`))}</div>`,
  );
}

function mapSection({ timeline }: BenchResult, { map: plots }: PageData): Section | undefined {
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

/** Sections that are nothing but panels. */
function costSections({ composition, stacks, views, agents, effort }: BenchResult): (Section | undefined)[] {
  const made = (
    id: string,
    title: string,
    complete: boolean | undefined,
    about: string,
    panels: readonly Panel[],
  ): Section | undefined =>
    panels.length === 0
      ? undefined
      : section(id, title, complete === true, html`<p>${about}</p>`, grid(panels));
  return [
    made(
      "composition",
      "What composing costs",
      composition?.complete,
      "Paired differences of interleaved rounds, in processes that have run nothing else (fresh) and in ones that have run five other stacks. Points are medians, lines 95 % confidence intervals; those that reach far leave the axis.",
      composition === null ? [] : compositionPanels(composition),
    ),
    made(
      "stacks",
      "What plugins cost",
      stacks?.complete,
      `Nanoseconds per operation under each stack of plugins, and × as long as with none. Median over ${repeatsText(effort)}.`,
      stacks === null ? [] : stackPanels(stacks),
    ),
    made(
      "views",
      "What checked views cost",
      views?.complete,
      "Reads of a block at random indices through a view of heap.strict, which looks at each access whether the block lives and has that index, and through a plain typed array.",
      views === null ? [] : viewPanels(views),
    ),
    made(
      "agents",
      "Agents that share a heap",
      agents?.complete,
      "A larson-like workload on one heap: what all workers get done together (whiskers: slowest and fastest round), and what the shared lock costs where nobody is in the way.",
      agents === null ? [] : agentPanels(agents),
    ),
  ];
}

function figuresSection(result: BenchResult): Section | undefined {
  const rows = figureRows(result).map((row) => [
    row.measure,
    row.workload,
    row.who,
    row.figure,
    numberCell(row.value, plainNumber),
    row.unit,
    numberCell(row.spread, (value) => `${value.toFixed(0)} %`),
    numberCell(row.low, plainNumber),
    numberCell(row.high, plainNumber),
    numberCell(row.ratio, (value) => `${value.toFixed(2)}×`),
  ]);
  if (rows.length === 0) return undefined;
  const head = ["measure", "workload", "allocator", "figure", "value", "unit", "±", "low", "high", "ratio"];
  return section(
    "figures",
    "All figures",
    true,
    html`<p>Low and high: of all rounds, or of a 95 % interval. Ratio: to the reference, for bytes to the peak of live ones. A click on a column’s name sorts.</p>
<p class="filter"><label>Only rows with <input type="search" data-filter="figures-table" placeholder="lua dlmalloc"></label> <output></output></p>`,
    tableMarkup("figures-table", `${rows.length} figures`, head, rows),
  );
}

function notRunSection(result: BenchResult): Section | undefined {
  const rows = notRunRows(result).map(({ measure, workload, who, reason, detail }) => [
    measure,
    workload,
    who,
    reason,
    detail === reason ? "" : detail,
  ]);
  const measures = [
    "comparison",
    "live",
    "latency",
    "space",
    "timeline",
    "composition",
    "stacks",
    "views",
    "agents",
  ] as const;
  const left = measures
    .filter((name) => result[name] === null)
    .map((name) => (name === "comparison" ? "time" : name));
  if (rows.length + left.length === 0) return undefined;
  return section(
    "not-run",
    "What was not run, and why",
    true,
    left.length === 0 ? "" : html`<p>Not asked for in this run, or not come to: ${left.join(", ")}.</p>`,
    rows.length === 0
      ? ""
      : tableMarkup(
          "not-run-table",
          `${rows.length} not run`,
          ["measure", "workload", "allocator", "reason", "more"],
          rows,
        ),
  );
}

export function sectionsOf(result: BenchResult, data: PageData, palette: Palette): Section[] {
  return [
    timeSection(result, palette),
    liveSection(result, data),
    latencySection(result, data),
    spaceSection(result, palette),
    footprintSection(result, data),
    mapSection(result, data),
    ...costSections(result),
    figuresSection(result),
    notRunSection(result),
  ].filter((each) => each !== undefined);
}
