/**
 * Reading a result back that `run --json` wrote, or somebody else. Nothing in the file is trusted: names end up in a terminal and a
 * page, numbers in logarithms. What is wrong is one line with the path and the place in the file.
 *
 * Shapes and ranges are the schema's (result/); that cells are of allocators and traces that are there, each once, is looked at here.
 */
import { readFile, stat } from "node:fs/promises";
import { getDotPath, safeParse } from "valibot";
import type { Comparison } from "./compare.js";
import { messageOf, UsageError } from "./errors.js";
import { type BenchResult, RESULT_VERSION } from "./json.js";
import { resultSchema } from "./result/result.js";
import { summarize } from "./summary.js";

/** A `--full` run with everything writes less than 2 MiB. */
const MAX_BYTES = 64 << 20;
const FORMAT = "heapwright-bench";

/** A file that is no result; the message says where and why. */
export class ResultError extends UsageError {
  override name = "ResultError";
}

/** Names of a list's items, each once. */
function namesOf(items: readonly { readonly name: string }[], where: string): Set<string> {
  const names = new Set<string>();
  for (const [i, { name }] of items.entries()) {
    if (names.has(name)) throw new ResultError(`${where}.${i}.name is there twice: ${name}`);
    names.add(name);
  }
  return names;
}

function checkCells(comparison: Comparison | null, where: string): void {
  if (comparison === null) return;
  const allocators = namesOf(comparison.allocators, `${where}.allocators`);
  const traces = namesOf(comparison.traces, `${where}.traces`);
  const seen = new Set<string>();
  for (const [i, { allocator, trace }] of comparison.cells.entries()) {
    const at = `${where}.cells.${i}`;
    if (!allocators.has(allocator)) throw new ResultError(`${at}.allocator is unknown: ${allocator}`);
    if (!traces.has(trace)) throw new ResultError(`${at}.trace is unknown: ${trace}`);
    const key = JSON.stringify([allocator, trace]);
    if (seen.has(key)) throw new ResultError(`${at} is there twice: ${allocator} on ${trace}`);
    seen.add(key);
  }
}

/** What is in a message may be from the file. */
const printable = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "�").slice(0, 300);

/** @throws {@link ResultError} where a value, as `JSON.parse` gave it, is no result. */
export function checkResult(value: unknown): BenchResult {
  const { format, version } = (value ?? {}) as { format?: unknown; version?: unknown };
  if (format !== FORMAT) throw new ResultError(`no result of ${FORMAT} run --json`);
  if (version !== RESULT_VERSION)
    throw new ResultError(
      `version ${typeof version === "number" ? version : "missing"}, only ${RESULT_VERSION} is known`,
    );
  const { success, output, issues } = safeParse(resultSchema, value, { abortEarly: true });
  if (!success) {
    const [issue] = issues;
    throw new ResultError(printable(`${getDotPath(issue) ?? "the result"}: ${issue.message}`));
  }
  const { comparison, stacks } = output;
  checkCells(comparison, "comparison");
  checkCells(stacks, "stacks");
  return {
    ...output,
    format: FORMAT,
    version: RESULT_VERSION,
    summary: comparison === null ? null : summarize(comparison),
    stacksSummary: stacks === null ? null : summarize(stacks),
  };
}

async function readText(path: string): Promise<string> {
  // Asked before it is opened: a pipe that nobody writes to would never open.
  const found = await stat(path);
  if (!found.isFile()) throw new ResultError("not a file");
  if (found.size > MAX_BYTES) throw new ResultError(`${found.size} bytes, at most ${MAX_BYTES} are read`);
  return readFile(path, "utf8");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // V8's message quotes the file, which may be anything.
    throw new ResultError("not JSON");
  }
}

/**
 * Reads a result that `run --json` wrote.
 * @throws {@link ResultError} on one line, beginning with the path, for a file that is missing, foreign, damaged or over 64 MiB.
 */
export async function readResult(path: string): Promise<BenchResult> {
  try {
    return checkResult(parse(await readText(path)));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const why = code === "ENOENT" ? "no such file" : messageOf(error);
    throw new ResultError(`${path}: ${why}`);
  }
}
