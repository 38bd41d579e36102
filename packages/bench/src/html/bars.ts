/**
 * Panels of horizontal bars, as markup: a row has a name, a bar from zero with a whisker, and figures. Widths are percentages in SVG, so that
 * bars are as wide as the page has room for and text keeps its size.
 */
import { html, type Markup } from "./markup.js";

export interface Bar {
  readonly name: string;
  /** Number of a colour. */
  readonly colour: number;
  /** Missing: `figures` say why. */
  readonly value?: number;
  /** Ends of the whisker. */
  readonly low?: number;
  readonly high?: number;
  /** Beside the bar: at most two. */
  readonly figures: readonly string[];
  /** More, where somebody points. */
  readonly tip: string;
}

export interface Panel {
  readonly title: string;
  readonly unit: string;
  readonly bars: readonly Bar[];
  /** A line across all bars. */
  readonly mark?: number;
  /** Where the axis ends, if not where the data does. */
  readonly end?: number;
  /** Points with an interval, on an axis that need not begin at 0, in place of bars. */
  readonly points?: true;
}

/** A bar that is so many times as long as the next shorter one ends with the plot. */
const OUTLIER = 8;

/** The longest bar that the axis is made for. */
function longest(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const cut = sorted.findIndex((value, i) => i >= 2 && value > OUTLIER * sorted[i - 1]);
  return sorted[cut < 0 ? sorted.length - 1 : cut - 1] ?? 1;
}

/** Round numbers from `from` to `to`, some four of them. */
export function ticks(from: number, to: number): number[] {
  const rough = (to - from) / 4;
  if (!(rough > 0) || !Number.isFinite(rough)) return [];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 2.5, 5, 10].find((each) => each * power >= rough * 0.999) ?? 10);
  const first = Math.ceil(from / step - 1e-9);
  const count = Math.floor(to / step + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

interface Axis {
  readonly from: number;
  readonly to: number;
  readonly ticks: readonly number[];
  readonly at: (value: number) => string;
}

function axisOf({ bars, mark, end, points }: Panel): Axis {
  const values = bars.flatMap(({ value }) => (value === undefined ? [] : [value]));
  let from = 0;
  let to: number;
  if (points) {
    // Half of the intervals that reach furthest may leave: the others are to be told apart.
    const reach = (ends: readonly (number | undefined)[]): number[] =>
      ends.filter((each) => each !== undefined).sort((a, b) => a - b);
    const lows = reach(bars.map(({ low }) => low));
    const highs = reach(bars.map(({ high }) => high));
    from = Math.min(0, ...values, lows[lows.length >> 1] ?? 0);
    to = Math.max(mark ?? 0, ...values, highs[highs.length >> 1] ?? 0);
    const room = (to - from || 1) * 0.08;
    from -= from < 0 ? room : 0;
    to += room;
  } else {
    const most = longest(values);
    // A whisker may stick out of the longest bar, if not far.
    const whisker = Math.max(0, ...bars.map(({ value, high }) => ((value ?? 0) <= most ? (high ?? 0) : 0)));
    to = end ?? Math.max(most, mark ?? 0, Math.min(whisker, 1.3 * most)) * 1.02;
  }
  const at = (value: number): string => {
    const share = (value - from) / (to - from || 1);
    return `${(100 * Math.min(1, Math.max(0, share))).toFixed(2)}%`;
  };
  return { from, to, ticks: ticks(from, to), at };
}

function line(kind: string, x1: string, x2: string, y1: string, y2 = y1): Markup {
  return html`<line class="${kind}" x1="${x1}" x2="${x2}" y1="${y1}" y2="${y2}"/>`;
}

function marks({ value, low, high, colour }: Bar, axis: Axis, points: boolean): Markup[] {
  if (value === undefined || !Number.isFinite(value)) return [];
  const drawn: Markup[] = [];
  const whisker = (): void => {
    if (low === undefined || high === undefined || low > axis.to) return;
    drawn.push(line("whisker", axis.at(low), axis.at(high), "50%"));
    for (const end of [low, high]) {
      if (end >= axis.from && end <= axis.to)
        drawn.push(line("whisker", axis.at(end), axis.at(end), "32%", "68%"));
    }
  };
  if (points) {
    whisker();
    drawn.push(html`<circle class="bar c${colour}" cx="${axis.at(value)}" cy="50%" r="4.5"/>`);
    return drawn;
  }
  drawn.push(
    html`<rect class="bar c${colour}" x="0" y="15%" height="70%" rx="1.5" width="${axis.at(value)}"/>`,
  );
  if (value <= axis.to) whisker();
  // It goes on beyond the axis.
  else drawn.push(line("cut", "93%", "95%", "95%", "5%"), line("cut", "95.5%", "97.5%", "95%", "5%"));
  return drawn;
}

const label = (value: number): string => String(value).replace("-", "−");

export function panelMarkup(panel: Panel): Markup {
  const axis = axisOf(panel);
  const grid = axis.ticks.map((tick) =>
    line(tick === 0 ? "zero" : "grid", axis.at(tick), axis.at(tick), "0", "100%"),
  );
  const { mark } = panel;
  const across = mark === undefined ? "" : line("mark", axis.at(mark), axis.at(mark), "0", "100%");
  const columns = Math.max(...panel.bars.map(({ figures }) => figures.length));
  return html`<figure class="panel${panel.points ? " wide" : ""}">
<figcaption><b>${panel.title}</b> <span class="unit">${panel.unit}</span></figcaption>
<div class="bars f${columns}">${panel.bars.map(
    (bar) => html`
<div class="row" tabindex="0" data-tip="${bar.tip}"><span class="name">${bar.name}</span><svg role="img" aria-label="${bar.tip}">${grid}${marks(bar, axis, panel.points === true)}${across}</svg>${figureCells(bar, columns)}</div>`,
  )}
<div class="row axis"><span></span><svg aria-hidden="true">${axis.ticks.map(
    (tick) => html`<text x="${axis.at(tick)}" y="11">${label(tick)}</text>`,
  )}</svg></div>
</div></figure>`;
}

/** Where there is no bar, its reason takes the room that the figures leave. */
function figureCells({ value, figures }: Bar, columns: number): Markup[] {
  if (value === undefined && figures.length < columns)
    return [html`<span class="fig why">${figures[0]}</span>`];
  const kind = value === undefined ? "fig muted" : "fig";
  return Array.from({ length: columns }, (_, i) => html`<span class="${kind}">${figures[i]}</span>`);
}
