/** A trace that cannot be read, merged or replayed; the message says where and why, on one line. */
export class TraceError extends Error {
  override name = "TraceError";
  readonly code = "ERR_TRACE";
}
