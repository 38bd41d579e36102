/**
 * Walking the area in address order: pieces up to the top, what is free above it, gaps. Pieces that are no block are `reserved` like gaps:
 * until the top comes back they can be given to no one.
 */
import type { WalkedBlock } from "@heapwright/core";
import { codeAt, nextCode, nextGap } from "./codes.js";
import { behindGap } from "./regions.js";
import { addressOf, END, GAP, GRANULE, getState, LIVE, type Space, TOP } from "./space.js";

type Visit = (block: WalkedBlock) => void;

/** Visits each piece, stretch and gap in `[0, area's end)`, whatever the codes are: a search that finds nothing ends at the end. */
export function walk(space: Space, visit: Visit): void {
  const { header } = space;
  const end = Math.min(getState(space, END), space.areaGranules);
  const top = Math.min(getState(space, TOP), end);
  const show = (from: number, to: number, state: WalkedBlock["state"], headerAt = 0): void => {
    const bytes = (to - from - headerAt) * GRANULE;
    if (bytes > 0)
      visit({ ptr: addressOf(space, from + headerAt), size: bytes, usable: bytes, state, tag: 0 });
  };
  for (let at = 0; at < end; ) {
    const code = codeAt(space, at);
    let next: number;
    if (code === GAP) {
      next = Math.min(behindGap(space, at), end);
      show(at, next, "reserved");
    } else if (at >= top) {
      next = nextGap(space, at, end);
      show(at, next, "free", header);
    } else {
      next = nextCode(space, at + 1, top);
      if (code === LIVE) show(at, next, "used", header);
      else show(at, next, "reserved");
    }
    at = next;
  }
  show(end, space.areaGranules, "reserved");
}
