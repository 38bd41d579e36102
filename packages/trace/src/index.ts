export type { TraceApi } from "./api.js";
export { decodeTrace } from "./decode.js";
export { encodeTrace } from "./encode.js";
export { TraceError } from "./errors.js";
export { collectInflated, type InflatedTrace, openTrace, packTrace } from "./file.js";
export {
  CALLOC,
  createTrace,
  FREE,
  MALLOC,
  MAX_ALIGN_LOG2,
  MAX_NAME_BYTES,
  MAX_OPS,
  MAX_SIZE,
  MEMALIGN,
  REALLOC,
  TRACE_HEADER_BYTES,
  type Trace,
} from "./format.js";
export type { TracePart } from "./log.js";
export { mergeTraces, type RecordedTrace } from "./merge.js";
export type { TraceOptions } from "./options.js";
export { trace } from "./trace.js";
