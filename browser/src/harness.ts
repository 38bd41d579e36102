/** The tests' side: a browser, a server for its pages, and what went wrong in them. */
import { existsSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import type { Scenarios } from "./page.js";

type Report<Name extends keyof Scenarios> = Awaited<ReturnType<Scenarios[Name]>>;

/** A page that was opened. */
export interface Visit {
  /** Runs a scenario on its main thread; what it says of itself. */
  run<Name extends keyof Scenarios>(name: Name, data: Parameters<Scenarios[Name]>[0]): Promise<Report<Name>>;
  /** What went wrong so far, other than in what `run` answers. A test that leaves anything here fails. */
  readonly problems: string[];
}

const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** What lets a page share memory with its workers. */
const ISOLATION = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

const HTML = `<!doctype html><meta charset="utf-8"><title>Heapwright</title><link rel="icon" href="data:,">
<script src="page.js"></script>`;

/**
 * Gives the tests of this file a browser of their own, and each of them fresh pages.
 *
 * @returns opens a page: isolated, so that it may share memory, or plain.
 */
export function inBrowser(): (kind: "isolated" | "plain") => Promise<Visit> {
  let browser: Browser;
  let server: Server;
  const pages: Page[] = [];
  const problems: string[] = [];

  beforeAll(async () => {
    browser = await launch();
    server = await serve();
  });
  afterAll(async () => {
    await browser?.close();
    server?.closeAllConnections();
    server?.close();
  });
  afterEach(async () => {
    await Promise.all(pages.splice(0).map((page) => page.close()));
    expect(problems.splice(0)).toEqual([]);
  });

  return async (kind) => {
    const page = await browser.newPage();
    pages.push(page);
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "assert") problems.push(message.text());
    });
    page.on("pageerror", (error) => problems.push(`not caught: ${error}`));
    page.on("crash", () => problems.push("the page crashed"));
    page.on("requestfailed", (request) => problems.push(`not loaded: ${request.url()}`));
    const { port } = server.address() as AddressInfo;
    await page.goto(`http://127.0.0.1:${port}/${kind}/`);
    const run = (name: string, data: unknown): Promise<unknown> =>
      page.evaluate(
        ([scenario, given]) =>
          (globalThis as unknown as { scenarios: Record<string, (data: unknown) => unknown> }).scenarios[
            scenario as string
          ](given),
        [name, data],
      );
    return { run: run as Visit["run"], problems };
  };
}

export function launch(): Promise<Browser> {
  const executablePath = process.env.CHROMIUM_PATH || "/usr/bin/chromium";
  if (!existsSync(executablePath)) {
    throw new Error(
      `no Chromium at ${executablePath}: install it (Debian: apt-get install chromium), or set CHROMIUM_PATH to one`,
    );
  }
  return chromium.launch({ executablePath, args: ARGUMENTS, headless: true });
}

/** `/isolated/` with the headers, `/plain/` without; a page and two scripts below each. */
async function serve(): Promise<Server> {
  const files: Record<string, readonly [type: string, text: string]> = {
    "": ["text/html", HTML],
    "page.js": ["text/javascript", await bundle("page.ts")],
    "worker.js": ["text/javascript", await bundle("worker.ts")],
  };
  const server = createServer(({ url = "" }, response) => {
    const [, kind, name] = url.split("/");
    const [type, text] = files[name as string] ?? [];
    if (type === undefined) return response.writeHead(404).end();
    const headers = { "Content-Type": `${type}; charset=utf-8`, "Cache-Control": "no-store" };
    return response.writeHead(200, kind === "isolated" ? { ...headers, ...ISOLATION } : headers).end(text);
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

async function bundle(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
    bundle: true,
    write: false,
    format: "iife",
    platform: "browser",
    target: "es2022",
    // The packages as they are built, as a consumer gets them, not their sources.
    tsconfigRaw: {},
  });
  return (outputFiles[0] as { readonly text: string }).text;
}
