/** Files that are no traces, one of each class; the reader's and the command line's tests both go through them. */
import { gzipSync } from "node:zlib";
import { traceOf } from "./test-traces.js";
import { encodeTrace, FREE, MALLOC } from "./trace.js";

export interface HostileFile {
  readonly name: string;
  readonly bytes: () => Uint8Array;
  /** What the complaint begins with, after the path. */
  readonly message: string;
}

const good = (): Buffer =>
  Buffer.from(
    encodeTrace(
      traceOf(
        [
          [MALLOC, 0, 8],
          [FREE, 0],
        ],
        1,
      ),
    ),
  );

/** A good trace with 32-bit words overwritten: `[offset, value]`. */
const patched = (...words: readonly (readonly [number, number])[]): (() => Uint8Array) => {
  return () => {
    const bytes = good();
    for (const [offset, value] of words) bytes.writeUInt32LE(value, offset);
    return gzipSync(bytes);
  };
};

export const hostileFiles: readonly HostileFile[] = [
  { name: "empty", bytes: () => new Uint8Array(0), message: "truncated" },
  { name: "not gzip", bytes: () => Buffer.from("not gzip at all"), message: "not a gzip file" },
  {
    name: "half a header, not compressed",
    bytes: () => good().subarray(0, 9),
    message: "truncated, 9 bytes",
  },
  {
    name: "more than the header promises, not compressed",
    bytes: () => Buffer.concat([good(), Buffer.alloc(1)]),
    message: "more bytes than its header promises",
  },
  { name: "nothing in the gzip", bytes: () => gzipSync(""), message: "truncated, 0 bytes are no header" },
  {
    name: "half a header",
    bytes: () => gzipSync(good().subarray(0, 9)),
    message: "truncated, 9 bytes are no header",
  },
  {
    name: "gzip cut short",
    bytes: () => gzipSync(good()).subarray(0, 25),
    message: "truncated, the gzip stream ends early",
  },
  {
    name: "gzip with a wrong checksum",
    bytes: () => {
      const bytes = gzipSync(good());
      bytes[bytes.length - 8] ^= 1;
      return bytes;
    },
    message: "damaged gzip stream",
  },
  {
    name: "bytes after the gzip",
    bytes: () => Buffer.concat([gzipSync(good()), Buffer.from("more")]),
    message: "bytes after the gzip stream",
  },
  {
    name: "zeros after the gzip",
    bytes: () => Buffer.concat([gzipSync(good()), Buffer.alloc(99)]),
    message: "bytes after the gzip stream",
  },
  {
    name: "two gzip streams",
    bytes: () => Buffer.concat([gzipSync(good()), gzipSync(good())]),
    message: "more bytes than its header promises",
  },
  { name: "wrong magic", bytes: patched([0, 0x43525442]), message: "wrong magic" },
  { name: "wrong version", bytes: patched([4, 3]), message: "version 3, only 1 and 2 are known" },
  { name: "no operations", bytes: patched([8, 0]), message: "no operations" },
  {
    name: "a record cut off",
    bytes: () => gzipSync(good().subarray(0, 35)),
    message: "truncated, 2 operations promised, 1 found",
  },
  {
    name: "more operations promised than there are",
    bytes: patched([8, 1000]),
    message: "truncated, 1000 operations promised",
  },
  {
    name: "fewer operations promised than there are",
    bytes: patched([8, 1]),
    message: "more bytes than its header promises",
  },
  {
    name: "an absurd operation count",
    bytes: patched([8, 0xffffffff]),
    message: "4294967295 operations, at most",
  },
  {
    name: "an absurd id count",
    bytes: patched([12, 0xffffffff]),
    message: "4294967295 live ids from 2 operations",
  },
  { name: "an id out of range", bytes: patched([20, 7]), message: "operation 0: id 7 is not below 1" },
  { name: "a free of a dead id", bytes: patched([16, FREE]), message: "operation 0: free of the dead id 0" },
  {
    name: "a realloc of a dead id",
    bytes: patched([16, 2]),
    message: "operation 0: realloc of the dead id 0",
  },
  {
    name: "a malloc onto a live id",
    bytes: patched([28, MALLOC]),
    message: "operation 1: id 0 is still alive",
  },
  { name: "an unknown op", bytes: patched([16, 9]), message: "operation 0: unknown op 9" },
  {
    name: "an alignment over 4096",
    bytes: patched([16, 4 | (13 << 8)]),
    message: "operation 0: alignment 2^13",
  },
  {
    name: "a size near 2^32",
    bytes: patched([24, 0xfffffff8]),
    message: "operation 0: size 4294967288 is over",
  },
];
