#!/usr/bin/env node
/**
 * The command line. Results go to stdout, progress and complaints to stderr. What the user did wrong is one line and exit
 * code 2; an interrupted run prints what it has and ends with 130; anything else that fails ends with 1.
 */
import { open, writeFile } from "node:fs/promises";
import { Argument, Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { agentStack } from "./agents/stacks.js";
import { ownVersion } from "./assets.js";
import { comparedAllocator } from "./compare.js";
import { environment } from "./environment.js";
import { messageOf, UsageError } from "./errors.js";
import { type Results, toJson } from "./json.js";
import {
  aboutMeasure,
  defaultMeasures,
  findMeasure,
  type MeasureName,
  measureNames,
  runMeasures,
  tablesOf,
} from "./measures.js";
import { createProgress } from "./progress.js";
import { heading } from "./report/heading.js";
import { EFFORTS, type Effort } from "./schedule.js";
import { STACKS } from "./stacks/stacks.js";
import { stackTarget } from "./stacks/target.js";
import { loadTarget, targetNames } from "./targets/index.js";
import { readTrace, traceName } from "./trace.js";
import { describeTrace } from "./trace-stats.js";
import { BUNDLED_TRACES, bundledTrace, findTrace, type TraceFile, traceNames } from "./traces.js";

interface RunOptions {
  readonly allocators: readonly string[];
  readonly traces?: readonly string[];
  readonly trace?: readonly string[];
  readonly measures?: readonly string[];
  readonly stacks?: readonly string[];
  readonly live?: readonly number[];
  readonly workers?: readonly number[];
  readonly processes?: number;
  readonly rounds?: number;
  readonly quick?: true;
  readonly full?: true;
  readonly json?: string;
}

function list(value: string): string[] {
  const names = value.split(",").map((name) => name.trim());
  if (names.includes("")) throw new InvalidArgumentError("Expected names with commas between them.");
  return [...new Set(names)];
}

function count(value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1 || number > 1000)
    throw new InvalidArgumentError("Expected 1 to 1000.");
  return number;
}

/** More blocks than this do not fit the 1 GiB that the wasm memories may grow to. */
const MOST_BLOCKS = 1_000_000;

/** More say nothing that these do not. */
const MOST_WORKERS = 64;

function countsUpTo(most: number): (value: string) => number[] {
  return (value) => {
    const counts = list(value).map(Number);
    if (counts.some((each) => !Number.isInteger(each) || each < 1 || each > most))
      throw new InvalidArgumentError(`Expected numbers from 1 to ${most} with commas between them.`);
    return counts.sort((a, b) => a - b);
  };
}

function effortOf({ quick, full, processes, rounds, live }: RunOptions): Effort {
  if (quick && full) throw new UsageError("--quick and --full exclude each other");
  const effort = quick ? EFFORTS.quick : full ? EFFORTS.full : EFFORTS.default;
  return {
    ...effort,
    processes: processes ?? effort.processes,
    liveProcesses: processes ?? effort.liveProcesses,
    rounds: rounds ?? effort.rounds,
    liveCounts: live ?? effort.liveCounts,
  };
}

/** Those that are named, in either way; all that are bundled if none is. */
function tracesOf({ traces, trace }: RunOptions): TraceFile[] {
  const files = (trace ?? []).map((path) => ({ name: traceName(path), path }));
  if (traces === undefined) return files.length > 0 ? files : traceNames.map(findTrace);
  return [...traces.map(findTrace), ...files];
}

/** The main job. Returns the exit code. */
async function run(options: RunOptions): Promise<number> {
  const effort = effortOf(options);
  const { stacks, workers } = options;
  const named: MeasureName[] = [];
  if (stacks !== undefined) named.push("stacks");
  if (workers !== undefined) named.push("agents");
  const measures = options.measures?.map(findMeasure) ?? defaultMeasures(options.full === true, named);
  const find = measures.includes("agents") && !measures.includes("stacks") ? agentStack : stackTarget;
  for (const name of stacks ?? []) find(name);
  const traces = tracesOf(options);
  const { allocators } = options;
  const compared = [];
  for (const name of allocators) compared.push(comparedAllocator(await loadTarget(name)));
  if (options.json !== undefined) await checkWritable(options.json);
  const progress = createProgress();
  const interrupt = new AbortController();
  const onInterrupt = (): void => interrupt.abort();
  process.once("SIGINT", onInterrupt);
  const { signal } = interrupt;

  let results: Results;
  try {
    results = await runMeasures(measures, {
      allocators,
      traces,
      stacks,
      workers,
      effort,
      progress: progress.show,
      signal,
    });
  } finally {
    progress.stop();
    process.off("SIGINT", onInterrupt);
  }

  const where = environment();
  const parts = [heading(where, compared), ...tablesOf(results, effort)];
  process.stdout.write(`\n${parts.join("\n\n")}\n`);
  if (options.json !== undefined) {
    await writeFile(options.json, `${JSON.stringify(toJson(where, effort, results), null, 2)}\n`);
  }
  return signal.aborted ? 130 : 0;
}

/** Finds out before the measuring whether the results can be kept. */
async function checkWritable(path: string): Promise<void> {
  try {
    await (await open(path, "a")).close();
  } catch (error) {
    throw new UsageError(`--json: ${messageOf(error)}`);
  }
}

async function showList(): Promise<void> {
  const lines = ["allocators"];
  for (const name of targetNames) {
    const module = await loadTarget(name);
    lines.push(`  ${name.padEnd(10)} ${module.about} (${module.version()})`);
  }
  lines.push("", "traces");
  for (const name of traceNames) {
    const { operations, peakLiveBytes } = describeTrace(await readTrace(bundledTrace(name)));
    const size = `${operations} operations, ${Math.round(peakLiveBytes / 1024)} KiB at the peak`;
    lines.push(`  ${name.padEnd(10)} ${BUNDLED_TRACES[name]}: ${size}`);
  }
  lines.push("", "measures", ...measureNames.map((name) => `  ${name.padEnd(11)} ${aboutMeasure(name)}`));
  lines.push(
    "",
    "stacks",
    ...Object.entries(STACKS).map(([name, { about }]) => `  ${name.padEnd(12)} ${about}`),
  );
  process.stdout.write(`${lines.join("\n")}\n`);
}

function createProgram(finish: (code: number) => void): Command {
  return new Command("heapwright-bench")
    .description(
      "Replays recorded allocation traces over Heapwright and its peers, and prints what each takes.",
    )
    .addArgument(
      new Argument("[command]", "measure, or name the allocators, traces and measures there are")
        .choices(["run", "list"])
        .default("run", "run"),
    )
    .addOption(
      new Option("-a, --allocators <names>", "allocators with commas between them, or paths of modules")
        .argParser(list)
        .default([...targetNames], "all"),
    )
    .addOption(
      new Option(
        "-t, --traces <names>",
        "traces with commas between them, or paths of trace files (default: all)",
      ).argParser(list),
    )
    .addOption(
      new Option(
        "--trace <file>",
        "a trace file, such as an app of yours has recorded; may be given several times",
      ).argParser((path: string, before: string[] = []) => [...before, path]),
    )
    .addOption(
      new Option(
        "-m, --measures <names>",
        "measures with commas between them (default: all; stacks, views and agents only with --full, stacks also with --stacks, agents with --workers)",
      ).argParser(list),
    )
    .addOption(
      new Option(
        "-s, --stacks <names>",
        "plugin stacks with commas between them, a+b for two in one (default: all)",
      ).argParser(list),
    )
    .option("-p, --processes <n>", "processes per allocator and workload", count)
    .option("-r, --rounds <n>", "rounds in each process", count)
    .option(
      "--live <counts>",
      "numbers of live blocks with commas between them, up to 1000000",
      countsUpTo(MOST_BLOCKS),
    )
    .option(
      "--workers <counts>",
      "numbers of workers on one heap, for agents, with commas between them (default: 1,2)",
      countsUpTo(MOST_WORKERS),
    )
    .option("--quick", "a rough look, in a quarter of the time")
    .option("--full", "more and longer rounds, and more patience: some minutes")
    .option("--json <file>", "write all figures to a file as well")
    .version(ownVersion())
    .allowExcessArguments(false)
    .exitOverride()
    .showSuggestionAfterError(false)
    .configureOutput({ writeErr: () => {} })
    .action(async (command: string, options: RunOptions) => {
      if (command === "list") await showList();
      else finish(await run(options));
    });
}

async function main(): Promise<number> {
  let code = 0;
  try {
    await createProgram((value) => {
      code = value;
    }).parseAsync();
    return code;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const message = messageOf(error).replace(/^error: /, "");
    process.stderr.write(`heapwright-bench: ${message}\n`);
    return error instanceof CommanderError || error instanceof UsageError ? 2 : 1;
  }
}

process.exitCode = await main();
