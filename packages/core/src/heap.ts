/**
 * The heap's entry points: arguments are checked here, once, before anything changes; then the layers get them.
 *
 *     heap.alloc > checks > [lock > trace > inject > limit > account > guard] > strategy > zero the payload
 *
 * What is in brackets is there only if the stack has it. Price of the entry itself: see "What composing costs" in the bench's output.
 */
import type { Assembly } from "./assemble.js";
import { ZERO_BY_LOOP, zeroBytes } from "./bytes.js";
import { isHeapError, isUint32, show } from "./errors.js";
import { HEADER, PAGE } from "./header.js";
import type { BytesView } from "./heap-types.js";
import type { Ptr } from "./types.js";

const EMPTY = new Int32Array(0);
/** Above every address. */
const PAST_ALL = 2 ** 32;

/** The members of `Heap` that allocate and free, and what the other members need from them. */
export interface Entry {
  alloc(size: number, align?: number, tag?: number): Ptr;
  allocUnsafe(size: number, align?: number, tag?: number): Ptr;
  realloc(ptr: Ptr, size: number, align?: number, tag?: number): Ptr;
  reallocUnsafe(ptr: Ptr, size: number, align?: number, tag?: number): Ptr;
  free(block: Ptr | BytesView): void;
  usableSize(ptr: Ptr): number;
  takenSize(ptr: Ptr): number;
  goodSize(size: number): number;
  owns(ptr: Ptr): boolean;
  detach(): void;
  /** Address of a view's block. `ERR_DETACHED_VIEW`, `ERR_INVALID_POINTER`. */
  ptrOfView(view: BytesView): Ptr;
}

/** The views a heap knows. Fields that nobody has written to again V8 takes for constants: not so variables. */
class Seen {
  declare i32: Int32Array;
  /** Bytes of the region. */
  declare size: number;

  constructor(i32: Int32Array, sizeWord: number) {
    this.i32 = i32;
    this.size = i32[sizeWord];
  }
}

export function createEntry(assembly: Assembly): Entry {
  const { memory, region, own, gates, lock, error, again } = assembly;
  const { alloc: allocInner, free: freeInner, realloc: reallocInner } = assembly.allocator;
  const { last: lastInner } = assembly.allocator;
  const { usableSize: usableInner, takenSize: takenInner, goodSize: goodInner } = assembly.allocator;
  const maxAlign = assembly.stack.strategy.capabilities.maxAlign;
  const alignWord = (region.base + HEADER.alignGranted) >>> 2;
  // One read says that the views are good: of a buffer that is gone it gives undefined, and after a growth by anybody the
  // header has another size. (Not `u8.length`: V8 11, in Node 20, compiles that to the old length of a detached view at a
  // place that has seen views on resizable buffers.)
  const sizeWord = (region.base + HEADER.regionBytes) >>> 2;
  const seen = new Seen(memory.i32, sizeWord);
  let isLeft = false;
  assembly.onRefresh(() => {
    seen.i32 = isLeft ? EMPTY : memory.i32;
    seen.size = memory.i32[sizeWord];
  });

  // ---- argument checks -------------------------------------------------------------------------------------------

  function isAlign(align: number): boolean {
    return isUint32(align) && (align & (align - 1)) === 0 && align <= PAGE;
  }

  function isTag(tag: number): boolean {
    return tag === 0 || (isUint32(tag) && tag > PAGE);
  }

  /** Throws for the first of the arguments that is wrong. */
  function refuse(size: unknown, align: unknown, tag: unknown): never {
    if (!isUint32(size) || size === 0) {
      throw error("ERR_INVALID_SIZE", `size must be an integer in 1 … 2^32 - 1, not ${show(size)}`);
    }
    if (!isAlign(align as number)) {
      const hint = typeof align === "number" && align > PAGE ? { hint: "tags are the third argument" } : {};
      throw error(
        "ERR_INVALID_ALIGNMENT",
        `align must be 0 or a power of two up to 4096, not ${show(align)}`,
        hint,
      );
    }
    if ((align as number) > maxAlign) {
      throw error("ERR_UNSUPPORTED", `this stack aligns to at most ${maxAlign}, not ${show(align)}`);
    }
    throw error(
      "ERR_INVALID_OPTION",
      `tag must be 0 or an id given by a plugin that keeps tags, not ${show(tag)}`,
    );
  }

  function refusePtr(ptr: unknown): never {
    throw error(
      "ERR_INVALID_POINTER",
      `${show(ptr)} is not an address`,
      typeof ptr === "number" ? { ptr } : {},
    );
  }

  // ---- views -----------------------------------------------------------------------------------------------------

  /** Copies of the heap keep its base modulo the largest alignment ever granted. */
  function noteAlign(align: number): void {
    if (seen.i32[alignWord] >= align) return;
    lock?.enter();
    try {
      if (seen.i32[alignWord] < align) seen.i32[alignWord] = align;
    } finally {
      lock?.leave();
    }
  }

  // ---- the calls -------------------------------------------------------------------------------------------------

  function allocUnsafe(size: number, align = 16, tag = 0): Ptr {
    // `| 0`, not `>>> 0`: the comparison stays one of 32-bit integers (2 ns); sizes from 2 GiB on take the other way.
    if (
      typeof size === "number" &&
      (size | 0) === size &&
      size > 0 &&
      align === 16 &&
      tag === 0 &&
      seen.i32[sizeWord] === seen.size
    ) {
      return allocInner(size, 16, 0);
    }
    return allocChecked(size, align, tag);
  }

  /** What is not the common case: other alignments, wrong arguments, views that must be taken again. */
  function allocChecked(size: number, align: number, tag: number): Ptr {
    if (!isUint32(size) || size === 0 || !isAlign(align) || align > maxAlign || !isTag(tag))
      refuse(size, align, tag);
    if (seen.i32[sizeWord] !== seen.size) assembly.sync();
    if (align <= 16) return allocInner(size, 16, tag);
    let failure: unknown;
    own?.enter();
    try {
      const ptr = allocInner(size, align, tag);
      if (ptr !== 0) noteAlign(align);
      return ptr;
    } catch (thrown) {
      failure = thrown;
    } finally {
      own?.leave();
    }
    if (isNested()) throw failure;
    return again(failure, () => allocChecked(size, align, tag));
  }

  /** Behind gates: has a call around this one entered before? Then that one is made again. */
  function isNested(): boolean {
    return gates?.isInside() === true;
  }

  function alloc(size: number, align = 16, tag = 0): Ptr {
    const ptr = allocUnsafe(size, align, tag);
    if (ptr === 0) return 0;
    const end = ptr + usableInner(ptr);
    if (end - ptr > ZERO_BY_LOOP || (end & 3) !== 0) {
      zeroBytes(memory, ptr, end);
      return ptr;
    }
    // As zeroBytes does: written out, perl's trace, a quarter of which are these calls, takes a tenth less.
    const { f64 } = memory;
    const last = end >>> 3;
    let at = ptr >>> 3;
    for (; at + 1 < last; at += 2) {
      f64[at] = 0;
      f64[at + 1] = 0;
    }
    if (at < last) f64[at] = 0;
    if ((end & 4) !== 0) memory.i32[(end >>> 2) - 1] = 0;
    return ptr;
  }

  function allocLocked(size: number, align = 16, tag = 0): Ptr {
    let ptr: Ptr = 0;
    let usable = 0;
    let failure: unknown;
    if (seen.i32[sizeWord] !== seen.size) assembly.sync();
    own?.enter();
    try {
      ptr = allocUnsafe(size, align, tag);
      if (ptr !== 0) usable = usableInner(ptr);
    } catch (thrown) {
      failure = thrown;
    } finally {
      own?.leave();
    }
    if (failure !== undefined) {
      if (isNested()) throw failure;
      return again(failure, () => allocLocked(size, align, tag));
    }
    // Outside the lock: the block is already ours.
    zeroBytes(memory, ptr, ptr + usable);
    return ptr;
  }

  function reallocUnsafe(ptr: Ptr, size: number, align = 16, tag = 0): Ptr {
    if (
      typeof ptr === "number" &&
      (ptr | 0) === ptr &&
      ptr > 0 &&
      typeof size === "number" &&
      (size | 0) === size &&
      size > 0 &&
      align === 16 &&
      tag === 0 &&
      seen.i32[sizeWord] === seen.size
    ) {
      return reallocInner(ptr, size, 16, 0);
    }
    return reallocChecked(ptr, size, align, tag);
  }

  /** What is not the common case, as `allocChecked`. */
  function reallocChecked(ptr: Ptr, size: number, align: number, tag: number): Ptr {
    if (ptr === 0) return allocUnsafe(size, align, tag);
    checkRealloc(ptr, size, align, tag);
    return move(ptr, size, align, tag);
  }

  /** Arguments are checked. */
  function move(ptr: Ptr, size: number, align: number, tag: number): Ptr {
    if (align <= 16) return reallocInner(ptr, size, 16, tag);
    let failure: unknown;
    own?.enter();
    try {
      const moved = reallocInner(ptr, size, align, tag);
      if (moved !== 0) noteAlign(align);
      return moved;
    } catch (thrown) {
      failure = thrown;
    } finally {
      own?.leave();
    }
    if (isNested()) throw failure;
    return again(failure, () => move(ptr, size, align, tag));
  }

  function checkRealloc(ptr: Ptr, size: number, align: number, tag: number): void {
    if (!isUint32(ptr)) refusePtr(ptr);
    if (!isUint32(size) || size === 0 || !isAlign(align) || align > maxAlign || !isTag(tag))
      refuse(size, align, tag);
    if (seen.i32[sizeWord] !== seen.size) assembly.sync();
  }

  function realloc(ptr: Ptr, size: number, align = 16, tag = 0): Ptr {
    if (ptr === 0) return entry.alloc(size, align, tag);
    checkRealloc(ptr, size, align, tag);
    let before = 0;
    let after = 0;
    let moved: Ptr = 0;
    let failure: unknown;
    own?.enter();
    try {
      before = usableInner(ptr);
      moved = move(ptr, size, align, tag);
      if (moved !== 0) after = usableInner(moved);
    } catch (thrown) {
      failure = thrown;
    } finally {
      own?.leave();
    }
    if (failure !== undefined) {
      if (isNested()) throw failure;
      return again(failure, () => realloc(ptr, size, align, tag));
    }
    // The copy kept min(before, size) bytes: what the new block has beyond them is zeroed as far as it is beyond `before`.
    if (after > before) zeroBytes(memory, moved + before, moved + after);
    return moved;
  }

  function free(block: Ptr | BytesView): void {
    if (typeof block === "number" && (block | 0) === block && block > 0 && seen.i32[sizeWord] === seen.size)
      freeInner(block);
    else freeChecked(block);
  }

  /** False for what the layers' `free` will refuse: one of them may do something else than throw. Throws where nothing can be freed. */
  function isBlock(ptr: Ptr): boolean {
    try {
      usableInner(ptr);
      return true;
    } catch (thrown) {
      const isRefused =
        isHeapError(thrown) && (thrown.code === "ERR_INVALID_POINTER" || thrown.code === "ERR_DOUBLE_FREE");
      if (isRefused && lastInner !== undefined) return false;
      throw thrown;
    }
  }

  /** What can free nothing but the last block says which that is; what is no block at all is refused as such. */
  function freeLast(block: Ptr | BytesView): void {
    const ptr = typeof block === "number" ? block : ptrOfView(block);
    if (ptr === 0) return;
    if (!isUint32(ptr)) refusePtr(ptr);
    if (seen.i32[sizeWord] !== seen.size) assembly.sync();
    own?.enter();
    try {
      const last = lastInner?.(PAST_ALL) ?? 0;
      if (ptr !== last && isBlock(ptr)) {
        const hint =
          last === 0 ? "use reset() or a mark" : `free 0x${last.toString(16)} first, or use a mark`;
        const what =
          lastInner === undefined ? "no block can be freed on its own" : "it is not the last block";
        throw error("ERR_UNSUPPORTED", `0x${ptr.toString(16)} cannot be freed: ${what}`, { ptr, hint });
      }
      freeInner(ptr);
    } finally {
      own?.leave();
    }
  }

  function freeChecked(block: Ptr | BytesView): void {
    const ptr = typeof block === "number" ? block : ptrOfView(block);
    if (ptr === 0) return;
    if (!isUint32(ptr)) refusePtr(ptr);
    if (seen.i32[sizeWord] !== seen.size) assembly.sync();
    freeInner(ptr);
  }

  function ptrOfView(view: BytesView): Ptr {
    if (!ArrayBuffer.isView(view)) refusePtr(view);
    assembly.sync();
    const { buffer } = view;
    if (memory.shows(buffer)) {
      if (view.byteOffset !== 0) return view.byteOffset;
    } else if (buffer.byteLength !== 0) {
      throw error("ERR_INVALID_POINTER", "the view shows another buffer than the heap's");
    }
    if (buffer.byteLength === 0) {
      throw error(
        "ERR_DETACHED_VIEW",
        "the view's buffer is detached: the memory has grown since the view was made",
        {
          hint: "keep the address, or use heap.column(), whose view survives growth",
        },
      );
    }
    // A heap's header comes first: no block is at 0.
    throw error("ERR_INVALID_POINTER", "the view begins at the start of the buffer, where no block is", {
      ptr: 0,
    });
  }

  function checkPtr(ptr: Ptr): void {
    if (!isUint32(ptr) || ptr === 0) refusePtr(ptr);
    if (seen.i32[sizeWord] !== seen.size) assembly.sync();
  }

  const entry: Entry = {
    alloc: own === undefined ? alloc : allocLocked,
    allocUnsafe,
    realloc,
    reallocUnsafe,
    free: assembly.stack.strategy.capabilities.free === "any" ? free : freeLast,
    usableSize(ptr) {
      checkPtr(ptr);
      return usableInner(ptr);
    },
    takenSize(ptr) {
      checkPtr(ptr);
      return takenInner(ptr);
    },
    goodSize(size) {
      if (!isUint32(size) || size === 0) refuse(size, 16, 0);
      return goodInner(size);
    },
    owns(ptr) {
      if (seen.i32[sizeWord] !== seen.size) assembly.sync();
      return isUint32(ptr) && ptr >= region.areaStart && ptr < region.areaEnd;
    },
    detach() {
      isLeft = true;
      assembly.detach();
    },
    ptrOfView,
  };
  return entry;
}
