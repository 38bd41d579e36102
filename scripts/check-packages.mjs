// Packs every package as it would be published and looks at the tarball: its manifest, publint, are-the-types-wrong.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { packAll, report, root, run, withTempDir } from "./lib/workspace.mjs";

const CONDITIONS = ["module-sync", "import", "require"];
const CORE_RANGE = ">=0.1.0 <1.0.0";
const FILES = ["README.md", "CHANGELOG.md", "LICENSE"];

/** What is wrong with the manifest and the file list of a packed package, a line each. */
function manifestFindings({ name, folder, manifest, tarball }) {
  const findings = [];
  const expect = (ok, text) => ok || findings.push(text);
  const files = run(["tar", "-tzf", tarball]).split("\n");
  for (const file of FILES) expect(files.includes(`package/${file}`), `${file} is missing`);
  expect(!files.some((file) => file.startsWith("package/src/")), "sources are packed");
  expect(!JSON.stringify(manifest).includes("workspace:"), "a workspace: range is left");
  expect(manifest.license === "MIT", "license is not MIT");
  expect(manifest.engines?.node === ">=20.19", "engines.node is not >=20.19");
  if (folder === "bench") return findings;

  expect(manifest.sideEffects === false, "sideEffects is not false");
  const dependencies = Object.entries(manifest.dependencies ?? {});
  const range = manifest.peerDependencies?.["@heapwright/core"];
  if (folder === "heapwright") {
    // The others' versions are one's own: nobody else's package comes in through the door.
    for (const [dependency, version] of dependencies) {
      expect(dependency.startsWith("@heapwright/"), `depends on ${dependency}`);
      expect(/^\^\d+\.\d+\.\d+$/.test(version), `the range of ${dependency} is ${version}`);
    }
    expect(dependencies.length > 0, "has nothing behind it");
  } else expect(dependencies.length === 0, "has runtime dependencies");
  if (name !== "@heapwright/core" && folder !== "heapwright")
    expect(range === CORE_RANGE, `peer range of core is ${range}, not ${CORE_RANGE}`);
  for (const [path, entry] of Object.entries(manifest.exports)) {
    if (path === "./package.json") continue;
    const conditions = Object.keys(entry);
    expect(
      String(conditions) === String(CONDITIONS),
      `exports["${path}"] has ${conditions}, not ${CONDITIONS}`,
    );
    for (const condition of conditions) {
      expect(
        String(Object.keys(entry[condition])) === "types,default",
        `${path} ${condition}: not its own types first`,
      );
    }
  }
  return findings;
}

const { check, end } = report();
await withTempDir(async (dir) => {
  for (const { name, folder, manifest, tarball } of packAll(dir)) {
    check(`${name}: manifest`, () => manifestFindings({ name, folder, manifest, tarball }));

    const bytes = readFileSync(tarball);
    const tarballBytes = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    const { messages, pkg } = await publint({ strict: true, pack: { tarball: tarballBytes } });
    check(`${name}: publint`, () => messages.map((message) => formatMessage(message, pkg, { color: false })));

    if (manifest.exports?.["."] === undefined)
      console.log(`      ${name}: no entry point, so no types to look at`);
    else
      check(`${name}: are the types wrong`, () => void run([join(root, "node_modules/.bin/attw"), tarball]));
  }
});
end();
