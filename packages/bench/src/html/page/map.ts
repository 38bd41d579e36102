/** A heap map: a picture with a pixel for each cell, stretched over the plot, and what is under the pointer in words. */
import type uPlot from "uplot";
import { CELLS, PARTS, SIZE_CLASSES } from "../../timeline/heap-map.js";
import type { MapPlot } from "../page-data.js";
import { axis, chart, type Drawn, mebibytes, short, whole } from "./chart.js";
import { mibSplits } from "./footprint.js";
import { colour, rgb } from "./theme.js";

type Colour = readonly [number, number, number];

function bytes(count: number): string {
  return count >= 1024 ? `${count / 1024} KiB` : `${count} B`;
}

/** Classes from 1. */
function sizeName(sizeClass: number): string {
  return sizeClass > SIZE_CLASSES.length
    ? `over ${bytes(SIZE_CLASSES[SIZE_CLASSES.length - 1])}`
    : `to ${bytes(SIZE_CLASSES[sizeClass - 1])}`;
}

interface Shares {
  readonly used: number;
  readonly page: number;
}

function sharesOf(cell: string): Shares {
  const code = CELLS.indexOf(cell);
  return { used: Math.floor(code / (PARTS + 1)) / PARTS, page: (code % (PARTS + 1)) / PARTS };
}

/** Shares are rounded up, so two may make more than the whole. */
function mixed({ used, page }: Shares, free: Colour, usedColour: Colour, pageColour: Colour): Colour {
  const whole = Math.max(1, used + page);
  const rest = 1 - (used + page) / whole;
  const mix = (i: number): number => free[i] * rest + (usedColour[i] * used + pageColour[i] * page) / whole;
  return [mix(0), mix(1), mix(2)];
}

/** A column of pixels for each column of the map, the highest address on top. */
function picture({ at, bins, state, sizes }: MapPlot, bySize: boolean): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = at.length;
  canvas.height = bins;
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  const image = context.createImageData(at.length, bins);
  const [never, free, used, page] = ["never", "free", "used", "page"].map(rgb);
  const classes = [...SIZE_CLASSES, 0].map((_, i) => rgb(`s${i + 1}`));
  const wasUsed = new Uint8Array(bins);
  for (let column = 0; column < at.length; column++) {
    for (let bin = 0; bin < bins; bin++) {
      const cell = state[column][bin];
      if (cell !== "0") wasUsed[bin] = 1;
      const empty = wasUsed[bin] === 0 ? never : free;
      const sizeClass = Number(sizes[column][bin]);
      const sized = sizeClass === 0 ? empty : classes[sizeClass - 1];
      const pixel = bySize ? sized : cell === "0" ? empty : mixed(sharesOf(cell), free, used, page);
      image.data.set([...pixel, 255], 4 * ((bins - 1 - bin) * at.length + column));
    }
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

function words({ at, bins, bytes: all, state, sizes }: MapPlot, left: number, top: number): string {
  const column = Math.min(at.length - 1, Math.max(0, Math.floor(left * at.length)));
  const bin = Math.min(bins - 1, Math.max(0, Math.floor((1 - top) * bins)));
  const { used, page } = sharesOf(state[column][bin]);
  const sizeClass = Number(sizes[column][bin]);
  const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;
  return (
    `after ${whole(at[column])} operations, at ${mebibytes((bin * all) / bins)}: ` +
    `up to ${percent(used)} used, ${percent(page)} page runs` +
    `${sizeClass === 0 ? "" : `; most in blocks ${sizeName(sizeClass)}`}`
  );
}

export function drawMap(place: HTMLElement, plot: MapPlot, bySize: boolean): Drawn {
  const { at, bytes: all } = plot;
  const readout = place.querySelector<HTMLElement>(".readout");
  const drawing = picture(plot, bySize);
  const paint = ({ ctx, bbox }: uPlot): void => {
    ctx.save();
    ctx.imageSmoothingEnabled = false;
    ctx.drawImage(drawing, bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.restore();
  };
  const tell = ({ cursor: { left = -1, top = -1 }, over }: uPlot): void => {
    if (readout === null) return;
    const inside = left >= 0 && top >= 0;
    readout.textContent = inside
      ? words(plot, left / over.clientWidth, top / over.clientHeight)
      : `${mebibytes(all)} of memory, ${plot.bins} places at ${at.length} times`;
  };
  return chart(
    place,
    {
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, points: { show: false } },
      scales: { x: { time: false, range: () => [0, at[at.length - 1]] }, y: { range: () => [0, all] } },
      axes: [
        axis("operations", 28, { grid: { show: false }, values: (_, splits) => splits.map(short) }),
        axis("address, MiB", 40, {
          grid: { show: false },
          splits: () => mibSplits(all),
          values: (_, splits) => splits.map((value) => String(value / 2 ** 20)),
        }),
      ],
      series: [{}, { show: true, paths: () => null, points: { show: false } }],
      hooks: { drawClear: [paint], setCursor: [tell], ready: [tell] },
    },
    [[...at], at.map(() => all)],
  );
}

/** What the colours mean. */
export function drawMapKey(key: HTMLElement, bySize: boolean): void {
  const entries = bySize
    ? [...SIZE_CLASSES, 0].map((_, i) => [`s${i + 1}`, sizeName(i + 1)] as const)
    : ([
        ["used", "used"],
        ["page", "page run"],
      ] as const);
  key.replaceChildren(
    ...[...entries, ["free", "free"] as const, ["never", "never used"] as const].map(([name, text]) => {
      const entry = document.createElement("span");
      const swatch = document.createElement("i");
      swatch.style.background = colour(name);
      entry.append(swatch, text);
      return entry;
    }),
  );
}
