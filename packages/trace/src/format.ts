/**
 * Trace files: what a program asked of its allocator, one 12-byte record a call. All numbers are little endian; the file is these bytes, as they
 * are or in gzip.
 *
 *     0      4           8          12         16        +1           +2       +4     +8      +12
 *     ├──────┼───────────┼──────────┼──────────╫─────────┼────────────┼────────┼──────┼────────┤ …
 *     │ ATRC │ version 1 │ op count │ max ids  ║ u8 op   │ u8 log2 al │ u16 thr│ u32 id│u32 size│
 *     └──────┴───────────┴──────────┴──────────╨─────────┴────────────┴────────┴──────┴────────┘
 *
 *     0      4           8          12         16      20        24           28        32
 *     ├──────┼───────────┼──────────┼──────────┼───────┼─────────┼────────────┼─────────╫─────────┬──────┬───────┬───────┐
 *     │ ATRC │ version 2 │ op count │ max ids  │ flags │ dropped │ name bytes │ tick ns ║ records │ tags │ times │ names │
 *     └──────┴───────────┴──────────┴──────────┴───────┴─────────┴────────────┴─────────╨─────────┴──────┴───────┴───────┘
 *                                                                                        12 an op   4 ……    4 ……   JSON
 *
 * | field | invariant |
 * |---|---|
 * | op | 0 malloc, 1 free, 2 realloc, 3 calloc, 4 memalign |
 * | log2 al | at most 12; only a memalign is replayed with it |
 * | thr | the agent that called |
 * | id | below `max ids`. Dead before a malloc, calloc or memalign; alive before a free or realloc |
 * | size | at most 2^30; of a realloc not 0; of a free nothing |
 * | flags | 1: there are tags, 2: there are times |
 * | dropped | operations that followed and are not in the file; 0: it is whole |
 * | tags | of the block of each operation: 0, or n for the n-th name |
 * | times | ticks since the first operation; never less than the one before |
 * | names | an array of strings, at most 1 MiB |
 *
 * What has neither tags nor times and is whole is written as version 1, which older readers know.
 */
import { TraceError } from "./errors.js";

export const MALLOC = 0;
export const FREE = 1;
export const REALLOC = 2;
export const CALLOC = 3;
export const MEMALIGN = 4;

/** Most operations a file may have: 16 Mi, which is 192 MiB inflated, with tags and times 320. */
export const MAX_OPS = 1 << 24;
/** Largest single request that is recorded and replayed: 1 GiB. */
export const MAX_SIZE = 1 << 30;
/** Largest alignment is 4096. */
export const MAX_ALIGN_LOG2 = 12;
/** Most bytes of names. */
export const MAX_NAME_BYTES = 1 << 20;

export const MAGIC = 0x43525441; // "ATRC"
/** Bytes of a header of version 1. */
export const TRACE_HEADER_BYTES = 16;
/** Bytes of a header of version 2. */
export const EXTENDED_HEADER_BYTES = 32;
export const RECORD_BYTES = 12;
export const HAS_TAGS = 1;
export const HAS_TIMES = 2;

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
  /** Operations that followed and were not recorded; absent: none. */
  readonly dropped?: number;
  /** Tag of each operation's block: 0, or n for `names[n - 1]`. Absent: no tags were recorded. */
  readonly tags?: Uint32Array;
  readonly names?: readonly string[];
  /** Ticks of `tickNs` nanoseconds since the first operation. Absent: no times were recorded. */
  readonly times?: Uint32Array;
  readonly tickNs?: number;
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

/** What a header promises. */
export interface TraceHeader {
  readonly count: number;
  readonly maxLive: number;
  readonly headerBytes: number;
  readonly hasTags: boolean;
  readonly hasTimes: boolean;
  readonly dropped: number;
  readonly nameBytes: number;
  readonly tickNs: number;
  /** Of the whole file, inflated. */
  readonly totalBytes: number;
}

/** Bytes the header has, by its first 8. Throws a {@link TraceError} if it is none. */
export function headerBytes(view: DataView): number {
  if (view.getUint32(0, true) !== MAGIC) throw new TraceError("wrong magic, not a trace file");
  const version = view.getUint32(4, true);
  if (version === 1) return TRACE_HEADER_BYTES;
  if (version === 2) return EXTENDED_HEADER_BYTES;
  throw new TraceError(`version ${version}, only 1 and 2 are known`);
}

/** @throws {@link TraceError} for a header that cannot be true. */
export function readHeader(view: DataView): TraceHeader {
  const bytes = headerBytes(view);
  const word = (offset: number): number => (offset < bytes ? view.getUint32(offset, true) : 0);
  const [count, maxLive, flags, nameBytes, tickNs] = [word(8), word(12), word(16), word(24), word(28)];
  const [hasTags, hasTimes] = [(flags & HAS_TAGS) !== 0, (flags & HAS_TIMES) !== 0];
  if (count === 0) throw new TraceError("no operations");
  if (count > MAX_OPS) throw new TraceError(`${count} operations, at most ${MAX_OPS} are read`);
  if (maxLive > count) throw new TraceError(`${maxLive} live ids from ${count} operations`);
  if (flags > (HAS_TAGS | HAS_TIMES)) throw new TraceError(`unknown flags ${flags}`);
  if (nameBytes > MAX_NAME_BYTES)
    throw new TraceError(`${nameBytes} bytes of names, at most ${MAX_NAME_BYTES} are read`);
  if (nameBytes > 0 !== hasTags) throw new TraceError(`${nameBytes} bytes of names, flags ${flags}`);
  if (tickNs > 0 !== hasTimes) throw new TraceError(`a tick of ${tickNs} ns, flags ${flags}`);
  return {
    count,
    maxLive,
    headerBytes: bytes,
    hasTags,
    hasTimes,
    dropped: word(20),
    nameBytes,
    tickNs,
    totalBytes: bytes + count * (RECORD_BYTES + (hasTags ? 4 : 0) + (hasTimes ? 4 : 0)) + nameBytes,
  };
}
