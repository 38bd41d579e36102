/** From a trace to the bytes of its file, not yet compressed. Price: one walk. */
import {
  EXTENDED_HEADER_BYTES,
  HAS_TAGS,
  HAS_TIMES,
  MAGIC,
  RECORD_BYTES,
  TRACE_HEADER_BYTES,
  type Trace,
} from "./format.js";
import { encodeText } from "./text.js";

/** The inflated bytes of a trace file: version 1 where that says all there is. O(operations). */
export function encodeTrace(trace: Trace): Uint8Array<ArrayBuffer> {
  const { length, tags, times, dropped = 0, names = [], tickNs = 1 } = trace;
  const isExtended = tags !== undefined || times !== undefined || dropped > 0;
  const text = tags === undefined ? new Uint8Array(0) : encodeText(JSON.stringify(names));
  const header = isExtended ? EXTENDED_HEADER_BYTES : TRACE_HEADER_BYTES;
  const columns = [tags, times].filter((column) => column !== undefined);
  const bytes = new Uint8Array(header + length * (RECORD_BYTES + 4 * columns.length) + text.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, isExtended ? 2 : 1, true);
  view.setUint32(8, length, true);
  view.setUint32(12, trace.maxLive, true);
  if (isExtended) {
    view.setUint32(16, (tags ? HAS_TAGS : 0) | (times ? HAS_TIMES : 0), true);
    view.setUint32(20, Math.min(dropped, 2 ** 32 - 1), true);
    view.setUint32(24, text.length, true);
    view.setUint32(28, times ? tickNs : 0, true);
  }
  let at = header;
  for (let i = 0; i < length; i++, at += RECORD_BYTES) {
    bytes[at] = trace.ops[i];
    bytes[at + 1] = trace.alignLog2[i];
    view.setUint16(at + 2, trace.threads[i], true);
    view.setUint32(at + 4, trace.ids[i], true);
    view.setUint32(at + 8, trace.sizes[i], true);
  }
  for (const column of columns) for (let i = 0; i < length; i++, at += 4) view.setUint32(at, column[i], true);
  bytes.set(text, at);
  return bytes;
}
