/**
 * Memory: the bytes a heap lives in, and typed views on all of them.
 *
 * One wrapper for `ArrayBuffer` (also resizable), `SharedArrayBuffer` (also growable) and `WebAssembly.Memory`
 * (also shared). Views are plain properties that always have a fixed length: a length-tracking view costs 7 ns an
 * access on a resizable buffer and 70 on a growable shared one, a getter that compares buffers 17. They are replaced
 * by `refresh()` when the buffer was replaced or grew; `epoch` counts that. A view on a detached buffer has no elements, which
 * is what a heap tests before each operation.
 */
import { copyBytes } from "./bytes.js";
import { HeapError, show } from "./errors.js";

/** `WebAssembly.Memory`, named by its shape: the compiler's `dom` library is not needed to use this package. */
export interface WebAssemblyMemory {
  readonly buffer: ArrayBuffer | SharedArrayBuffer;
  grow(pages: number): number;
}

/** What a Memory can be made of. A number is bytes. */
export type MemorySource = number | ArrayBuffer | SharedArrayBuffer | WebAssemblyMemory | Memory;

/** The bytes and their views. All views begin at byte 0 of the buffer. */
export interface Memory {
  readonly kind: "ArrayBuffer" | "SharedArrayBuffer" | "WebAssembly.Memory";
  /** The buffer as of the last refresh. */
  readonly buffer: ArrayBuffer | SharedArrayBuffer;
  /** What the memory was made of; what another agent is sent. */
  readonly source: ArrayBuffer | SharedArrayBuffer | WebAssemblyMemory;
  /** Can several threads see these bytes? */
  readonly shared: boolean;
  /** Bytes the buffer can reach as far as is known: a `WebAssembly.Memory` does not tell, and says 2^32. */
  readonly maxBytes: number;
  /** Counts replacements of the views. */
  readonly epoch: number;
  readonly u8: Uint8Array;
  readonly i8: Int8Array;
  readonly u16: Uint16Array;
  readonly i16: Int16Array;
  readonly u32: Uint32Array;
  readonly i32: Int32Array;
  readonly f32: Float32Array;
  readonly f64: Float64Array;
  /** Takes new views if the buffer was replaced or changed its length since. */
  refresh(): void;
  /** Grows the buffer by `bytes` (`WebAssembly.Memory`: whole 64 KiB) and refreshes; false if it cannot. */
  grow(bytes: number): boolean;
  /** Is this the buffer, or one that a growth of a shared memory has replaced and that shows the same bytes? */
  shows(buffer: ArrayBuffer | SharedArrayBuffer): boolean;
  /** Copies bytes from one block to another: both addresses are multiples of 4, and the two do not overlap. For a strategy's `realloc`. */
  copy(to: number, from: number, bytes: number): void;
}

const WASM_PAGE = 65536;
const LIMIT = 2 ** 32;

type ResizableArrayBuffer = ArrayBuffer & {
  readonly resizable?: boolean;
  readonly maxByteLength?: number;
  resize?(bytes: number): void;
};
type GrowableSharedArrayBuffer = SharedArrayBuffer & {
  readonly growable?: boolean;
  readonly maxByteLength?: number;
  grow?(bytes: number): void;
};

/** `[object SharedArrayBuffer]` and the like: works across realms, where `instanceof` does not. */
function classOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice("[object ".length, -1);
}

class BufferMemory implements Memory {
  readonly kind: Memory["kind"];
  readonly source: ArrayBuffer | SharedArrayBuffer | WebAssemblyMemory;
  readonly shared: boolean;
  buffer: ArrayBuffer | SharedArrayBuffer;
  epoch = 0;
  u8!: Uint8Array;
  i8!: Int8Array;
  u16!: Uint16Array;
  i16!: Int16Array;
  u32!: Uint32Array;
  i32!: Int32Array;
  f32!: Float32Array;
  f64!: Float64Array;
  /** Buffers of a shared WebAssembly.Memory stay valid when a growth replaces them. */
  readonly #shown = new WeakSet<object>();
  /** Bytes the views show. Not `u8.length`, which V8 11 gets wrong for a detached buffer. */
  #bytes = 0;

  constructor(kind: Memory["kind"], source: ArrayBuffer | SharedArrayBuffer | WebAssemblyMemory) {
    this.kind = kind;
    this.source = source;
    this.buffer =
      kind === "WebAssembly.Memory" ? (source as WebAssemblyMemory).buffer : (source as ArrayBuffer);
    this.shared = classOf(this.buffer) === "SharedArrayBuffer";
    this.#takeViews();
  }

  get maxBytes(): number {
    if (this.kind === "WebAssembly.Memory") return LIMIT;
    const buffer = this.source as ResizableArrayBuffer | GrowableSharedArrayBuffer;
    return Math.min(LIMIT, buffer.maxByteLength ?? buffer.byteLength);
  }

  refresh(): void {
    const buffer =
      this.kind === "WebAssembly.Memory"
        ? (this.source as WebAssemblyMemory).buffer
        : (this.source as ArrayBuffer | SharedArrayBuffer);
    if (buffer === this.buffer && buffer.byteLength === this.#bytes) return;
    // Transferred away: there is nothing to take views of.
    if (buffer === this.buffer && buffer.byteLength === 0) return;
    this.buffer = buffer;
    this.#takeViews();
    this.epoch++;
  }

  grow(bytes: number): boolean {
    const target = this.buffer.byteLength + bytes;
    if (target > this.maxBytes) return false;
    try {
      if (this.kind === "WebAssembly.Memory") {
        (this.source as WebAssemblyMemory).grow(Math.ceil(bytes / WASM_PAGE));
      } else if (this.shared) {
        const buffer = this.source as GrowableSharedArrayBuffer;
        if (buffer.growable !== true || buffer.grow === undefined) return false;
        buffer.grow(target);
      } else {
        const buffer = this.source as ResizableArrayBuffer;
        if (buffer.resizable !== true || buffer.resize === undefined) return false;
        buffer.resize(target);
      }
    } catch (error) {
      // The engine has no more memory or the WebAssembly.Memory has reached its maximum; anything else is a bug.
      if (error instanceof RangeError) return false;
      throw error;
    }
    this.refresh();
    return true;
  }

  shows(buffer: ArrayBuffer | SharedArrayBuffer): boolean {
    return buffer === this.buffer || (this.shared && this.#shown.has(buffer));
  }

  copy(to: number, from: number, bytes: number): void {
    copyBytes(this, to, from, bytes);
  }

  #takeViews(): void {
    const { buffer } = this;
    const bytes = buffer.byteLength;
    this.#bytes = bytes;
    if (this.shared) this.#shown.add(buffer);
    // Explicit lengths: without them a view on a resizable buffer tracks its length.
    this.u8 = new Uint8Array(buffer, 0, bytes);
    this.i8 = new Int8Array(buffer, 0, bytes);
    this.u16 = new Uint16Array(buffer, 0, bytes >>> 1);
    this.i16 = new Int16Array(buffer, 0, bytes >>> 1);
    this.u32 = new Uint32Array(buffer, 0, Math.floor(bytes / 4));
    this.i32 = new Int32Array(buffer, 0, Math.floor(bytes / 4));
    this.f32 = new Float32Array(buffer, 0, Math.floor(bytes / 4));
    this.f64 = new Float64Array(buffer, 0, Math.floor(bytes / 8));
  }
}

/**
 * Wraps a source. A Memory is returned as it is, so several heaps can share one.
 *
 * @param source What to wrap; a number makes an `ArrayBuffer` of that many bytes.
 * @param max For a number: bytes the buffer shall be able to grow to (a resizable `ArrayBuffer` then).
 * @throws HeapError `ERR_INVALID_OPTION` for anything else, and where the engine refuses the size.
 */
export function createMemory(source: MemorySource, max?: number): Memory {
  if (typeof source === "number") return new BufferMemory("ArrayBuffer", newBuffer(source, max));
  const kind = classOf(source);
  if (kind === "ArrayBuffer" || kind === "SharedArrayBuffer") {
    return new BufferMemory(kind, source as ArrayBuffer | SharedArrayBuffer);
  }
  if (kind === "WebAssembly.Memory") return new BufferMemory(kind, source as WebAssemblyMemory);
  if (isMemory(source)) return source;
  throw new HeapError(
    "ERR_INVALID_OPTION",
    `memory must be bytes, an ArrayBuffer, a SharedArrayBuffer, a WebAssembly.Memory or a Memory, not ${show(source)}`,
  );
}

/** Is it a Memory, made by this or another copy of the package? */
function isMemory(value: unknown): value is Memory {
  if (typeof value !== "object" || value === null) return false;
  const shape = value as Partial<Memory>;
  return (
    typeof shape.refresh === "function" && typeof shape.shows === "function" && shape.u8 instanceof Uint8Array
  );
}

function newBuffer(bytes: number, max: number | undefined): ArrayBuffer {
  if (!Number.isInteger(bytes) || bytes < 1 || bytes > LIMIT) {
    throw new HeapError("ERR_INVALID_OPTION", `memory: ${show(bytes)} is not a number of bytes in 1 … 2^32`);
  }
  try {
    if (max === undefined || max <= bytes) return new ArrayBuffer(bytes);
    const Buffer = ArrayBuffer as unknown as new (
      bytes: number,
      options: { maxByteLength: number },
    ) => ResizableArrayBuffer;
    const buffer = new Buffer(bytes, { maxByteLength: max });
    if (buffer.resizable === true) return buffer;
  } catch (error) {
    throw new HeapError("ERR_INVALID_OPTION", `memory: the engine refuses ${bytes} bytes`, { cause: error });
  }
  throw new HeapError("ERR_UNSUPPORTED", "growth.max: this engine has no resizable ArrayBuffer", {
    hint: "give a WebAssembly.Memory as memory, or a plain size without growth",
  });
}
