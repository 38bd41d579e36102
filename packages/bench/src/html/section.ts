/** What sections are made of. */
import { type Panel, panelMarkup } from "./bars.js";
import { type Content, html, type Markup } from "./markup.js";
import type { PageData } from "./page-data.js";

export interface Section {
  readonly id: string;
  readonly title: string;
  /** In the list of sections. */
  readonly short: string;
  readonly body: Markup;
}

const INTERRUPTED = html`<p class="warn">Interrupted: what is missing was not measured.</p>`;

const SHORT: { readonly [id: string]: string } = {
  time: "Time",
  live: "Live blocks",
  latency: "Latency",
  space: "Utilisation",
  footprint: "Footprint",
  map: "Heap map",
  composition: "Composing",
  stacks: "Plugins",
  views: "Views",
  agents: "Agents",
  threads: "Threads",
  figures: "All figures",
  "not-run": "Not run",
};

export function section(id: string, title: string, complete: boolean, ...body: Content[]): Section {
  return { id, title, short: SHORT[id] ?? title, body: html`${complete ? "" : INTERRUPTED}${body}` };
}

export const grid = (panels: readonly Panel[]): Markup =>
  html`<div class="panels${panels.length < 3 ? " few" : ""}">${panels.map(panelMarkup)}</div>`;

/** Where the script draws. */
export function plot(kind: keyof PageData, index: number, title: Content, about: string): Markup {
  return html`<figure class="plot" data-plot="${kind}" data-index="${index}"><figcaption><b>${title}</b></figcaption>
<div class="canvas" role="img" aria-label="${about}"></div><p class="readout" aria-live="off"></p></figure>`;
}
