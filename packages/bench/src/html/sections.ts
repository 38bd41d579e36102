/** The sections of the page, in their order; undefined where there is nothing to show. */
import type { BenchResult } from "../json.js";
import { repeatsText } from "../report/time.js";
import type { Palette } from "./allocators.js";
import type { Panel } from "./bars.js";
import { figureRows, notRunRows } from "./figures-list.js";
import { html } from "./markup.js";
import { agentPanels, compositionPanels, threadsPanels, viewPanels } from "./other-panels.js";
import type { PageData } from "./page-data.js";
import {
  footprintSection,
  latencySection,
  liveSection,
  mapSection,
  spaceSection,
  timeSection,
} from "./plot-sections.js";
import { grid, type Section, section } from "./section.js";
import { numberCell, plainNumber, tableMarkup } from "./tables.js";
import { stackPanels } from "./time-panels.js";

/** Sections that are nothing but panels. */
function costSections({
  composition,
  stacks,
  views,
  agents,
  threads,
  effort,
}: BenchResult): (Section | undefined)[] {
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
    made(
      "threads",
      "Threads of a trace on one shared heap",
      threads?.complete,
      "Traces of several threads, replayed by them on one heap, beside one thread that does everything (whiskers: slowest and fastest round). Operations on one block keep their order.",
      threads === null ? [] : threadsPanels(threads),
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
    "threads",
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
