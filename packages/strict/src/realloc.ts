/**
 * `realloc` of the decorators: in place if the block has the alignment and the room, else a new block, a copy, and the end of
 * the old one. Differs from what core makes for a layer in three things:
 *
 * - the tag is kept: the decorators allocate anew, and would forget it;
 * - a request that is exhausted has drained the quarantine, so there may be room in place now: asked once more;
 * - where ending the old block throws a finding, the new one is ended: the caller still has what he had.
 *
 * Price: one size query more than core's.
 */
import type { Allocator, Context } from "@heapwright/core";
import { isDamage } from "./finding.js";

type Moving = Pick<Allocator, "alloc" | "free" | "resize" | "usableSize">;

/** Findings a call can meet one after the other, each mended: blocks in the largest quarantine, and a few. */
const MAX_FINDINGS = 65_536 + 8;

/** @param tagOf The tag of a live block, asked for where none is given. */
export function createRealloc(
  ctx: Context,
  layer: Moving,
  tagOf?: (ptr: number) => number,
): NonNullable<Allocator["realloc"]> {
  const { alloc, free, resize, usableSize } = layer;

  function undo(ptr: number): void {
    for (let tries = 0; tries < MAX_FINDINGS; tries++) {
      try {
        free(ptr);
        return;
      } catch (error) {
        // What was damaged is mended: once more. The error the caller gets was the first.
        if (!isDamage(error)) return;
      }
    }
  }

  return (ptr, size, align, tag) => {
    const aligned = (ptr & (align - 1)) === 0;
    if (aligned && resize(ptr, size)) return ptr;
    const usable = usableSize(ptr);
    const moved = alloc(size, align, tag === 0 && tagOf !== undefined ? tagOf(ptr) : tag);
    if (moved === 0) return aligned && resize(ptr, size) ? ptr : 0;
    ctx.memory.u8.copyWithin(moved, ptr, ptr + Math.min(usable, size));
    try {
      free(ptr);
    } catch (error) {
      undo(moved);
      throw error;
    }
    return moved;
  };
}
