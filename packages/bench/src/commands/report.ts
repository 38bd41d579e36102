/** `report`: the page of a result that was kept with `--json`. */
import { type Command, Option } from "commander";
import { readResult } from "../result-file.js";
import { checkWritable, writeReport } from "./output.js";

async function report(path: string, { output }: { readonly output: string }): Promise<void> {
  const result = await readResult(path);
  await checkWritable("--output", output);
  await writeReport(output, result);
}

export function addReport(program: Command): void {
  program
    .command("report")
    .description("make the page with plots from the figures of a run, as run --json wrote them")
    .argument("<result.json>", "figures of a run")
    .addOption(new Option("-o, --output <file>", "the page").default("heapwright-bench.html"))
    .action(report);
}
