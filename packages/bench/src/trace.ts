/**
 * Trace files: what a program asked of its allocator, one 12-byte record a call. Reading trusts nothing: every
 * record is checked against the ids alive at that point, so that a replay needs no checks of its own.
 *
 * The file is a gzip stream of (little endian)
 *
 *      0       4           8          12           16        +1           +2       +4     +8      +12
 *      ├───────┼───────────┼───────────┼────────────╫─────────┼────────────┼────────┼──────┼────────┤ …
 *      │ ATRC  │ version 1 │ op count  │ max ids    ║ u8 op   │ u8 log2 al │ u16 thr│ u32 id│u32 size│
 *      └───────┴───────────┴───────────┴────────────╨─────────┴────────────┴────────┴──────┴────────┘
 *
 * Price: about 15 ms for 100,000 operations; memory is bounded by the operation count in the header, which is
 * bounded by {@link MAX_OPS}, whatever the stream inflates to.
 */
import { createReadStream } from "node:fs";
import { stat, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { createGunzip, gzipSync } from "node:zlib";
import { messageOf, TraceError } from "./errors.js";

export const MALLOC = 0;
export const FREE = 1;
export const REALLOC = 2;
export const CALLOC = 3;
export const MEMALIGN = 4;

/** Most operations a file may have: 16 Mi, which is 192 MiB inflated. */
export const MAX_OPS = 1 << 24;
/** Largest single request the bench replays: 1 GiB. */
export const MAX_SIZE = 1 << 30;
/** Largest alignment is 4096. */
export const MAX_ALIGN_LOG2 = 12;

const MAGIC = 0x43525441; // "ATRC"
const VERSION = 1;
export const TRACE_HEADER_BYTES = 16;
const RECORD_BYTES = 12;

/** A trace, one array per field; index i is operation i. */
export interface Trace {
  readonly name: string;
  /** Number of operations. */
  readonly length: number;
  /** Every id is below this: the slots a replay needs. */
  readonly maxLive: number;
  /** {@link MALLOC}, {@link FREE}, {@link REALLOC}, {@link CALLOC} or {@link MEMALIGN}. */
  readonly ops: Uint8Array;
  /** log2 of the alignment asked for; only MEMALIGN uses it. */
  readonly alignLog2: Uint8Array;
  readonly threads: Uint16Array;
  readonly ids: Uint32Array;
  /** Bytes asked for; 0 (a recorded `malloc(0)`) is replayed as 1. */
  readonly sizes: Uint32Array;
}

/** An empty trace to be filled in. */
export function createTrace(name: string, length: number, maxLive: number): Trace {
  return {
    name,
    length,
    maxLive,
    ops: new Uint8Array(length),
    alignLog2: new Uint8Array(length),
    threads: new Uint16Array(length),
    ids: new Uint32Array(length),
    sizes: new Uint32Array(length),
  };
}

/** The inflated bytes of a trace file. */
export function encodeTrace(trace: Trace): Uint8Array {
  const bytes = new Uint8Array(TRACE_HEADER_BYTES + RECORD_BYTES * trace.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, VERSION, true);
  view.setUint32(8, trace.length, true);
  view.setUint32(12, trace.maxLive, true);
  for (let i = 0, at = TRACE_HEADER_BYTES; i < trace.length; i++, at += RECORD_BYTES) {
    bytes[at] = trace.ops[i];
    bytes[at + 1] = trace.alignLog2[i];
    view.setUint16(at + 2, trace.threads[i], true);
    view.setUint32(at + 4, trace.ids[i], true);
    view.setUint32(at + 8, trace.sizes[i], true);
  }
  return bytes;
}

/** Op count a header promises. Throws a {@link TraceError} if the header is none. */
function headerCount(view: DataView): number {
  if (view.getUint32(0, true) !== MAGIC) throw new TraceError("wrong magic, not a trace file");
  const version = view.getUint32(4, true);
  if (version !== VERSION) throw new TraceError(`version ${version}, only ${VERSION} is known`);
  const count = view.getUint32(8, true);
  if (count === 0) throw new TraceError("no operations");
  if (count > MAX_OPS) throw new TraceError(`${count} operations, at most ${MAX_OPS} are read`);
  return count;
}

/**
 * Decodes and validates inflated bytes.
 * @throws {@link TraceError} naming the first operation that cannot be replayed.
 */
export function decodeTrace(bytes: Uint8Array, name: string): Trace {
  if (bytes.length < TRACE_HEADER_BYTES)
    throw new TraceError(`truncated, ${bytes.length} bytes are no header`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = headerCount(view);
  const maxLive = view.getUint32(12, true);
  const expected = TRACE_HEADER_BYTES + RECORD_BYTES * count;
  if (bytes.length < expected) {
    const found = Math.floor((bytes.length - TRACE_HEADER_BYTES) / RECORD_BYTES);
    throw new TraceError(`truncated, ${count} operations promised, ${found} found`);
  }
  if (bytes.length > expected) throw new TraceError(`bytes after the last of ${count} operations`);
  if (maxLive > count) throw new TraceError(`${maxLive} live ids from ${count} operations`);

  const trace = createTrace(name, count, maxLive);
  const live = new Uint8Array(maxLive);
  for (let i = 0, at = TRACE_HEADER_BYTES; i < count; i++, at += RECORD_BYTES) {
    const op = bytes[at];
    const alignLog2 = bytes[at + 1];
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

const TRAILING = "bytes after the gzip stream";
/** zlib's words for something that is no gzip. */
const NO_HEADER = /incorrect header check/;

/** Inflates a file, stopping as soon as there is more than its own header promises. */
async function inflate(path: string, fileBytes: number): Promise<Uint8Array> {
  const gunzip = createGunzip();
  const source = createReadStream(path);
  source.once("error", (error) => gunzip.destroy(error));
  let isGzip = false;
  source.once("data", (chunk) => {
    isGzip = chunk[0] === 0x1f && chunk[1] === 0x8b;
  });
  const chunks: Uint8Array[] = [];
  const header = new Uint8Array(TRACE_HEADER_BYTES);
  let total = 0;
  let limit = Number.POSITIVE_INFINITY;
  try {
    for await (const chunk of source.pipe(gunzip) as AsyncIterable<Uint8Array>) {
      if (total < TRACE_HEADER_BYTES) {
        header.set(chunk.subarray(0, TRACE_HEADER_BYTES - total), total);
        if (total + chunk.length >= TRACE_HEADER_BYTES) {
          limit = TRACE_HEADER_BYTES + RECORD_BYTES * headerCount(new DataView(header.buffer));
        }
      }
      chunks.push(chunk);
      total += chunk.length;
      if (total > limit) throw new TraceError("more bytes than its header promises");
    }
  } catch (error) {
    // It began as gzip: what is no header follows the end of the stream.
    if (isGzip && NO_HEADER.test(messageOf(error))) throw new TraceError(TRAILING);
    throw error;
  } finally {
    source.destroy();
    gunzip.destroy();
  }
  if (gunzip.bytesWritten < fileBytes) throw new TraceError(TRAILING);
  const bytes = new Uint8Array(total);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** What zlib and the file system say, in words. */
function explain(error: unknown): string {
  switch ((error as { code?: unknown }).code) {
    case "ENOENT":
      return "no such file";
    case "EACCES":
      return "permission denied";
    case "Z_BUF_ERROR":
      return "truncated, the gzip stream ends early";
    case "Z_DATA_ERROR":
      return NO_HEADER.test(messageOf(error))
        ? "not a gzip file"
        : `damaged gzip stream, ${messageOf(error)}`;
    default:
      return messageOf(error);
  }
}

/**
 * Reads and validates a trace file. O(operations); never holds more than its header's count asks for.
 * @throws {@link TraceError} `<path>: <reason>` for anything that is not a whole, replayable trace.
 */
export async function readTrace(path: string): Promise<Trace> {
  try {
    const info = await stat(path);
    if (!info.isFile()) throw new TraceError("not a file");
    return decodeTrace(await inflate(path, info.size), traceName(path));
  } catch (error) {
    throw new TraceError(`${path}: ${explain(error)}`);
  }
}

/** Writes a trace file. */
export async function writeTrace(path: string, trace: Trace): Promise<void> {
  await writeFile(path, gzipSync(encodeTrace(trace), { level: 9 }));
}

/** `some/where/lua.trace.gz` is the trace `lua`. */
export function traceName(path: string): string {
  return basename(path)
    .replace(/\.gz$/, "")
    .replace(/\.trace$/, "");
}
