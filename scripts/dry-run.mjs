// Publishes every package, but for the publishing: packs each, gives the tarball to `npm publish --dry-run`, and lists what is in it. A file that
// does not belong, or a notice that is behind, fails.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packAll, readJson, report, root, run, withTempDir } from "./lib/workspace.mjs";

/** What may be in a tarball; the bench is a program with its data. */
// A `pprof/package.json` leads resolvers that know no `exports` to that entry.
const BELONGS = [
  /^[\w-]+\/package\.json$/,
  /^(package\.json|README\.md|CHANGELOG\.md|LICENSE)$/,
  /^dist\/[\w.-]+\.(js|cjs|d\.ts|d\.cts)(\.map)?$/,
];
const OF_BENCH = [
  /^dist\/([\w-]+\/)?[\w.-]+\.(js|js\.map|css|wasm|json)$/,
  /^traces\/(README\.md|[\w-]+\.trace\.gz)$/,
  /^THIRD-PARTY-NOTICES\.md$/,
];

const { check, end } = report();
await withTempDir((dir) => {
  for (const { name, folder, manifest, tarball } of packAll(dir)) {
    check(`${name}: npm publish --dry-run`, () => {
      const command = [
        "npm",
        "publish",
        "--dry-run",
        "--json",
        "--access",
        "public",
        "--loglevel=error",
        tarball,
      ];
      const printed = JSON.parse(run(command, { cwd: dir }));
      const { id, size, unpackedSize, files } = printed[name] ?? printed;
      console.log(`      ${id}: ${kib(size)} packed, ${kib(unpackedSize)} unpacked`);
      for (const { path, size } of files) console.log(`      ${kib(size).padStart(12)}  ${path}`);
      const allowed = folder === "bench" ? [...BELONGS, ...OF_BENCH] : BELONGS;
      const strays = files.filter(({ path }) => !allowed.some((pattern) => pattern.test(path)));
      return [
        ...(id === `${name}@${manifest.version}` ? [] : [`it would be published as ${id}`]),
        ...strays.map(({ path }) => `${path} does not belong in a package`),
      ];
    });
    check(`${name}: third-party notices`, () => noticeFindings(folder, manifest));
  }
});
end();

function kib(bytes) {
  return `${(bytes / 1024).toFixed(1)} KiB`;
}

/** Every dependency of somebody else's is in the notices, as it is. */
function noticeFindings(folder, { dependencies = {}, devDependencies = {} }) {
  const theirs = Object.entries(dependencies).filter(([name]) => !name.startsWith("@heapwright/"));
  if (theirs.length === 0) return [];
  const dir = join(root, "packages", folder);
  const text = readFileSync(join(dir, "THIRD-PARTY-NOTICES.md"), "utf8");
  const rows = theirs.map(([name, version]) => {
    const { license } = readJson(join(dir, "node_modules", name, "package.json"));
    return `| ${name} | ${version} | ${license} |`;
  });
  const { assemblyscript } = devDependencies;
  const compiled = assemblyscript === undefined ? [] : [`AssemblyScript ${assemblyscript}`];
  const noted = [...text.matchAll(/^\| [\w@./-]+ \| \d[^|]*\| [^|]+\|/gm)].map(([row]) => row);
  return [
    ...[...rows, ...compiled].filter((line) => !text.includes(line)).map((line) => `missing: ${line}`),
    ...noted.filter((row) => !rows.includes(row)).map((row) => `not a dependency: ${row}`),
  ];
}
