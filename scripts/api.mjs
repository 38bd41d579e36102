// Compares what each built package says to its users with `api/<folder>.api.md`, and fails where that has changed unannounced.
//
//     node scripts/api.mjs            compares
//     node scripts/api.mjs --update   writes what is new; commit it together with a changeset
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { apiReport } from "./lib/api.mjs";
import { publishablePackages, report, root } from "./lib/workspace.mjs";

const update = process.argv.includes("--update");
const { check, end } = report();
const folder = join(root, "api");
const packages = publishablePackages().filter(({ manifest }) => manifest.exports?.["."] !== undefined);

mkdirSync(folder, { recursive: true });
for (const each of packages) {
  const file = join(folder, `${each.folder}.api.md`);
  check(`${each.name}: API`, () => {
    const is = apiReport(each);
    if (update) writeFileSync(file, is);
    return changes(existsSync(file) ? readFileSync(file, "utf8") : "", is);
  });
}
check("no report of a package that is gone", () => {
  const known = packages.map((each) => `${each.folder}.api.md`);
  const stray = readdirSync(folder).filter((name) => !known.includes(name));
  if (update) for (const name of stray) rmSync(join(folder, name));
  return update ? [] : stray;
});
end();

/** Lines that only one of the two has; none if they are the same. */
function changes(was, is) {
  if (was === is) return [];
  const [before, after] = [was.split("\n"), is.split("\n")];
  const lines = [
    ...before.filter((line) => !after.includes(line)).map((line) => `- ${line}`),
    ...after.filter((line) => !before.includes(line)).map((line) => `+ ${line}`),
  ];
  return [...lines, "if that is meant: pnpm api:update, and a changeset"];
}
