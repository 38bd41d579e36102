/**
 * Subjects: what a run drives. One interface over a composed heap and over a bare allocator, so that programs,
 * the shadow model and the shrinker know nothing of either.
 *
 * Optional members that are absent are unsupported: their operations are left out of a run, and its report shows that.
 */
import type { Align, Allocator, Block, Capabilities, Heap, Tag, Totals } from "@heapwright/core";
import type { Range } from "./shadow.js";

/** Where the heap is in its buffer. */
export interface SubjectRegion {
  /** All its bytes: what a failed call must not change. */
  readonly region: Range;
  /** Where blocks may be. */
  readonly area: Range;
}

/** Misuse an allocator always finds. */
export type Detects = Capabilities["detects"][number];

/** The thing under test. */
export interface Subject {
  /** Tells a subject from a heap. */
  readonly conformance: 1;
  /** Does `alloc` zero, and `realloc` what it adds? */
  readonly zeroes: boolean;
  /** Are sizes, alignments and tags checked? Else only valid ones are passed. */
  readonly checksArguments: boolean;
  readonly detects: readonly Detects[];
  readonly frees: Capabilities["free"];
  /** Larger alignments are left out. */
  readonly maxAlign: number;
  /** Tags that may be passed. */
  readonly tags: readonly number[];
  /** Bytes that a failed call may change: counters, a lock's words. */
  readonly volatile: readonly Range[];
  /** Before a request is answered as exhausted, memory that an agent's front holds may go back to the strategy: that is no change. */
  readonly givesBack?: boolean;

  /** The buffer as it is now. */
  buffer(): ArrayBuffer | SharedArrayBuffer;
  region(): SubjectRegion;

  alloc(size: number, align: number, tag: number): number;
  allocUnsafe(size: number, align: number, tag: number): number;
  free(ptr: number): void;
  usableSize(ptr: number): number;
  takenSize?(ptr: number): number;
  goodSize?(size: number): number;
  owns?(ptr: number): boolean;
  realloc?(ptr: number, size: number, align: number, tag: number): number;
  reallocUnsafe?(ptr: number, size: number, align: number, tag: number): number;
  dup?(bytes: Uint8Array, align: number, tag: number): number;
  resize?(ptr: number, size: number): boolean;
  reset?(): void;
  blocks?(): Iterable<Block>;
  /** Throws what is wrong. */
  check?(): void;
  totals?(): Totals;
  grow?(bytes: number): boolean;
  /** Somebody else grows the memory; the new pages are his. Does nothing where that cannot be had. */
  growForeign?(bytes: number): void;
}

export interface HeapSubjectOptions {
  /** How somebody else grows the memory. Default: through its buffer, where that can grow. False: nobody does. */
  readonly growForeign?: ((bytes: number) => void) | false;
  /** Tags to pass, as `heap.stats.tag(name)` returns them; default none. */
  readonly tags?: readonly Tag[];
  /**
   * Bytes that a failed call may change, such as the counters of a plugin; `"header"`: all before the area. The lock's words
   * always may.
   */
  readonly volatile?: readonly Range[] | "header";
  /** There is a front, which gives back what it holds before a request fails. Default false. */
  readonly givesBack?: boolean;
}

/** The lock's words in a heap header: entering and leaving changes them, whatever the call does. */
const LOCK_WORDS: Range = { start: 64, end: 128 };

/** A composed heap as a subject. */
export function heapSubject(heap: Heap, options: HeapSubjectOptions = {}): Subject {
  const { memory, capabilities } = heap;
  const { source } = memory;
  const growForeign = options.growForeign ?? defaultGrowForeign(heap);
  return {
    conformance: 1,
    zeroes: true,
    checksArguments: true,
    detects: capabilities.detects,
    frees: capabilities.free,
    maxAlign: capabilities.maxAlign,
    tags: options.tags ?? [],
    volatile: volatileOf(heap, options.volatile ?? []),
    givesBack: options.givesBack ?? false,

    // Not heap.memory.buffer: that one is as of the heap's last look.
    buffer: () => ("buffer" in source ? source.buffer : source),
    region() {
      const { region } = heap;
      const end = region.base + region.bytes;
      return { region: { start: region.base, end }, area: { start: region.areaStart, end: region.areaEnd } };
    },

    alloc: (size, align, tag) => heap.alloc(size, align as Align, ...tagOf(tag)),
    allocUnsafe: (size, align, tag) => heap.allocUnsafe(size, align as Align, ...tagOf(tag)),
    free: (ptr) => heap.free(ptr),
    usableSize: (ptr) => heap.usableSize(ptr),
    takenSize: (ptr) => heap.takenSize(ptr),
    goodSize: (size) => heap.goodSize(size),
    owns: (ptr) => heap.owns(ptr),
    realloc: (ptr, size, align, tag) => heap.realloc(ptr, size, align as Align, ...tagOf(tag)),
    reallocUnsafe: (ptr, size, align, tag) => heap.reallocUnsafe(ptr, size, align as Align, ...tagOf(tag)),
    dup: (bytes, align, tag) => heap.dup(bytes, align as Align, ...tagOf(tag)),
    ...(heap.reset === undefined ? {} : { reset: () => heap.reset?.() }),
    blocks: () => heap.blocks(),
    check: () => heap.check(),
    totals: () => ({
      capacity: heap.capacity,
      used: heap.usedBytes,
      free: heap.freeBytes,
      quarantined: heap.quarantinedBytes,
      overhead: heap.overheadBytes,
      page: heap.pageBytes,
      pageFree: heap.pageFreeBytes,
    }),
    ...(capabilities.grow ? { grow: (bytes: number) => heap.grow(bytes) } : {}),
    ...(growForeign === false || growForeign === undefined ? {} : { growForeign }),
  };
}

function volatileOf({ region }: Heap, volatile: readonly Range[] | "header"): Range[] {
  const { base, areaStart } = region;
  if (volatile === "header") return [{ start: base, end: areaStart }];
  return [{ start: base + LOCK_WORDS.start, end: base + LOCK_WORDS.end }, ...volatile];
}

/** 0 is "none given"; what is no tag at all is passed on, to be refused. */
function tagOf(tag: number): [] | [Tag] {
  return tag === 0 ? [] : [tag as Tag];
}

type Growable = {
  readonly maxByteLength?: number;
  resize?(bytes: number): void;
  grow?(bytes: number): void;
};

function defaultGrowForeign(heap: Heap): ((bytes: number) => void) | undefined {
  const { source } = heap.memory;
  if ("buffer" in source) {
    return (bytes) => {
      try {
        source.grow(Math.ceil(bytes / 65536));
      } catch (error) {
        // Its maximum is reached: nobody can grow it.
        if (!(error instanceof RangeError)) throw error;
      }
    };
  }
  const buffer = source as (ArrayBuffer | SharedArrayBuffer) & Growable;
  const { maxByteLength } = buffer;
  if (maxByteLength === undefined || maxByteLength === buffer.byteLength) return undefined;
  return (bytes) => {
    // Whole pages, as guests do: a few bytes behind a heap are taken for nobody's.
    const target = buffer.byteLength + Math.ceil(bytes / 4096) * 4096;
    if (target > maxByteLength) return;
    if (buffer.resize !== undefined) buffer.resize(target);
    else buffer.grow?.(target);
  };
}

export interface AllocatorSubjectOptions {
  /** The buffer the allocator works in; a function where it can be replaced. */
  readonly buffer: ArrayBuffer | SharedArrayBuffer | (() => ArrayBuffer | SharedArrayBuffer);
  /** Where blocks may be; default the whole buffer. */
  readonly area?: Range | (() => Range);
  /** All bytes the allocator keeps anything in; default the area. */
  readonly region?: Range | (() => Range);
  /** Misuse it always finds; default all. */
  readonly detects?: readonly Detects[];
  /** Which blocks it can free; default any. */
  readonly frees?: Capabilities["free"];
  /** Default 4096. */
  readonly maxAlign?: number;
  /** Is `alloc` zeroed? Default false, as the primitive is specified. */
  readonly zeroes?: boolean;
  readonly volatile?: readonly Range[];
  readonly growForeign?: (bytes: number) => void;
}

const ALL_MISUSE: readonly Detects[] = ["double-free", "foreign", "interior", "unaligned", "forged"];

/**
 * A bare allocator as a subject: a strategy without a heap around it. It is given only what the primitives allow
 * (alignments from 16 on, valid sizes, pointers that are integers), and its `resize` is driven, too.
 */
export function allocatorSubject(allocator: Allocator, options: AllocatorSubjectOptions): Subject {
  const { buffer } = options;
  const current = typeof buffer === "function" ? buffer : () => buffer;
  const rangeOf = (range: Range | (() => Range) | undefined, otherwise: () => Range): (() => Range) =>
    range === undefined ? otherwise : typeof range === "function" ? range : () => range;
  const area = rangeOf(options.area, () => ({ start: 0, end: current().byteLength }));
  const region = rangeOf(options.region, area);
  const alloc = (size: number, align: number, tag: number): number =>
    allocator.alloc(size, Math.max(16, align), tag);
  const { realloc, walk, check, totals } = allocator;
  const resized = (ptr: number, size: number, align: number, tag: number): number =>
    allocator.realloc?.(ptr, size, Math.max(16, align), tag) ?? 0;
  return {
    conformance: 1,
    zeroes: options.zeroes ?? false,
    checksArguments: false,
    detects: options.detects ?? ALL_MISUSE,
    frees: options.frees ?? "any",
    maxAlign: options.maxAlign ?? 4096,
    tags: [],
    volatile: options.volatile ?? [],
    buffer: current,
    region: () => ({ region: region(), area: area() }),
    alloc,
    allocUnsafe: alloc,
    free: (ptr) => allocator.free(ptr),
    usableSize: (ptr) => allocator.usableSize(ptr),
    takenSize: (ptr) => allocator.takenSize(ptr),
    goodSize: (size) => allocator.goodSize(size),
    owns: (ptr) => allocator.owns(ptr),
    resize: (ptr, size) => allocator.resize(ptr, size),
    ...(realloc === undefined ? {} : { realloc: resized, reallocUnsafe: resized }),
    ...(allocator.reset === undefined ? {} : { reset: () => allocator.reset?.() }),
    ...(walk === undefined ? {} : { blocks: () => walked(allocator) }),
    ...(check === undefined ? {} : { check: () => throwFindings(allocator) }),
    ...(totals === undefined ? {} : { totals: () => countTotals(allocator) }),
    ...(options.growForeign === undefined ? {} : { growForeign: options.growForeign }),
  };
}

function walked(allocator: Allocator): Block[] {
  const blocks: Block[] = [];
  allocator.walk?.(({ ptr, size, usable, state, tag }) => {
    if (state !== "reserved") blocks.push({ ptr, size, usable, state, tag });
  });
  return blocks;
}

function throwFindings(allocator: Allocator): void {
  const messages: string[] = [];
  allocator.check?.((finding) => messages.push(finding.message));
  if (messages.length > 0) throw new Error(messages.join("; "));
}

function countTotals(allocator: Allocator): Totals {
  const totals: Totals = { capacity: 0, used: 0, free: 0, quarantined: 0, overhead: 0, page: 0, pageFree: 0 };
  allocator.totals?.(totals);
  return totals;
}

/** A heap or a subject, as a subject. */
export function toSubject(target: Heap | Subject): Subject {
  return "conformance" in target ? target : heapSubject(target);
}
