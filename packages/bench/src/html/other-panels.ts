/** Panels of the measures that are no time over traces. */
import type { AgentCost } from "../agents/run.js";
import type { Composition, Verdict } from "../composition/run.js";
import type { Figures } from "../figures.js";
import { signed } from "../report/composition.js";
import { nanoseconds, times } from "../report/layout.js";
import type { Space } from "../space/run.js";
import type { Interval } from "../statistics.js";
import type { ThreadsCost } from "../threads/run.js";
import type { ViewCost } from "../views/run.js";
import { inPalette, type Palette } from "./allocators.js";
import type { Bar, Panel } from "./bars.js";

const hasBars = ({ bars }: Panel): boolean => bars.some(({ value }) => value !== undefined);
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** In which share of the smallest region the trace's peak lies. */
export function spacePanels({ allocators, traces, cells }: Space, palette: Palette): Panel[] {
  return traces
    .map(({ name: trace, peakLive }): Panel => {
      const bars = allocators.flatMap(({ name }): Bar[] => {
        const cell = cells.find((each) => each.allocator === name && each.trace === trace);
        if (cell === undefined) return [];
        const place = { name, colour: inPalette(palette, name).colour };
        if (cell.status === "not run")
          return [
            { ...place, figures: [cell.reason], tip: `${name} on ${trace}: ${cell.reason}: ${cell.detail}` },
          ];
        const extent = times(cell.extent / cell.peakLive);
        const extended = `blocks extend over ${extent} the peak in ample memory`;
        if (cell.smallest === undefined) {
          const why = cell.why ?? "not found";
          const tip = `${name} on ${trace}: ${why}; ${extended}`;
          return [{ ...place, figures: [why.startsWith("too slow") ? "too slow" : "–", extent], tip }];
        }
        const share = cell.peakLive / cell.smallest;
        const tip = `${name} on ${trace}: smallest region ${cell.smallest} bytes for ${cell.peakLive} live at the peak; ${extended}`;
        return [{ ...place, value: 100 * share, figures: [percent(share), extent], tip }];
      });
      const unit = `% of smallest region, extent; peak ${Math.round(peakLive / 1024)} KiB`;
      return { title: trace, unit, bars, end: 100 };
    })
    .filter(hasBars);
}

const VERDICTS = { within: "within", over: "over", unsure: "unsure" } as const satisfies Record<
  Verdict,
  string
>;

function difference(
  name: string,
  colour: number,
  { value, low, high }: Interval,
  limit: number,
  verdict: Verdict,
  unit: string,
): Bar {
  const figures = [signed(value), VERDICTS[verdict]];
  const tip = `${name}: ${signed(value)} ns per ${unit}, 95 % interval ${signed(low)} … ${signed(high)}; limit +${limit}: ${VERDICTS[verdict]}`;
  return { name, colour, value, low, high, figures, tip };
}

export function compositionPanels({ rows }: Composition): Panel[] {
  const kinds = [...new Set(rows.map(({ what }) => what))];
  return kinds
    .map((what): Panel => {
      const own = rows.filter((row) => row.what === what);
      const bars = own.map((row) =>
        difference(
          `${row.workload}, ${row.crowded ? "after 5 stacks" : "fresh"}`,
          0,
          row.difference,
          row.limit,
          row.verdict,
          row.unit,
        ),
      );
      const unit = `ns per ${own[0].unit}, 95 % interval; the line is the limit, +${own[0].limit}`;
      return { title: what.replace(" - ", " − "), unit, bars, mark: own[0].limit, points: true };
    })
    .filter(hasBars);
}

function figuresBar(name: string, colour: number, figures: Figures, unit: string, ratio?: number): Bar {
  const { median, spreadPercent, min } = figures;
  const spread = (median * spreadPercent) / 100;
  return {
    name,
    colour,
    value: median,
    ...(Number.isFinite(spread) ? { low: median - spread, high: median + spread } : {}),
    figures: [
      `${nanoseconds(median)} ±${spreadPercent.toFixed(0)} %`,
      ratio === undefined ? "" : times(ratio),
    ],
    tip: `${name}: median ${nanoseconds(median)} ${unit} ±${spreadPercent.toFixed(0)} %, fastest round ${nanoseconds(min)}`,
  };
}

/** Plain typed arrays have the reference's colour. */
export function viewPanels({ rows }: ViewCost): Panel[] {
  return rows.flatMap((row) =>
    row.status === "not run"
      ? []
      : [
          {
            title: row.type,
            unit: "ns per read",
            bars: [
              figuresBar("typed array", 7, row.plain, "ns per read", 1),
              figuresBar("checked view", 0, row.checked, "ns per read", row.ratio.ofMedians),
            ],
          },
        ],
  );
}

export function threadsPanels({ cells, traces, stacks }: ThreadsCost): Panel[] {
  return traces
    .map(({ name: trace, operations }): Panel => {
      const bars = cells
        .filter((cell) => cell.trace === trace)
        .map((cell): Bar => {
          const name = `${cell.stack}, ${cell.threads} thread${cell.threads === 1 ? "" : "s"}`;
          const colour = Math.max(
            0,
            stacks.findIndex((stack) => stack.name === cell.stack),
          );
          if (cell.status === "not run")
            return { name, colour, figures: [cell.reason], tip: `${name}: ${cell.reason}: ${cell.detail}` };
          const { median, min, max, ratio } = cell;
          const gain = ratio === undefined ? "" : times(ratio.value);
          const tip = `${name}: ${nanoseconds(median)} million operations per second, rounds ${nanoseconds(min)} … ${nanoseconds(max)}${
            ratio === undefined
              ? ""
              : `; ${gain} what one thread gets done (${times(ratio.low)} … ${times(ratio.high)})`
          }`;
          return {
            name,
            colour,
            value: median,
            low: min,
            high: max,
            figures: [nanoseconds(median), gain],
            tip,
          };
        });
      return {
        title: `${trace}, ${operations} operations`,
        unit: "million operations per second, and × that of one thread",
        end: 1.02 * Math.max(...bars.map(({ high }) => high ?? 0)),
        bars,
      };
    })
    .filter(hasBars);
}

export function agentPanels({ cells, stacks, lock }: AgentCost): Panel[] {
  const throughput = cells.map((cell): Bar => {
    const name = `${cell.stack}, ${cell.workers} worker${cell.workers === 1 ? "" : "s"}`;
    const colour = Math.max(
      0,
      stacks.findIndex((stack) => stack.name === cell.stack),
    );
    if (cell.status === "not run")
      return { name, colour, figures: [cell.reason], tip: `${name}: ${cell.reason}: ${cell.detail}` };
    const { median, min, max, ratio } = cell;
    const gain = ratio === undefined ? "" : times(ratio.value);
    const tip = `${name}: ${nanoseconds(median)} million operations per second, rounds ${nanoseconds(min)} … ${nanoseconds(max)}${
      ratio === undefined
        ? ""
        : `; ${gain} what one worker gets done (${times(ratio.low)} … ${times(ratio.high)})`
    }`;
    return { name, colour, value: median, low: min, high: max, figures: [nanoseconds(median), gain], tip };
  });
  const locks = lock.map(({ workload, difference: each, limit, verdict }) =>
    difference(`${workload}: lock − no lock`, 0, each, limit, verdict, "operation"),
  );
  const all: Panel[] = [
    {
      title: "Throughput",
      unit: "million operations per second, and × that of one worker",
      // Longer is better: nobody is an outlier.
      end: 1.02 * Math.max(...throughput.map(({ high }) => high ?? 0)),
      bars: throughput,
    },
  ];
  if (locks.length > 0) {
    const unit = `ns per operation, 95 % interval; the line is the limit, +${lock[0].limit}`;
    all.push({
      title: "What the lock costs one agent",
      unit,
      bars: locks,
      mark: lock[0].limit,
      points: true,
    });
  }
  return all.filter(hasBars);
}
