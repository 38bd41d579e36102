/**
 * Trace files as a program holds them: gzip where the engine has `CompressionStream` (browsers, Node from 18 on), else as they are. Both are
 * read everywhere there is a `DecompressionStream`.
 *
 * Price: gzip takes about 0.7 µs an operation, reading it 0.1. Inflating stops as soon as there is more than the file's own header promises.
 */
import { decodeTrace } from "./decode.js";
import { encodeTrace } from "./encode.js";
import { TraceError } from "./errors.js";
import { headerBytes, readHeader, TRACE_HEADER_BYTES, type Trace } from "./format.js";

interface Transform {
  readonly readable: {
    getReader(): {
      read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array }>;
      cancel(): Promise<void>;
    };
  };
  readonly writable: {
    getWriter(): { write(bytes: Uint8Array): Promise<void>; close(): Promise<void> };
  };
}
type TransformConstructor = new (format: "gzip") => Transform;
interface Engine {
  readonly CompressionStream?: TransformConstructor;
  readonly DecompressionStream?: TransformConstructor;
}

/** Chunks of an inflated trace file, no more of them than its header promises. */
export interface InflatedTrace {
  /** @throws {@link TraceError} for a header that cannot be true, and as soon as there are more bytes than it promises. */
  add(chunk: Uint8Array): void;
  /** All of them in one piece. */
  bytes(): Uint8Array;
}

/** Collects what somebody inflates: for readers that have a stream of their own. Holds at most what the header promises, and a chunk. */
export function collectInflated(): InflatedTrace {
  const chunks: Uint8Array[] = [];
  let total = 0;
  let limit = Number.POSITIVE_INFINITY;
  function joined(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    let at = 0;
    for (const chunk of chunks) {
      bytes.set(at + chunk.length > length ? chunk.subarray(0, length - at) : chunk, at);
      at += chunk.length;
      if (at >= length) break;
    }
    return bytes;
  }
  /** Once there are enough bytes to tell. */
  function findLimit(): void {
    if (total < TRACE_HEADER_BYTES) return;
    const needed = headerBytes(new DataView(joined(TRACE_HEADER_BYTES).buffer));
    if (total < needed) return;
    limit = readHeader(new DataView(joined(needed).buffer)).totalBytes;
  }
  return {
    add(chunk) {
      chunks.push(chunk);
      total += chunk.length;
      if (limit === Number.POSITIVE_INFINITY) findLimit();
      if (total > limit) throw new TraceError("more bytes than its header promises");
    },
    bytes: () => joined(total),
  };
}

function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** Puts bytes through a stream; every chunk that comes out goes to `take`, which stops it all by throwing. */
async function through(
  stream: Transform,
  bytes: Uint8Array,
  take: (chunk: Uint8Array) => void,
): Promise<void> {
  const writer = stream.writable.getWriter();
  const reader = stream.readable.getReader();
  // What goes wrong in writing shows in reading, too.
  writer.write(bytes).catch(() => {});
  writer.close().catch(() => {});
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      if (value !== undefined) take(value);
    }
  } catch (error) {
    reader.cancel().catch(() => {});
    throw error;
  }
}

/** The file of a trace: gzip where the engine can, else uncompressed. O(operations). */
export async function packTrace(trace: Trace): Promise<Uint8Array> {
  const bytes = encodeTrace(trace);
  const { CompressionStream } = globalThis as Engine;
  if (CompressionStream === undefined) return bytes;
  const chunks: Uint8Array[] = [];
  await through(new CompressionStream("gzip"), bytes, (chunk) => chunks.push(chunk));
  const file = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    file.set(chunk, at);
    at += chunk.length;
  }
  return file;
}

/**
 * Reads and validates the bytes of a trace file, compressed or not.
 * @param name what the trace is called in tables; default `trace`.
 * @throws {@link TraceError} (by rejecting) for anything that is not a whole trace that can be replayed. O(operations); never holds more than
 * the header's count asks for.
 */
export async function openTrace(file: Uint8Array, name = "trace"): Promise<Trace> {
  if (!isGzip(file)) return decodeTrace(file, name);
  const { DecompressionStream } = globalThis as Engine;
  if (DecompressionStream === undefined)
    throw new TraceError("compressed, and this engine has no DecompressionStream");
  const inflated = collectInflated();
  try {
    await through(new DecompressionStream("gzip"), file, inflated.add);
  } catch (error) {
    if (error instanceof TraceError) throw error;
    // What engines say differs; Node 22 says nothing of a stream that is cut short.
    const why = (error instanceof Error ? error.message : String(error)) || "unexpected end of file";
    throw new TraceError(`damaged gzip stream, ${why}`);
  }
  return decodeTrace(inflated.bytes(), name);
}
