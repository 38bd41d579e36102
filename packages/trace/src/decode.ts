/**
 * From bytes to a trace. Reading trusts nothing: every record is checked against the ids alive at that point, so that a replay needs no checks
 * of its own.
 *
 * Price: about 40 ns an operation; memory is bounded by the operation count in the header, which is bounded by {@link MAX_OPS}.
 */
import { TraceError } from "./errors.js";
import {
  createTrace,
  FREE,
  headerBytes,
  MAX_ALIGN_LOG2,
  MAX_SIZE,
  MEMALIGN,
  REALLOC,
  RECORD_BYTES,
  readHeader,
  TRACE_HEADER_BYTES,
  type Trace,
  type TraceHeader,
} from "./format.js";
import { decodeText } from "./text.js";

/**
 * Decodes and validates inflated bytes.
 * @param name what the trace is called in tables.
 * @throws {@link TraceError} naming the first operation that cannot be replayed.
 */
export function decodeTrace(bytes: Uint8Array, name: string): Trace {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < TRACE_HEADER_BYTES || bytes.length < headerBytes(view))
    throw new TraceError(`truncated, ${bytes.length} bytes are no header`);
  const header = readHeader(view);
  const { count, totalBytes, dropped, tickNs } = header;
  if (bytes.length < totalBytes) {
    const found = Math.min(count, Math.floor((bytes.length - header.headerBytes) / RECORD_BYTES));
    const what = found < count ? `${found} found` : "tags, times or names are not all there";
    throw new TraceError(`truncated, ${count} operations promised, ${what}`);
  }
  if (bytes.length > totalBytes) throw new TraceError(`bytes after the last of ${count} operations`);
  const trace = decodeRecords(view, header, name);
  let at = header.headerBytes + count * RECORD_BYTES;
  const column = (): Uint32Array => {
    const values = new Uint32Array(count);
    for (let i = 0; i < count; i++, at += 4) values[i] = view.getUint32(at, true);
    return values;
  };
  const tags = header.hasTags ? column() : undefined;
  const times = header.hasTimes ? column() : undefined;
  if (times !== undefined) checkTimes(times);
  return {
    ...trace,
    ...(dropped > 0 && { dropped }),
    ...(tags && { tags, names: namesOf(bytes.subarray(at), tags) }),
    ...(times && { times, tickNs }),
  };
}

function decodeRecords(view: DataView, { count, maxLive, headerBytes }: TraceHeader, name: string): Trace {
  const trace = createTrace(name, count, maxLive);
  const live = new Uint8Array(maxLive);
  for (let i = 0, at = headerBytes; i < count; i++, at += RECORD_BYTES) {
    const op = view.getUint8(at);
    const alignLog2 = view.getUint8(at + 1);
    const id = view.getUint32(at + 4, true);
    const size = view.getUint32(at + 8, true);
    if (op > MEMALIGN) throw new TraceError(`operation ${i}: unknown op ${op}`);
    if (alignLog2 > MAX_ALIGN_LOG2)
      throw new TraceError(`operation ${i}: alignment 2^${alignLog2} is over 4096`);
    if (id >= maxLive) throw new TraceError(`operation ${i}: id ${id} is not below ${maxLive}`);
    if (op === FREE || op === REALLOC) {
      if (live[id] === 0)
        throw new TraceError(`operation ${i}: ${op === FREE ? "free" : "realloc"} of the dead id ${id}`);
    } else if (live[id] === 1) {
      throw new TraceError(`operation ${i}: id ${id} is still alive`);
    }
    if (op !== FREE && size > MAX_SIZE)
      throw new TraceError(`operation ${i}: size ${size} is over ${MAX_SIZE}`);
    if (op === REALLOC && size === 0) throw new TraceError(`operation ${i}: realloc to 0 bytes`);
    live[id] = op === FREE ? 0 : 1;
    trace.ops[i] = op;
    trace.alignLog2[i] = alignLog2;
    trace.threads[i] = view.getUint16(at + 2, true);
    trace.ids[i] = id;
    trace.sizes[i] = size;
  }
  return trace;
}

function checkTimes(times: Uint32Array): void {
  for (let i = 1; i < times.length; i++) {
    if (times[i] < times[i - 1])
      throw new TraceError(`operation ${i}: its time ${times[i]} is before ${times[i - 1]}`);
  }
}

function namesOf(bytes: Uint8Array, tags: Uint32Array): readonly string[] {
  let names: unknown;
  try {
    names = JSON.parse(decodeText(bytes));
  } catch {
    throw new TraceError("the names are no JSON");
  }
  if (!Array.isArray(names) || names.some((each) => typeof each !== "string"))
    throw new TraceError("the names are no array of strings");
  for (let i = 0; i < tags.length; i++) {
    if (tags[i] > names.length)
      throw new TraceError(`operation ${i}: tag ${tags[i]}, where there are ${names.length} names`);
  }
  return names as readonly string[];
}
