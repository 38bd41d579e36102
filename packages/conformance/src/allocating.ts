/** The valid operations: what each promises is verified right after it, on the block itself and on its neighbours. */

import { noteFreed, noteResized } from "./marks.js";
import type { AllocOp, FreeOp, GrowOp, ReallocOp, ResizeOp } from "./program.js";
import { broken, hex } from "./promises.js";
import { describeBlock, type LiveBlock } from "./shadow.js";
import type { Trial } from "./trial.js";
import { fill, firstNonZero, firstWrong, patternBytes } from "./views.js";

/** Programs written by hand may ask for anything; a `dup` needs its bytes in JS, too. */
const MAX_DUP = 1 << 20;

/** `alloc`, `allocUnsafe`, `dup` and `realloc(0, …)`. */
export function allocate(trial: Trial, op: AllocOp): boolean {
  const { subject, views } = trial;
  const { size, align = 16 } = op;
  const tag = tagFor(trial, op.tag);
  const supported = op.op === "dup" ? subject.dup !== undefined && size <= MAX_DUP : true;
  if (!supported || align > subject.maxAlign) return false;
  if (op.op === "reallocNull" && (subject.realloc === undefined || !subject.checksArguments)) return false;

  // Dirty bytes for dup: a block that was only zeroed would pass otherwise.
  const bytes = op.op === "dup" ? patternBytes(size, trial.nextSeed()) : undefined;
  trial.witness.before(isLarge(trial, size));
  const name = `${op.op}(${size}, ${align})`;
  let ptr: number;
  if (bytes !== undefined) ptr = subject.dup?.(bytes, align, tag) ?? 0;
  else if (op.op === "allocUnsafe") ptr = subject.allocUnsafe(size, align, tag);
  else if (op.op === "reallocNull") ptr = subject.realloc?.(0, size, align, tag) ?? 0;
  else ptr = subject.alloc(size, align, tag);
  views.refresh();
  if (ptr === 0) {
    trial.failed(name);
    return true;
  }

  const block = admit(trial, ptr, size, align, tag);
  if (op.as !== undefined) trial.names.set(op.as, block);
  if (bytes !== undefined) verifyCopy(trial, block, bytes);
  else if (op.op !== "allocUnsafe" && subject.zeroes) verifyZero(trial, block, ptr);
  trial.write(block);
  trial.verifyNeighbours(ptr, ptr + block.usable);
  trial.report.allocations++;
  if (op.op === "dup") trial.report.dups++;
  if (align === subject.maxAlign) trial.report.atMaxAlign++;
  trial.report.peakLive = Math.max(trial.report.peakLive, trial.shadow.count);
  return true;
}

/** Takes a block the heap has just handed out into the shadow model. */
function admit(trial: Trial, ptr: number, size: number, align: number, tag: number): LiveBlock {
  trial.beyond = undefined;
  const block: LiveBlock = {
    id: trial.index,
    ptr,
    size,
    usable: size,
    align,
    seed: 0,
    tag,
    made: 0,
    place: -1,
  };
  trial.picked = block;
  trial.behind = block;
  // A pointer that cannot be one is named before anything is asked about it.
  const { area } = trial.subject.region();
  trial.shadow.insert(block, area);
  const usable = trial.subject.usableSize(ptr);
  trial.shadow.move(block, ptr, size, usable, area);
  verifySizes(trial, block);
  for (const guest of trial.guests) {
    if (ptr < guest.end && ptr + usable > guest.start) {
      throw broken(
        "guest",
        `${describeBlock(block)} lies in pages added at ${hex(guest.start)} by somebody else`,
      );
    }
  }
  if (trial.subject.owns?.(ptr) === false)
    throw broken("owned", `owns(${hex(ptr)}) is false for ${describeBlock(block)}`);
  return block;
}

function verifySizes(trial: Trial, block: LiveBlock): void {
  const { subject } = trial;
  const { ptr, size, usable } = block;
  const taken = subject.takenSize?.(ptr) ?? usable;
  if (!(taken >= usable)) {
    throw broken(
      "sized",
      `takenSize of ${describeBlock(block)} is ${taken}, less than its usable size ${usable}`,
    );
  }
  const good = size === 0 ? 0 : (subject.goodSize?.(size) ?? size);
  if (!(good >= size)) throw broken("sized", `goodSize(${size}) is ${good}`);
  if (usable < good)
    throw broken("sized", `goodSize(${size}) is ${good}, but ${describeBlock(block)} has ${usable}`);
}

function verifyZero(trial: Trial, block: LiveBlock, from: number): void {
  const dirty = firstNonZero(trial.views, from, block.ptr + block.usable);
  if (dirty < 0) return;
  const value = hex(trial.views.u8[dirty] as number);
  throw broken("zeroed", `byte +${dirty - block.ptr} of the new ${describeBlock(block)} is ${value}`);
}

function verifyCopy(trial: Trial, block: LiveBlock, bytes: Uint8Array): void {
  const { u8 } = trial.views;
  for (let at = 0; at < bytes.length; at++) {
    if (u8[block.ptr + at] === bytes[at]) continue;
    throw broken(
      "copied",
      `byte +${at} of ${describeBlock(block)} is ${u8[block.ptr + at]} instead of ${bytes[at]}`,
    );
  }
}

/** `realloc` and `reallocUnsafe`. */
export function reallocate(trial: Trial, op: ReallocOp): boolean {
  const { subject, views, shadow } = trial;
  const { size, align = 16 } = op;
  const call = op.op === "realloc" ? subject.realloc : subject.reallocUnsafe;
  // Where nothing is ever freed, the old block could not end.
  if (call === undefined || subject.frees === "none" || align > subject.maxAlign) return false;
  // Of many blocks the last one is the only one that can be resized in place: it is taken every second time.
  const last = subject.frees === "last" && typeof op.block === "number" && op.block % 2 === 0;
  const block = last ? shadow.last() : trial.find(op.block);
  if (block === undefined) return false;
  trial.picked = block;

  trial.verify(block);
  trial.witness.before(isLarge(trial, size));
  const tag = tagFor(trial, op.tag);
  const { ptr: oldPtr, usable: oldUsable, seed } = block;
  const before = describeBlock(block);
  const ptr = call.call(subject, oldPtr, size, align, tag);
  views.refresh();
  if (ptr === 0) {
    trial.failed(`${op.op}(${before}, ${size}, ${align})`);
    trial.verify(block);
    return true;
  }

  const { area } = subject.region();
  block.align = align;
  if (tag !== 0) block.tag = tag;
  // First with the size asked for, so that a bad address is found before anything is asked about it.
  shadow.move(block, ptr, size, size, area);
  shadow.move(block, ptr, size, subject.usableSize(ptr), area);
  noteResized(trial, block, oldUsable, ptr !== oldPtr);
  verifySizes(trial, block);
  const wrong = firstWrong(views, ptr, 0, Math.min(oldUsable, size), seed);
  if (wrong >= 0)
    throw broken("kept", `${op.op} of ${before} to ${size} bytes: ${trial.describeByte(block, wrong)}`);
  if (op.op === "realloc" && subject.zeroes && block.usable > oldUsable)
    verifyZero(trial, block, ptr + oldUsable);
  trial.write(block);
  trial.verifyNeighbours(ptr, ptr + block.usable);
  if (ptr !== oldPtr) {
    trial.verifyNeighbours(oldPtr, oldPtr + oldUsable);
    trial.report.moves++;
  }
  trial.report.reallocations++;
  return true;
}

/** `resize`, in place or not at all. */
export function resize(trial: Trial, op: ResizeOp): boolean {
  const { subject, shadow, views } = trial;
  if (subject.resize === undefined) return false;
  const block = trial.find(op.block);
  if (block === undefined) return false;
  trial.verify(block);
  trial.witness.before(isLarge(trial, op.size));
  const { ptr, usable: oldUsable, seed } = block;
  const before = describeBlock(block);
  if (!subject.resize(ptr, op.size)) {
    trial.failed(`resize(${before}, ${op.size})`);
    trial.verify(block);
    return true;
  }
  shadow.move(block, ptr, op.size, subject.usableSize(ptr), subject.region().area);
  noteResized(trial, block, oldUsable, false);
  verifySizes(trial, block);
  const wrong = firstWrong(views, ptr, 0, Math.min(oldUsable, op.size), seed);
  if (wrong >= 0)
    throw broken("kept", `resize of ${before} to ${op.size} bytes: ${trial.describeByte(block, wrong)}`);
  trial.write(block);
  trial.verifyNeighbours(ptr, ptr + block.usable);
  trial.report.reallocations++;
  return true;
}

/** Frees a block; where only the last one can be freed, that one. */
export function free(trial: Trial, op: FreeOp): boolean {
  const { subject, shadow } = trial;
  const named = trial.find(op.block);
  if (named === undefined || subject.frees === "none") return false;
  const block = subject.frees === "last" ? (shadow.last() as LiveBlock) : named;
  trial.picked = block;
  trial.verify(block);
  subject.free(block.ptr);
  noteFreed(trial, block);
  trial.bury(block);
  trial.verifyNeighbours(block.ptr, block.ptr + block.usable);
  trial.report.frees++;
  return true;
}

/** `free(0)` does nothing at all. */
export function freeNull(trial: Trial): boolean {
  if (!trial.subject.checksArguments) return false;
  trial.witness.before(true);
  trial.subject.free(0);
  if (trial.witness.unchanged("free(0)", false)) trial.report.compared++;
  return true;
}

/** Growth asked of the heap. */
export function grow(trial: Trial, op: GrowOp): boolean {
  const { subject, views } = trial;
  if (subject.grow === undefined) return false;
  const before = subject.region().area;
  trial.witness.before(true);
  const grown = subject.grow(op.bytes);
  views.refresh();
  if (grown === false) {
    trial.failed(`grow(${op.bytes})`);
    return true;
  }
  const { area } = subject.region();
  if (grown !== true || area.end - before.end < op.bytes || area.start !== before.start) {
    throw broken(
      "grown",
      `grow(${op.bytes}) returned ${grown}; the area's end was ${hex(before.end)} and is ${hex(area.end)}`,
    );
  }
  trial.report.growths++;
  return true;
}

/** Somebody else grows the memory and writes all over his new pages. */
export function growForeign(trial: Trial, op: GrowOp): boolean {
  const { subject, views } = trial;
  if (subject.growForeign === undefined) return false;
  const start = Math.ceil(subject.buffer().byteLength / 4) * 4;
  subject.growForeign(op.bytes);
  views.refresh();
  const end = views.u8.length;
  if (end <= start) return false;
  const guest = { start, end, seed: trial.nextSeed() };
  fill(views, guest.start, end - guest.start, guest.seed);
  trial.guests.push(guest);
  trial.report.foreignGrowths++;
  return true;
}

function tagFor(trial: Trial, index: number | undefined): number {
  const { tags } = trial.subject;
  return index === undefined || tags.length === 0 ? 0 : (tags[index % tags.length] as number);
}

/** Requests this large are likely to fail; with a small heap each is watched anyway. */
function isLarge(trial: Trial, size: number): boolean {
  const { area } = trial.subject.region();
  return size * 8 > area.end - area.start;
}
