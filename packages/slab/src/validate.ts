/**
 * What is wrong with a pointer that is no live cell, and with a list. Slow on purpose: the good path has one test of the map (cells.ts).
 */
import {
  cellsIn,
  classOf,
  GRANULE,
  KIND_MASK,
  pairAt,
  type Space,
  sizeOf,
  spanAddress,
  UNIT,
  UNIT_SHIFT,
  unitOf,
} from "./space.js";

const hex = (address: number): string => `0x${address.toString(16)}`;

/** A cell by its number in the span. */
interface Cell {
  readonly ptr: number;
  readonly size: number;
  readonly live: boolean;
}

/** The error for a pointer into a span that is no live cell's payload. */
export function refusal(space: Space, ptr: number): Error {
  const kind = space.i32[pairAt(space, (ptr - space.origin) >>> UNIT_SHIFT) + 1];
  const first = ((ptr - space.origin) >>> UNIT_SHIFT) - unitOf(kind);
  const start = space.origin + first * UNIT;
  const bytes = classOf(kind) * GRANULE;
  const index = Math.floor((ptr - start) / bytes);
  const invalid = (why: string, cell?: Cell): Error =>
    space.error("ERR_INVALID_POINTER", `${hex(ptr)} is not a block: ${why}`, {
      ptr,
      ...relation(ptr, cell, "block"),
    });
  if (ptr % GRANULE !== 0) return invalid("it is not a multiple of 16");
  if (index >= cellsIn(space, classOf(kind), sizeOf(kind)))
    return invalid("it lies at the end of a span, where no cell is");
  const cell = cellAt(space, start, bytes, index);
  if (!cell.live) {
    return space.error("ERR_DOUBLE_FREE", `${hex(ptr)} is not a block any more: it lies in a free cell`, {
      ptr,
      ...relation(ptr, cell, "free block"),
    });
  }
  return ptr < cell.ptr
    ? invalid("it lies in front of a block, in what plugins keep there")
    : invalid("it lies inside a live block", cell);
}

function cellAt(space: Space, start: number, bytes: number, index: number): Cell {
  const from = start + index * bytes - space.origin;
  const at = pairAt(space, from >>> UNIT_SHIFT);
  const bit = 1 << ((from >>> 4) & 31);
  const live = (space.starts[space.i32[at + 1] & KIND_MASK] & ~space.i32[at] & bit) !== 0;
  return { ptr: space.origin + from + space.header, size: bytes - space.header, live };
}

function relation(ptr: number, cell: Cell | undefined, relativeTo: string): object {
  if (cell === undefined) return {};
  const block = { ptr: cell.ptr, size: cell.size, state: cell.live ? "used" : "free" };
  return { block, offset: ptr - cell.ptr, relativeTo };
}

/** A list of spans leads to what is none of the class. */
export function corruptList(space: Space, sizeClass: number, span: number): Error {
  return space.error(
    "ERR_HEAP_CORRUPT",
    `the list of spans with cells of ${sizeClass * GRANULE} bytes leads to ${hex(spanAddress(space, span))}, which is none`,
    { hint: "something wrote over the heap header" },
  );
}
