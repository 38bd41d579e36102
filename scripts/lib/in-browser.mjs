// What a page prints that is not cross-origin isolated: in headless Chromium, from a server on the loopback interface.
import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { chromium } from "playwright-core";

const ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"];
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript" };

/**
 * Loads `index.html` of a folder and answers with the lines its console got, once its load event is over.
 * @param {string} dir
 * @returns {Promise<{ printed: string[], problems: string[], isolated: boolean }>}
 */
export async function printedInBrowser(dir) {
  const executablePath = process.env.CHROMIUM_PATH || "/usr/bin/chromium";
  if (!existsSync(executablePath))
    throw new Error(`no Chromium at ${executablePath}; CHROMIUM_PATH names another`);
  const server = await serve(dir);
  const browser = await chromium.launch({ executablePath, args: ARGUMENTS, headless: true });
  try {
    const page = await browser.newPage();
    const printed = [];
    const problems = [];
    page.on("console", (message) => (message.type() === "log" ? printed : problems).push(message.text()));
    page.on("pageerror", (error) => problems.push(`not caught: ${error}`));
    page.on("requestfailed", (request) => problems.push(`not loaded: ${request.url()}`));
    await page.goto(`http://127.0.0.1:${server.address().port}/index.html`, { waitUntil: "load" });
    const isolated = await page.evaluate(() => globalThis.crossOriginIsolated === true);
    return { printed, problems, isolated };
  } finally {
    await browser.close();
    server.closeAllConnections();
    server.close();
  }
}

/** The files of a folder, without the headers that let a page share memory. */
function serve(dir) {
  const server = createServer(({ url = "/" }, response) => {
    const path = join(dir, new URL(url, "http://127.0.0.1").pathname);
    if (!existsSync(path) || !statSync(path).isFile()) return response.writeHead(404).end();
    const type = TYPES[extname(path)] ?? "application/octet-stream";
    return response.writeHead(200, { "Content-Type": `${type}; charset=utf-8` }).end(readFileSync(path));
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}
