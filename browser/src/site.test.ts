/** The documentation as a reader opens it: served as files, in both colour schemes, on a desk and on a phone. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { launch } from "./harness.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** Kept to be looked at. */
const SHOTS = fileURLToPath(new URL("../screenshots", import.meta.url));
const TYPES: Record<string, string> = {
  ".html": "text/html",
  ".css": "text/css",
  ".js": "text/javascript",
  ".svg": "image/svg+xml",
};

/** The guides' addresses and titles, as they are in the repository. */
const guides = readdirSync(join(root, "docs/guides"))
  .filter((name) => name.endsWith(".md"))
  .map((name) => ({
    path: `guides/${name.replace(/\.md$/, ".html")}`,
    title:
      /^# (.*)/.exec(readFileSync(join(root, "docs/guides", name), "utf8"))?.[1]?.replaceAll("`", "") ?? "",
  }));

let site: string;
let server: Server;
let browser: Browser;
let home: string;

beforeAll(async () => {
  site = mkdtempSync(join(tmpdir(), "heapwright-site-"));
  mkdirSync(SHOTS, { recursive: true });
  await promisify(execFile)(process.execPath, [join(root, "scripts/site.mjs"), "--out", site]);
  // Below a path, as on GitHub Pages.
  server = createServer(({ url = "" }, response) => {
    const path = join(site, new URL(url, "http://127.0.0.1").pathname.replace("/heapwright/", "/"));
    if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return response.writeHead(404).end();
    const type = TYPES[extname(path)] ?? "application/octet-stream";
    return response.writeHead(200, { "Content-Type": `${type}; charset=utf-8` }).end(readFileSync(path));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  home = `http://127.0.0.1:${(server.address() as AddressInfo).port}/heapwright/`;
  browser = await launch();
});
afterAll(async () => {
  await browser?.close();
  server?.closeAllConnections();
  server?.close();
  rmSync(site, { recursive: true });
});

const problems: string[] = [];
const requests: string[] = [];
afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
  expect(problems.splice(0)).toEqual([]);
  expect(requests.splice(0).filter((url) => !url.startsWith(home))).toEqual([]);
});

async function open(
  url: string,
  { colorScheme = "light", width = 1400 }: { colorScheme?: "light" | "dark"; width?: number } = {},
): Promise<Page> {
  const page = await browser.newPage({ colorScheme, viewport: { width, height: 900 } });
  page.setDefaultTimeout(10_000);
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(`not caught: ${error}`));
  page.on("requestfailed", (request) => problems.push(`not loaded: ${request.url()}`));
  page.on("request", (request) => requests.push(request.url()));
  page.on("response", (response) => {
    if (response.status() >= 400) problems.push(`${response.status()}: ${response.url()}`);
  });
  await page.goto(new URL(url, home).href);
  // The navigation is written by a script.
  await page.locator("#tsd-nav-container a").first().waitFor({ state: "attached" });
  return page;
}

/** What stands out of the page to the right, other than what scrolls by itself. */
const outside = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    const scrolls = (element: Element): boolean => {
      for (let at: Element | null = element.parentElement; at && at !== document.body; at = at.parentElement)
        if (/auto|scroll|hidden|clip/.test(getComputedStyle(at).overflowX)) return true;
      return false;
    };
    const seen = [...document.querySelectorAll(".col-content *, header *")].filter((element) => {
      const { right, width: own } = element.getBoundingClientRect();
      return own > 0 && right > width + 1 && !scrolls(element);
    });
    const all = seen.map(
      (element) => `${element.tagName}.${element.className}: ${element.textContent?.slice(0, 40)}`,
    );
    if (document.documentElement.scrollWidth > width)
      all.push(`the page: ${document.documentElement.scrollWidth}`);
    return all;
  });

describe("a page", () => {
  const pages = {
    front: "index.html",
    guide: guides[0]?.path ?? "",
    architecture: "project/architecture.html",
    api: "api/core/createHeap.html",
    heap: "api/core/Heap.html",
    package: "api/stats.html",
  };
  const looks = Object.entries(pages).flatMap(([name, path]) =>
    (["light", "dark"] as const).flatMap((scheme) =>
      [1400, 400].map((width) => ({ name, path, scheme, width })),
    ),
  );

  it.each(looks)("$name is whole in $scheme, $width wide", async ({ name, path, scheme, width }) => {
    const page = await open(path, { colorScheme: scheme, width });
    expect(await outside(page)).toEqual([]);
    expect(await page.locator("h1").count()).toBe(1);
    const [ground, text] = await page.evaluate(() => {
      const { backgroundColor, color } = getComputedStyle(document.body);
      return [backgroundColor, color].map((rgb) => Number(/\d+/.exec(rgb)?.[0]));
    });
    expect((ground as number) > (text as number)).toBe(scheme === "light");
    const shot = join(SHOTS, `site-${name}-${scheme}-${width}.png`);
    await page.screenshot({ path: shot, fullPage: name === "front" });
    // Far more than a page of one colour.
    expect(statSync(shot).size).toBeGreaterThan(20_000);
  });

  it("that is too wide is seen as one", async () => {
    const page = await open("index.html", { width: 400 });
    await page.evaluate(() => {
      const wide = document.createElement("p");
      wide.style.width = "600px";
      document.querySelector(".col-content")?.append(wide);
    });
    expect(await outside(page)).toHaveLength(1);
  });
});

describe("a reader", () => {
  it.each([1400, 400])("finds guides, examples and packages in the navigation, %i wide", async (width) => {
    const page = await open("api/core/createHeap.html", { width });
    const nav = page.locator("#tsd-nav-container");
    if (width === 400) {
      expect(await nav.isVisible()).toBe(false);
      await page.click("#tsd-toolbar-menu-trigger");
    }
    await expect.poll(() => nav.isVisible()).toBe(true);
    const links = nav.locator("a");
    const all = await links.evaluateAll((found) =>
      found.map((link) => ({ title: link.textContent?.trim(), href: (link as HTMLAnchorElement).href })),
    );
    for (const { path, title } of guides) expect(all).toContainEqual({ title, href: `${home}${path}` });
    const titles = all.map(({ title }) => title);
    expect(titles.slice(0, guides.length).sort()).toEqual(guides.map(({ title }) => title).sort());
    const missing = all.filter(
      ({ href }) => !statSync(join(site, href.slice(home.length)), { throwIfNoEntry: false }),
    );
    expect(missing).toEqual([]);
    await nav.getByText(guides[0]?.title as string, { exact: true }).click();
    await page.waitForURL(`${home}${guides[0]?.path}`);
    expect(await page.locator("h1").textContent()).toBe(guides[0]?.title);
  });

  it("comes from an example to its sources in the repository", async () => {
    const page = await open("examples/lru-cache.html");
    const link = page.locator(".col-content a", { hasText: "cache.mjs" });
    expect(await link.getAttribute("href")).toBe(
      "https://github.com/heapwright/heapwright/blob/main/examples/lru-cache/cache.mjs",
    );
  });

  it("searches for createHeap and comes to its page", async () => {
    const page = await open("index.html");
    await page.click("#tsd-search-trigger");
    await page.fill("#tsd-search-input", "createHeap");
    const first = page.locator("#tsd-search-results a").first();
    await first.waitFor();
    expect(
      await page
        .locator("#tsd-search-results a")
        .evaluateAll((all) => all.map((one) => (one as HTMLAnchorElement).href)),
    ).toContain(`${home}api/core/createHeap.html`);
    await first.click();
    await page.waitForURL(/createHeap\.html$/);
  });
});
