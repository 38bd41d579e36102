/** What both toys share: errors as core's look, argument checks, a buffer that can grow. */
import type { HeapErrorCode } from "@heapwright/core";

/** Looks like a `HeapError` of any copy of core. */
export class ToyError extends Error {
  readonly code: HeapErrorCode;
  constructor(code: HeapErrorCode, message: string) {
    super(message);
    this.code = code;
    Object.defineProperty(this, Symbol.for("heapwright.HeapError"), { value: true });
  }
}

export const refuse = (code: HeapErrorCode, what: unknown): ToyError => new ToyError(code, String(what));

export const isSize = (size: unknown): boolean => Number.isInteger(size) && inRange(size as number);
const inRange = (size: number): boolean => size > 0 && size < 2 ** 32;

export const isAlign = (align: number): boolean =>
  Number.isInteger(align) && align >= 0 && align <= 4096 && (align & (align - 1)) === 0;

export const isTag = (tag: number): boolean => tag === 0 || (Number.isInteger(tag) && tag > 4096);

export interface ResizableBuffer extends ArrayBuffer {
  resize(bytes: number): void;
}

/** Can grow to four times as much. */
export function resizable(bytes: number): ResizableBuffer {
  const Resizable = ArrayBuffer as unknown as new (bytes: number, options: object) => ResizableBuffer;
  return new Resizable(bytes, { maxByteLength: bytes * 4 });
}
