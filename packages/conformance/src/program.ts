/**
 * Programs as data: what a run does to a heap, one plain object an operation.
 *
 * Any subset of a program is a program. A block is named either by a number (index modulo the count of live blocks, what
 * generators write) or by the name its `as` gave it (what shrunk programs use: the name stays with the block
 * when other operations go). An operation whose block does not live does nothing.
 */

/** A number: index modulo the live count. A string: the block an earlier operation named with `as`. */
export type BlockRef = number | string;

/** A new block. `dup` fills it with `size` bytes of its own; `reallocNull` is `realloc(0, size)`. */
export interface AllocOp {
  readonly op: "alloc" | "allocUnsafe" | "dup" | "reallocNull";
  readonly size: number;
  readonly align?: number;
  /** Index modulo the tags the subject was given; without any, no tag is passed. */
  readonly tag?: number;
  readonly as?: string;
}

export interface ReallocOp {
  readonly op: "realloc" | "reallocUnsafe";
  readonly block: BlockRef;
  readonly size: number;
  readonly align?: number;
  readonly tag?: number;
}

/** In place or not at all: a primitive of allocators, heaps do not have it. */
export interface ResizeOp {
  readonly op: "resize";
  readonly block: BlockRef;
  readonly size: number;
}

export interface FreeOp {
  readonly op: "free";
  readonly block: BlockRef;
}

/** Remembers how far the heap has come. */
export interface MarkOp {
  readonly op: "mark";
}

/** Ends every block made since a mark. */
export interface ReleaseOp {
  readonly op: "release";
  /** Even: the mark taken last. Odd: half of it is an index, modulo the marks that can be released. */
  readonly mark: number;
}

/** `grow` by the heap, `growForeign` by somebody else who shares the memory. */
export interface GrowOp {
  readonly op: "grow" | "growForeign";
  readonly bytes: number;
}

/** `freeNull` frees 0, which does nothing; `reset` ends every block; `check` verifies everything now. */
export interface PlainOp {
  readonly op: "freeNull" | "reset" | "check";
}

export type SizedCall = "alloc" | "allocUnsafe" | "realloc" | "reallocUnsafe" | "grow";
export type AlignedCall = "alloc" | "allocUnsafe" | "realloc" | "reallocUnsafe" | "dup";
export type PointerCall = "free" | "realloc" | "reallocUnsafe" | "usableSize" | "takenSize";

/** A call with an argument that no block makes valid. */
export interface BadArgumentOp {
  readonly op: "badSize" | "badAlign" | "badTag";
  readonly call: SizedCall | AlignedCall;
  /** The size, alignment or tag passed. */
  readonly value: unknown;
  /** The block of the calls that take one. */
  readonly block?: BlockRef;
}

/**
 * Where a bad pointer points: at a `freed` block, inside (`interior`, `unaligned`), before the payload (`header`),
 * anywhere in the `area`, `outside` of the region, at a copy of a real header inside a payload (`forged`).
 */
export type BadPlace = "freed" | "interior" | "unaligned" | "header" | "area" | "outside" | "forged";

export interface BadPointerOp {
  readonly op: "badPointer";
  readonly call: PointerCall;
  readonly where: BadPlace;
  /** The block it is made from; for `freed` an index into the blocks freed last. */
  readonly block: BlockRef;
  readonly offset: number;
}

/** A pointer that is no address at all: `NaN`, `"16"`, -16 … */
export interface BadValueOp {
  readonly op: "badValue";
  readonly call: PointerCall;
  readonly value: unknown;
}

/** Freeing a live block that cannot be freed on its own: any but the last one, or any at all. */
export interface BadFreeOp {
  readonly op: "badFree";
  readonly block: BlockRef;
}

/** A release of what is no mark; without a `value`, of one that lies beyond the last block by now. */
export interface BadMarkOp {
  readonly op: "badMark";
  readonly value?: unknown;
}

export type Op =
  | AllocOp
  | ReallocOp
  | ResizeOp
  | FreeOp
  | GrowOp
  | MarkOp
  | ReleaseOp
  | PlainOp
  | BadArgumentOp
  | BadPointerOp
  | BadValueOp
  | BadFreeOp
  | BadMarkOp;

/** What a run does, first to last. */
export type Program = readonly Op[];

/** Invalid sizes. 2^32 - 1 is valid, and exhaustion. */
export const BAD_SIZES: readonly unknown[] = [
  0,
  -1,
  1.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2 ** 32,
  -(2 ** 32),
  "16",
  null,
  {},
];
export const BAD_ALIGNMENTS: readonly unknown[] = [3, 24, 8192, -16, Number.NaN, 1.5, 2 ** 32, "16", {}];
/** Tags are above 4096, so that an alignment given as one is refused. */
export const BAD_TAGS: readonly unknown[] = [16, 4096, -1, 1.5, Number.NaN, "mesh"];
export const BAD_POINTERS: readonly unknown[] = [
  -16,
  1.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2 ** 32,
  2 ** 53,
  "16",
  {},
];
/** What no heap returns as a mark; undefined stands for one that lies beyond the last block. */
export const BAD_MARKS: readonly unknown[] = [
  undefined,
  undefined,
  undefined,
  undefined,
  2 ** 32 - 16,
  -16,
  1.5,
  Number.NaN,
  "16",
];
/** Valid sizes no heap can have: rounding them up wraps past 2^32. */
export const HUGE_SIZES: readonly number[] = [
  2 ** 32 - 1,
  2 ** 32 - 8,
  2 ** 32 - 16,
  2 ** 32 - 17,
  2 ** 32 - 4096,
  2 ** 31,
  2 ** 31 - 1,
];

export const SIZED_CALLS: readonly SizedCall[] = ["alloc", "allocUnsafe", "realloc", "reallocUnsafe", "grow"];
export const ALIGNED_CALLS: readonly AlignedCall[] = [
  "alloc",
  "allocUnsafe",
  "realloc",
  "reallocUnsafe",
  "dup",
];
export const POINTER_CALLS: readonly PointerCall[] = [
  "free",
  "realloc",
  "reallocUnsafe",
  "usableSize",
  "takenSize",
];
export const BAD_PLACES: readonly BadPlace[] = [
  "freed",
  "interior",
  "unaligned",
  "header",
  "area",
  "outside",
  "forged",
];
