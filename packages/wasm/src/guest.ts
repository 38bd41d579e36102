/**
 * Where a heap may lie in a module's memory. A linker puts data and stack first and says where they end:
 *
 *     0                        __heap_base                              memory's end
 *     │ data │ stack           │   up to 63 │ the heap                 │
 *                                           ^ base
 */
import type { WebAssemblyMemory } from "@heapwright/core";

const WASM_PAGE = 65536;
const REGION_ALIGN = 64;
const DEFAULT_ROOM = 1 << 20;

export interface GuestRegionOptions {
  /** Bytes there shall be for the heap; the memory is grown where it has less. Default 1 MiB. */
  readonly room?: number;
}

/** Where the heap goes: options of `createHeap`. */
export interface GuestRegion {
  readonly memory: WebAssemblyMemory;
  readonly base: number;
}

/**
 * The part of a module's memory that is for its heap, from `__heap_base` on: `createHeap({ ...guestRegion(exports), … })`.
 *
 * @param exports What the instance exports: `memory` and `__heap_base` (wasm-ld: `--export=__heap_base`). A module that imports its
 * memory does not export it: give `{ memory, __heap_base: instance.exports.__heap_base }`.
 * @throws TypeError if one of the two is missing; RangeError if `room` is no integer in 1 … 2^32, or the memory cannot be grown.
 */
export function guestRegion(
  exports: { readonly [name: string]: unknown },
  options: GuestRegionOptions = {},
): GuestRegion {
  const { room = DEFAULT_ROOM } = options;
  if (!Number.isInteger(room) || room < 1 || room > 2 ** 32) {
    throw new RangeError(`room must be bytes in 1 … 2^32, not ${String(room)}`);
  }
  const memory = memoryOf(exports);
  const base = Math.ceil(heapBaseOf(exports) / REGION_ALIGN) * REGION_ALIGN;
  const missing = base + room - memory.buffer.byteLength;
  if (missing > 0) {
    try {
      memory.grow(Math.ceil(missing / WASM_PAGE));
    } catch (cause) {
      throw new RangeError(`the memory cannot be grown by the ${missing} bytes that ${room} of room need`, {
        cause,
      });
    }
  }
  return { memory, base };
}

/** The memory an instance exports. */
export function memoryOf({ memory }: { readonly [name: string]: unknown }): WebAssemblyMemory {
  const shape = memory as Partial<WebAssemblyMemory> | null | undefined;
  if (typeof shape?.grow !== "function" || typeof shape.buffer !== "object") {
    throw new TypeError("the module does not export its memory as `memory`");
  }
  return shape as WebAssemblyMemory;
}

/** Where the module's own data end: the number, or the global that holds it, unsigned. */
export function heapBaseOf({ __heap_base: given }: { readonly [name: string]: unknown }): number {
  const value = typeof given === "object" && given !== null ? (given as { value?: unknown }).value : given;
  if (typeof value !== "number" || !Number.isInteger(value)) {
    throw new TypeError("the module does not export `__heap_base`; link it with --export=__heap_base");
  }
  return value >>> 0;
}
