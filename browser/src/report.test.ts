/** The bench's report as somebody opens it: a file, with no network, in both colour schemes, on a desk and on a phone. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { launch } from "./harness.js";
import { drawnIn, overlapsIn, type Plot } from "./report-looks.js";

const cli = join(
  dirname(createRequire(import.meta.url).resolve("@heapwright/bench/package.json")),
  "dist/cli.js",
);
const bench = (...args: string[]) => promisify(execFile)(process.execPath, [cli, ...args]);

/** Kept to be looked at. */
const SHOTS = fileURLToPath(new URL("../screenshots", import.meta.url));
const SECTIONS =
  "about time live latency space footprint map composition stacks views agents figures not-run method".split(
    " ",
  );

let folder: string;
let browser: Browser;
const path = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "heapwright-report-"));
  mkdirSync(SHOTS, { recursive: true });
  browser = await launch();
  // A real run, as short as it can be, with every measure.
  const measures = "time,live,latency,space,timeline,composition,stacks,views,agents";
  const scope = [
    "-t",
    "lua,pages",
    "-a",
    "hyperheap,tlsf,slab,dlmalloc,as-tlsf,bump",
    "-s",
    "fence",
    "--workers",
    "1",
  ];
  const lengths = ["--quick", "-p", "1", "-r", "2", "--live", "100,1000"];
  await bench(
    "run",
    ...lengths,
    "-m",
    measures.replace(",agents", ""),
    ...scope.slice(0, 6),
    "--html",
    path("run.html"),
    "--json",
    path("run.json"),
  );
  await bench(
    "run",
    ...lengths,
    "-m",
    "agents",
    "-a",
    "hyperheap",
    "-t",
    "lua",
    "--workers",
    "1",
    "--json",
    path("agents.json"),
  );
  const read = (name: string): object => JSON.parse(readFileSync(path(name), "utf8")) as object;
  const { agents } = read("agents.json") as { agents: unknown };
  writeFileSync(path("all.json"), JSON.stringify({ ...read("run.json"), agents }));
  await bench("report", path("all.json"), "-o", path("all.html"));
});
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

const problems: string[] = [];
const requests: string[] = [];
afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
  expect(problems.splice(0)).toEqual([]);
  // The page itself is all that is ever asked for.
  expect([...new Set(requests.splice(0).filter((url) => !url.startsWith("file:///")))]).toEqual([]);
});

async function open(name: string, colorScheme: "light" | "dark" = "light", width = 1400): Promise<Page> {
  const page = await browser.newPage({ colorScheme, viewport: { width, height: 900 } });
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(`not caught: ${error}`));
  page.on("dialog", (dialog) => {
    problems.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("request", (request) => requests.push(request.url()));
  await page.goto(pathToFileURL(path(name)).href);
  return page;
}

const sections = (page: Page): Promise<string[]> =>
  page.locator("main > section").evaluateAll((all) => all.map(({ id }) => id));

/** Plots that show too little. */
const empty = (plots: readonly Plot[]): string[] =>
  plots
    .filter(({ colours, missing }) => colours < 2 || missing.length > 0)
    .map(({ name, missing }) => `${name}: ${missing}`);

describe("the report of a run", () => {
  it("has a section for each measure, and every plot of it shows its data", async () => {
    const page = await open("all.html");
    expect(await sections(page)).toEqual(SECTIONS);
    const plots = await page.evaluate(drawnIn);
    // Two patterns, the percentiles, two traces, three strategies on each of them.
    expect(plots.filter(({ kind }) => kind !== "bars").map(({ kind }) => kind)).toEqual(
      "live live latency footprint footprint map map map map map map".split(" "),
    );
    // All, two traces; two traces; two differences; all, two traces; three types; throughput, lock.
    expect(plots.filter(({ kind }) => kind === "bars")).toHaveLength(3 + 2 + 2 + 3 + 3 + 2);
    expect(empty(plots)).toEqual([]);
  });

  it("a plot that shows nothing is seen as one", async () => {
    const page = await open("all.html");
    await page.evaluate(() => {
      for (const canvas of document.querySelectorAll("canvas"))
        canvas.getContext("2d")?.clearRect(0, 0, canvas.width, canvas.height);
      for (const bar of document.querySelectorAll("#time .bar")) bar.remove();
    });
    expect(empty(await page.evaluate(drawnIn))).toHaveLength(11 + 3);
  });

  it("without some measures has neither their sections nor empty plots", async () => {
    const page = await open("run.html");
    expect(await sections(page)).toEqual(SECTIONS.filter((id) => id !== "agents"));
    expect(empty(await page.evaluate(drawnIn))).toEqual([]);
    expect(await page.locator("#not-run").textContent()).toContain("not come to: agents");
  });

  it.each([
    ["light", 1400],
    ["dark", 1400],
    ["light", 400],
    ["dark", 400],
  ] as const)("in %s, %i wide: legible, nothing over anything else", async (scheme, width) => {
    const page = await open("all.html", scheme, width);
    expect(empty(await page.evaluate(drawnIn))).toEqual([]);
    expect(await page.evaluate(overlapsIn)).toEqual([]);
    const shot = join(SHOTS, `report-${scheme}-${width}.png`);
    await page.screenshot({ path: shot, fullPage: true });
    // Far more than a page of one colour.
    expect(statSync(shot).size).toBeGreaterThan(150_000);
  });
});

describe("a reader", () => {
  const ground = (page: Page): Promise<string> =>
    page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const pixels = (page: Page, place: string): Promise<string> =>
    page
      .locator(`${place} canvas`)
      .first()
      .evaluate((canvas) => (canvas as HTMLCanvasElement).toDataURL());

  it("chooses light and dark, and plots follow", async () => {
    const page = await open("all.html", "dark");
    const before = [await ground(page), await pixels(page, "#live")];
    await page.click("#theme");
    expect(await ground(page)).toBe("rgb(255, 255, 255)");
    expect(before).not.toContain(await pixels(page, "#live"));
    expect(empty(await page.evaluate(drawnIn))).toEqual([]);
    await page.click("#theme");
    expect([await ground(page), await pixels(page, "#live")]).toEqual(before);
    // Nobody has chosen on this one, so it follows the system.
    const other = await open("all.html", "light");
    await other.emulateMedia({ colorScheme: "dark" });
    expect(await ground(other)).toBe(before[0]);
    await expect.poll(() => pixels(other, "#live")).toBe(before[1]);
  });

  it("sorts and filters the figures", async () => {
    const page = await open("all.html");
    const column = (index: number): Promise<string[]> =>
      page.locator(`#figures-table tbody tr:not([hidden]) td:nth-child(${index})`).allInnerTexts();
    const numbers = (texts: readonly string[]): number[] =>
      texts.map((text) => Number(text.replace(/[,×%\s]/g, "")));
    const all = await column(5);
    expect(all.length).toBeGreaterThan(100);
    await page.click("#figures-table th:nth-child(5) button");
    const up = numbers(await column(5));
    expect(up).toEqual([...numbers(all)].sort((a, b) => a - b));
    await page.click("#figures-table th:nth-child(5) button");
    expect(numbers(await column(5))).toEqual([...up].reverse());
    // Not every figure has a ratio: those are last both ways.
    for (const _ of ["up", "down"]) {
      await page.click("#figures-table th:nth-child(10) button");
      const ratios = await column(10);
      expect([ratios[0] === "", ratios.at(-1)]).toEqual([false, ""]);
    }
    await page.click("#figures-table th:nth-child(1) button");
    const names = await column(1);
    expect(names).toEqual([...names].sort());
    expect(await page.locator("#figures-table th[aria-sort]").count()).toBe(1);
    await page.fill("[data-filter]", "lua DLMALLOC");
    for (const name of await column(3)) expect(name).toBe("dlmalloc");
    expect((await column(3)).length).toBeLessThan(all.length);
    expect(await page.locator(".filter output").textContent()).toBe(
      `${(await column(3)).length} of ${all.length}`,
    );
  });

  it("chooses what plots show", async () => {
    const page = await open("all.html");
    for (const [section, choice] of [
      ["#latency", "repeatable"],
      ["#map", "sizes"],
    ] as const) {
      const before = await pixels(page, section);
      const key = await page.locator(section).textContent();
      await page.click(`${section} [data-show=${choice}]`);
      expect(await pixels(page, section)).not.toBe(before);
      expect(empty(await page.evaluate(drawnIn))).toEqual([]);
      if (section === "#map") expect(await page.locator(section).textContent()).not.toBe(key);
      expect(await page.locator(`${section} [aria-pressed=true]`).getAttribute("data-show")).toBe(choice);
    }
  });

  it("reads figures where it points", async () => {
    const page = await open("all.html");
    const tip = page.locator("#tip");
    expect(await tip.isVisible()).toBe(false);
    await page.locator("#time .row").first().hover();
    expect(await tip.textContent()).toMatch(/^hyperheap: [\d.]+× as long as dlmalloc/);
    await page.locator("#live .u-over").first().hover();
    expect(await tip.isVisible()).toBe(false);
    const legend = page.locator("#live .u-legend").first();
    expect(await legend.textContent()).toMatch(/live blocks\s*1(,0)?00\s*hyperheap\s*[\d.]+ ns/);
    await page.locator("#footprint .u-over").first().hover();
    expect(await page.locator("#footprint .u-legend").first().textContent()).toMatch(/bump\s*[\d.]+ MiB/);
    const map = page.locator("#map .u-over").first();
    await map.hover();
    expect(await page.locator("#map .readout").first().textContent()).toMatch(
      /^after [\d,]+ operations, at [\d.]+ MiB: up to \d+ % used, \d+ % page runs/,
    );
  });

  it("comes to bars by the keyboard, and to sections by their links", async () => {
    const page = await open("all.html");
    await page.locator("#theme").focus();
    await page.keyboard.press("Tab");
    expect(await page.locator("#tip").textContent()).toContain("dlmalloc");
    for (const id of SECTIONS.slice(1)) {
      await page.click(`nav a[href="#${id}"]`);
      const { top, reachable } = await page.locator(`#${id} h2`).evaluate((heading) => {
        const { top, left, height } = heading.getBoundingClientRect();
        const hit = document.elementFromPoint(left + 5, top + height / 2);
        return { top, reachable: hit === heading };
      });
      expect([id, reachable, top < 900]).toEqual([id, true, true]);
    }
  });
});

describe("strangers", () => {
  const HOSTILE = `"><img src=x onerror=alert(1)></script><script>alert(2)</script>`;

  it("cannot write the page by names in a result", async () => {
    const text = readFileSync(path("all.json"), "utf8");
    const keys = [
      "name",
      "allocator",
      "trace",
      "about",
      "version",
      "reason",
      "detail",
      "stack",
      "what",
      "cpu",
      "date",
    ];
    const hostile: unknown = JSON.parse(text, (key, value: unknown) =>
      keys.includes(key) && typeof value === "string" ? `${value} ${HOSTILE}` : value,
    );
    writeFileSync(path("hostile.json"), JSON.stringify(hostile));
    await bench("report", path("hostile.json"), "-o", path("hostile.html"));
    const page = await open("hostile.html");
    expect(await page.locator("img, iframe, object, embed, link").count()).toBe(0);
    expect(await page.locator("script").count()).toBe(2);
    expect(await sections(page)).toEqual(SECTIONS);
    expect(empty(await page.evaluate(drawnIn))).toEqual([]);
    for (const place of [
      "#time .name",
      ".u-legend .u-label:has-text('alert')",
      "#figures-table tbody td:nth-child(3)",
    ])
      expect(await page.locator(place).first().textContent()).toContain(HOSTILE);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(1400);
  });

  it("no script but the page's own runs in it, and nothing is fetched", async () => {
    const page = await open("all.html");
    const seen = await page.evaluate(async () => {
      const blocked: string[] = [];
      document.addEventListener("securitypolicyviolation", ({ effectiveDirective }) =>
        blocked.push(effectiveDirective),
      );
      const script = document.createElement("script");
      script.textContent = "document.title = 'taken'";
      const image = document.createElement("img");
      image.src = "https://heapwright.invalid/x.png";
      document.body.append(script, image);
      const fetched = await fetch("https://heapwright.invalid/").then(
        () => "fetched",
        () => "refused",
      );
      await new Promise((resolve) => setTimeout(resolve, 50));
      return { blocked: blocked.sort(), title: document.title, fetched };
    });
    expect(seen.title).toContain("Heapwright bench");
    expect(seen.fetched).toBe("refused");
    expect(seen.blocked).toEqual(["connect-src", "img-src", "script-src-elem"]);
    // What the browser says of it; it is told to ask for the picture, and does not.
    expect(requests.splice(0).filter((url) => !url.startsWith("file:"))).toEqual([
      "https://heapwright.invalid/x.png",
    ]);
    expect(problems.splice(0).every((text) => text.includes("Content Security Policy"))).toBe(true);
  });
});
