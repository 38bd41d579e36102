/** `compare`: what became slower or faster from one saved result to another. */
import { writeFile } from "node:fs/promises";
import { type Command, InvalidArgumentError } from "commander";
import { DEFAULT_THRESHOLD, findRegressions } from "../regression/regression.js";
import { regressionTable } from "../report/regression.js";
import { readResult } from "../result-file.js";
import { checkWritable } from "./output.js";
import { list } from "./parse.js";

interface CompareCommandOptions {
  readonly threshold: number;
  readonly allocators?: readonly string[];
  readonly json?: string;
}

function percent(value: string): number {
  const number = value.trim() === "" ? Number.NaN : Number(value);
  if (!(number >= 0 && number <= 1000)) throw new InvalidArgumentError("Expected percent, 0 to 1000.");
  return number;
}

/** Returns the exit code: 1 where something became slower, or lost. */
async function compareFiles(
  oldPath: string,
  newPath: string,
  { threshold, allocators, json }: CompareCommandOptions,
): Promise<number> {
  const before = await readResult(oldPath);
  const after = await readResult(newPath);
  const regression = findRegressions(before, after, { threshold, allocators });
  if (json !== undefined) {
    await checkWritable("--json", json);
    await writeFile(json, `${JSON.stringify(regression, null, 2)}\n`);
  }
  process.stdout.write(`${regressionTable(regression)}\n`);
  return regression.found ? 1 : 0;
}

export function addCompare(program: Command, finish: (code: number) => void): void {
  program
    .command("compare")
    .description(
      "say what became slower or faster between two results of run --ci --json; exit code 1 if slower",
    )
    .argument("<old>", "result file")
    .argument("<new>", "result file")
    .option(
      "--threshold <percent>",
      "changes below count as none; on a single trace, below twice this",
      percent,
      DEFAULT_THRESHOLD,
    )
    .option("-a, --allocators <names>", "only these, with commas between them", list)
    .option("--json <file>", "write it to a file as well")
    .action(async (before: string, after: string, options: CompareCommandOptions) => {
      finish(await compareFiles(before, after, options));
    });
}
