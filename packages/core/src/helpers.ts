/**
 * Typed helpers: typed arrays, growable columns, strings and scopes, written once for every strategy.
 *
 * They return objects, so they throw `ERR_OUT_OF_MEMORY` where `alloc` would return 0.
 */
import type { Assembly } from "./assemble.js";
import { hex, isUint32, show } from "./errors.js";
import type { Entry } from "./heap.js";
import type { ArrayView, ArrayViewConstructor, Column, Heap, Scoped } from "./heap-types.js";

type Helpers = Pick<
  Heap,
  | "dup"
  | "allocArray"
  | "reallocArray"
  | "column"
  | "read"
  | "string"
  | "text"
  | "scoped"
  | "toOffset"
  | "toPtr"
>;
type Encoder = { encode(text: string): Uint8Array };
type Decoder = { decode(bytes: Uint8Array): string };
declare const TextEncoder: new () => Encoder;
declare const TextDecoder: new (label: string, options: { ignoreBOM: boolean }) => Decoder;

/** `Symbol.dispose` where the engine has it. */
export const DISPOSE: symbol | undefined = (Symbol as unknown as { readonly dispose?: symbol }).dispose;

/** Makes `target.free` what `using` calls. */
function disposable<T extends { free(): void }>(target: T): T {
  if (DISPOSE !== undefined) Object.defineProperty(target, DISPOSE, { value: () => target.free() });
  return target;
}

export function createHelpers(assembly: Assembly, entry: Entry): Helpers {
  const { memory, region, error } = assembly;

  function checkLength(length: number): void {
    if (!isUint32(length)) {
      throw error("ERR_INVALID_SIZE", `length must be an integer in 0 … 2^32 - 1, not ${show(length)}`);
    }
  }

  function outOfMemory(bytes: number): Error {
    return error("ERR_OUT_OF_MEMORY", `no room for ${bytes} bytes`, {
      hint: "free something, give the heap more memory, or let it grow with growth.max",
    });
  }

  /** A block for `length` elements; an empty array has a block, too, so that it can be freed. */
  function bytesFor(length: number, elementBytes: number): number {
    checkLength(length);
    const bytes = Math.max(1, length * elementBytes);
    if (bytes > 0xffffffff) throw outOfMemory(bytes);
    return bytes;
  }

  function checkType(type: unknown): void {
    const bytes = (type as { BYTES_PER_ELEMENT?: unknown } | undefined)?.BYTES_PER_ELEMENT;
    if (typeof type !== "function" || typeof bytes !== "number") {
      throw error("ERR_INVALID_OPTION", `expected a typed array constructor, not ${show(type)}`);
    }
  }

  /** [ptr, ptr + length) must lie in the area. */
  function checkRange(ptr: number, length: number): void {
    checkLength(length);
    assembly.sync();
    if (entry.owns(ptr) && ptr + length <= region.areaEnd) return;
    const details = typeof ptr === "number" ? { ptr } : {};
    throw error(
      "ERR_INVALID_POINTER",
      `${length} bytes from ${show(ptr)} on are not inside the heap`,
      details,
    );
  }

  function viewAt<View extends ArrayView>(
    type: ArrayViewConstructor<View>,
    ptr: number,
    length: number,
  ): View {
    return new type(memory.buffer, ptr, length);
  }

  /** Moves or resizes an array's block; the elements from `before` on are zero. */
  function resizeArray(ptr: number, before: number, after: number, elementBytes: number): number {
    const bytes = bytesFor(after, elementBytes);
    const moved = entry.realloc(ptr, bytes);
    if (moved === 0) throw outOfMemory(bytes);
    if (after > before) memory.u8.fill(0, moved + before * elementBytes, moved + after * elementBytes);
    return moved;
  }

  function allocArray<View extends ArrayView>(
    type: ArrayViewConstructor<View>,
    length: number,
    tag?: number,
  ): View {
    checkType(type);
    const bytes = bytesFor(length, type.BYTES_PER_ELEMENT);
    const ptr = entry.alloc(bytes, 16, tag);
    if (ptr === 0) throw outOfMemory(bytes);
    return viewAt(type, ptr, length);
  }

  function reallocArray<View extends ArrayView>(view: View, length: number): View {
    const ptr = entry.ptrOfView(view);
    checkType(view.constructor);
    const moved = resizeArray(ptr, view.length, length, view.BYTES_PER_ELEMENT);
    return viewAt(view.constructor as unknown as ArrayViewConstructor<View>, moved, length);
  }

  function column<View extends ArrayView>(
    type: ArrayViewConstructor<View>,
    length: number,
    options: { readonly align?: number; readonly tag?: number } = {},
  ): Column<View> {
    if (typeof options !== "object" || options === null) {
      throw error("ERR_INVALID_OPTION", `column expects an object of options, not ${show(options)}`);
    }
    checkType(type);
    const bytes = bytesFor(length, type.BYTES_PER_ELEMENT);
    let ptr = entry.alloc(bytes, options.align, options.tag);
    if (ptr === 0) throw outOfMemory(bytes);
    let count = length;
    let view = viewAt(type, ptr, count);
    let epoch = memory.epoch;
    const live = (): void => {
      if (ptr === 0) throw error("ERR_INVALID_POINTER", "the column has been freed");
    };
    return disposable({
      get ptr() {
        return ptr;
      },
      get length() {
        return count;
      },
      get view() {
        live();
        assembly.sync();
        if (epoch !== memory.epoch) {
          view = viewAt(type, ptr, count);
          epoch = memory.epoch;
        }
        return view;
      },
      resize(next: number) {
        live();
        const align = options.align ?? 16;
        const wanted = bytesFor(next, type.BYTES_PER_ELEMENT);
        const moved = entry.realloc(ptr, wanted, align);
        if (moved === 0) throw outOfMemory(wanted);
        if (next > count) {
          memory.u8.fill(0, moved + count * type.BYTES_PER_ELEMENT, moved + next * type.BYTES_PER_ELEMENT);
        }
        ptr = moved;
        count = next;
        view = viewAt(type, ptr, count);
        epoch = memory.epoch;
      },
      free() {
        if (ptr !== 0) entry.free(ptr);
        ptr = 0;
      },
    }) as unknown as Column<View>;
  }

  function dup(bytes: ArrayBufferView, align?: number, tag?: number): number {
    if (!ArrayBuffer.isView(bytes))
      throw error("ERR_INVALID_OPTION", `expected a typed array or DataView, not ${show(bytes)}`);
    // Asked first: a detached DataView does not even tell its offset.
    if (isDetached(bytes.buffer)) throw error("ERR_DETACHED_VIEW", "the view's buffer is detached");
    const { buffer, byteOffset, byteLength } = bytes;
    // The view may show this memory, whose buffer the allocation may replace.
    const ours = memory.shows(buffer as ArrayBuffer);
    const ptr = entry.allocUnsafe(Math.max(1, byteLength), align, tag);
    if (ptr === 0) return 0;
    if (ours) memory.u8.copyWithin(ptr, byteOffset, byteOffset + byteLength);
    else memory.u8.set(new Uint8Array(buffer, byteOffset, byteLength), ptr);
    return ptr;
  }

  return {
    dup,
    allocArray,
    reallocArray,
    column,
    read(ptr, length) {
      checkRange(ptr, length);
      const copy = new Uint8Array(length);
      copy.set(memory.u8.subarray(ptr, ptr + length));
      return copy;
    },
    string(text, tag) {
      if (typeof text !== "string") throw error("ERR_INVALID_OPTION", `expected a string, not ${show(text)}`);
      const bytes = new TextEncoder().encode(text);
      const ptr = dup(bytes, 16, tag);
      if (ptr === 0) throw outOfMemory(bytes.length);
      return { ptr, bytes: bytes.length };
    },
    text(ptr, bytes) {
      checkRange(ptr, bytes);
      // Copied first: decoders of browsers refuse shared memory.
      return new TextDecoder("utf-8", { ignoreBOM: true }).decode(memory.u8.slice(ptr, ptr + bytes));
    },
    scoped(size, align, tag) {
      let ptr = entry.alloc(size, align, tag);
      if (ptr === 0) throw outOfMemory(size);
      return disposable({
        get ptr() {
          return ptr;
        },
        size,
        free() {
          if (ptr !== 0) entry.free(ptr);
          ptr = 0;
        },
      }) as unknown as Scoped;
    },
    toOffset(ptr) {
      assembly.sync();
      if (!entry.owns(ptr)) throw error("ERR_INVALID_POINTER", `${show(ptr)} is not in the heap`);
      return ptr - region.base;
    },
    toPtr(offset) {
      assembly.sync();
      const ptr = typeof offset === "number" ? region.base + offset : -1;
      if (!entry.owns(ptr)) {
        throw error(
          "ERR_INVALID_POINTER",
          `offset ${show(offset)} is not in the heap at ${hex(region.base)}`,
        );
      }
      return ptr;
    },
  };
}

/** A view can be made on an empty buffer, not on a detached one. */
function isDetached(buffer: ArrayBufferLike): boolean {
  if (buffer.byteLength > 0) return false;
  try {
    new Uint8Array(buffer);
    return false;
  } catch {
    return true;
  }
}
