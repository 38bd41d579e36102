/** Files that results are kept in. */
import { open, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { messageOf, UsageError } from "../errors.js";
import { reportHtml } from "../html/report.js";
import type { BenchResult } from "../json.js";

/** Finds out before the measuring whether the results can be kept. */
export async function checkWritable(option: string, path: string): Promise<void> {
  try {
    await (await open(path, "a")).close();
  } catch (error) {
    throw new UsageError(`${option}: ${messageOf(error)}`);
  }
}

/** Writes the page; the last line says where it is, as a browser takes it. */
export async function writeReport(path: string, result: BenchResult): Promise<void> {
  await writeFile(path, reportHtml(result));
  process.stdout.write(`\nReport: ${pathToFileURL(resolve(path)).href}\n`);
}
