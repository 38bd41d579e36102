/** Walking the area in address order. A bridge is `reserved`: memory that no one can be given. */
import type { WalkedBlock } from "@heapwright/core";
import { BRIDGED_OVER, eachChunk, LIVE } from "./chain.js";
import { ptrOf, type Space, usableOf } from "./space.js";

/** Throws `ERR_HEAP_CORRUPT` where a size cannot be followed. */
export function walk(space: Space, visit: (block: WalkedBlock) => void): void {
  eachChunk(space, (granule, size, kind) => {
    const usable = usableOf(space, size);
    const state = kind === LIVE ? "used" : kind === BRIDGED_OVER ? "reserved" : "free";
    visit({ ptr: ptrOf(space, granule), size: usable, usable, state, tag: 0 });
  });
}
