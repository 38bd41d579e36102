/** A result from a file that `run --json` wrote; or that somebody else wrote, so nothing in it is trusted. */
import { open } from "node:fs/promises";
import { getDotPath, safeParse } from "valibot";
import { messageOf, UsageError } from "../errors.js";
import { type BenchResult, RESULT_VERSION } from "../json.js";
import { summarize } from "../summary.js";
import { resultSchema } from "./schema/result.js";

/** Fifty times a full run's. */
const MOST_BYTES = 64 << 20;

async function readText(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    if (size > MOST_BYTES) throw new Error(`${size} bytes are no result of a run`);
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}

function parseResult(text: string): BenchResult {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    throw new Error("no JSON");
  }
  const { format, version } = (found ?? {}) as { format?: unknown; version?: unknown };
  if (format !== "heapwright-bench") throw new Error("no result of heapwright-bench run --json");
  if (version !== RESULT_VERSION)
    throw new Error(
      `a result of version ${JSON.stringify(version)?.slice(0, 20)}; this reads ${RESULT_VERSION}`,
    );
  const { success, output, issues } = safeParse(resultSchema, found, { abortEarly: true });
  if (!success) {
    const [issue] = issues;
    throw new Error(`${getDotPath(issue) ?? "the result"}: ${issue.message}`);
  }
  const { comparison, stacks } = output;
  return {
    ...output,
    format: "heapwright-bench",
    version: RESULT_VERSION,
    summary: comparison === null ? null : summarize(comparison),
    stacksSummary: stacks === null ? null : summarize(stacks),
  };
}

/** @throws {@link UsageError} for a file that is no result, in a line that says why. */
export async function readResult(path: string): Promise<BenchResult> {
  try {
    return parseResult(await readText(path));
  } catch (error) {
    const message = messageOf(error);
    throw new UsageError(message.includes(path) ? message : `${path}: ${message.slice(0, 300)}`);
  }
}
