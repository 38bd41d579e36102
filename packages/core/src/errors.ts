/**
 * One error class for everything a heap refuses or finds. What tells errors apart is `code`; `name` follows
 * from it (`ERR_DOUBLE_FREE` is a `DoubleFreeError`). Test with {@link isHeapError}, which works across copies
 * of this package and across realms, where `instanceof` does not.
 */

/** Every code, with what it means. */
export const HEAP_ERROR_CODES = {
  ERR_INVALID_SIZE: "the size is not an integer in 1 … 2^32 - 1",
  ERR_INVALID_ALIGNMENT: "the alignment is not 0 and not a power of two up to 4096",
  ERR_INVALID_OPTION: "an option has a wrong type or is out of range",
  ERR_COMPOSITION: "the strategy and plugins cannot be combined",
  ERR_UNSUPPORTED: "this stack cannot do that",
  ERR_INVALID_POINTER: "not a live block of this heap: outside, interior, unaligned or forged",
  ERR_DOUBLE_FREE: "the block is free, was merged away, or sits in quarantine",
  ERR_HEAP_OVERFLOW: "bytes past the end of a block were written",
  ERR_HEAP_UNDERFLOW: "bytes before a block were written",
  ERR_USE_AFTER_FREE: "a freed block was written",
  ERR_HEAP_CORRUPT: "a header, list, sum or index is wrong",
  ERR_DETACHED_VIEW: "the view's buffer is detached",
  ERR_DETACHED_HEAP: "this agent has left the heap, or its buffer is gone",
  ERR_INCOMPATIBLE_HEAP: "the bytes were made by another stack, version or option",
  ERR_LOCK_TIMEOUT: "the lock was not to be had in time",
  ERR_TAGS_FULL: "no room for another tag",
  ERR_OUT_OF_MEMORY: "exhausted",
} as const;

export type HeapErrorCode = keyof typeof HEAP_ERROR_CODES;

/** The block an error is about. */
export interface HeapErrorBlock {
  readonly ptr: number;
  readonly size: number;
  readonly tag?: string | number;
  /** Number of the allocation, where a plugin counts. */
  readonly seq?: number;
  readonly state?: string;
}

/** Bytes an error is about: copies, never views. */
export interface HeapErrorBytes {
  readonly from: number;
  readonly to: number;
  readonly expected: Uint8Array;
  readonly actual: Uint8Array;
}

export interface HeapErrorDetails {
  /** Name of the heap. */
  readonly heap?: string;
  readonly ptr?: number;
  readonly block?: HeapErrorBlock;
  /** Byte distance, from what `relativeTo` names. */
  readonly offset?: number;
  readonly relativeTo?: string;
  readonly bytes?: HeapErrorBytes;
  /** The call that found it. */
  readonly foundAt?: string;
  readonly allocatedAt?: string;
  readonly freedAt?: string;
  /** What to do about it. */
  readonly hint?: string;
  /** Several findings of one call. */
  readonly errors?: readonly Error[];
  readonly cause?: unknown;
}

const BRAND = Symbol.for("heapwright.HeapError");

const DETAIL_KEYS = [
  "heap",
  "ptr",
  "block",
  "offset",
  "relativeTo",
  "bytes",
  "foundAt",
  "allocatedAt",
  "freedAt",
  "hint",
  "errors",
] as const satisfies readonly (keyof HeapErrorDetails)[];

/** `ERR_HEAP_OVERFLOW` → `HeapOverflowError`. */
function nameOf(code: HeapErrorCode): string {
  const words = code.slice("ERR_".length).toLowerCase().split("_");
  return `${words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("")}Error`;
}

type StackCapturer = { captureStackTrace?(target: object, above?: unknown): void };

/** What a heap throws. Fields are present where they apply. */
export class HeapError extends Error {
  readonly code: HeapErrorCode;
  declare readonly heap?: string;
  declare readonly ptr?: number;
  declare readonly block?: HeapErrorBlock;
  declare readonly offset?: number;
  declare readonly relativeTo?: string;
  declare readonly bytes?: HeapErrorBytes;
  declare readonly foundAt?: string;
  declare readonly allocatedAt?: string;
  declare readonly freedAt?: string;
  declare readonly hint?: string;
  declare readonly errors?: readonly Error[];

  constructor(code: HeapErrorCode, message: string, details: HeapErrorDetails = {}) {
    super(message, "cause" in details ? { cause: details.cause } : undefined);
    this.code = code;
    for (const key of DETAIL_KEYS) {
      const value = details[key];
      if (value !== undefined) Object.defineProperty(this, key, { value, enumerable: true });
    }
    Object.defineProperty(this, BRAND, { value: true });
    const name = nameOf(code);
    // The stack's first line is made from the name when the stack is first read: show the code there.
    Object.defineProperty(this, "name", { value: `${name} [${code}]`, configurable: true });
    (Error as StackCapturer).captureStackTrace?.(this, HeapError);
    void this.stack;
    Object.defineProperty(this, "name", { value: name, configurable: true });
  }

  override toString(): string {
    return `${this.name} [${this.code}]: ${this.message}`;
  }

  /** A plain object for logs and messages: byte arrays as arrays of numbers, nested errors likewise. */
  toJSON(): Record<string, unknown> {
    const json: Record<string, unknown> = { name: this.name, code: this.code, message: this.message };
    for (const key of DETAIL_KEYS) {
      const value = this[key];
      if (value !== undefined) json[key] = value;
    }
    if (this.bytes !== undefined) {
      const { from, to, expected, actual } = this.bytes;
      json.bytes = { from, to, expected: Array.from(expected), actual: Array.from(actual) };
    }
    if (this.errors !== undefined) json.errors = this.errors.map(errorToJson);
    if (this.cause !== undefined)
      json.cause = this.cause instanceof Error ? errorToJson(this.cause) : this.cause;
    return json;
  }
}

function errorToJson(error: Error): unknown {
  return isHeapError(error) ? error.toJSON() : { name: error.name, message: error.message };
}

/**
 * Is `value` a `HeapError` (of this or another copy of the package), with this code if one is given?
 *
 * @example
 * ```ts
 * try { heap.free(ptr) } catch (error) { if (!isHeapError(error, "ERR_DOUBLE_FREE")) throw error }
 * ```
 */
export function isHeapError(value: unknown, code?: HeapErrorCode): value is HeapError {
  if (typeof value !== "object" || value === null || !(BRAND in value)) return false;
  return code === undefined || (value as unknown as HeapError).code === code;
}

/** Is it an integer in 0 … 2^32 - 1? Asks for the type first: `>>>` throws a bare TypeError for a bigint or a symbol. */
export function isUint32(value: unknown): value is number {
  return typeof value === "number" && value >>> 0 === value;
}

/** How an argument is shown in a message: short, never throwing. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return "a function";
  if (typeof value === "object" && value !== null) return Object.prototype.toString.call(value);
  return String(value);
}

/** An address as people read it. */
export function hex(address: number): string {
  return `0x${address.toString(16)}`;
}
