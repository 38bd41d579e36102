// Tests the links of a built site by its files alone: nothing is asked of any host.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { Parser } from "htmlparser2";

/** Where the site would be, to resolve addresses against. */
const HOME = "http://site.invalid";
/** What a page loads by itself: that has to come with it. */
const LOADED = new Set(["script", "img", "iframe", "link", "source", "video", "audio", "embed", "object"]);

/**
 * @param {string} dir the site's files
 * @returns {{ pages: number, links: number, findings: string[] }} a line for each link that leads nowhere
 */
export function checkLinks(dir) {
  const files = new Set(
    readdirSync(dir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(dir, join(entry.parentPath, entry.name)).replaceAll(sep, "/")),
  );
  const read = (file) => readFileSync(join(dir, file), "utf8");
  const pages = new Map([...files].filter(isPage).map((file) => [file, partsOf(read(file))]));
  const findings = [];
  if (!pages.has("index.html")) findings.push("index.html: there is no front page");
  let links = 0;

  /** What is wrong with a link, or nothing. */
  const wrong = (from, { address, tag }) => {
    if (address.trim() !== address || /\s/.test(address)) return "has a space in it";
    if (!URL.canParse(address, `${HOME}/${from}`)) return "is no address";
    const url = new URL(address, `${HOME}/${from}`);
    if (url.origin !== HOME) {
      if (tag !== undefined && LOADED.has(tag) && url.protocol !== "data:") return "is loaded from elsewhere";
      if (url.protocol === "https:") return url.hostname.includes(".") ? undefined : "names no host";
      return ["http:", "mailto:", "data:"].includes(url.protocol) ? undefined : "is of a kind not known here";
    }
    // Also where the site's own address has a path.
    if (address.startsWith("/")) return "begins at the host's root, where the site may not be";
    let path;
    let anchor;
    try {
      path = decodeURIComponent(url.pathname.slice(1));
      anchor = decodeURIComponent(url.hash.slice(1));
    } catch {
      return "is encoded wrongly";
    }
    if (path === "" || path.endsWith("/"))
      return "leads to a directory, which is no page for who opens the site from files";
    if (!files.has(path)) return `leads to ${path}, which is not there`;
    if (anchor !== "" && pages.get(path)?.anchors.has(anchor) === false)
      return `leads to ${path}, which has no such anchor`;
    return undefined;
  };

  const test = (from, link) => {
    links++;
    const mistake = wrong(from, link);
    if (mistake !== undefined) findings.push(`${from}: ${link.address} ${mistake}`);
  };
  for (const [page, parts] of pages) {
    for (const link of parts.links) test(page, link);
    for (const twice of parts.twice) findings.push(`${page}: two elements have the id ${twice}`);
  }
  for (const style of [...files].filter((file) => file.endsWith(".css")))
    for (const [, address] of read(style).matchAll(/(?:url\(|@import\s*)\s*["']?([^"')\s]+)/g))
      if (!address.startsWith("#")) test(style, { address, tag: "link" });
  return { pages: pages.size, links, findings };
}

const isPage = (file) => file.endsWith(".html");

/** A page's links and what they can lead to. */
function partsOf(html) {
  const links = [];
  const anchors = new Set(["top"]);
  const twice = new Set();
  const parser = new Parser({
    onopentag(tag, { id, name, href, src, srcset, poster, data }) {
      if (id !== undefined) (anchors.has(id) ? twice : anchors).add(id);
      if (tag === "a" && name !== undefined) anchors.add(name);
      for (const address of [href, src, poster, tag === "object" ? data : undefined])
        if (address !== undefined) links.push({ address, tag });
      for (const one of srcset?.split(",") ?? []) links.push({ address: one.trim().split(/\s/)[0], tag });
    },
  });
  parser.end(html);
  return { links, anchors, twice };
}
