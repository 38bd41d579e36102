/**
 * What the user did wrong, as against what went wrong: a bad option, an unknown name, a broken file.
 * The command line prints the message of a `UsageError` as its one line and ends with code 2.
 */
export class UsageError extends Error {
  override name = "UsageError";
}

/** A trace file that cannot be replayed; the message says where and why. */
export class TraceError extends UsageError {
  override name = "TraceError";
}

/** The message of anything thrown, on one line. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\s*\n\s*/g, " ");
}
