// What the site consists of, in the order its navigation shows it.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { publishablePackages, root } from "../workspace.mjs";

/** Guides in the order of a newcomer's questions; one that is not named here comes after them. */
const GUIDES = [
  "choosing-a-strategy",
  "coming-from-thi-ng-malloc",
  "sharing-between-workers",
  "debugging-a-corrupted-heap",
  "error-codes",
  "writing-a-plugin",
  "writing-a-strategy",
];
const PACKAGES = "heapwright core hyperheap tlsf slab arena stats strict wasm trace conformance bench".split(
  " ",
);
const PROJECT = {
  architecture: "docs/ARCHITECTURE.md",
  versions: "docs/VERSIONING.md",
  contributing: "CONTRIBUTING.md",
  security: "SECURITY.md",
};

/** Named ones first, in the order they are named in, then the others by the alphabet. */
const inOrder = (names, order) => {
  const place = (name) => (order.includes(name) ? order.indexOf(name) : order.length);
  return [...names].sort((a, b) => place(a) - place(b) || (a < b ? -1 : 1));
};

/**
 * The title of a Markdown document: its first line, which is its heading.
 * @param {string} text
 * @param {string} file for the message
 */
export function titleOf(text, file) {
  const [, title] = /^# (.+)\n/.exec(text) ?? [];
  if (title === undefined) throw new Error(`${file}: its first line is no heading of the first level`);
  return title.replaceAll("`", "").trim();
}

/** @returns {{ category: string, file: string, url: string, title: string }[]} pages that are written by hand */
export function documents() {
  const guides = join(root, "docs/guides");
  const names = existsSync(guides)
    ? readdirSync(guides)
        .filter((name) => name.endsWith(".md"))
        .map((name) => name.slice(0, -3))
    : [];
  if (names.length === 0) throw new Error("docs/guides has no guides: the site begins with them");
  const examples = readdirSync(join(root, "examples"))
    .filter((name) => existsSync(join(root, "examples", name, "README.md")))
    .sort();
  const page = (category, path, url) => {
    const file = join(root, path);
    return { category, file, url, title: titleOf(readFileSync(file, "utf8"), path) };
  };
  return [
    ...inOrder(names, GUIDES).map((name) => page("Guides", `docs/guides/${name}.md`, `guides/${name}`)),
    ...examples.map((name) => page("Examples", `examples/${name}/README.md`, `examples/${name}`)),
    ...Object.entries(PROJECT).map(([url, path]) => page("The project", path, `project/${url}`)),
  ];
}

/**
 * Every entry point of every published package.
 * @returns {{ category: string, name: string, source: string, url: string, readme?: string, target?: string }[]}
 *   `target`: the package that a subpath of the front door is
 */
export function entryPoints() {
  const packages = publishablePackages();
  const ordered = inOrder(
    packages.map(({ folder }) => folder),
    PACKAGES,
  ).map((folder) => packages.find((one) => one.folder === folder));
  return ordered
    .flatMap(({ folder, dir, name, manifest }) =>
      Object.keys(manifest.exports)
        .filter((path) => path !== "./package.json")
        .map((path) => {
          const subpath = path.slice(2);
          if (subpath === "")
            return {
              category: "Packages",
              name,
              source: join(dir, "src/index.ts"),
              url: `api/${folder}`,
              readme: join(dir, "README.md"),
            };
          const door = folder === "heapwright";
          return {
            category: door ? "Subpaths of heapwright" : "Packages",
            name: `${name}/${subpath}`,
            source: join(dir, "src", `${subpath}.ts`),
            url: `api/${folder}-${subpath}`,
            ...(door ? { target: `@heapwright/${subpath}` } : {}),
          };
        }),
    )
    .sort((a, b) => Number(a.category !== "Packages") - Number(b.category !== "Packages"));
}
