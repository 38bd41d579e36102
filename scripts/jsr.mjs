// Publishes the library packages to JSR, but for the publishing: writes each as JSR takes it, and lets Deno test that it can be taken as it
// is, with types that need no inference. `--out DIR` keeps what was written, for `deno publish` there.
import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { stage } from "./lib/jsr.mjs";
import { publishablePackages, report, run, withTempDir } from "./lib/workspace.mjs";

/** JSR has no names without a scope; no specifier says the range of Vitest that the kit takes, and the bench is a program for Node. */
const NOT_THERE = ["heapwright", "@heapwright/conformance", "@heapwright/bench"];
const DENO = ["npx", "-y", "deno@2.9.6"];

const { values } = parseArgs({ options: { out: { type: "string" } } });
const packages = publishablePackages().filter(({ name }) => !NOT_THERE.includes(name));
const { check, end } = report();

const test = (dir) => {
  for (const { name, files, missing } of stage(dir, packages))
    check(`${name}: ${files.length} files`, () => missing.map((one) => `imports ${one}, no dependency`));
  check(`deno publish --dry-run, ${packages.length} packages`, () => {
    run([...DENO, "publish", "--dry-run", "--allow-dirty", "--quiet"], {
      cwd: dir,
      env: { NO_COLOR: "1" },
    });
  });
};
if (values.out === undefined) await withTempDir(test);
else {
  mkdirSync(values.out, { recursive: true });
  test(resolve(values.out));
}
end();
