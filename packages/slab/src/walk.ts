/** All blocks in address order: those of `large`, and where one is a span, its cells. */
import type { Allocator, WalkedBlock } from "@heapwright/core";
import {
  cellsIn,
  classOf,
  FRAME,
  GRANULE,
  KIND_MASK,
  pairAt,
  type Space,
  sizeOf,
  UNIT_SHIFT,
  unitOf,
} from "./space.js";

/** Kind of the span that begins at `ptr`; 0 if none does. */
export function spanKindAt(space: Space, ptr: number): number {
  const from = ptr - space.origin;
  if (from < 0 || from % FRAME !== 0 || from >>> UNIT_SHIFT >= space.units) return 0;
  const kind = space.i32[pairAt(space, from >>> UNIT_SHIFT) + 1];
  return unitOf(kind) === 0 ? kind : 0;
}

export function walk(
  space: Space,
  walkLarge: NonNullable<Allocator["walk"]>,
  visit: (block: WalkedBlock) => void,
): void {
  walkLarge((block) => {
    const isTaken = block.state === "used" || block.state === "page";
    const kind = isTaken ? spanKindAt(space, block.ptr) : 0;
    if (kind === 0) visit(block);
    else walkCells(space, block.ptr, kind, visit);
  });
}

function walkCells(space: Space, start: number, kind: number, visit: (block: WalkedBlock) => void): void {
  const { i32, starts, header, origin } = space;
  const bytes = classOf(kind) * GRANULE;
  const usable = bytes - header;
  const count = cellsIn(space, classOf(kind), sizeOf(kind));
  for (let cell = 0; cell < count; cell++) {
    const from = start + cell * bytes - origin;
    const at = pairAt(space, from >>> UNIT_SHIFT);
    const live = (starts[i32[at + 1] & KIND_MASK] & ~i32[at] & (1 << ((from >>> 4) & 31))) !== 0;
    visit({
      ptr: start + cell * bytes + header,
      size: usable,
      usable,
      state: live ? "used" : "free",
      tag: 0,
    });
  }
}
