/** A bare allocator as a subject: a strategy's primitives, with no heap around them. */
import type { Allocator, Block, Capabilities, Totals } from "@heapwright/core";
import type { Range } from "./shadow.js";
import type { Detects, Subject } from "./subject.js";

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
  const { realloc, walk, check, totals, mark, release } = allocator;
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
    ...(mark === undefined || release === undefined
      ? {}
      : {
          mark: () => mark.call(allocator),
          release: (value: number) => release.call(allocator, value),
        }),
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
