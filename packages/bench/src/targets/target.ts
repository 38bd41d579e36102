/**
 * What an allocator has to offer to be measured. One file per allocator; its default export is a {@link TargetModule}.
 * The functions are called straight from the replay loop: plain closures, or the wasm exports themselves.
 */

import type { MappedBlock } from "../timeline/heap-map.js";

/** One allocator at work. Pointers are byte offsets into `buffer()`, below 2^31; 0 is failure. */
export interface Target {
  malloc(size: number): number;
  /** Zeroed. */
  calloc(size: number): number;
  /** Content kept up to the smaller size; 0 on failure. */
  realloc(ptr: number, size: number): number;
  /** Only called with alignments the module says it can do. */
  memalign(align: number, size: number): number;
  free(ptr: number): void;
  /** The bytes as they are now: a memory may grow. */
  buffer(): ArrayBufferLike;
  /** Ends every block at once, as if fresh. Used between replays instead of freeing the blocks that are left. */
  reset?(): void;
  /** Bytes a block takes, header and rounding up included. */
  takenSize?(ptr: number): number;
  /** Bytes that blocks lie in, without the allocator's own tables. */
  areaBytes?(): number;
  /** Every block there is, for a map of the heap. */
  blocks?(): Iterable<MappedBlock>;
  /** Verifies the allocator's own invariants; throws if one is broken. */
  check?(): void;
}

export interface TargetModule {
  readonly name: string;
  /** One line for `list`. */
  readonly about: string;
  /** How calls are made that the allocator does not offer as such; shown under the table. */
  readonly notes?: readonly string[];
  /** Every block has at least this alignment. */
  readonly alignment: number;
  /** Largest alignment `memalign` can do; `alignment` where there is no memalign. */
  readonly maxAlign: number;
  /** False where there is no realloc: traces that need one are shown as "no realloc". Default true. */
  readonly hasRealloc?: boolean;
  /** False where freed memory is not used again: `bytes` then covers all a trace asks for. Default true. */
  readonly reuses?: boolean;
  /** Bytes the memory gets for each live block, besides what every allocator has. Default 0. */
  readonly blockRoom?: number;
  /** The package it comes from and its version. */
  version(): string;
  /** Says whether an error thrown by a call means exhaustion, where it is not answered with 0. */
  isExhaustion?(error: unknown): boolean;
  /** A fresh allocator over about `bytes` bytes. It may grow, where its memory can. */
  create(bytes: number): Promise<Target>;
  /**
   * A fresh allocator over `bytes` bytes, a multiple of 16, and no more: what does not fit is answered with 0, or thrown as
   * `isExhaustion` says. `undefined` where that is too little to begin with. For the search for the smallest region.
   */
  createLimited?(bytes: number): Promise<Target | undefined>;
}

/** The allocator has no memory left for a request. */
export class OutOfMemory extends Error {
  override name = "OutOfMemory";
}
