/** The traces in the package, recorded and generated, and how others get in: by the path of a file. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ownRoot } from "./assets.js";
import { UsageError } from "./errors.js";
import { readTrace, type Trace, traceName } from "./trace.js";
import { WORKLOADS, workloadNames } from "./workloads/index.js";

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

/** One trace to replay: its name in tables and where it is, a file's path, or a workload. */
export interface TraceFile {
  readonly name: string;
  readonly path: string;
}

/** Before the name of a workload, where others have a path: no file has a name like that. */
const GENERATED = "generated\0";

/** Names for several. */
export const TRACE_GROUPS: { readonly [name: string]: readonly string[] } = {
  bundled: traceNames,
  classic: workloadNames,
  everything: [...traceNames, ...workloadNames],
};

/** File of a bundled trace. */
export function bundledTrace(name: string): string {
  return join(ownRoot(), "traces", `${name}.trace.gz`);
}

/**
 * A bundled trace or a workload by name, or a file by path.
 * @throws {@link UsageError} for an unknown name. Whether a file is a trace shows when it is read.
 */
export function findTrace(name: string): TraceFile {
  if (Object.hasOwn(BUNDLED_TRACES, name)) return { name, path: bundledTrace(name) };
  if (Object.hasOwn(WORKLOADS, name)) return { name, path: `${GENERATED}${name}` };
  if (/[/\\]|\.gz$|\.trace$/.test(name) || existsSync(name)) return { name: traceName(name), path: name };
  const known = [...traceNames, ...workloadNames, ...Object.keys(TRACE_GROUPS)].join(", ");
  throw new UsageError(`unknown trace "${name}"; known: ${known}`);
}

/** As {@link findTrace}, all that a group's name stands for; each once. */
export function findTraces(names: readonly string[]): readonly TraceFile[] {
  const single = names.flatMap((name) => (Object.hasOwn(TRACE_GROUPS, name) ? TRACE_GROUPS[name] : name));
  return [...new Set(single)].map(findTrace);
}

/**
 * The operations of what {@link findTrace} has found: read, or made.
 * @throws {@link TraceError} for a file that is none.
 */
export async function openTrace({ path }: Pick<TraceFile, "path">): Promise<Trace> {
  return path.startsWith(GENERATED) ? WORKLOADS[path.slice(GENERATED.length)].make() : readTrace(path);
}
