// The built packages under other runtimes than the one that builds them. Each is brought by npm into a directory that is removed afterwards.
//
//     Node 22, 24    a third of the tests but those in a browser, which is the same one whatever drives it: which third changes from commit to
//                    commit. HEAPWRIGHT_RUNTIMES=all takes all, some four minutes each. Soaks are a tenth as long as usual
//     Deno, Bun      a first program with every library, imported from dist: scripts/smoke.mjs
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { report, root, run, withTempDir } from "./lib/workspace.mjs";

const NODES = ["22", "24"];
/** Which third of the test files. */
const SHARDS = 3;
const SHARD = 1 + (Number.parseInt(run(["git", "rev-parse", "--short=8", "HEAD"]), 16) % SHARDS);
const isWhole = process.env.HEAPWRIGHT_RUNTIMES === "all";
const OTHERS = {
  deno: ["2.9.6", "run", "--allow-read", "--allow-env", "--allow-sys"],
  bun: ["1.4.5", "run"],
};

const { check, end } = report();
await withTempDir((dir) => {
  /** The program a package brings, installed on its own. */
  const bring = (spec, program) => {
    const cwd = join(dir, spec.replace(/\W/g, "-"));
    run(["npm", "install", "--prefix", cwd, "--no-audit", "--no-fund", "--loglevel=error", spec]);
    return join(cwd, "node_modules", ".bin", program);
  };
  writeFileSync(join(dir, "package.json"), "{}");
  const smoke = join(root, "scripts", "smoke.mjs");

  for (const version of NODES) {
    let node;
    if (
      !check(`Node ${version}: brought`, () => {
        node = bring(`node@${version}`, "node");
      })
    )
      continue;
    check(`Node ${version}: is what runs`, () => {
      const is = run([node, "--version"]).trim();
      return is.startsWith(`v${version}.`) ? [] : [`it is ${is}`];
    });
    check(`Node ${version}: a first program`, () => said(run([node, smoke])));
    check(`Node ${version}: tests`, () => {
      const args = ["run", "--typecheck=false", "--reporter=dot"];
      args.push("--project=!browser");
      if (!isWhole) args.push(`--shard=${SHARD}/${SHARDS}`);
      const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
      const printed = run([node, vitest, ...args], { env: { HEAPWRIGHT_SOAK: "0.1", NO_COLOR: "1" } });
      const counts = printed.match(/^ +(Test Files|Tests) .*$/gm) ?? [];
      console.log(`    ${isWhole ? "all tests" : `part ${SHARD} of ${SHARDS} of the tests`}`);
      for (const line of counts) console.log(`    ${line.trim()}`);
      return counts.length === 2 ? [] : ["it did not say how many tests have passed"];
    });
  }
  for (const [name, [version, ...args]] of Object.entries(OTHERS)) {
    check(`${name} ${version}: a first program`, () =>
      said(run([bring(`${name}@${version}`, name), ...args, smoke])),
    );
  }
});
end();

/** What the program prints when all is well. */
function said(printed) {
  return printed.trim() === "8 packages work" ? [] : [printed.trim() || "it has said nothing"];
}
