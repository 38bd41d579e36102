#!/usr/bin/env node
/**
 * The command line. Results go to stdout, progress and complaints to stderr. What the user did wrong is one line and exit
 * code 2; an interrupted run prints what it has and ends with 130; anything else that fails ends with 1.
 */
import { open, writeFile } from "node:fs/promises";
import { Argument, Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { ownVersion } from "./assets.js";
import { type Comparison, compare } from "./compare.js";
import { type Composition, measureComposition } from "./composition/run.js";
import { environment } from "./environment.js";
import { messageOf, UsageError } from "./errors.js";
import { toJson } from "./json.js";
import { createProgress } from "./progress.js";
import { comparisonTable, compositionTable, heading } from "./report.js";
import { EFFORTS, type Effort } from "./schedule.js";
import { loadTarget, targetNames } from "./targets/index.js";
import { readTrace } from "./trace.js";
import { describeTrace } from "./trace-stats.js";
import { BUNDLED_TRACES, bundledTrace, findTrace, traceNames } from "./traces.js";

interface RunOptions {
  readonly allocators: readonly string[];
  readonly traces: readonly string[];
  readonly rounds?: number;
  readonly quick?: true;
  readonly full?: true;
  readonly json?: string;
  readonly composition: boolean;
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

function effortOf({ quick, full, rounds }: RunOptions): Effort {
  if (quick && full) throw new UsageError("--quick and --full exclude each other");
  const effort = quick ? EFFORTS.quick : full ? EFFORTS.full : EFFORTS.default;
  return rounds === undefined ? effort : { ...effort, rounds };
}

/** The main job. Returns the exit code. */
async function run(options: RunOptions): Promise<number> {
  const effort = effortOf(options);
  const traces = options.traces.map(findTrace);
  if (options.json !== undefined) await checkWritable(options.json);
  const progress = createProgress();
  const interrupt = new AbortController();
  const onInterrupt = (): void => interrupt.abort();
  process.once("SIGINT", onInterrupt);
  const common = { effort, progress: progress.show, signal: interrupt.signal };

  let comparison: Comparison;
  let composition: Composition | undefined;
  try {
    comparison = await compare({ allocators: options.allocators, traces, ...common });
    if (options.composition && !interrupt.signal.aborted) {
      composition = await measureComposition({ trace: findTrace("sqlite"), ...common });
    }
  } finally {
    progress.stop();
    process.off("SIGINT", onInterrupt);
  }

  const where = environment();
  const parts = [heading(where, comparison.allocators), comparisonTable(comparison, effort.rounds)];
  if (composition !== undefined) parts.push(compositionTable(composition));
  process.stdout.write(`\n${parts.join("\n\n")}\n`);
  if (options.json !== undefined) {
    const result = toJson(where, effort, comparison, composition);
    await writeFile(options.json, `${JSON.stringify(result, null, 2)}\n`);
  }
  return interrupt.signal.aborted ? 130 : 0;
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
  process.stdout.write(`${lines.join("\n")}\n`);
}

function createProgram(finish: (code: number) => void): Command {
  return new Command("heapwright-bench")
    .description(
      "Replays recorded allocation traces over Heapwright and its peers, and prints what each takes.",
    )
    .addArgument(
      new Argument("[command]", "measure, or name the allocators and traces there are")
        .choices(["run", "list"])
        .default("run", "run"),
    )
    .addOption(
      new Option("-a, --allocators <names>", "allocators with commas between them, or paths of modules")
        .argParser(list)
        .default([...targetNames], "all"),
    )
    .addOption(
      new Option("-t, --traces <names>", "traces with commas between them, or paths of trace files")
        .argParser(list)
        .default([...traceNames], "all"),
    )
    .option("-r, --rounds <n>", "rounds per allocator and trace", count)
    .option("--quick", "a rough look, in a quarter of the time")
    .option("--full", "more and longer rounds, and more patience: some minutes")
    .option("--json <file>", "write all figures to a file as well")
    .option("--no-composition", "leave out what composing costs")
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
