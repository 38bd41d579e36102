/**
 * How often `compare` is right: runs of the same build against each other, in which it should find nothing, and runs against
 * one with a strategy made 10 % slower, in which it should find that and no other. Not part of CI: it takes half an hour.
 *
 *     node scripts/compare-trials.mjs --folder trials [--runs 20] [--through "command to start each run by"]
 *
 * First the slowdown is calibrated: each strategy is measured beside two slowed copies of itself, and the line through them says
 * how much to burn for 10 %. A second measurement, of other processes, says what it came to. Then plain and slowed runs take
 * turns, another strategy slowed each time. Each plain run is compared with the next, the last one with the first, and each slowed one with the
 * plain one before it; then again, one run further apart, which gives twice as many tries of the same runs.
 * Files that are there already are not measured again.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { writeSlow } from "./compare-trials/slow.mjs";

const STRATEGIES = ["hyperheap", "tlsf", "slab"];
const REFERENCES = ["dlmalloc", "as-tlsf"];
const WANTED = 1.1;
/** Two amounts to burn, for the line. */
const LOW = 4;
const HIGH = 40;
/** Slowdowns of 9 to 11 % will do. */
const TOLERANCE = 0.01;
const ATTEMPTS = 4;
const SECONDS = "seconds.txt";

const { values } = parseArgs({
  options: {
    folder: { type: "string" },
    runs: { type: "string", default: "20" },
    through: { type: "string", default: "" },
  },
});
if (values.folder === undefined) throw new Error("--folder is missing");
const folder = resolve(values.folder);
const runs = Number(values.runs);
const dist = resolve(import.meta.dirname, "..", "dist");
mkdirSync(folder, { recursive: true });

const at = (name) => join(folder, name);
const median = (list) => {
  const sorted = [...list].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
};
const mean = (list) => list.reduce((sum, value) => sum + value, 0) / list.length;
const read = (name) => JSON.parse(readFileSync(at(name), "utf8"));

function run(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8", cwd: folder });
  if (status !== 0 && status !== 1) throw new Error(stderr);
  return { status, stdout };
}

/** A run whose result is a file; its seconds are noted if it is one of the trials. */
function measure(name, { args = [], times = "other-seconds.txt" } = {}) {
  if (existsSync(at(name))) return;
  const [command, ...rest] = [
    ...values.through.split(" ").filter(Boolean),
    ...[process.execPath, join(import.meta.dirname, "compare-trials", "timed.mjs"), at(times)],
    ...[process.execPath, join(dist, "cli.js"), "run", "--ci", "--json", at("unfinished.json"), ...args],
  ];
  run(command, rest);
  renameSync(at("unfinished.json"), at(name));
}

async function slowed(strategy, name, steps) {
  const path = at(`${name}-${steps}.mjs`);
  await writeSlow({ path, index: join(dist, "index.js"), strategy, name, steps });
  return path;
}

/** Time of one allocator over another's: on each trace the median over processes that took turns. */
function ratios(result, allocator, base) {
  const { cells, traces } = result.comparison;
  return traces.map(({ name }) => {
    const fastest = (who) => {
      const cell = cells.find((each) => each.allocator === who && each.trace === name);
      if (cell.status !== "measured") throw new Error(`${who} on ${name}: ${cell.detail}`);
      return cell.processes.map((rounds) => Math.log(Math.min(...rounds)));
    };
    const bases = fastest(base);
    return Math.exp(median(fastest(allocator).map((value, i) => value - bases[i])));
  });
}
const geometric = (list) => Math.exp(mean(list.map(Math.log)));
const percent = (ratio) => `${((ratio - 1) * 100).toFixed(1)} %`;

/** How many steps make each strategy 10 % slower: from a line through two amounts, then corrected until a fresh measurement agrees. */
async function calibrate() {
  const line = [];
  for (const strategy of STRATEGIES) {
    line.push(strategy);
    for (const [which, steps] of Object.entries({ low: LOW, high: HIGH }))
      line.push(await slowed(strategy, `${strategy}-${which}`, steps));
  }
  measure("calibration.json", { args: ["-a", line.join(","), "-p", "10"] });
  const calibration = read("calibration.json");
  const steps = {};
  const perStep = {};
  for (const strategy of STRATEGIES) {
    const low = geometric(ratios(calibration, `${strategy}-low`, strategy));
    const high = geometric(ratios(calibration, `${strategy}-high`, strategy));
    perStep[strategy] = (high - low) / (HIGH - LOW);
    steps[strategy] = Math.max(0, Math.round(LOW + (WANTED - low) / perStep[strategy]));
    console.log(`${strategy}: ${LOW} steps ${percent(low)}, ${HIGH} steps ${percent(high)}`);
  }
  for (let attempt = 1; ; attempt++) {
    const off = await verify(`verification-${attempt}.json`, steps);
    const wrong = STRATEGIES.filter((strategy) => Math.abs(off[strategy]) > TOLERANCE);
    if (wrong.length === 0) return steps;
    if (attempt === ATTEMPTS)
      throw new Error(`not 10 % slower after ${ATTEMPTS} attempts: ${wrong.join(", ")}`);
    for (const strategy of wrong)
      steps[strategy] = Math.max(0, Math.round(steps[strategy] - off[strategy] / perStep[strategy]));
  }
}

/** Measures the slowed strategies beside the plain ones; by how much each is slower than wanted. */
async function verify(name, steps) {
  const beside = [];
  for (const strategy of STRATEGIES)
    beside.push(strategy, await slowed(strategy, `${strategy}-slow`, steps[strategy]));
  measure(name, { args: ["-a", beside.join(","), "-p", "14"] });
  const off = {};
  for (const strategy of STRATEGIES) {
    const each = ratios(read(name), `${strategy}-slow`, strategy);
    off[strategy] = geometric(each) - WANTED;
    console.log(
      `${strategy}: ${steps[strategy]} steps measured ${percent(geometric(each))} slower (${each.map(percent).join(", ")})`,
    );
  }
  return off;
}

function compared(old, now) {
  const { status } = run(process.execPath, [
    ...[join(dist, "cli.js"), "compare", at(old), at(now), "--json", at("comparison.json")],
  ]);
  const { changes } = read("comparison.json");
  const slower = new Set(
    changes.filter(({ verdict }) => verdict === "slower").map(({ allocator }) => allocator),
  );
  const all = changes.filter(({ trace }) => trace === undefined);
  const text = all
    .map(({ allocator, ratio, p }) => `${allocator} ${percent(ratio)} p ${p.toPrecision(2)}`)
    .join(", ");
  return { status, slower, text };
}

const steps = await calibrate();
const strategyOf = (i) => STRATEGIES[i % STRATEGIES.length];
for (let i = 0; i < runs; i++) {
  measure(`plain-${i}.json`, { times: SECONDS });
  const slow = await slowed(strategyOf(i), strategyOf(i), steps[strategyOf(i)]);
  const others = STRATEGIES.map((name) => (name === strategyOf(i) ? slow : name));
  measure(`slow-${i}.json`, { args: ["-a", [...others, ...REFERENCES].join(",")], times: SECONDS });
}
for (const apart of [1, 2]) {
  const next = (i) => (i + apart) % runs;
  let quiet = 0;
  for (let i = 0; i < runs; i++) {
    const { status, text } = compared(`plain-${i}.json`, `plain-${next(i)}.json`);
    if (status === 0) quiet++;
    console.log(`${i} and ${next(i)}, the same: ${status === 0 ? "nothing" : "FOUND"}: ${text}`);
  }
  let found = 0;
  let accused = 0;
  for (let i = 0; i < runs; i++) {
    const strategy = strategyOf(i);
    const { status, slower, text } = compared(`plain-${(i + apart - 1) % runs}.json`, `slow-${i}.json`);
    const isFound = status === 1 && slower.has(strategy);
    if (isFound) found++;
    if ([...slower].some((name) => name !== strategy)) accused++;
    console.log(
      `${(i + apart - 1) % runs} and ${i}, ${strategy} slowed: ${isFound ? "found" : "MISSED"}: ${text}`,
    );
  }
  console.log(`the same build, ${apart} apart: nothing found in ${quiet} of ${runs}`);
  console.log(
    `10 % slower, ${apart - 1} apart: found in ${found} of ${runs}; another accused in ${accused} of ${runs}`,
  );
}
const seconds = readFileSync(at(SECONDS), "utf8").trim().split("\n").map(Number);
console.log(
  `a run took ${median(seconds).toFixed(1)} s (${Math.min(...seconds)} to ${Math.max(...seconds)}; ${seconds.length} runs)`,
);
