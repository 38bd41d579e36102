/**
 * Trace files on disk. The format, and what makes a trace of its bytes, is `@heapwright/trace`'s; here are the paths, zlib, and complaints that
 * name the file.
 *
 * Price: about 15 ms for 100,000 operations; memory is bounded by the operation count in the header, which is bounded by `MAX_OPS`, whatever
 * the stream inflates to.
 */
import { createReadStream } from "node:fs";
import { open, stat, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { createGunzip, gzipSync } from "node:zlib";
import { collectInflated, decodeTrace, encodeTrace, type Trace } from "@heapwright/trace";
import { messageOf, TraceError } from "./errors.js";

export {
  CALLOC,
  createTrace,
  decodeTrace,
  encodeTrace,
  FREE,
  MALLOC,
  MAX_SIZE,
  MEMALIGN,
  REALLOC,
  TRACE_HEADER_BYTES,
  type Trace,
} from "@heapwright/trace";

/** How a file begins that is not compressed. */
const PLAIN = "ATRC";
const TRAILING = "bytes after the gzip stream";
/** zlib's words for something that is no gzip. */
const NO_HEADER = /incorrect header check/;

/** The inflated bytes of a file, compressed or not; stops as soon as there is more than its own header promises. */
async function inflate(path: string, fileBytes: number): Promise<Uint8Array> {
  const first = await firstBytes(path);
  const source = createReadStream(path);
  const inflated = collectInflated();
  if (first.toString("latin1") === PLAIN) {
    for await (const chunk of source as AsyncIterable<Uint8Array>) inflated.add(chunk);
    return inflated.bytes();
  }
  const gunzip = createGunzip();
  source.once("error", (error) => gunzip.destroy(error));
  try {
    for await (const chunk of source.pipe(gunzip) as AsyncIterable<Uint8Array>) inflated.add(chunk);
  } catch (error) {
    // It began as gzip: what is no header follows the end of the stream.
    const isGzip = first[0] === 0x1f && first[1] === 0x8b;
    if (isGzip && NO_HEADER.test(messageOf(error))) throw new TraceError(TRAILING);
    throw error;
  } finally {
    source.destroy();
    gunzip.destroy();
  }
  if (gunzip.bytesWritten < fileBytes) throw new TraceError(TRAILING);
  return inflated.bytes();
}

async function firstBytes(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(PLAIN.length), 0, PLAIN.length, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
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
 * Reads and validates a trace file, compressed or not. O(operations); never holds more than its header's count asks for.
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
