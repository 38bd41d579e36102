/**
 * The report as one page: no network, no other file, light and dark. Text, tables and bars are in the markup; the page's script draws
 * what has axes on both sides, sorts, and shows figures where somebody points.
 *
 * Nothing but this project's own script and style can run: the policy names their hashes. Whatever a result says is escaped besides.
 */
import type { ComparedAllocator } from "../compare.js";
import type { BenchResult } from "../json.js";
import { summarize } from "../summary.js";
import { allocatorsOf, inPalette, type Palette, paletteOf } from "./allocators.js";
import { pageAssets } from "./assets.js";
import { html, jsonMarkup, Markup } from "./markup.js";
import { methodMarkup } from "./method.js";
import { pageData } from "./plots.js";
import { sectionsOf } from "./sections.js";

function headingMarkup(
  result: BenchResult,
  allocators: readonly ComparedAllocator[],
  palette: Palette,
): Markup {
  const { bench, node, v8, platform, cores, cpu, date } = result.environment;
  const facts = [
    ["machine", `${platform}, ${cores} cores (${cpu})`],
    ["Node", `${node}, V8 ${v8}`],
    ["bench", bench],
    ["when", date],
  ];
  const { comparison } = result;
  const reference = comparison === null ? undefined : summarize(comparison).reference;
  return html`<dl class="facts">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
<ul class="who">${allocators.map(({ name: key, about, version, notes }) => {
    const { name, colour, ours } = inPalette(palette, key);
    return html`<li><svg class="swatch" aria-hidden="true"><line class="c${colour}${ours ? "" : " dashed"}" x1="0" x2="100%" y1="50%" y2="50%"/></svg> <b>${name}</b>${key === reference ? html` <em>reference</em>` : ""} <span>${about}</span> <small>${version}${notes.map((note) => html`<br>${note}`)}</small></li>`;
  })}</ul>`;
}

/** @param result as `toJson` makes it, or as it is read from a file. */
export function reportHtml(result: BenchResult): string {
  const { script, style, scriptHash, styleHash } = pageAssets();
  const allocators = allocatorsOf(result);
  const palette = paletteOf(allocators);
  const data = pageData(result, palette);
  const sections = sectionsOf(result, data, palette);
  const policy = `default-src 'none'; script-src '${scriptHash}'; style-src '${styleHash}'; base-uri 'none'; form-action 'none'`;
  const day = result.environment.date.slice(0, 10);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Heapwright bench ${day}</title>
<style>${new Markup(style)}</style>
</head>
<body>
<header>
<h1>Heapwright bench</h1>
<nav aria-label="sections">${sections.map(({ id, short }) => html`<a href="#${id}">${short}</a>`)}<a href="#method">Method</a></nav>
<button type="button" id="theme" hidden>light or dark</button>
</header>
<main>
<section id="about">${headingMarkup(result, allocators, palette)}</section>
${sections.map(({ id, title, body }) => html`<section id="${id}"><h2>${title}</h2>${body}</section>\n`)}
<section id="method"><h2>Method</h2>${methodMarkup(result)}</section>
<noscript><p class="warn">Without scripts the bars and tables are all there is; lines and maps are missing.</p></noscript>
</main>
<footer>Lines and axes are drawn by uPlot, © 2022 Leon Sorokin, under the MIT License, whose text stands in this page’s script.</footer>
<div id="tip" role="status" hidden></div>
<script type="application/json" id="data">${jsonMarkup(data)}</script>
<script>${new Markup(script)}</script>
</body>
</html>
`.text;
}
