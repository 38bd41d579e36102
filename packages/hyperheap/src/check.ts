/**
 * `check()`: every invariant of space.ts and pages.ts, in their order, against the chain. Reports what it finds and stops
 * following links where one is broken.
 */
import type { Finding } from "@heapwright/core";
import { classOf, LARGE } from "./bitmaps.js";
import { distanceBack, isUsed } from "./chain.js";
import { hintClass, NONE } from "./hints.js";
import { chunkInCell, isPayloadStart } from "./maps.js";
import { floorOf, isMarked, pageAt, type Run, runAt } from "./pages.js";
import {
  BRIDGE_BIT,
  boundaryOf,
  CLASSES,
  DEFERRED,
  FREE,
  getState,
  HINTS,
  lastChunk,
  NEXT,
  NODE,
  NODE_SHIFT,
  PAGE,
  PAGES,
  PAGES_FREE,
  PREV,
  SEGMENT_SHIFT,
  type Space,
  STRETCH_SHIFT,
  USED,
  USED_BIT,
} from "./space.js";
import { BOUND, largestChild } from "./tree.js";

type Report = (finding: Finding) => void;

/** What the chain says, to hold the tables against. */
interface Seen {
  readonly payloads: Set<number>;
  readonly mapped: Map<number, number>;
  readonly bridges: { readonly from: number; readonly to: number }[];
  free: number;
  used: number;
}

const hex = (address: number): string => `0x${address.toString(16)}`;

export function check(space: Space, report: Report): void {
  const boundary = boundaryOf(space);
  if (boundary < space.areaStart || boundary > space.areaEnd || boundary % 16 !== 0) {
    report({ message: `boundary ${hex(boundary)} is not in the area`, ptr: boundary });
    return;
  }
  const seen: Seen = { payloads: new Set(), mapped: new Map(), bridges: [], free: 0, used: 0 };
  if (!checkChain(space, boundary, seen, report)) return;
  checkSum(space, "FREE", FREE, seen.free, report);
  checkSum(space, "USED", USED, seen.used, report);
  checkPayloads(space, seen, report);
  checkFreeMap(space, seen, report);
  checkIndex(space, seen, report);
  checkRuns(space, boundary, seen, report);
}

function checkSum(space: Space, name: string, word: number, expected: number, report: Report): void {
  const found = getState(space, word);
  if (found !== expected) report({ message: `${name} is ${found}, the sum is ${expected}` });
}

/** The chain from the area's start to the boundary. False if a link is broken. */
function checkChain(space: Space, boundary: number, seen: Seen, report: Report): boolean {
  const { i32, header, least, areaStart } = space;
  const last = lastChunk(space);
  if (last === 0) {
    if (boundary !== areaStart)
      report({ message: `there is no chunk, and the boundary is ${hex(boundary)}` });
    return boundary === areaStart;
  }
  let previousSpan = 0;
  let previousFree = false;
  for (let chunk = areaStart; ; ) {
    const ptr = chunk + header;
    const wrong = (message: string): boolean => {
      report({ message: `chunk header at ${hex(chunk)}: ${message}`, ptr });
      return false;
    };
    const next = i32[(chunk + NEXT) >>> 2] >>> 0;
    const span = next === 0 ? boundary - chunk : next;
    if (span < least || span % 16 !== 0 || chunk + span > boundary) return wrong(`next is ${next}`);
    if (next === 0 && chunk !== last) return wrong(`next is 0, but the last chunk is at ${hex(last)}`);
    if (next !== 0 && chunk >= last) return wrong(`next is ${next}, but this is the last chunk`);
    const back = distanceBack(space, chunk);
    if (back !== previousSpan) return wrong(`prev is ${back}, the previous chunk has ${previousSpan} bytes`);
    if ((i32[(chunk + PREV) >>> 2] & 15 & ~USED_BIT) !== 0) return wrong("prev has bits that mean nothing");
    const heap = i32[(chunk + space.heapField) >>> 2];
    const isBridge = (heap & BRIDGE_BIT) !== 0;
    if ((chunk + (heap & ~BRIDGE_BIT)) >>> 0 !== space.base)
      return wrong(`heap is ${heap}, the heap header is at ${hex(space.base)}`);
    if (isBridge !== (isUsed(space, chunk) && !isPayloadStart(space, ptr)))
      return wrong(isBridge ? "it is marked as a bridge" : "it is no block, and not marked as a bridge");
    const free = !isUsed(space, chunk);
    if (free && previousFree) wrong("two free chunks adjoin");
    if (free) {
      seen.free += span - header;
      if (chunk !== last) {
        seen.mapped.set(chunk, span);
        seen.payloads.add(ptr);
      }
    } else if (isPayloadStart(space, ptr)) {
      seen.used += span - header;
      seen.payloads.add(ptr);
    } else {
      seen.bridges.push({ from: ptr, to: chunk + span });
    }
    if (chunk === last) return true;
    previousSpan = span;
    previousFree = free;
    chunk += span;
  }
}

/** The payload map has the payloads of the chain and no other bit. */
function checkPayloads(space: Space, seen: Seen, report: Report): void {
  let found = 0;
  const words = (space.areaEnd - space.areaStart + 511) >>> 9;
  for (let word = 0; word < words; word++) {
    for (let bits = space.i32[space.payloads + word]; bits !== 0; bits &= bits - 1) {
      const ptr = space.areaStart + (word * 32 + 31 - Math.clz32(bits & -bits)) * 16;
      if (seen.payloads.has(ptr)) found++;
      else report({ message: `the payload map has ${hex(ptr)}, where no payload starts`, ptr });
    }
  }
  checkBehind(space, "payload map", space.payloads + words, space.free, 1, report);
  if (found === seen.payloads.size) return;
  for (const ptr of seen.payloads) {
    if (!isPayloadStart(space, ptr))
      report({ message: `the payload map misses the payload ${hex(ptr)}`, ptr });
  }
}

/** What a table has for space behind the area's end is zero, else a growth would show it. */
function checkBehind(
  space: Space,
  name: string,
  from: number,
  to: number,
  step: number,
  report: Report,
): void {
  for (let index = from; index < to; index += step) {
    if (space.i32[index] === 0) continue;
    report({ message: `the ${name} has entries behind the area's end` });
    return;
  }
}

/** The free map has the free chunks of the chain, the last one excepted, and no other bit. */
function checkFreeMap(space: Space, seen: Seen, report: Report): void {
  let found = 0;
  const words = (space.areaEnd - space.areaStart + 1023) >>> 10;
  for (let word = 0; word < words; word++) {
    for (let bits = space.i32[space.free + word]; bits !== 0; bits &= bits - 1) {
      const chunk = (chunkInCell(space, word * 32 + 31 - Math.clz32(bits & -bits)) << 2) >>> 0;
      const ptr = chunk + space.header;
      if (seen.mapped.has(chunk)) found++;
      else report({ message: `the free map has ${hex(chunk)}, where no free chunk starts`, ptr });
    }
  }
  checkBehind(space, "free map", space.free + words, space.bitmapStart[0] as number, 1, report);
  if (found !== seen.mapped.size)
    report({ message: `the free map has ${found} of ${seen.mapped.size} free chunks` });
}

/** Bitmaps, hints and tree against the free chunks. */
function checkIndex(space: Space, seen: Seen, report: Report): void {
  const classes = new Map<number, number>();
  const first = new Array<number>(HINTS).fill(NONE);
  const largest = new Map<number, number>();
  for (const [chunk, span] of seen.mapped) {
    const granule = (chunk - space.areaStart) >>> 4;
    const granules = span >>> 4;
    const segment = granule >> SEGMENT_SHIFT;
    classes.set(segment, Math.max(classes.get(segment) ?? -1, classOf(granules)));
    const node = segment >> NODE_SHIFT;
    for (let each = hintClass(granules); each >= 0 && first[each] > node; each--) first[each] = node;
    const stretch = segment >> STRETCH_SHIFT;
    if (granules > LARGE) largest.set(stretch, Math.max(largest.get(stretch) ?? 0, granules));
  }
  checkBitmaps(space, classes, report);
  checkTree(space, largest, report);
  checkHints(space, first, report);
}

/** No hint lies behind the first chunk it stands for, or before that of the class below. */
function checkHints(space: Space, first: readonly number[], report: Report): void {
  for (const [each, node] of first.entries()) {
    const found = space.i32[space.hints + each];
    if (found < 0 || found > node)
      report({ message: `index: the hint of class ${each} is ${found}, its first chunk is in node ${node}` });
    if (each > 0 && found < space.i32[space.hints + each - 1])
      report({ message: `index: the hint of class ${each} is ${found}, less than that of the class below` });
  }
}

/** A segment has the bits of its largest chunk's class and of all below. A level above has a bit for each word below that is not zero. */
function checkBitmaps(space: Space, classes: ReadonlyMap<number, number>, report: Report): void {
  const { i32, bitmaps, bitmapStart, bitmapNodes } = space;
  const expected = new Map<number, number>();
  for (const [segment, largest] of classes) {
    const node = bitmaps + (segment >> NODE_SHIFT) * CLASSES;
    for (let each = 0; each <= largest; each++)
      expected.set(node + each, (expected.get(node + each) ?? 0) | (1 << (segment % NODE)));
  }
  for (let word = 0; word < bitmapNodes[0] * CLASSES; word++) {
    const found = i32[bitmaps + word];
    const must = expected.get(bitmaps + word) ?? 0;
    if (found === must) continue;
    report({
      message: `index: class ${word % CLASSES} of node ${Math.trunc(word / CLASSES)} is ${hex(found >>> 0)}, not ${hex(must >>> 0)}`,
    });
  }
  for (let level = 1; level < bitmapStart.length; level++) {
    for (let word = 0; word < bitmapNodes[level] * CLASSES; word++) {
      const first = Math.trunc(word / CLASSES) * NODE;
      const end = Math.min(first + NODE, bitmapNodes[level - 1]);
      let expected = 0;
      for (let node = first; node < end; node++)
        if (i32[bitmapStart[level - 1] + node * CLASSES + (word % CLASSES)] !== 0)
          expected |= 1 << (node - first);
      const found = i32[bitmapStart[level] + word];
      if (found === expected) continue;
      report({
        message: `index: class ${word % CLASSES} of node ${first / NODE} of level ${level} is ${hex(found >>> 0)}, not ${hex(expected >>> 0)}`,
      });
    }
  }
}

/** Each word is the maximum of what is below it; only the leaf that waits to be settled is marked, and may be higher. */
function checkTree(space: Space, largest: ReadonlyMap<number, number>, report: Report): void {
  const { i32, treeStart, treeWords } = space;
  const deferred = getState(space, DEFERRED) - 1;
  if (deferred >= treeWords[0]) report({ message: `index: stretch ${deferred} waits, which there is not` });
  for (let level = 0; level < treeStart.length; level++) {
    for (let index = 0; index < treeWords[level]; index++) {
      const found = i32[treeStart[level] + index];
      const expected = level === 0 ? (largest.get(index) ?? 0) : largestChild(space, level, index);
      const waits = found < 0 && level === 0 && index === deferred && (found & BOUND) >= expected;
      if (found === expected || waits) continue;
      report({
        message: `index: word ${index} of level ${level} of the tree is ${found}, the largest is ${expected}`,
      });
    }
  }
}

/** Page runs: in bridges and above the boundary, and nowhere else. */
function checkRuns(space: Space, boundary: number, seen: Seen, report: Report): void {
  const sums = { used: 0, freed: 0, known: new Set<number>() };
  for (const { from, to } of seen.bridges) checkRunsIn(space, from, to, sums, report);
  checkRunsIn(space, boundary, space.areaEnd, sums, report);
  const atBoundary = runAt(space, boundary);
  if (boundary < space.areaEnd && atBoundary !== undefined && !atBoundary.used) {
    report({ message: `the freed run at the boundary ${hex(boundary)} was not given back`, ptr: boundary });
  }
  checkSum(space, "PAGES", PAGES, sums.used, report);
  checkSum(space, "PAGES_FREE", PAGES_FREE, sums.freed, report);
  const top = Math.ceil((space.areaEnd - space.pageBase) / PAGE);
  const floor = floorOf(space);
  for (let page = 0; page < top; page++) {
    const word = space.u32[space.pages + page * space.entryWords];
    if (word === 0) continue;
    const address = space.pageBase + page * PAGE;
    if (page < floor)
      report({ message: `the page table has ${hex(address)}, which is below its floor`, ptr: address });
    if (!sums.known.has(page))
      report({ message: `the page table has ${hex(address)}, where no run is`, ptr: address });
  }
  const { pages, entries, entryWords } = space;
  checkBehind(
    space,
    "page table",
    pages + top * entryWords,
    pages + entries * entryWords,
    entryWords,
    report,
  );
}

function checkRunsIn(
  space: Space,
  from: number,
  to: number,
  sums: { used: number; freed: number; readonly known: Set<number> },
  report: Report,
): void {
  let previous: Run | undefined;
  for (let at = from; at < to; ) {
    const run = runAt(space, at);
    if (run === undefined) {
      previous = undefined;
      at += PAGE - (at % PAGE);
      continue;
    }
    if (run.bytes === 0 || at + run.bytes > to) {
      report({ message: `page run at ${hex(at)} has ${run.bytes} bytes`, ptr: at });
      return;
    }
    sums.known.add(pageAt(space, at));
    if (run.used) sums.used += run.bytes;
    else {
      sums.freed += run.bytes;
      sums.known.add(pageAt(space, at + run.bytes) - 1);
      if (previous !== undefined && !previous.used)
        report({ message: `two freed runs adjoin at ${hex(at)}`, ptr: at });
    }
    if (!isMarked(space, run))
      report({ message: `page table: the entries of the run at ${hex(at)} are wrong`, ptr: at });
    previous = run;
    at += run.bytes;
  }
}
