/**
 * Subjects: what a run drives. One interface over a composed heap and over a bare allocator, so that programs,
 * the shadow model and the shrinker know nothing of either.
 *
 * Optional members that are absent are unsupported: their operations are left out of a run, and its report shows that.
 */
import type { Block, Capabilities, Heap, HeapDescriptor, Totals } from "@heapwright/core";
import { heapSubject } from "./heap-subject.js";
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
  /** Larger alignments are not asked for, but to be refused. */
  readonly maxAlign: number;
  /** What it says of itself; default: what its members say. It is held to that. */
  readonly capabilities?: Capabilities;
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
  /** How far it has come; `release` ends every block made since. */
  mark?(): number;
  release?(mark: number): void;
  blocks?(): Iterable<Block>;
  /** Throws what is wrong. */
  check?(): void;
  totals?(): Totals;
  grow?(bytes: number): boolean;
  /** Somebody else grows the memory; the new pages are his. Does nothing where that cannot be had. */
  growForeign?(bytes: number): void;
  /** A copy of all its bytes, of which another one can be made. */
  snapshot?(): Uint8Array;
  /** What another agent needs to join. */
  descriptor?(): HeapDescriptor;
}

/** A heap or a subject, as a subject. */
export function toSubject(target: Heap | Subject): Subject {
  return "conformance" in target ? target : heapSubject(target);
}
