/** The page's script: draws the plots, and what answers to a hand: tips, sorting, the choice of light and dark. */
import "uplot/dist/uPlot.min.css";
import "./colours.css";
import "./figures.css";
import "./style.css";
import "./tables.css";
import type { PageData } from "../page-data.js";
import { type Drawn, fit } from "./chart.js";
import { drawFootprint } from "./footprint.js";
import { drawLatency } from "./latency.js";
import { drawLive } from "./live.js";
import { drawMap, drawMapKey } from "./map.js";
import { withTables } from "./tables.js";
import { withTheme } from "./theme.js";
import { withTips } from "./tips.js";

const data = JSON.parse(document.getElementById("data")?.textContent ?? "{}") as PageData;

/** What is pressed of the choices in a plot's section. */
function choiceOf(place: Element): string {
  const pressed = place.closest("section")?.querySelector<HTMLElement>("[data-show][aria-pressed=true]");
  return pressed?.dataset.show ?? "";
}

function draw(place: HTMLElement): Drawn {
  const kind = place.dataset.plot as keyof PageData;
  const index = Number(place.dataset.index);
  switch (kind) {
    case "live":
      return drawLive(place, data.live[index], data.live);
    case "latency":
      return drawLatency(place, data.latency[index], choiceOf(place) === "repeatable");
    case "footprint":
      return drawFootprint(place, data.footprint[index]);
    case "map":
      return drawMap(place, data.map[index], choiceOf(place) === "sizes");
  }
}

const drawn = new Map<HTMLElement, Drawn>();

function redraw(within: ParentNode): void {
  for (const place of within.querySelectorAll<HTMLElement>("[data-plot]")) {
    drawn.get(place)?.destroy();
    drawn.set(place, draw(place));
  }
  const key = within.querySelector<HTMLElement>("#map-key");
  if (key !== null) drawMapKey(key, choiceOf(key) === "sizes");
}

function withChoices(): void {
  for (const button of document.querySelectorAll<HTMLElement>("[data-show]")) {
    button.addEventListener("click", () => {
      for (const other of button.parentElement?.children ?? [])
        other.setAttribute("aria-pressed", String(other === button));
      const section = button.closest("section");
      if (section !== null) redraw(section);
    });
  }
}

withTheme(() => redraw(document));
withChoices();
withTables();
withTips();
redraw(document);
fit(drawn);
