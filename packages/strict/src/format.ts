/** A report as text: what `String(error)` says, and all that it leaves out. */

interface Reportable extends Error {
  readonly code?: string;
  readonly hint?: string;
  readonly errors?: readonly Error[];
}

/** Nested reports shown in full. */
const SHOWN = 16;

/**
 * The whole report of a finding: message, hex dump with the bad bytes marked, hint, stacks of the allocation and the free, and each
 * finding of a `check()` that had several.
 *
 * @param error What was caught: a report, or anything else, of which there is less to say.
 * @returns Lines joined by line feeds, without one at the end. For a machine there is `error.toJSON()`.
 */
export function formatReport(error: unknown): string {
  return error instanceof Error ? lines(error, "").join("\n") : String(error);
}

function lines(error: Reportable, indent: string): string[] {
  const { name, code, message, hint, errors = [] } = error;
  const found = `${name}${code === undefined ? "" : ` [${code}]`}: ${message}`.split("\n");
  const put = found.map((line) => indent + line);
  if (hint !== undefined) put.push(`${indent}  hint: ${hint}`);
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) {
    put.push(`${indent}  [cause]: ${cause.message}`);
    for (const frame of (cause.stack ?? "").split("\n")) {
      if (/^\s+at |@/.test(frame)) put.push(`${indent}      ${frame.trim()}`);
    }
  }
  for (const nested of errors.slice(0, SHOWN)) put.push(...lines(nested, `${indent}  `));
  if (errors.length > SHOWN) put.push(`${indent}  … and ${errors.length - SHOWN} more`);
  return put;
}
