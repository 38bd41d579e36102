// The site: TypeDoc's pages of every package, with the READMEs and the hand-written documents around them.
import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import {
  Application,
  Converter,
  JSX,
  KindRouter,
  Logger,
  LogLevel,
  MinimalSourceFile,
  Models,
  normalizePath,
  PageEvent,
  Slugger,
  TSConfigReader,
} from "typedoc";
import { readJson, root } from "../workspace.mjs";
import { documents, entryPoints } from "./pages.mjs";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const CATEGORIES = ["Guides", "Examples", "Packages", "The project", "Subpaths of heapwright"];
/** The parts of the navigation that a newcomer finds open. */
const OPEN = CATEGORIES.slice(0, 3);

/** Types that exported ones are made of, and that nobody has to name: steps of inference, and parts of what the bench answers. */
const NOT_EXPORTED = {
  "@heapwright/core": [
    "infer.ts:Conflict",
    "infer.ts:EntriesOf",
    "infer.ts:Merged",
    "infer.ts:StrategyEntry",
    "infer.ts:WithApi",
    "heap-types.ts:DisposeKey",
    "options.ts:AnyStrategy",
  ],
  heapwright: ["options.ts:AnyStrategy"],
  "@heapwright/arena": ["arena.ts:Disposes"],
  "@heapwright/strict": ["strict.ts:Part"],
  "@heapwright/bench": [
    "agents/crew.ts:TeamRound",
    "agents/run.ts:Place",
    "composition/run.ts:Verdict",
    "live/run.ts:PATTERNS",
    "protocol.ts:Failure",
    "threads/run.ts:Place",
    "views/job.ts:ViewType",
  ],
};

/** Where the repository is to be read: files that are no page of the site are linked to there. */
const repository = `${readJson(join(root, "packages/core/package.json"))
  .repository.url.replace(/^git\+/, "")
  .replace(/\.git$/, "")}/blob/main`;

/**
 * Builds the site.
 * @param {string} out where to; it is emptied first
 * @param {{ pages?: ReturnType<typeof documents>, entries?: ReturnType<typeof entryPoints>, log?: (text: string) => void }} [of]
 * @throws an Error when TypeDoc has warned of anything; `log` has been told what
 */
export async function buildSite(
  out,
  { pages = documents(), entries = entryPoints(), log = console.error } = {},
) {
  const app = await Application.bootstrap(
    {
      name: "Heapwright",
      tsconfig: here("tsconfig.json"),
      // What several export has its page where it comes first: the front door has nearly everything a second time.
      entryPoints: [...entries]
        .sort((a, b) => Number(isFrontDoor(a)) - Number(isFrontDoor(b)))
        .map(({ source }) => source),
      projectDocuments: pages.map(({ file }) => file),
      readme: join(root, "README.md"),
      basePath: root,
      out,
      router: "site",
      // `pnpm typecheck` has them.
      skipErrorChecking: true,
      disableGit: true,
      gitRevision: "main",
      sourceLinkTemplate: `${repository}/{path}#L{line}`,
      excludeExternals: true,
      excludeInternal: true,
      categorizeByGroup: false,
      navigation: { includeCategories: true, includeGroups: false, excludeReferences: true },
      // What one calls, before what describes it.
      groupOrder: ["Functions", "Classes", "Variables", "Interfaces", "Type Aliases", "References", "*"],
      kindSortOrder: ["Document", "Module", "Function", "Class", "Variable", "Interface", "TypeAlias"],
      useFirstParagraphOfCommentAsSummary: true,
      headings: { readme: false, document: false },
      includeHierarchySummary: false,
      searchInDocuments: true,
      githubPages: true,
      customCss: here("site.css"),
      favicon: here("favicon.svg"),
      lightHighlightTheme: "github-light",
      darkHighlightTheme: "github-dark",
      highlightLanguages: ["ts", "js", "sh", "c", "html", "json", "text", "yaml"],
      markdownItLoader: codeInHeadings,
      treatWarningsAsErrors: true,
      treatValidationWarningsAsErrors: true,
    },
    [new TSConfigReader()],
  );
  app.logger = new SiteLogger(log);
  const urls = new Map();
  app.renderer.defineRouter("site", routerOf(urls));
  arrange(app, pages, entries, urls);
  const project = await app.convert();
  if (project !== undefined) validate(app, project, entries);
  if (project === undefined || failed(app)) throw new Error("TypeDoc has found mistakes: they are above");
  await app.generateDocs(project, out);
  if (failed(app)) throw new Error("TypeDoc has found mistakes: they are above");
}

const isFrontDoor = ({ name }) => /^heapwright(\/|$)/.test(name);

/** Only what is wrong: it is to be mended, not read past. */
class SiteLogger extends Logger {
  #log;

  constructor(log) {
    super();
    this.level = LogLevel.Warn;
    this.#log = log;
  }

  log(message, level) {
    super.log(message, level);
    if (level >= this.level) this.#log(message);
  }
}

const failed = (app) => app.logger.hasErrors() || app.logger.hasWarnings();

/** All that TypeDoc can test, and of each package whether it exports the types it speaks of: TypeDoc asks that of one package only. */
function validate(app, project, entries) {
  const links = { invalidLink: true, invalidPath: true, rewrittenLink: true };
  app.options.setValue("validation", { notExported: false, ...links });
  app.validate(project);
  const { packageName } = project;
  const names = new Set(entries.map(({ name }) => /^(?:@[^/]+\/)?[^/]+/.exec(name)[0]));
  for (const name of names) {
    project.packageName = name;
    app.options.setValue("intentionallyNotExported", NOT_EXPORTED[name] ?? []);
    app.options.setValue("validation", {
      notExported: true,
      invalidLink: false,
      invalidPath: false,
      rewrittenLink: false,
    });
    app.validate(project);
  }
  project.packageName = packageName;
  app.options.setValue("validation", { notExported: false, ...links });
}

/** Puts titles, READMEs and categories where they belong; `urls` gets the addresses of pages, without their ending. */
function arrange(app, pages, entries, urls) {
  const categories = new Map(CATEGORIES.map((title) => [title, new Models.ReflectionCategory(title)]));
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const { file, title, url, category } of pages) {
      const document = project.documents?.find(
        (one) => project.files.getReflectionPath(one) === normalizePath(file),
      );
      document.name = title;
      urls.set(document, url);
      categories.get(category).children.push(document);
    }
    const modules = new Map(
      entries.map((entry) => [
        entry.name,
        project.children.find((one) => project.files.getReflectionPath(one) === normalizePath(entry.source)),
      ]),
    );
    for (const { name, url, category, readme, target } of entries) {
      const module = modules.get(name);
      module.name = name;
      urls.set(module, url);
      categories.get(category).children.push(module);
      if (readme !== undefined) {
        // It says what the comment in front of the exports says, and more.
        delete module.comment;
        const source = new MinimalSourceFile(readFileSync(readme, "utf8"), normalizePath(readme));
        module.readme = withoutTitle(app.converter.parseRawComment(source, project.files).content);
        project.files.registerReflectionPath(normalizePath(readme), module);
        project.files.registerReflectionPath(normalizePath(dirname(readme)), module);
      } else if (target !== undefined) {
        module.readme = [
          { kind: "text", text: "Everything of " },
          { kind: "inline-tag", tag: "@linkcode", text: target, target: modules.get(target) },
          { kind: "text", text: ", by another name." },
        ];
      }
    }
    project.categories = [...categories.values()];
  });
  app.converter.on(Converter.EVENT_RESOLVE_END, ({ project }) => linkToRepository(project));
  // Before TypeDoc's script, which keeps there what a reader has opened and closed.
  app.renderer.hooks.on("head.end", () =>
    JSX.createElement("script", null, JSX.createElement(JSX.Raw, { html: openedAtFirst(OPEN) })),
  );
  // A directory is no page where the site is opened from files.
  app.renderer.on(PageEvent.END, (page) => {
    page.contents = page.contents?.replace(/(<a href="(?:\.\.?\/)+)(["#])/g, "$1index.html$2");
  });
}

/** A script for the browser: opens these parts of the navigation for who has never closed them. */
const openedAtFirst = (titles) =>
  `try{for(const key of ${JSON.stringify(titles.map((title) => `tsd-accordion-${title}`))})` +
  `if(localStorage.getItem(key)===null)localStorage.setItem(key,"true")}catch{}`;

/** A page's heading is its name already. */
function withoutTitle([first, ...others]) {
  return [{ ...first, text: first.text.replace(/^# .*\n/, "") }, ...others];
}

/** Relative links to files that are no pages lead to the repository. */
function linkToRepository(project) {
  const changed = (parts) =>
    parts?.map((part) => {
      if (part.kind !== "relative-link" || part.target === undefined) return part;
      const path = project.files.resolve(part.target, project);
      if (typeof path !== "string") return part;
      const anchor = part.targetAnchor === undefined ? "" : `#${part.targetAnchor}`;
      return { kind: "text", text: `${repository}/${relative(root, path).replaceAll("\\", "/")}${anchor}` };
    });
  project.readme = changed(project.readme);
  for (const reflection of Object.values(project.reflections)) {
    if (reflection.isDocument()) reflection.content = changed(reflection.content);
    if (reflection.isDeclaration()) reflection.readme = changed(reflection.readme);
    if (reflection.comment === undefined) continue;
    reflection.comment.summary = changed(reflection.comment.summary);
    for (const tag of reflection.comment.blockTags) tag.content = changed(tag.content);
  }
}

/** `api/core.html`, `api/core/createHeap.html`, `guides/error-codes.html`: addresses that stay. */
const routerOf = (urls) =>
  class extends KindRouter {
    #sluggers = new Map();

    getIdealBaseName(reflection) {
      const own = urls.get(reflection);
      return own ?? `${this.getIdealBaseName(reflection.parent)}/${this.getUrlSafeName(reflection.name)}`;
    }

    getSlugger(target) {
      const theirs = super.getSlugger(target);
      if (!this.#sluggers.has(theirs)) this.#sluggers.set(theirs, new GitHubSlugger({ lowercase: true }));
      return this.#sluggers.get(theirs);
    }
  };

/** Anchors as they are on GitHub, where the same documents are read. */
class GitHubSlugger extends Slugger {
  serialize(text) {
    return text
      .trim()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replace(/\s/g, "-");
  }
}

/** Code in a heading is a part of its anchor and of its entry in the page's contents: TypeDoc reads a token's children. */
function codeInHeadings(parser) {
  parser.core.ruler.push("code-in-headings", ({ tokens }) => {
    for (const [at, token] of tokens.entries()) {
      if (token.type !== "heading_open") continue;
      for (const child of tokens[at + 1].children)
        if (child.type === "code_inline") child.children = [{ type: "text", content: child.content }];
    }
  });
}
