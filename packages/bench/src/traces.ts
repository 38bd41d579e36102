/** The traces in the package, and how others get in: by the path of a file. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ownRoot } from "./assets.js";
import { UsageError } from "./errors.js";
import { traceName } from "./trace.js";

/** What each bundled trace is, in the order of the table's rows. */
export const BUNDLED_TRACES: { readonly [name: string]: string } = {
  cc1: "gcc's compiler proper, -O2, one C file (recorded)",
  "git-log": "git log with patches (recorded)",
  jq: "jq over a JSON document (recorded)",
  lua: "a Lua script (recorded)",
  sqlite: "an SQL script in sqlite3 (recorded)",
  perl: "a Perl script (recorded)",
  aligned: "alignments 32 to 256: vectors, cache lines, transfer buffers (generated)",
  pages: "page runs of 1 to 64 pages among small blocks (generated)",
};

export const traceNames: readonly string[] = Object.keys(BUNDLED_TRACES);

/** One trace to replay: its name in tables and where it is. */
export interface TraceFile {
  readonly name: string;
  readonly path: string;
}

/** File of a bundled trace. */
export function bundledTrace(name: string): string {
  return join(ownRoot(), "traces", `${name}.trace.gz`);
}

/**
 * A bundled trace by name, or a file by path.
 * @throws {@link UsageError} for an unknown name. Whether a file is a trace shows when it is read.
 */
export function findTrace(name: string): TraceFile {
  if (Object.hasOwn(BUNDLED_TRACES, name)) return { name, path: bundledTrace(name) };
  if (/[/\\]|\.gz$|\.trace$/.test(name) || existsSync(name)) return { name: traceName(name), path: name };
  throw new UsageError(`unknown trace "${name}"; known: ${traceNames.join(", ")}`);
}
