/** A composed heap as a subject. */
import type { Align, Heap, Tag } from "@heapwright/core";
import type { Range } from "./shadow.js";
import type { Subject } from "./subject.js";

/** Marks of a heap, as a strategy's API has them (`heap.arena`). */
export interface Marks {
  mark(): number;
  release(mark: number): void;
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
  /** Where the heap's marks are, if it has any: `heap.arena`. */
  readonly marks?: Marks;
}

/** The lock's words in a heap header: entering and leaving changes them, whatever the call does. */
const LOCK_WORDS: Range = { start: 64, end: 128 };

/** A composed heap as a subject. O(1). */
export function heapSubject(heap: Heap, options: HeapSubjectOptions = {}): Subject {
  const { memory, capabilities } = heap;
  const { marks } = options;
  const { source } = memory;
  const growForeign = options.growForeign ?? defaultGrowForeign(heap);
  return {
    conformance: 1,
    zeroes: true,
    checksArguments: true,
    detects: capabilities.detects,
    frees: capabilities.free,
    maxAlign: capabilities.maxAlign,
    capabilities,
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
    // Also where it cannot: then it says so.
    grow: (bytes) => heap.grow(bytes),
    snapshot: () => heap.snapshot(),
    descriptor: () => heap.descriptor(),
    ...(marks === undefined
      ? {}
      : { mark: () => marks.mark(), release: (mark: number) => marks.release(mark) }),
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
