/**
 * malloc and its kin for a WebAssembly module that imports them: each call of C's is one of the heap's. They exist before the module's
 * memory does, as instantiating needs them, and get the heap when there is one.
 *
 *     mallocImports() ──imports──► instantiate ──exports──► createHeap(guestRegion(…)) ──► bind(heap) ──► C may allocate
 *
 * What C has an answer for is answered: exhaustion, a product that does not fit 32 bits, an alignment that cannot be had. What is undefined
 * in C (a double free, a pointer that is no block's, damage that `strict` finds) is an error of the heap's and goes to `onError`.
 *
 * Price: a call from WebAssembly to JavaScript and back on top of the heap's own.
 */
import type { Align, Heap } from "@heapwright/core";
import { heapBaseOf, memoryOf } from "./guest.js";

/** Call of a module's that the heap has refused. */
export interface MallocCall {
  readonly name: keyof MallocFunctions;
  /** Its arguments, unsigned. */
  readonly args: readonly number[];
}

export interface MallocOptions<Name extends string = "env"> {
  /** The module C's functions are imported from; default "env". */
  readonly module?: Name;
  /**
   * Gets what the heap has thrown. When it returns, the call has done nothing and C goes on: functions that return a pointer or a size
   * return 0, `posix_memalign` `EINVAL`. What it throws, and without it the error itself, ends the call into the module; as after a trap, the
   * module's stack pointer stays where it was, and the instance should not be called any more.
   */
  readonly onError?: (error: unknown, call: MallocCall) => void;
  /** What `posix_memalign` returns for failures; default WASI's numbers, 28 and 48, which Emscripten has, too. On Linux they are 22 and 12. */
  readonly errno?: { readonly EINVAL: number; readonly ENOMEM: number };
}

/** C's functions: sizes and addresses are 32 bits, signed or not. A type and no interface, so that it is what `WebAssembly` calls imports. */
export type MallocFunctions = {
  /** 0 bytes get a block of their own. 0 when exhausted. */
  malloc(size: number): number;
  /** NULL is a no-op. */
  free(ptr: number): void;
  /** Zeroed. 0 when exhausted, or if the product is 2^32 or more. */
  calloc(count: number, size: number): number;
  /** NULL allocates; 0 bytes make it the smallest block, as in musl, not a freed one. 0 when exhausted: the old block stays. */
  realloc(ptr: number, size: number): number;
  /** 0 if `align` is no power of two or more than the heap can align to (4096). `size` need not be a multiple of it. */
  aligned_alloc(align: number, size: number): number;
  /** 0, and the address is at `out`; `EINVAL` as for `aligned_alloc`, and if `align` is less than 4; `ENOMEM` when exhausted. */
  posix_memalign(out: number, align: number, size: number): number;
  /** 0 for NULL. */
  malloc_usable_size(ptr: number): number;
};

export interface MallocImports<Name extends string = "env"> {
  /** For `WebAssembly.instantiate`; other imports of the same module go beside them: `{ env: { ...imports.env, print } }`. */
  readonly imports: { readonly [Module in Name]: MallocFunctions };
  /**
   * From now on the functions allocate in this heap. Once, and before C allocates: a constructor that does is called by `_initialize`, after that.
   * @param exports The instance's: if given, the heap must lie in its memory, and above `__heap_base`.
   * @throws TypeError if it does not, or if there is a heap already.
   */
  bind(heap: Heap, exports?: { readonly [name: string]: unknown }): void;
}

const WASI_ERRNO = { EINVAL: 28, ENOMEM: 48 };
/** Bytes of a pointer, the least alignment `posix_memalign` takes. */
const POINTER = 4;

/** Functions to import into a module, and `bind` to give them a heap. */
export function mallocImports<const Name extends string = "env">(
  options: MallocOptions<Name> = {},
): MallocImports<Name> {
  const { module = "env" as Name, onError, errno = WASI_ERRNO } = options;
  const { EINVAL, ENOMEM } = errno;
  let bound: Heap | undefined;

  function getHeap(): Heap {
    if (bound === undefined) throw new Error("the module allocates before bind(heap)");
    return bound;
  }

  function refuse(error: unknown, name: keyof MallocFunctions, ...args: number[]): 0 {
    if (onError === undefined) throw error;
    onError(error, { name, args: args.map((arg) => arg >>> 0) });
    return 0;
  }

  function isAlignment(align: number, heap: Heap): align is Align {
    return align !== 0 && (align & (align - 1)) === 0 && align <= heap.capabilities.maxAlign;
  }

  /** Throws if no pointer can be stored at `out`, where a store of C's would trap. */
  function checkPlace(out: number, { memory }: Heap): void {
    memory.refresh(); // the module may have grown it
    if (out % POINTER !== 0 || out + POINTER > memory.buffer.byteLength) {
      throw new RangeError(`no pointer can be stored at 0x${out.toString(16)}`);
    }
  }

  const functions: MallocFunctions = {
    malloc(size) {
      try {
        return getHeap().allocUnsafe(size >>> 0 || 1);
      } catch (error) {
        return refuse(error, "malloc", size);
      }
    },
    free(ptr) {
      try {
        getHeap().free(ptr >>> 0);
      } catch (error) {
        refuse(error, "free", ptr);
      }
    },
    calloc(count, size) {
      try {
        // Of numbers below 2^32: rounded if it is above 2^53, which is too much all the same.
        const bytes = (count >>> 0) * (size >>> 0);
        return bytes >= 2 ** 32 ? 0 : getHeap().alloc(bytes || 1);
      } catch (error) {
        return refuse(error, "calloc", count, size);
      }
    },
    realloc(ptr, size) {
      try {
        return getHeap().reallocUnsafe(ptr >>> 0, size >>> 0 || 1);
      } catch (error) {
        return refuse(error, "realloc", ptr, size);
      }
    },
    aligned_alloc(align, size) {
      try {
        const heap = getHeap();
        const bytes = align >>> 0;
        return isAlignment(bytes, heap) ? heap.allocUnsafe(size >>> 0 || 1, bytes) : 0;
      } catch (error) {
        return refuse(error, "aligned_alloc", align, size);
      }
    },
    posix_memalign(out, align, size) {
      try {
        const heap = getHeap();
        const bytes = align >>> 0;
        if (bytes < POINTER || !isAlignment(bytes, heap)) return EINVAL;
        checkPlace(out >>> 0, heap);
        const ptr = heap.allocUnsafe(size >>> 0 || 1, bytes);
        if (ptr === 0) return ENOMEM;
        heap.memory.u32[out >>> 2] = ptr;
        return 0;
      } catch (error) {
        refuse(error, "posix_memalign", out, align, size);
        return EINVAL;
      }
    },
    malloc_usable_size(ptr) {
      try {
        return ptr === 0 ? 0 : getHeap().usableSize(ptr >>> 0);
      } catch (error) {
        return refuse(error, "malloc_usable_size", ptr);
      }
    },
  };

  return {
    imports: { [module]: functions } as { readonly [Module in Name]: MallocFunctions },
    bind(heap, exports) {
      if (bound !== undefined) throw new TypeError("the functions have a heap already");
      if (exports !== undefined) checkPlaceOf(heap, exports);
      bound = heap;
    },
  };
}

function checkPlaceOf(heap: Heap, exports: { readonly [name: string]: unknown }): void {
  if (heap.memory.source !== memoryOf(exports)) {
    throw new TypeError("the heap is not in the module's memory");
  }
  const { base } = heap.region;
  const heapBase = heapBaseOf(exports);
  if (base < heapBase) {
    throw new TypeError(`the heap begins at ${base}, in the module's own data, which end at ${heapBase}`);
  }
}
