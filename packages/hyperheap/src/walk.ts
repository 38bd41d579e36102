/**
 * Walking the area in address order: chunks, the runs under bridges, the runs at the top.
 */
import type { WalkedBlock } from "@heapwright/core";
import { isUsed, spanOf } from "./chain.js";
import { isPayloadStart } from "./maps.js";
import { corruptRun, runAt } from "./pages.js";
import { boundaryOf, GRANULE, lastChunk, PAGE, type Space } from "./space.js";

type Visit = (block: WalkedBlock) => void;

/** Throws `ERR_HEAP_CORRUPT` where a link cannot be followed. */
export function walk(space: Space, visit: Visit): void {
  const { header, areaStart } = space;
  const last = lastChunk(space);
  const boundary = boundaryOf(space);
  if (boundary > space.areaEnd || boundary < Math.max(areaStart, last) || boundary % GRANULE !== 0) {
    throw space.error("ERR_HEAP_CORRUPT", `boundary 0x${boundary.toString(16)} cannot be true`, {});
  }
  for (let chunk = areaStart; last !== 0; ) {
    const span = spanOf(space, chunk);
    const ptr = chunk + header;
    if (!isUsed(space, chunk)) visit(block(ptr, span - header, "free"));
    else if (isPayloadStart(space, ptr)) visit(block(ptr, span - header, "used"));
    else walkRuns(space, ptr, chunk + span, visit);
    if (chunk === last) break;
    chunk += span;
  }
  walkRuns(space, boundary, space.areaEnd, visit);
}

/** Runs in `[from, to)`; what lies between them belongs to somebody else. */
function walkRuns(space: Space, from: number, to: number, visit: Visit): void {
  let reserved = from;
  for (let at = from; at < to; ) {
    const run = runAt(space, at);
    if (run === undefined) {
      at += PAGE - (at % PAGE);
      continue;
    }
    if (run.bytes === 0 || at + run.bytes > to) corruptRun(space, run.ptr, run.bytes / PAGE);
    if (at > reserved) visit(block(reserved, at - reserved, "reserved"));
    visit(block(run.ptr, run.bytes, run.used ? "page" : "free"));
    at += run.bytes;
    reserved = at;
  }
  if (to > reserved) visit(block(reserved, to - reserved, "reserved"));
}

function block(ptr: number, bytes: number, state: WalkedBlock["state"]): WalkedBlock {
  return { ptr, size: bytes, usable: bytes, state, tag: 0 };
}
