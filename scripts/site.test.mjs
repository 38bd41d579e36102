import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { buildSite } from "./lib/site/build.mjs";
import { checkLinks } from "./lib/site/links.mjs";
import { documents, entryPoints, titleOf } from "./lib/site/pages.mjs";
import { withTempDir } from "./lib/workspace.mjs";

const write = (dir, files) => {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), text);
  }
};

/** What is found in a site whose front page has this in it. */
const found = (body, files = {}) =>
  withTempDir(async (dir) => {
    write(dir, {
      "index.html": `<!doctype html><title>x</title><h1 id="one">One</h1>${body}`,
      "api/core.html": `<a href="../index.html#one">up</a><h2 id="the%20heap">The heap</h2><a name="old"></a>`,
      "plan.svg": "<svg/>",
      ...files,
    });
    return checkLinks(dir).findings;
  });

describe("a link", () => {
  it.each([
    ["of the page", `<a href="#one">`],
    ["to the page itself", `<a href="#">`],
    ["to a page", `<a href="api/core.html">`],
    ["to a page with a query", `<a href="api/core.html?q=1">`],
    ["to an anchor", `<a href="./api/core.html#the%2520heap">`],
    ["to a name", `<a href="api/core.html#old">`],
    ["to an image", `<img src="plan.svg">`],
    ["to images", `<img srcset="plan.svg 1x, plan.svg 2x">`],
    ["inside an image", `<svg><use href="plan.svg#part"/></svg>`],
    ["to somewhere else", `<a href="https://example.org/a#b">`],
    ["to a mailbox", `<a href="mailto:x@example.org">`],
    ["that is an image itself", `<img src="data:image/svg+xml,%3Csvg/%3E">`],
    ["in a comment", `<!-- <a href="gone.html"> -->`],
    ["in a script", `<script>const text = '<a href="gone.html">';</script>`],
  ])("may be one %s", async (_, body) => {
    expect(await found(body)).toEqual([]);
  });

  it.each([
    ["page", `<a href="gone.html">`, "gone.html leads to gone.html, which is not there"],
    ["page in another case", `<a href="API/core.html">`, "leads to API/core.html, which is not there"],
    ["page outside", `<a href="../../index.htm">`, "leads to index.htm, which is not there"],
    ["anchor of the page", `<a href="#two">`, "#two leads to index.html, which has no such anchor"],
    [
      "anchor of another page",
      `<a href="api/core.html#One">`,
      "leads to api/core.html, which has no such anchor",
    ],
    ["image", `<img src="gone.png">`, "leads to gone.png, which is not there"],
    ["image for a sharper screen", `<img src="plan.svg" srcset="gone.png 2x">`, "leads to gone.png"],
    ["script", `<script src="assets/main.js"></script>`, "leads to assets/main.js, which is not there"],
    ["address", `<a href="https://">`, "is no address"],
    ["host", `<a href="https://packages/core">`, "names no host"],
    ["scheme", `<a href="javascript:alert(1)">`, "is of a kind not known here"],
    ["encoding", `<a href="%E0%A4%A.html">`, "is encoded wrongly"],
    ["blank", `<a href="api/core .html">`, "has a space in it"],
    ["directory", `<a href="api/">`, "leads to a directory"],
    ["root", `<a href="/api/core.html">`, "begins at the host's root"],
    ["script of others", `<script src="https://cdn.example.org/x.js"></script>`, "is loaded from elsewhere"],
    ["font of others", `<link rel="stylesheet" href="//fonts.example.org/css">`, "is loaded from elsewhere"],
    ["id that is there twice", `<p id="one">`, "two elements have the id one"],
  ])("is found for a wrong %s", async (_, body, finding) => {
    const findings = await found(body);
    expect(findings).toHaveLength(1);
    expect(findings[0]).toContain("index.html: ");
    expect(findings[0]).toContain(finding);
  });

  it("is found on any page, and in styles", async () => {
    const findings = await found("", {
      "guides/a/b.html": `<a href="../c.html">`,
      "style.css": `@import "https://example.org/x.css"; a { background: url("gone.png") } b { fill: url(#x) }`,
    });
    expect(findings).toEqual([
      "guides/a/b.html: ../c.html leads to guides/c.html, which is not there",
      "style.css: https://example.org/x.css is loaded from elsewhere",
      "style.css: gone.png leads to gone.png, which is not there",
    ]);
  });

  it("of a site without a front page leads there in vain", () =>
    withTempDir(async (dir) => {
      write(dir, { "a.html": "" });
      expect(checkLinks(dir).findings).toEqual(["index.html: there is no front page"]);
    }));
});

describe("pages", () => {
  it("are named by their first heading", () => {
    expect(titleOf("# What `slab` is\n\ntext", "x.md")).toBe("What slab is");
    for (const text of ["text\n# Late\n", "## Low\n", "#None\n", ""])
      expect(() => titleOf(text, "x.md")).toThrow("x.md: its first line is no heading");
  });

  it("have addresses and titles of their own", () => {
    for (const all of [documents().map(({ title }) => title), entryPoints().map(({ name }) => name)])
      expect(new Set(all).size).toBe(all.length);
    const urls = [...documents(), ...entryPoints()].map(({ url }) => url.toLowerCase());
    expect(new Set(urls).size).toBe(urls.length);
  });

  it("begin with the guides, in the order of a newcomer's questions", () => {
    const guides = documents().filter(({ category }) => category === "Guides");
    expect(documents().slice(0, guides.length)).toEqual(guides);
    expect(guides[0].url).toBe("guides/choosing-a-strategy");
  });
});

describe("a site", () => {
  /** Builds core's pages and one document; what TypeDoc says of it. */
  const said = (text) =>
    withTempDir(async (dir) => {
      const file = join(dir, "page.md");
      write(dir, { "page.md": `# A page\n\n${text}\n`, "other.md": "# Other\n" });
      const lines = [];
      const site = join(dir, "site");
      const entries = entryPoints().filter(({ name }) => name === "@heapwright/core");
      const pages = [{ category: "Guides", file, url: "guides/page", title: "A page" }];
      await buildSite(site, { pages, entries, log: (line) => lines.push(line) }).catch(({ message }) =>
        lines.push(message),
      );
      return lines.length === 0 ? checkLinks(site).findings : lines;
    });

  it("is built where all links are right", async () => {
    const text =
      "{@link createHeap}, {@link @heapwright/core!Heap.alloc}, [here](#it-s-code-here), [other](other.md)";
    expect(await said(`${text}\n\n## It-s \`code\` here`)).toEqual([]);
  });

  it.each([
    ["a symbol that is not there", "{@link createHeep}", "createHeep"],
    ["a file that is not there", "[x](gone.md)", "gone.md"],
    ["a heading that is not there", "[x](#gone)", "gone"],
    ["a tag that is misspelt", "{@lnik createHeap}", "@lnik"],
  ])("is not built with a link to %s", async (_, text, finding) => {
    const lines = await said(text);
    expect(lines.join("\n")).toContain(finding);
  });
});
