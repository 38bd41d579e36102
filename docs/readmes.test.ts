/** The READMEs are complete: every export, member and error code is named, every link leads somewhere. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { HEAP_ERROR_CODES } from "@heapwright/core";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { exportsOf } from "../scripts/lib/package-exports.js";
import { root } from "../scripts/lib/root.js";
import { documents } from "../scripts/lib/snippets.js";

const read = (file: string): string => readFileSync(join(root, file), "utf8");

/** Everything that stands in backticks, fenced blocks left out. */
function named(file: string): Set<string> {
  const prose = read(file).replace(/^(```|~~~)[\s\S]*?^\1/gm, "");
  const spans = [...prose.matchAll(/`([^`\n]+)`/g)].map(([, text]) => text);
  return new Set(spans.flatMap((text) => text.match(/[A-Za-z_]\w*/g) ?? []));
}

/** Members of an interface in core's sources. */
function membersOf(file: string, name: string): string[] {
  const source = ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest);
  const found = source.statements.find((one) => ts.isInterfaceDeclaration(one) && one.name.text === name);
  if (found === undefined) throw new Error(`${file} has no interface ${name}`);
  const names = (found as ts.InterfaceDeclaration).members.map((member) => member.name);
  // Not `[Symbol.asyncIterator]`, which a README shows by its `for await`.
  return names
    .filter((one) => one !== undefined && ts.isIdentifier(one))
    .map((one) => (one as ts.Identifier).text);
}

describe("a README names", () => {
  it.each(["core", "hyperheap", "tlsf", "slab", "arena", "stats", "strict", "trace"])(
    "every export of %s",
    (folder) => {
      const names = named(`packages/${folder}/README.md`);
      expect(exportsOf(folder).filter((name) => !names.has(name))).toEqual([]);
    },
  );

  it.each([
    ["heap-types.ts", "Heap"],
    ["heap-types.ts", "ColumnBase"],
    ["memory.ts", "Memory"],
    ["growth.ts", "GrowthOptions"],
    ["options.ts", "HeapOptions"],
    ["options.ts", "AgentOptions"],
    ["lock.ts", "AtomicsLockOptions"],
    ["errors.ts", "HeapErrorDetails"],
    ["agent-cache/agent-cache.ts", "AgentCacheOptions"],
    ["limit.ts", "LimitApi"],
    ["fail.ts", "FailApi"],
    ["types.ts", "Capabilities"],
    ["types.ts", "Block"],
    ["types.ts", "Contention"],
    ["types.ts", "Lock"],
    ["channel-types.ts", "Channel"],
    ["channel-types.ts", "ChannelOptions"],
    ["channel-types.ts", "WaitOptions"],
    ["channel-types.ts", "Message"],
    ["channel-types.ts", "Recovered"],
  ])("every member of core's %s %s", (file, type) => {
    const names = named("packages/core/README.md");
    expect(membersOf(`packages/core/src/${file}`, type).filter((name) => !names.has(name))).toEqual([]);
  });

  it.each([
    ["strict.ts", "StrictOptions"],
    ["api.ts", "StrictApi"],
    ["fence.ts", "FenceOptions"],
    ["poison.ts", "PoisonOptions"],
    ["delayed-free.ts", "DelayedFreeOptions"],
    ["delayed-free.ts", "DelayedFreeApi"],
    ["views.ts", "CheckedView"],
  ])("every member of strict's %s %s", (file, type) => {
    const names = named("packages/strict/README.md");
    expect(membersOf(`packages/strict/src/${file}`, type).filter((name) => !names.has(name))).toEqual([]);
  });

  it.each([
    ["stats.ts", "StatsOptions"],
    ["api.ts", "StatsApi"],
    ["query.ts", "Sample"],
    ["figures.ts", "Counters"],
    ["figures.ts", "SizeClass"],
    ["figures.ts", "HeapStats"],
    ["figures.ts", "StatsSnapshot"],
    ["pprof.ts", "ProfileOptions"],
  ])("every member of stats's %s %s", (file, type) => {
    const names = named("packages/stats/README.md");
    expect(membersOf(`packages/stats/src/${file}`, type).filter((name) => !names.has(name))).toEqual([]);
  });

  it.each(["ArenaApi"])("every member of arena's %s", (type) => {
    const names = named("packages/arena/README.md");
    expect(membersOf("packages/arena/src/arena.ts", type).filter((name) => !names.has(name))).toEqual([]);
  });

  it.each(["SlabApi", "SlabOptions"])("every member of slab's %s", (type) => {
    const names = named("packages/slab/README.md");
    expect(membersOf("packages/slab/src/slab.ts", type).filter((name) => !names.has(name))).toEqual([]);
  });

  it.each([
    ["api.ts", "TraceApi"],
    ["options.ts", "TraceOptions"],
    ["format.ts", "Trace"],
    ["merge.ts", "RecordedTrace"],
  ])("every member of trace's %s %s", (file, type) => {
    const names = named("packages/trace/README.md");
    expect(membersOf(`packages/trace/src/${file}`, type).filter((name) => !names.has(name))).toEqual([]);
  });

  it("every error code", () => {
    const names = named("packages/core/README.md");
    expect(Object.keys(HEAP_ERROR_CODES).filter((code) => !names.has(code))).toEqual([]);
  });
});

describe("a source file", () => {
  const places = [
    "packages/core/src",
    "packages/hyperheap/src",
    "packages/tlsf/src",
    "packages/slab/src",
    "packages/arena/src",
    "packages/stats/src",
    "packages/strict/src",
    "packages/trace/src",
    "packages/wasm/src",
    "packages/heapwright/src",
    "docs",
    ".",
  ];
  const files = ["docs/ARCHITECTURE.md", "packages/core/README.md", "packages/hyperheap/README.md"].flatMap(
    (file) =>
      [...read(file).matchAll(/`([\w/.-]+\.m?ts|[\w/.-]+\.mjs)`/g)].map(([, name]) => ({ file, name })),
  );

  it.each(files)("named in $file exists: $name", ({ file, name }) => {
    expect([...places, dirname(file)].some((place) => existsSync(join(root, place, name)))).toBe(true);
  });
});

/** Anchors of a file's headings, as they are made on GitHub. */
function anchorsOf(file: string): string[] {
  return [...read(file).matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replace(/\s/g, "-"),
  );
}

describe("a link", () => {
  const links = documents().flatMap((file) =>
    [...read(file).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(([, target]) => ({ file, target })),
  );

  it.each(links)("in $file leads to $target", ({ file, target }) => {
    const [path, anchor] = target.split("#");
    const to = path === "" ? file : normalize(join(dirname(file), path));
    expect(existsSync(join(root, to)), to).toBe(true);
    if (anchor !== undefined) expect(anchorsOf(to)).toContain(anchor);
  });
});
