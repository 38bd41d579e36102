/** `run`: the main job. */
import { writeFile } from "node:fs/promises";
import { type Command, Option } from "commander";
import { agentStack } from "../agents/stacks.js";
import { comparedAllocator } from "../compare.js";
import { environment } from "../environment.js";
import { UsageError } from "../errors.js";
import { type Results, toJson } from "../json.js";
import { defaultMeasures, findMeasure, type MeasureName, runMeasures, tablesOf } from "../measures.js";
import { createProgress } from "../progress.js";
import { heading } from "../report/heading.js";
import { EFFORTS, type Effort } from "../schedule.js";
import { stackTarget } from "../stacks/target.js";
import { loadTarget, REFERENCES, targetNames } from "../targets/index.js";
import { traceName } from "../trace.js";
import { findTraces, type TraceFile, traceNames } from "../traces.js";
import { checkWritable, writeReport } from "./output.js";
import { count, countsUpTo, list } from "./parse.js";

/** More blocks than this do not fit the 1 GiB that the wasm memories may grow to. */
const MOST_BLOCKS = 1_000_000;

/** More say nothing that these do not. */
const MOST_WORKERS = 64;

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
  readonly ci?: true;
  readonly json?: string;
  readonly html?: string;
}

/** What `--ci` measures where nothing is named: the strategies and what they are compared with, on traces that repeat well. */
const CI = {
  allocators: ["hyperheap", "tlsf", "slab", ...REFERENCES],
  traces: ["sqlite", "git-log", "lua"],
  measures: ["time"],
} as const;

function effortOf({ quick, full, ci, processes, rounds, live }: RunOptions): Effort {
  if (quick && full) throw new UsageError("--quick and --full exclude each other");
  if (ci && (quick || full))
    throw new UsageError(`--ci and --${quick ? "quick" : "full"} exclude each other`);
  const effort = EFFORTS[quick ? "quick" : full ? "full" : ci ? "ci" : "default"];
  return {
    ...effort,
    processes: processes ?? effort.processes,
    liveProcesses: processes ?? effort.liveProcesses,
    rounds: rounds ?? effort.rounds,
    liveCounts: live ?? effort.liveCounts,
  };
}

/** Fills in what `--ci` measures where nothing was named. */
function withDefaults(options: RunOptions, command: Command): RunOptions {
  const isGiven = (name: keyof typeof CI): boolean => command.getOptionValueSource(name) === "cli";
  return {
    ...options,
    allocators: isGiven("allocators") ? options.allocators : CI.allocators,
    traces: options.traces ?? (options.trace === undefined ? CI.traces : []),
    measures: options.measures ?? CI.measures,
  };
}

/** Those that are named, in either way; the bundled ones if none is. */
function tracesOf({ traces, trace }: RunOptions): readonly TraceFile[] {
  const files = (trace ?? []).map((path) => ({ name: traceName(path), path }));
  return [...findTraces(traces ?? (files.length > 0 ? [] : traceNames)), ...files];
}

/** The main job. Returns the exit code. */
async function run(options: RunOptions): Promise<number> {
  const effort = effortOf(options);
  const { stacks, workers } = options;
  const named: MeasureName[] = [];
  if (stacks !== undefined) named.push("stacks");
  if (workers !== undefined) named.push("agents");
  const measures = options.measures?.map(findMeasure) ?? defaultMeasures(options.full === true, named);
  const areAgents = measures.includes("agents") || measures.includes("threads");
  const find = areAgents && !measures.includes("stacks") ? agentStack : stackTarget;
  for (const name of stacks ?? []) find(name);
  const traces = tracesOf(options);
  const { allocators } = options;
  const compared = [];
  for (const name of allocators) compared.push(comparedAllocator(await loadTarget(name)));
  if (options.json !== undefined) await checkWritable("--json", options.json);
  if (options.html !== undefined) await checkWritable("--html", options.html);
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
  const result = toJson(where, effort, results);
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(result, null, 2)}\n`);
  if (options.html !== undefined) await writeReport(options.html, result);
  return signal.aborted ? 130 : 0;
}

export function addRun(program: Command, finish: (code: number) => void): Command {
  return program
    .command("run", { isDefault: true })
    .description("measure allocators over workloads")
    .addOption(
      new Option("-a, --allocators <names>", "allocators with commas between them, or paths of modules")
        .argParser(list)
        .default([...targetNames], "all"),
    )
    .addOption(
      new Option(
        "-t, --traces <names>",
        "traces and workloads with commas between them, or paths of trace files; bundled, classic, everything (default: bundled)",
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
        "measures with commas between them (default: all; stacks, views, agents and threads only with --full, stacks also with --stacks, agents with --workers)",
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
    .option("--ci", "for `compare`: many processes of the strategies and their references, under a minute")
    .option("--json <file>", "write all figures to a file as well")
    .option("--html <file>", "write a report with plots, one page without network, as well")
    .allowExcessArguments(true)
    .action(async (options: RunOptions, command: Command) => {
      if (command.args.length > 0) {
        const known = program.commands.map((each) => each.name()).join(", ");
        throw new UsageError(`unknown command "${command.args[0]}"; known: ${known}`);
      }
      finish(await run(options.ci ? withDefaults(options, command) : options));
    });
}
