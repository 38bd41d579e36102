/**
 * Reading a result back that `run --json` wrote. Nothing in the file is trusted: names end up in a terminal, numbers in
 * logarithms. What is wrong is one line with the path and the place in the file.
 *
 * Checked to the last number are the environment and the times over traces (`comparison` and `stacks`); of any other
 * measure only that it is an object.
 */
import { readFile, stat } from "node:fs/promises";
import type { Cell } from "./compare.js";
import { messageOf, UsageError } from "./errors.js";
import type { BenchResult } from "./json.js";

/** A `--full` run with everything writes less than 1 MiB. */
const MAX_BYTES = 64 << 20;
const FORMAT = "heapwright-bench";
const VERSION = 2;
const STATS = [
  "operations",
  "maxLiveBlocks",
  "peakLiveBytes",
  "requestedBytes",
  "requests",
  "medianSize",
  "p99Size",
  "maxAlign",
];

/** A file that is no result; the message says where and why. */
export class ResultError extends UsageError {
  override name = "ResultError";
}

type Fields = { readonly [key: string]: unknown };

function refuse(where: string, expected: string): never {
  throw new ResultError(`${where} is not ${expected}`);
}

function fieldsOf(value: unknown, where: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) refuse(where, "an object");
  return value as Fields;
}

function listOf(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value)) refuse(where, "a list");
  return value;
}

/** One line that can be printed: no control characters, no terminal's escapes, nothing that turns the direction of text. */
function checkText(value: unknown, where: string): string {
  if (typeof value !== "string" || value.length > 1000 || /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(value))
    refuse(where, "a line of text");
  return value;
}

function checkName(value: unknown, where: string): string {
  const name = checkText(value, where);
  if (name === "" || name.length > 60) refuse(where, "a name");
  return name;
}

function checkPositive(value: unknown, where: string): void {
  if (typeof value !== "number" || !Number.isFinite(value) || value <= 0) refuse(where, "a positive number");
}

function checkCount(value: unknown, where: string): void {
  if (!Number.isSafeInteger(value) || (value as number) < 0) refuse(where, "a whole number");
}

function checkEnvironment(value: unknown): void {
  const environment = fieldsOf(value, "environment");
  for (const key of ["bench", "node", "v8", "platform", "cpu", "date"])
    checkText(environment[key], `environment.${key}`);
  checkPositive(environment.cores, "environment.cores");
}

/** Names of a list's items, each once. */
function checkNamed(value: unknown, where: string, more: (item: Fields, at: string) => void): Set<string> {
  const names = new Set<string>();
  for (const [i, each] of listOf(value, where).entries()) {
    const at = `${where}[${i}]`;
    const item = fieldsOf(each, at);
    const name = checkName(item.name, `${at}.name`);
    if (names.has(name)) throw new ResultError(`${at}.name is there twice: ${name}`);
    names.add(name);
    more(item, at);
  }
  return names;
}

function checkCell(value: unknown, at: string): Cell {
  const cell = fieldsOf(value, at);
  checkName(cell.allocator, `${at}.allocator`);
  checkName(cell.trace, `${at}.trace`);
  if (cell.status === "not run") {
    checkText(cell.reason, `${at}.reason`);
    if (typeof cell.detail !== "string") refuse(`${at}.detail`, "text");
    return value as Cell;
  }
  if (cell.status !== "measured") refuse(`${at}.status`, '"measured" or "not run"');
  const processes = listOf(cell.processes, `${at}.processes`);
  if (processes.length === 0) refuse(`${at}.processes`, "a list with anything in it");
  for (const [p, process] of processes.entries()) {
    const rounds = listOf(process, `${at}.processes[${p}]`);
    if (rounds.length === 0) refuse(`${at}.processes[${p}]`, "a list with anything in it");
    for (const [r, ns] of rounds.entries()) checkPositive(ns, `${at}.processes[${p}][${r}]`);
  }
  for (const key of ["median", "min", "replays"]) checkPositive(cell[key], `${at}.${key}`);
  if (typeof cell.spreadPercent !== "number") refuse(`${at}.spreadPercent`, "a number");
  if (typeof cell.slow !== "boolean") refuse(`${at}.slow`, "true or false");
  return value as Cell;
}

function checkComparison(value: unknown, where: string): void {
  const comparison = fieldsOf(value, where);
  const allocators = checkNamed(comparison.allocators, `${where}.allocators`, (item, at) => {
    checkText(item.version, `${at}.version`);
    checkText(item.about, `${at}.about`);
    for (const [i, note] of listOf(item.notes, `${at}.notes`).entries()) checkText(note, `${at}.notes[${i}]`);
  });
  const traces = checkNamed(comparison.traces, `${where}.traces`, (item, at) => {
    const stats = fieldsOf(item.stats, `${at}.stats`);
    for (const key of STATS) checkCount(stats[key], `${at}.stats.${key}`);
  });
  if (typeof comparison.complete !== "boolean") refuse(`${where}.complete`, "true or false");
  const seen = new Set<string>();
  for (const [i, each] of listOf(comparison.cells, `${where}.cells`).entries()) {
    const at = `${where}.cells[${i}]`;
    const { allocator, trace } = checkCell(each, at);
    if (!allocators.has(allocator)) throw new ResultError(`${at}.allocator is unknown: ${allocator}`);
    if (!traces.has(trace)) throw new ResultError(`${at}.trace is unknown: ${trace}`);
    const key = JSON.stringify([allocator, trace]);
    if (seen.has(key)) throw new ResultError(`${at} is there twice: ${allocator} on ${trace}`);
    seen.add(key);
  }
}

/** @throws {@link ResultError} where a value, as `JSON.parse` gave it, is no result. */
export function checkResult(value: unknown): BenchResult {
  const { format, version, ...result } = fieldsOf(value, "what it holds");
  if (format !== FORMAT) throw new ResultError(`no result of ${FORMAT}: its format is not "${FORMAT}"`);
  if (version !== VERSION)
    throw new ResultError(
      `version ${typeof version === "number" ? version : "missing"}, only ${VERSION} is known`,
    );
  checkEnvironment(result.environment);
  const effort = fieldsOf(result.effort, "effort");
  for (const key of ["processes", "rounds", "roundMs"]) checkPositive(effort[key], `effort.${key}`);
  for (const measure of ["comparison", "stacks"]) {
    if (result[measure] !== null) checkComparison(result[measure], measure);
  }
  for (const measure of [
    "summary",
    "live",
    "latency",
    "space",
    "composition",
    "stacksSummary",
    "views",
    "agents",
  ]) {
    if (result[measure] !== null && result[measure] !== undefined) fieldsOf(result[measure], measure);
  }
  return value as BenchResult;
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
