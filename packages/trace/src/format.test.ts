/** The bytes of a file, in both versions, and files that are none. */
import { gunzipSync, gzipSync } from "node:zlib";
import {
  collectInflated,
  createTrace,
  decodeTrace,
  encodeTrace,
  FREE,
  MALLOC,
  MAX_NAME_BYTES,
  MEMALIGN,
  openTrace,
  packTrace,
  type Trace,
} from "@heapwright/trace";
import { afterEach, describe, expect, it, vi } from "vitest";

afterEach(() => {
  vi.unstubAllGlobals();
});

/** memalign of 258 bytes at 32, free; by agent 7. */
function small(more: Partial<Trace> = {}): Trace {
  const trace = createTrace("small", 2, 1);
  trace.ops.set([MEMALIGN, FREE]);
  trace.alignLog2.set([5, 0]);
  trace.threads.set([0x0607, 0x0607]);
  trace.sizes.set([0x01020304, 0]);
  return { ...trace, ...more };
}
const tagged = (): Trace =>
  small({
    tags: Uint32Array.of(2, 0),
    names: ["ä", "b"],
    times: Uint32Array.of(0, 9),
    tickNs: 1000,
    dropped: 3,
  });

const RECORDS = [
  ...[4, 5, 0x07, 0x06, 0, 0, 0, 0, 0x04, 0x03, 0x02, 0x01],
  ...[1, 0, 0x07, 0x06, 0, 0, 0, 0, 0, 0, 0, 0],
];

describe("the bytes", () => {
  it("of version 1, where it says all there is", () => {
    const header = [0x41, 0x54, 0x52, 0x43, 1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0];
    expect([...encodeTrace(small())]).toEqual([...header, ...RECORDS]);
  });

  it("of version 2", () => {
    const names = [...new TextEncoder().encode('["ä","b"]')];
    expect([...encodeTrace(tagged())]).toEqual([
      ...[0x41, 0x54, 0x52, 0x43, 2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0],
      ...[3, 0, 0, 0, 3, 0, 0, 0, names.length, 0, 0, 0, 0xe8, 0x03, 0, 0],
      ...RECORDS,
      ...[2, 0, 0, 0, 0, 0, 0, 0],
      ...[0, 0, 0, 0, 9, 0, 0, 0],
      ...names,
    ]);
  });

  it.each([
    ["plain", small()],
    ["all of it", tagged()],
    ["tags", small({ tags: Uint32Array.of(1, 1), names: ["x"] })],
    ["times", small({ times: Uint32Array.of(5, 5), tickNs: 7 })],
    ["cut", small({ dropped: 1 })],
  ])("come back: %s", async (_name, trace) => {
    expect(decodeTrace(encodeTrace(trace), "small")).toEqual(trace);
    expect(await openTrace(await packTrace(trace), "small")).toEqual(trace);
    expect(await openTrace(gzipSync(encodeTrace(trace)), "small")).toEqual(trace);
    expect(await openTrace(encodeTrace(trace), "small")).toEqual(trace);
  });

  it("may lie anywhere in a buffer", () => {
    const bytes = encodeTrace(tagged());
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    expect(decodeTrace(shifted.subarray(3), "small")).toEqual(tagged());
  });

  it("are compressed where the engine can, and not where it cannot", async () => {
    expect(gunzipSync(await packTrace(small()))).toEqual(Buffer.from(encodeTrace(small())));
    vi.stubGlobal("CompressionStream", undefined);
    expect(await packTrace(small())).toEqual(encodeTrace(small()));
    vi.stubGlobal("DecompressionStream", undefined);
    expect(await openTrace(encodeTrace(small()))).toEqual(small({ name: "trace" }));
    await expect(openTrace(gzipSync(encodeTrace(small())))).rejects.toThrow("no DecompressionStream");
  });
});

/** The file of `tagged()` with 32-bit words overwritten: `[offset, value]`. */
function patched(...words: readonly (readonly [number, number])[]): Uint8Array {
  const bytes = Buffer.from(encodeTrace(tagged()));
  for (const [offset, value] of words) bytes.writeUInt32LE(value, offset);
  return bytes;
}
const withNames = (text: string): Uint8Array =>
  Buffer.concat([patched([24, Buffer.byteLength(text)]).subarray(0, 72), Buffer.from(text)]);

const HOSTILE: readonly (readonly [string, Uint8Array, string])[] = [
  ["nothing", new Uint8Array(0), "truncated, 0 bytes are no header"],
  ["half a header", patched().subarray(0, 20), "truncated, 20 bytes are no header"],
  ["another magic", patched([0, 1]), "wrong magic, not a trace file"],
  ["version 0", patched([4, 0]), "version 0, only 1 and 2 are known"],
  ["version 3", patched([4, 3]), "version 3, only 1 and 2 are known"],
  ["no operations", patched([8, 0]), "no operations"],
  ["too many operations", patched([8, 2 ** 24 + 1]), "16777217 operations, at most 16777216 are read"],
  ["more ids than operations", patched([12, 3]), "3 live ids from 2 operations"],
  ["unknown flags", patched([16, 7]), "unknown flags 7"],
  ["tags without names", patched([24, 0]), "0 bytes of names, flags 3"],
  ["names without tags", patched([16, 2]), "10 bytes of names, flags 2"],
  ["names without end", patched([24, MAX_NAME_BYTES + 1]), "1048577 bytes of names, at most"],
  ["times without a tick", patched([28, 0]), "a tick of 0 ns, flags 3"],
  ["a tick without times", patched([16, 1]), "a tick of 1000 ns, flags 1"],
  ["a record cut off", patched().subarray(0, 50), "truncated, 2 operations promised, 1 found"],
  ["times cut off", patched().subarray(0, 70), "tags, times or names are not all there"],
  ["names cut off", patched().subarray(0, 81), "tags, times or names are not all there"],
  ["bytes after", Buffer.concat([patched(), Buffer.of(0)]), "bytes after the last of 2 operations"],
  ["a tag out of range", patched([60, 3]), "operation 1: tag 3, where there are 2 names"],
  ["a time before the last", patched([64, 10]), "operation 1: its time 9 is before 10"],
  ["names that are no JSON", withNames('["a","b"'), "the names are no JSON"],
  ["names that are no UTF-8", Buffer.concat([patched([24, 1]).subarray(0, 72), Buffer.of(0xff)]), "no JSON"],
  ["names that are no list", withNames('{"a":"b"}'), "the names are no array of strings"],
  ["names that are no strings", withNames('["a",["b"]]'), "the names are no array of strings"],
  ["names without a bottom", withNames("[".repeat(1 << 20)), "the names are no JSON"],
  ["an unknown op", patched([32, 9]), "operation 0: unknown op 9"],
  ["an alignment over 4096", patched([32, 4 | (13 << 8)]), "operation 0: alignment 2^13 is over 4096"],
  ["an id out of range", patched([36, 1]), "operation 0: id 1 is not below 1"],
  ["a free of a dead id", patched([32, FREE]), "operation 0: free of the dead id 0"],
  ["a realloc of a dead id", patched([32, 2]), "operation 0: realloc of the dead id 0"],
  ["a malloc onto a live id", patched([44, MALLOC]), "operation 1: id 0 is still alive"],
  ["a size near 2^32", patched([40, 2 ** 32 - 8]), "operation 0: size 4294967288 is over 1073741824"],
  ["a realloc to nothing", patched([44, 2]), "operation 1: realloc to 0 bytes"],
];

describe("what is no trace", () => {
  it.each(HOSTILE)("%s, as it is and in gzip", async (_name, bytes, message) => {
    expect(() => decodeTrace(bytes, "x")).toThrow(message);
    await expect(openTrace(bytes)).rejects.toThrow(message);
    const inGzip = message.startsWith("bytes after") ? "more bytes than its header promises" : message;
    await expect(openTrace(gzipSync(bytes))).rejects.toThrow(inGzip);
  });

  it.each([
    ["cut short", (file: Buffer) => file.subarray(0, 30), "damaged gzip stream, unexpected end of file"],
    ["followed by something", (file: Buffer) => Buffer.concat([file, Buffer.from("more")]), "damaged gzip"],
    // Engines differ: a second member is inflated too, or is what the stream must not have after its end, as the standard says.
    [
      "twice",
      (file: Buffer) => Buffer.concat([file, file]),
      /more bytes than its header promises|damaged gzip/,
    ],
    [
      "with a wrong checksum",
      (file: Buffer) => file.map((byte, at) => (at === file.length - 8 ? byte ^ 1 : byte)),
      "damaged gzip",
    ],
  ])("gzip %s", async (_name, damage, message) => {
    await expect(openTrace(damage(gzipSync(encodeTrace(tagged()))))).rejects.toThrow(message);
  });

  it("a bomb: nothing is inflated beyond what its header promises, but for a chunk", async () => {
    const bomb = gzipSync(Buffer.concat([patched().subarray(0, 32), Buffer.alloc(256 << 20)]));
    let inflated = 0;
    const { DecompressionStream: Real } = globalThis;
    vi.stubGlobal(
      "DecompressionStream",
      class {
        readonly writable: unknown;
        readonly readable: unknown;
        constructor() {
          const { writable, readable } = new Real("gzip");
          this.writable = writable;
          this.readable = readable.pipeThrough(
            new TransformStream({
              transform(chunk: Uint8Array, controller) {
                inflated += chunk.length;
                controller.enqueue(chunk);
              },
            }),
          );
        }
      },
    );
    await expect(openTrace(bomb)).rejects.toThrow("more bytes than its header promises");
    expect(inflated).toBeGreaterThan(0);
    expect(inflated).toBeLessThan(1 << 20);
  });

  it("is found in whatever pieces it comes", () => {
    const inflated = collectInflated();
    for (const byte of patched()) inflated.add(Uint8Array.of(byte));
    expect(inflated.bytes()).toEqual(new Uint8Array(patched()));
    expect(() => inflated.add(Buffer.of(0))).toThrow("more bytes than its header promises");
  });
});
