/** What a toy heap is made of, and how it is written into a snapshot. */
import { type ResizableBuffer, resizable } from "./common.js";

export interface Chunk {
  /** Payload address. */
  ptr: number;
  /** Payload bytes. */
  bytes: number;
  size: number;
  free: boolean;
}

/** All that a toy is: several agents can have the same one. */
export interface State {
  readonly buffer: ResizableBuffer;
  readonly chunks: Chunk[];
  /** Of the area; what lies behind is somebody else's. */
  end: number;
  /** Bytes the buffer can have. */
  readonly most: number;
}

export const START = 128;
export const HEADER = 16;
export const MAGIC = 0x70797421;

export function writeHeader(buffer: ArrayBuffer, chunk: Chunk): void {
  new Uint32Array(buffer, chunk.ptr - HEADER, 4).set([MAGIC, chunk.bytes, chunk.free ? 1 : 0, 0]);
}

/** One free chunk. */
export function freshState(bytes: number): State {
  const buffer = resizable(bytes);
  const chunk = { ptr: START + HEADER, bytes: bytes - START - HEADER, size: 0, free: true };
  writeHeader(buffer, chunk);
  return { buffer, chunks: [chunk], end: bytes, most: bytes * 4 };
}

/** The region's bytes, then the chunks as four words each, then `end` and how many chunks there are. */
export function encode({ buffer, chunks, end }: State): Uint8Array {
  const lists = chunks.flatMap(({ ptr, bytes, size, free }) => [ptr, bytes, size, free ? 1 : 0]);
  const words = new Uint32Array([...lists, end, chunks.length]);
  const bytes = new Uint8Array(end + words.byteLength);
  bytes.set(new Uint8Array(buffer, 0, end));
  bytes.set(new Uint8Array(words.buffer), end);
  return bytes;
}

/** The state that was encoded, with a buffer of its own. */
export function decode(bytes: Uint8Array): State {
  const words = new Uint32Array(bytes.slice().buffer);
  const [end, count] = words.subarray(-2);
  const first = words.length - 2 - count * 4;
  const chunks = Array.from({ length: count }, (_, i) => {
    const [ptr, length, size, free] = words.subarray(first + i * 4, first + i * 4 + 4);
    return { ptr, bytes: length, size, free: free === 1 };
  });
  const buffer = resizable(end);
  new Uint8Array(buffer).set(bytes.subarray(0, end));
  return { buffer, chunks, end, most: end * 4 };
}
