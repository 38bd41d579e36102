/**
 * `Heap`: what a user holds. The composed object adds each plugin's API under the plugin's name; see `infer.ts`.
 */
import type { Memory } from "./memory.js";
import type { RecoveryReport } from "./recover.js";
import type { Align, Block, Capabilities, Contention, Ptr, Tag } from "./types.js";

/** Any typed array or `DataView`. */
export type BytesView = ArrayBufferView;

/** A typed array a block can be seen as. */
export interface ArrayView extends ArrayBufferView {
  readonly length: number;
  readonly BYTES_PER_ELEMENT: number;
}

/** `Float32Array` and its siblings. */
export interface ArrayViewConstructor<View extends ArrayView> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer | SharedArrayBuffer, byteOffset: number, length: number): View;
}

type DisposeKey<Symbols> = Symbols extends { readonly dispose: infer Key extends symbol } ? Key : never;

/** Has `[Symbol.dispose]()` where the compiler's library knows the symbol, so that `using` accepts it. */
export type Disposes = { [Key in DisposeKey<SymbolConstructor>]: () => void };

/** A growable array in the heap whose `view` is valid after any growth of the memory. */
export interface ColumnBase<View extends ArrayView> {
  /** Address of the block; changes when `resize` moves it. 0 after it was freed. */
  readonly ptr: Ptr;
  /** Elements. */
  readonly length: number;
  /** A view on the elements, made again when the buffer was replaced. Keep it no longer than a turn. */
  readonly view: View;
  /**
   * Changes the number of elements; new ones are zero.
   * @throws HeapError `ERR_OUT_OF_MEMORY`, and then nothing has changed; `ERR_INVALID_SIZE`.
   */
  resize(length: number): void;
  /** Ends the block; does nothing the second time. */
  free(): void;
}
export type Column<View extends ArrayView> = ColumnBase<View> & Disposes;

/** A block freed at the end of a `using` scope. */
export type Scoped = { readonly ptr: Ptr; readonly size: number; free(): void } & Disposes;

/** The lock of a heap, held; see `enterAsync`. */
export type HeldLock = {
  /**
   * Lets the others in; does nothing the second time.
   * @throws HeapError `ERR_HEAP_CORRUPT` if another agent has taken the lock over.
   */
  leave(): void;
} & Disposes;

/** A block that holds UTF-8 text. */
export interface HeapString {
  readonly ptr: Ptr;
  /** Bytes of UTF-8; the block may be longer. */
  readonly bytes: number;
}

/**
 * What another agent needs to attach. Structured-cloneable on a buffer and on a shared `WebAssembly.Memory`: send it with
 * `postMessage`. The buffer of a heap that is not shared is copied by that, and so is the heap. A `WebAssembly.Memory` that is not
 * shared cannot be sent.
 */
export interface HeapDescriptor {
  readonly heapwright: 1;
  readonly name: string;
  readonly base: number;
  /** The shared or plain buffer, or the `WebAssembly.Memory` it belongs to. */
  readonly memory: object;
}

/**
 * A heap: one region of a memory, one strategy, any plugins.
 *
 * Methods that return a `Ptr` return 0 when exhausted; methods that return an object throw `ERR_OUT_OF_MEMORY`.
 * An invalid argument always throws, before anything changes. Bytes and addresses are unsigned up to 2^32 - 1.
 */
export interface Heap {
  readonly name: string;
  /** The bytes and their views, replaced on growth. */
  readonly memory: Memory;
  /** This agent's id, 1 …; unique among the agents of this heap. */
  readonly agent: number;
  /** What this stack can do. */
  readonly capabilities: Capabilities;
  /** Where the heap is: `areaStart` to `areaEnd` is what chunks tile, what precedes it is the header. */
  readonly region: {
    readonly base: number;
    readonly bytes: number;
    readonly areaStart: number;
    readonly areaEnd: number;
  };

  /**
   * A block of at least `size` bytes whose usable bytes are all zero.
   * @param size Bytes, an integer in 1 … 2^32 - 1.
   * @param align 0 or a power of two up to 4096; 0 to 16 mean 16. 4096 may be a page run.
   * @param tag Who asks; kept by plugins that keep tags.
   * @returns The address, or 0 when exhausted.
   * @throws HeapError `ERR_INVALID_SIZE`, `ERR_INVALID_ALIGNMENT`, `ERR_INVALID_OPTION` (tag).
   */
  alloc(size: number, align?: Align, tag?: Tag | 0): Ptr;
  /** Like `alloc`, but the bytes are whatever they were. */
  allocUnsafe(size: number, align?: Align, tag?: Tag | 0): Ptr;
  /**
   * Makes the block hold `size` bytes, in place where it can, else by moving it. Content is kept up to
   * min(old usable, new size); bytes beyond the old usable size are zero. The tag is kept unless given, the alignment is not
   * remembered. `realloc(0, n)` allocates.
   * @returns The address, or 0 when exhausted, and then the old block is untouched.
   * @throws HeapError as `alloc` and `free` do.
   */
  realloc(ptr: Ptr, size: number, align?: Align, tag?: Tag | 0): Ptr;
  /** Like `realloc`, but bytes beyond the old usable size are whatever they were. */
  reallocUnsafe(ptr: Ptr, size: number, align?: Align, tag?: Tag | 0): Ptr;
  /** A new block with a copy of the view's bytes (an empty view gets a block of its own, too). */
  dup(bytes: BytesView, align?: Align, tag?: Tag | 0): Ptr;
  /**
   * Ends a block; 0 is a no-op. A view made by `allocArray` may be given instead of its address.
   * @throws HeapError `ERR_INVALID_POINTER`, `ERR_DOUBLE_FREE`, `ERR_DETACHED_VIEW`; nothing has changed then.
   */
  free(block: Ptr | BytesView): void;
  /** Bytes the holder may use; never less than was asked for. Throws as `free`, also for 0. */
  usableSize(ptr: Ptr): number;
  /** Bytes the block takes from the area, header and every overhead included. Throws as `free`, also for 0. */
  takenSize(ptr: Ptr): number;
  /** The usable size a request of `size` bytes is rounded up to. */
  goodSize(size: number): number;
  /** Does `ptr` lie in the heap's area? A range test: says nothing about blocks. */
  owns(ptr: Ptr): boolean;

  /** Bytes of the area: the sum of the six below. */
  readonly capacity: number;
  readonly usedBytes: number;
  readonly freeBytes: number;
  readonly quarantinedBytes: number;
  readonly overheadBytes: number;
  readonly pageBytes: number;
  readonly pageFreeBytes: number;

  /** Every block, free ones included, in address order, as of now. O(chunks). */
  blocks(): IterableIterator<Block>;
  /**
   * Verifies every invariant of the strategy and of every plugin. O(chunks + area / 512).
   * @throws HeapError the finding; several: one `ERR_HEAP_CORRUPT` with `.errors`.
   */
  check(): void;
  /** The blocks for a person, one line each; given to `write` line by line if there is one. */
  dump(write?: (line: string) => void): string;

  /** Position-independent name of an address in this heap. `ERR_INVALID_POINTER` outside. */
  toOffset(ptr: Ptr): number;
  /** The address of an offset in this heap. `ERR_INVALID_POINTER` outside. */
  toPtr(offset: number): Ptr;
  /** A copy of all bytes of the heap, for `restoreHeap`. */
  snapshot(): Uint8Array<ArrayBuffer>;
  /**
   * Grows the memory and the area by at least `bytes`; false, and nothing has changed, if that cannot be had.
   * @throws HeapError `ERR_INVALID_SIZE`.
   */
  grow(bytes: number): boolean;
  /** What another agent needs to attach. */
  descriptor(): HeapDescriptor;
  /**
   * After another agent has ended (its worker has exited): whatever it was in the middle of is brought to an end, and the lock it held is
   * taken over. The caller states that it has ended; a timeout alone does not say so. O(blocks + tables).
   *
   * @throws HeapError `ERR_INVALID_OPTION` for what is no other agent, `ERR_UNSUPPORTED` if the strategy cannot be recovered,
   * `ERR_HEAP_CORRUPT` if what was committed cannot be true.
   */
  recover(agent: number): RecoveryReport;
  /**
   * Takes the heap's lock without blocking the thread; where there is no lock, at once. Until `leave()` every other agent waits, and
   * the calls of this one run under the lock it holds: several of them are one operation to the others. Several `enterAsync` of one
   * agent get the lock one after the other, in the order of the calls. Do not call the heap through another agent of the same thread
   * meanwhile: that call blocks the thread that is to leave.
   * @param options `timeoutMs`: above 0, `Infinity` waits for ever; default the lock's own.
   * @throws HeapError (by rejecting) `ERR_LOCK_TIMEOUT` naming the holder, `ERR_INVALID_OPTION`, `ERR_DETACHED_HEAP`.
   */
  enterAsync(options?: { readonly timeoutMs?: number }): Promise<HeldLock>;
  /** How much the agents were in each other's way; all zero where there is no lock, or one that does not count. O(1), without the lock. */
  readonly contention: Contention;
  /** Leaves the heap: every later call of this agent that needs it throws `ERR_DETACHED_HEAP`. The heap itself stays. */
  detach(): void;

  /** A block as a typed array of `length` zeroed elements; 0 is accepted. `ERR_OUT_OF_MEMORY` when exhausted. */
  allocArray<View extends ArrayView>(type: ArrayViewConstructor<View>, length: number, tag?: Tag | 0): View;
  /** The block of a view, resized to `length` elements of the same type. The given view is not valid afterwards. */
  reallocArray<View extends ArrayView>(view: View, length: number): View;
  /** A block as an array that can grow and whose `view` survives the growth of the memory. */
  column<View extends ArrayView>(
    type: ArrayViewConstructor<View>,
    length: number,
    options?: { readonly align?: Align; readonly tag?: Tag | 0 },
  ): Column<View>;
  /** `length` bytes from `ptr` on, copied. `ERR_INVALID_POINTER` if they are not inside the heap's region. */
  read(ptr: Ptr, length: number): Uint8Array<ArrayBuffer>;
  /** A new block with the text as UTF-8. */
  string(text: string, tag?: Tag | 0): HeapString;
  /** The UTF-8 text of `bytes` bytes from `ptr` on. */
  text(ptr: Ptr, bytes: number): string;
  /** A zeroed block that ends with its `using` scope. */
  scoped(size: number, align?: Align, tag?: Tag | 0): Scoped;

  /** Ends every block at once; there only where the strategy can. */
  reset?(): void;
}
