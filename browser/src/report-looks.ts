/** What a report shows, looked at in its page: both functions are sent there, so they use nothing from outside of themselves. */

export interface Plot {
  readonly name: string;
  readonly kind: string;
  /** How many colours there are, near shades as one. */
  readonly colours: number;
  /** Colours of the legend that are nowhere in the plot; a line that lies under others all the way is none of them. */
  readonly missing: readonly string[];
}

/** Every plot of the page, lines and maps by their pixels, bars by their marks. */
export function drawnIn(): Plot[] {
  const near = 24;
  const rgb = (text: string): number[] => (text.match(/\d+/g) ?? []).slice(0, 3).map(Number);
  const canvases = [...document.querySelectorAll<HTMLElement>("[data-plot]")].map((place): Plot => {
    const kind = place.dataset.plot ?? "";
    const name = `${kind} ${place.querySelector("figcaption")?.textContent}`;
    const canvas = place.querySelector("canvas");
    const over = place.querySelector(".u-over");
    const context = canvas?.getContext("2d");
    if (!canvas || !context || !over) return { name, kind, colours: 0, missing: ["canvas"] };
    const [outer, inner] = [canvas.getBoundingClientRect(), over.getBoundingClientRect()];
    const scale = canvas.width / outer.width;
    const at = [inner.left - outer.left, inner.top - outer.top, inner.width, inner.height].map((each) =>
      Math.round(each * scale),
    ) as [number, number, number, number];
    const { data } = context.getImageData(...at);
    const counts = new Map<number, number>();
    for (let i = 0; i < data.length; i += 4) {
      if (data[i + 3] < 200) continue;
      const shade = ((data[i] >> 4) << 8) | ((data[i + 1] >> 4) << 4) | (data[i + 2] >> 4);
      counts.set(shade, (counts.get(shade) ?? 0) + 1);
    }
    const has = (colour: readonly number[]): boolean => {
      for (let i = 0; i < data.length; i += 4) {
        if (data[i + 3] < 200) continue;
        if ([0, 1, 2].every((k) => Math.abs(data[i + k] - colour[k]) <= near)) return true;
      }
      return false;
    };
    const series = [...place.querySelectorAll<HTMLElement>(".u-legend .u-series")].slice(1);
    const missing = series
      .filter((row) => {
        const marker = row.querySelector(".u-marker");
        return marker !== null && !has(rgb(getComputedStyle(marker).borderTopColor));
      })
      .map((row) => row.textContent ?? "");
    // A map has at least two colours that cover much; lines are thin.
    const least = kind === "map" ? 0.02 * (data.length / 4) : 10;
    return { name, kind, colours: [...counts.values()].filter((count) => count >= least).length, missing };
  });
  const bars = [...document.querySelectorAll<HTMLElement>(".panel")].map((panel): Plot => {
    const name = `bars ${panel.closest("section")?.id} ${panel.querySelector("figcaption")?.textContent}`;
    const marks = [...panel.querySelectorAll<SVGGraphicsElement>(".bar")];
    const seen = marks.filter((mark) => {
      const { width, height } = mark.getBoundingClientRect();
      return width > 0.5 && height > 4 && getComputedStyle(mark).fill.startsWith("rgb");
    });
    const missing =
      marks.length === seen.length ? [] : [`${marks.length - seen.length} of ${marks.length} bars`];
    return { name, kind: "bars", colours: seen.length === 0 ? 0 : 2, missing };
  });
  return [...canvases, ...bars];
}

/** What lies over something else, or sticks out of its place. */
export function overlapsIn(): string[] {
  const found: string[] = [];
  const box = (element: Element): DOMRect => element.getBoundingClientRect();
  const say = (what: string, element: Element): number =>
    found.push(`${what}: ${element.closest("section")?.id}: ${element.textContent?.slice(0, 60)}`);
  if (document.documentElement.scrollWidth > innerWidth)
    found.push(`the page is ${document.documentElement.scrollWidth} wide`);
  for (const row of document.querySelectorAll(".row:not(.axis)")) {
    const parts = [...row.children];
    for (const [i, part] of parts.entries()) {
      const next = parts[i + 1];
      if (next !== undefined && box(part).right > box(next).left + 0.5) say("over the next", row);
      if (part.tagName === "SPAN" && part.className !== "name" && part.scrollWidth > part.clientWidth + 1)
        say("cut", part);
    }
    const figure = row.closest("figure");
    if (figure && box(row).right > box(figure).right) say("out of its figure", row);
  }
  for (const axis of document.querySelectorAll(".axis")) {
    const texts = [...axis.querySelectorAll("text")];
    for (const [i, text] of texts.entries())
      if (i > 0 && box(text).left < box(texts[i - 1]).right) say("over the tick before", axis);
  }
  for (const figure of document.querySelectorAll("figure")) {
    for (const inner of figure.querySelectorAll(".u-wrap, .u-legend, figcaption"))
      if (box(inner).right > box(figure).right + 0.5 || box(inner).bottom > box(figure).bottom + 0.5)
        say("out of its figure", figure);
  }
  const all = [...document.querySelectorAll("main > section")];
  for (const [i, section] of all.entries())
    if (i > 0 && box(section).top < box(all[i - 1]).bottom - 0.5) say("over the section before", section);
  return found;
}
