import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hostileFiles } from "./hostile-files.js";
import { randomTrace, traceOf } from "./test-traces.js";
import {
  CALLOC,
  decodeTrace,
  encodeTrace,
  FREE,
  MALLOC,
  MAX_SIZE,
  MEMALIGN,
  REALLOC,
  readTrace,
  TRACE_HEADER_BYTES,
  traceName,
  writeTrace,
} from "./trace.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "bench-trace-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe("the format", () => {
  it("is as the design lays it out", () => {
    const bytes = encodeTrace(traceOf([[MEMALIGN, 2, 0x01020304, 5, 0x0607]], 3));
    expect([...bytes]).toEqual([
      ...[0x41, 0x54, 0x52, 0x43, 1, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0],
      ...[4, 5, 0x07, 0x06, 2, 0, 0, 0, 0x04, 0x03, 0x02, 0x01],
    ]);
    expect(TRACE_HEADER_BYTES).toBe(16);
  });

  it("comes back as it was written", async () => {
    const trace = randomTrace(2000, 12);
    const path = join(folder, "random.trace.gz");
    await writeTrace(path, trace);
    expect(await readTrace(path)).toEqual(trace);
  });

  it("keeps a recorded malloc(0) as it is, and the largest size", () => {
    const trace = traceOf([
      [MALLOC, 0, 0],
      [MALLOC, 1, MAX_SIZE],
    ]);
    expect([...decodeTrace(encodeTrace({ ...trace, maxLive: 2 }), "x").sizes]).toEqual([0, MAX_SIZE]);
  });

  it("names a trace after its file", () => {
    expect(traceName("some/where/git-log.trace.gz")).toBe("git-log");
    expect(traceName("mine.gz")).toBe("mine");
  });
});

describe("operations that cannot be replayed", () => {
  const refused = (rows: Parameters<typeof traceOf>[0], message: string): void => {
    const trace = traceOf(rows, Math.min(2, rows.length));
    expect(() => decodeTrace(encodeTrace(trace), "x")).toThrow(message);
  };

  it("are named with their index", () => {
    refused([[FREE, 0]], "operation 0: free of the dead id 0");
    refused([[REALLOC, 0, 8]], "operation 0: realloc of the dead id 0");
    refused(
      [
        [MALLOC, 0, 8],
        [CALLOC, 0, 8],
      ],
      "operation 1: id 0 is still alive",
    );
    refused([[5, 0, 8]], "operation 0: unknown op 5");
    refused([[MEMALIGN, 0, 8, 13]], "operation 0: alignment 2^13 is over 4096");
    refused([[MALLOC, 1, 8]], "operation 0: id 1 is not below 1");
    refused([[MALLOC, 0, 0xffffffff]], "operation 0: size 4294967295 is over 1073741824");
    refused(
      [
        [MALLOC, 0, 8],
        [REALLOC, 0, 0],
      ],
      "operation 1: realloc to 0 bytes",
    );
  });
});

describe("hostile files", () => {
  for (const { name, bytes, message } of hostileFiles) {
    it(name, async () => {
      const path = join(folder, "hostile.trace.gz");
      writeFileSync(path, bytes());
      await expect(readTrace(path)).rejects.toThrow(`${path}: ${message}`);
    });
  }

  it("no file, and a folder", async () => {
    await expect(readTrace(join(folder, "none.gz"))).rejects.toThrow("none.gz: no such file");
    mkdirSync(join(folder, "folder.gz"));
    await expect(readTrace(join(folder, "folder.gz"))).rejects.toThrow("folder.gz: not a file");
  });

  it("a bomb is left after what its header promises", async () => {
    const header = encodeTrace(traceOf([[MALLOC, 0, 8]], 1)).subarray(0, 16);
    const path = join(folder, "bomb.trace.gz");
    writeFileSync(path, gzipSync(Buffer.concat([header, Buffer.alloc(256 << 20)])));
    const before = process.memoryUsage().arrayBuffers;
    await expect(readTrace(path)).rejects.toThrow("more bytes than its header promises");
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 << 20);
  });
});
