// Puts known mistakes into a copy of the sources, one after the other, and shows which test finds each. A mistake is a patch
// in `mutants/` whose first line says what is wrong with it; its second may name the point it is an example of, and then a test
// under that name has to find it, or the tests to run first. Ends with 1 if one is not found or no longer applies.
import { spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { root, run, withTempDir } from "./lib/workspace.mjs";

const HELP = `Usage: node scripts/mutants.mjs [--only <name>]... [--list]

Applies each patch of mutants/ to a copy of the sources, runs the tests and names one that fails.

  --only <name>   only patches whose name contains this; may be given several times
  --list          list the patches and run nothing
  --share <n>     only every n-th patch; which ones changes from commit to commit, so that in n of them, more or less, all have their turn
  --no-baseline   do not run all tests without a mistake first: they are known to pass
  --help          this text`;

/** The tests of the points: each mistake that is an example of one has its own among them. */
const OWN_TESTS = ["packages/hyperheap/src/mistakes"];
/** The tests that are run first for a mistake in a package that is an example of no point: quick ones that look after every operation. */
const QUICK_TESTS = {
  core: ["heap", "context", "layout", "lock"].map((name) => `packages/core/src/${name}`),
  hyperheap: ["first-fit", "tree", "largest", "misuse", "golden"].map(
    (name) => `packages/hyperheap/src/${name}`,
  ),
  tlsf: ["strips", "check", "misuse", "layout", "places"].map((name) => `packages/tlsf/src/${name}`),
  slab: ["layout", "check", "misuse", "memories"].map((name) => `packages/slab/src/${name}`),
  stats: ["stats.test", "strategies", "names", "query", "prometheus"].map(
    (name) => `packages/stats/src/${name}`,
  ),
  strict: ["pattern", "freed", "quarantine", "report", "inspect", "overflow", "refused"].map(
    (name) => `packages/strict/src/${name}`,
  ),
  trace: ["merge", "recorder", "format", "program"].map((name) => `packages/trace/src/${name}.test`),
};
/** So many mistakes are judged at a time, each in a copy of its own. */
const AT_A_TIME = Math.min(4, availableParallelism());
/** The projects whose tests are run for a mistake that none of them finds. */
const PROJECTS = [
  "core",
  "hyperheap",
  "tlsf",
  "slab",
  "arena",
  "stats",
  "strict",
  "trace",
  "wasm",
  "conformance",
];
/**
 * A mistake may make a loop endless. After what all tests take without one (in one worker) some of them count as stuck, which finds
 * it; all of them only after so many times as long.
 */
const PATIENCE = 3;
/** Milliseconds that they may take. */
const LIMIT = 600_000;
const HANGS = "no end in sight";

const POINT = "Point: ";
/** Names the tests that are made for a mistake, where the quick ones would not see it. */
const TESTS = "Tests: ";

/** `{ name, file, title, point, runs }` of every patch; `point` is empty where it names none, `runs` are the tests to run in turn. */
function patches() {
  const dir = join(root, "mutants");
  return readdirSync(dir)
    .filter((file) => file.endsWith(".patch"))
    .sort()
    .map((file) => {
      const text = readFileSync(join(dir, file), "utf8");
      const [title, second] = text.split("\n", 2);
      const point = second.startsWith(POINT) ? second.slice(POINT.length) : "";
      const [, changed] = /^\+\+\+ b\/packages\/([^/]+)\//m.exec(text) ?? [];
      const runs = [OWN_TESTS, []];
      if (second.startsWith(TESTS)) runs.unshift([second.slice(TESTS.length)]);
      else if (point === "" && changed in QUICK_TESTS) runs.unshift(QUICK_TESTS[changed]);
      return { name: file.slice(0, -".patch".length), file: join(dir, file), title, point, runs };
    });
}

/**
 * Copies what git knows of, or would, and links the installed packages. Left out are tests that only take long and those of the
 * built files, which show nothing of the sources.
 */
function copySources(to) {
  const files = run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
  for (const file of files.split("\0")) {
    if (file === "" || file.endsWith(".gz") || !existsSync(join(root, file))) continue;
    if (file.endsWith(".test.ts") && (file.includes("soak") || readsBuilt(file))) continue;
    mkdirSync(dirname(join(to, file)), { recursive: true });
    copyFileSync(join(root, file), join(to, file));
  }
  const packages = readdirSync(join(root, "packages")).map((folder) => join("packages", folder));
  for (const dir of [".", ...packages]) {
    const installed = join(root, dir, "node_modules");
    if (existsSync(installed) && existsSync(join(to, dir)))
      symlinkSync(installed, join(to, dir, "node_modules"));
  }
}

const readsBuilt = (file) => readFileSync(join(root, file), "utf8").includes("/dist/");

/** Runs tests in `dir`. `{ passed, failed: names, note }`; `note` says why there are no names where there are none. */
async function test(dir, filters, { limit = LIMIT, workers = 1 } = {}) {
  const report = join(dir, "report.json");
  rmSync(report, { force: true });
  const options = ["--root", ".", "--typecheck.enabled=false", "--reporter=json", `--outputFile=${report}`];
  options.push(`--maxWorkers=${workers}`);
  const args = [...filters, ...options, ...PROJECTS.map((name) => `--project=${name}`)];
  const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
  const { status, output } = await start(dir, [vitest, "run", ...args], limit);
  if (status === "limit") return { passed: 0, failed: [], note: HANGS };
  if (!existsSync(report)) return { passed: 0, failed: [], note: lastLine(output) };
  const { testResults, numPassedTests } = JSON.parse(readFileSync(report, "utf8"));
  const failed = testResults.flatMap((file) => {
    const names = file.assertionResults
      .filter((each) => each.status === "failed")
      .map((each) => each.fullName);
    // A file that cannot be loaded has no tests, and fails.
    if (names.length === 0 && file.status === "failed") names.push(lastLine(file.message));
    return names.map((name) => `${file.name.split("/").at(-1)}: ${name}`);
  });
  return { passed: numPassedTests, failed, note: status === 0 ? "" : lastLine(output) };
}

/** Process groups that run. */
const running = new Set();
process.once("exit", () => running.forEach(end));
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));

function end(group) {
  running.delete(group);
  process.kill(-group, "SIGKILL");
}

/** A process of its own group, so that workers in endless loops end with it. */
function start(cwd, args, limit) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    let isOver = false;
    child.stdout.on("data", (text) => (output += text));
    child.stderr.on("data", (text) => (output += text));
    running.add(child.pid);
    const timer = setTimeout(() => {
      isOver = true;
      end(child.pid);
    }, limit);
    child.on("error", reject);
    child.on("close", (code) => {
      running.delete(child.pid);
      clearTimeout(timer);
      resolve({ status: isOver ? "limit" : code, output });
    });
  });
}

const lastLine = (text) => text.trim().split("\n").at(-1) ?? "";

/** What became of one mistake: `{ isFound, by, others }`, `by` being the test that found it, or why none did. */
async function judge(dir, { file, point, runs }, limit) {
  // The copy may lie below some other repository, whose paths git would then go by.
  const env = { GIT_CEILING_DIRECTORIES: dirname(dir) };
  const apply = (...options) =>
    run(["git", "apply", "--whitespace=nowarn", ...options, file], { cwd: dir, env });
  try {
    apply();
  } catch (error) {
    return { isFound: false, by: `it does not apply: ${error.message}`, others: 0 };
  }
  try {
    // Without a point any test will do, and the first is enough.
    const bail = point === "" ? ["--bail=1"] : [];
    for (const filters of runs) {
      const { failed, note } = await test(dir, [...filters, ...bail], {
        limit: filters.length === 0 ? PATIENCE * limit : limit,
      });
      const own = failed.find((name) => name.includes(point));
      if (own !== undefined) return { isFound: true, by: own, others: failed.length - 1 };
      if (failed.length > 0)
        return { isFound: false, by: `only others found it: ${failed[0]}`, others: failed.length - 1 };
      if (note !== "") return { isFound: note === HANGS, by: note, others: 0 };
    }
    return { isFound: false, by: "every test passes", others: 0 };
  } finally {
    apply("--reverse");
  }
}

/** Milliseconds that some of the tests may take, after what all take without a mistake. */
async function baselineLimit(dir) {
  const began = Date.now();
  const { passed, failed, note } = await test(dir, [], { workers: AT_A_TIME });
  if (failed.length > 0 || note !== "" || passed === 0) {
    throw new Error(`the tests fail without any mistake: ${failed.join("; ") || note || "there are none"}`);
  }
  console.log(`${passed} tests pass without a mistake (${seconds(began)})`);
  return AT_A_TIME * (Date.now() - began);
}

/** Every n-th, beginning with one that follows from the commit. */
function shareOf(all, share) {
  const n = Number(share ?? 1);
  if (!Number.isInteger(n) || n < 1) throw new Error(`--share takes an integer from 1 on, not ${share}`);
  const first = Number.parseInt(run(["git", "rev-parse", "--short=8", "HEAD"]), 16) % n;
  return all.filter((_, index) => index % n === first);
}

async function main({ only, list, share, "no-baseline": trusts }) {
  const baseline = !trusts;
  const named = patches().filter(
    ({ name }) => only === undefined || only.some((part) => name.includes(part)),
  );
  const chosen = shareOf(named, share);
  if (chosen.length === 0)
    throw new Error(`no patch in mutants/ is named ${only?.join(" or ") ?? "anything"}`);
  if (list) {
    for (const { name, title } of chosen) console.log(`${name}  ${title}`);
    return;
  }
  await withTempDir(async (temp) => {
    const copies = Array.from({ length: Math.min(AT_A_TIME, chosen.length) }, (_, index) =>
      join(temp, `${index}`),
    );
    for (const dir of copies) copySources(dir);
    const limit = baseline ? await baselineLimit(copies[0]) : LIMIT / PATIENCE;
    let survivors = 0;
    const left = [...chosen];
    const judgeNext = async (dir) => {
      const patch = left.shift();
      if (patch === undefined) return;
      const since = Date.now();
      const { isFound, by, others } = await judge(dir, patch, limit);
      if (!isFound) survivors++;
      console.log(`\n${isFound ? "found " : "MISSED"}  ${patch.name} (${seconds(since)})`);
      console.log(`        ${patch.title}`);
      console.log(
        `        ${isFound ? "found by" : "because"} ${by}${others > 0 ? `, and ${others} more` : ""}`,
      );
      await judgeNext(dir);
    };
    await Promise.all(copies.map(judgeNext));
    console.log(`\n${chosen.length - survivors} of ${chosen.length} mistakes found`);
    if (survivors > 0) process.exitCode = 1;
  });
}

const seconds = (since) => `${((Date.now() - since) / 1000).toFixed(1)} s`;

try {
  const { values } = parseArgs({
    options: {
      only: { type: "string", multiple: true },
      share: { type: "string" },
      list: { type: "boolean", default: false },
      "no-baseline": { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) console.log(HELP);
  else await main(values);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = String(error?.code).startsWith("ERR_PARSE_ARGS") ? 2 : 1;
}
