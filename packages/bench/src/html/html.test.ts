import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { Results } from "../json.js";
import { Counts } from "../latency/counts.js";
import { between, seeded } from "../random.js";
import { panelMarkup, ticks } from "./bars.js";
import { exampleResult, exampleResults } from "./example-result.js";
import { figureRows, notRunRows } from "./figures-list.js";
import { html, jsonMarkup, shown } from "./markup.js";
import { percentileCurve } from "./plots.js";
import { reportHtml } from "./report.js";
import { plainNumber } from "./tables.js";

const HOSTILE = `"><img src=x onerror=alert(1)></script><script>alert(2)</script>&'\u202e\n`;

describe("markup", () => {
  it("escapes all that comes from data, once", () => {
    const name = `a<b>&"c'`;
    expect(html`<i title="${name}">${name}</i>`.text).toBe(
      `<i title="a&lt;b&gt;&amp;&quot;c&#39;">a&lt;b&gt;&amp;&quot;c&#39;</i>`,
    );
    expect(html`<p>${[html`<b>${"<"}</b>`, undefined, 5]}</p>`.text).toBe("<p><b>&lt;</b>5</p>");
  });

  it("shows what is not seen, and cuts what is too long", () => {
    expect(shown("a\u202eb\nc\u0000")).toBe("a\\u202eb\\u000ac\\u0000");
    expect(shown("x".repeat(10_000))).toHaveLength(401);
  });

  it("holds data that would end its script", () => {
    const { text } = jsonMarkup({ name: HOSTILE });
    expect(text).not.toContain("<");
    expect(JSON.parse(text)).toEqual({ name: HOSTILE });
  });
});

describe("bars", () => {
  const bar = (name: string, value?: number) => ({
    ...{ name, colour: 1, figures: ["a figure"], tip: name },
    ...(value === undefined ? {} : { value, low: value * 0.9, high: value * 1.1 }),
  });
  const widths = (...values: (number | undefined)[]): number[] => {
    const bars = values.map((value, i) => bar(`b${i}`, value));
    const { text } = panelMarkup({ title: "t", unit: "u", bars });
    return [...text.matchAll(/<rect class="bar[^>]* width="([\d.]+)%"/g)].map(([, width]) => Number(width));
  };

  it("are as long as their values", () => {
    const [one, two, four] = widths(1, 2, 4);
    expect([two / one, four / one]).toEqual([expect.closeTo(2, 1), expect.closeTo(4, 1)]);
    expect(four).toBeLessThanOrEqual(100);
  });

  it("are none where there is no value", () => {
    expect(widths(1, undefined, Number.NaN)).toHaveLength(1);
  });

  it("leave the axis where one is far longer than all others", () => {
    const [, , third, far] = widths(10, 12, 20, 3000);
    expect([third > 50, far]).toEqual([true, 100]);
    expect(
      panelMarkup({ title: "", unit: "", bars: [10, 12, 20, 3000].map((v) => bar("", v)) }).text,
    ).toContain('class="cut"');
    // A floor that is far below is no reason to cut the others.
    expect(widths(1, 12, 20)[2]).toBeGreaterThan(85);
  });

  it("have round numbers on their axis", () => {
    expect(ticks(0, 100)).toEqual([0, 25, 50, 75, 100]);
    expect(ticks(-3, 8)).toEqual([0, 5]);
    expect(ticks(0, 0.7)).toEqual([0, 0.2, 0.4, 0.6]);
    expect(ticks(0, Number.NaN)).toEqual([]);
  });
});

describe("the percentile curve", () => {
  it("is that of the counts, and ends where the samples do", () => {
    const random = seeded(3);
    for (let turn = 0; turn < 50; turn++) {
      const counts = new Counts();
      const samples = between(random, 1, 3000);
      // Up to 63 a histogram keeps values as they are.
      for (let i = 0; i < samples; i++) counts.add(between(random, 1, 63));
      const xs = Array.from({ length: 33 }, (_, i) => i / 8);
      const curve = percentileCurve(counts.histogram(), xs);
      for (const [i, x] of xs.entries()) {
        if (x > Math.log10(samples) + 1e-9) expect(curve[i]).toBeNull();
        else expect(curve[i]).toBe(counts.percentiles([1 - 10 ** -x])[0]);
      }
    }
    expect(percentileCurve({ values: [], counts: [] }, [0, 1])).toEqual([null, null]);
  });
});

describe("lists", () => {
  it("numbers are short, thousands apart", () => {
    expect([1234567, 80, 3.35791, 123.456, 0.00012].map(plainNumber)).toEqual([
      "1,234,567",
      "80",
      "3.358",
      "123.5",
      "0.000",
    ]);
  });

  it("every measure is among the figures, and every cell that has none among what was not run", () => {
    const result = exampleResult();
    const measures = new Set(figureRows(result).map(({ measure }) => measure));
    expect([...measures]).toEqual([
      "time",
      "stacks",
      "live",
      "latency",
      "space",
      "timeline",
      "composition",
      "views",
      "agents",
      "threads",
    ]);
    expect(notRunRows(result).map(({ measure, who, workload }) => [measure, who, workload])).toEqual([
      ["time", "thi.ng", "lua"],
      ["time", "thi.ng", "mine"],
      ["live", "bump", "all"],
      ["space", "thi.ng", "lua"],
      ["space", "dlmalloc", "lua"],
      ["views", "views", "Float64Array"],
    ]);
  });
});

/** Ids of the sections, in their order. */
const sections = (page: string): string[] =>
  [...page.matchAll(/<section id="([a-z-]+)">/g)].map(([, id]) => id);

describe("the page", () => {
  const page = reportHtml(exampleResult());

  it("has a section for each measure", () => {
    expect(sections(page)).toEqual([
      ..."about time live latency space footprint map composition stacks views agents threads figures not-run method".split(
        " ",
      ),
    ]);
    for (const fact of [
      "1.2.3",
      "v20.0.0",
      "a processor",
      "2026-01-02T03:04:05.678Z",
      "./mine.mjs 1.0.0",
      "a note",
    ])
      expect(page).toContain(fact);
  });

  const others: readonly (readonly [keyof Results, readonly string[]])[] = [
    ["comparison", ["time"]],
    ["live", ["live"]],
    ["latency", ["latency"]],
    ["space", ["space"]],
    ["timeline", ["footprint", "map"]],
    ["composition", ["composition"]],
    ["stacks", ["stacks"]],
    ["views", ["views"]],
    ["agents", ["agents"]],
    ["threads", ["threads"]],
  ];
  it.each(others)("without %s has no such section, and says so", (measure, ids) => {
    const { [measure]: _, ...rest } = exampleResults();
    const without = reportHtml(exampleResult(rest));
    expect(sections(without)).toEqual(sections(page).filter((id) => !ids.includes(id)));
    expect(without).toMatch(new RegExp(`not come to: ${measure === "comparison" ? "time" : measure}\\.`));
  });

  it("of nothing is a page all the same", () => {
    expect(sections(reportHtml(exampleResult({})))).toEqual(["about", "not-run", "method"]);
  });

  it("a measure in which all failed has no empty plots", () => {
    const { timeline, comparison } = exampleResults();
    const fail = <Cell extends object>(cell: Cell) => ({
      ...cell,
      status: "not run" as const,
      reason: "failed",
      detail: "failed",
    });
    const failed = reportHtml(
      exampleResult({
        comparison: { ...comparison, cells: comparison.cells.map(fail) },
        timeline: { ...timeline, cells: timeline.cells.map(fail) },
      }),
    );
    expect(sections(failed)).toEqual(["about", "not-run", "method"]);
  });

  it("interrupted says so", () => {
    const { space } = exampleResults();
    expect(page).not.toContain("Interrupted");
    expect(reportHtml(exampleResult({ space: { ...space, complete: false } }))).toContain("Interrupted");
  });

  it("needs no other file, and names the only script and style that may run", () => {
    const markup = page.replace(/<script>[\s\S]*?<\/script>/, "");
    expect(markup.match(/\b(src|srcset|action|background)=|href="(?!#)|@import|url\(/)).toBeNull();
    const hash = (text: string): string => `sha256-${createHash("sha256").update(text).digest("base64")}`;
    const policy = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(page)?.[1] ?? "";
    const scripts = [...page.matchAll(/<script>([\s\S]*?)<\/script>/g)];
    const styles = [...page.matchAll(/<style>([\s\S]*?)<\/style>/g)];
    expect([scripts.length, styles.length]).toEqual([1, 1]);
    const quote = (text: string): string => `&#39;${text}&#39;`;
    expect(policy.split("; ")).toEqual([
      `default-src ${quote("none")}`,
      `script-src ${quote(hash(scripts[0][1]))}`,
      `style-src ${quote(hash(styles[0][1]))}`,
      `base-uri ${quote("none")}`,
      `form-action ${quote("none")}`,
    ]);
    expect(scripts[0][1]).toContain("Permission is hereby granted, free of charge");
  });

  it("names in a result cannot write markup", () => {
    const text = JSON.stringify(exampleResults());
    // Every text of the result that is anybody's.
    const hostile = JSON.parse(text, (key, value: unknown) =>
      ["name", "allocator", "trace", "about", "version", "reason", "detail", "stack", "what"].includes(key) &&
      typeof value === "string"
        ? `${value}${HOSTILE}`
        : value,
    ) as Results;
    const made = reportHtml(exampleResult(hostile));
    expect(made.match(/<script/g)).toHaveLength(2);
    expect(made).not.toContain("<img");
    expect(made).not.toMatch(/"[^"<>]*"><img/);
    expect(sections(made)).toEqual(sections(page));
    expect(made).toContain("&lt;img src=x onerror=alert(1)&gt;");
  });
});
