#!/usr/bin/env node
/**
 * The command line. Results go to stdout, progress and complaints to stderr. What the user did wrong is one line and exit
 * code 2; an interrupted run prints what it has and ends with 130; anything else that fails ends with 1.
 */
import { Command, CommanderError } from "commander";
import { ownVersion } from "./assets.js";
import { addCompare } from "./commands/compare.js";
import { addList } from "./commands/list.js";
import { addRecord } from "./commands/record.js";
import { addReport } from "./commands/report.js";
import { addRun } from "./commands/run.js";
import { messageOf, UsageError } from "./errors.js";

/** Commands inherit how errors are handled from the program, so it is set before they are added. */
function createProgram(finish: (code: number) => void): Command {
  const program = new Command("heapwright-bench")
    .description("Compares allocators on recorded and classic workloads, and on those of your own app.")
    .version(ownVersion())
    .exitOverride()
    .showSuggestionAfterError(false)
    .configureOutput({ writeErr: () => {} });
  const run = addRun(program, finish);
  addCompare(program, finish);
  addList(program);
  addReport(program);
  addRecord(program);
  return program.addHelpText("after", () => `\nWithout a command it is run:\n\n${run.helpInformation()}`);
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
