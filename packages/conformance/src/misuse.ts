/**
 * The invalid calls: each must throw the right code and change nothing.
 *
 * | pointer | code |
 * |---|---|
 * | no address at all, unaligned, outside the area, inside a live block, a live block's header | `ERR_INVALID_POINTER` |
 * | a multiple of 16 inside a free or quarantined block | `ERR_DOUBLE_FREE` |
 * | elsewhere (a free chunk's header, a fence) | either |
 *
 * Which of them a pointer is, the shadow model says; for what is not alive, the heap's own `blocks()`.
 */

import { literal } from "./format.js";
import type {
  BadArgumentOp,
  BadFreeOp,
  BadMarkOp,
  BadPlace,
  BadPointerOp,
  BadValueOp,
  PointerCall,
} from "./program.js";
import { hex } from "./promises.js";
import { describeBlock, type LiveBlock } from "./shadow.js";
import type { Detects } from "./subject.js";
import type { Trial } from "./trial.js";

const INVALID: readonly string[] = ["ERR_INVALID_POINTER"];
const DOUBLE: readonly string[] = ["ERR_DOUBLE_FREE"];
const EITHER: readonly string[] = ["ERR_INVALID_POINTER", "ERR_DOUBLE_FREE"];

/** What must be detectable for a misuse to be tried: elsewhere it would only wreck the heap. */
const NEEDS: Readonly<Record<BadPlace, Detects>> = {
  freed: "double-free",
  interior: "interior",
  unaligned: "unaligned",
  header: "foreign",
  area: "foreign",
  outside: "foreign",
  forged: "forged",
};

/** Bytes before a payload that are copied as a forged header: more than any chunk header has. In a smaller block as many as there is room for. */
const FORGED_BYTES = 64;
const PAGE = 4096;
/** With more blocks than this, only every eighth pointer into dead memory is classified by walking the heap. */
const CHEAP_WALK = 512;

/** An invalid size, alignment or tag. */
export function badArgument(trial: Trial, op: BadArgumentOp): boolean {
  const { subject } = trial;
  if (!subject.checksArguments) return false;
  const call = bindArgument(trial, op);
  if (call === undefined) return false;
  const value = literal(op.value);
  if (op.op === "badSize")
    trial.refuses("refusesSize", ["ERR_INVALID_SIZE"], `${op.call}(size ${value})`, call);
  else if (op.op === "badAlign") {
    const tooLarge = isAlignment(op.value);
    // It is none to this subject, or what a program asks of one that can do less.
    if (tooLarge && op.value <= subject.maxAlign) return false;
    const code = tooLarge ? "ERR_UNSUPPORTED" : "ERR_INVALID_ALIGNMENT";
    trial.refuses("refusesAlignment", [code], `${op.call}(alignment ${value})`, call);
    if (tooLarge) trial.report.refusedAlignments++;
  } else trial.refuses("refusesTag", ["ERR_INVALID_OPTION"], `${op.call}(tag ${value})`, call);
  return true;
}

function isAlignment(value: unknown): value is number {
  return typeof value === "number" && value > 0 && value <= PAGE && Number.isInteger(Math.log2(value));
}

/** The call with its bad argument put in. Subjects are typed for valid ones: the casts are the point. */
function bindArgument(trial: Trial, op: BadArgumentOp): (() => unknown) | undefined {
  const { subject } = trial;
  const size = (op.op === "badSize" ? op.value : 24) as number;
  const align = (op.op === "badAlign" ? op.value : 16) as number;
  const tag = (op.op === "badTag" ? op.value : 0) as number;
  if (op.call === "grow") return op.op === "badSize" && subject.grow ? () => subject.grow?.(size) : undefined;
  if (op.call === "alloc") return () => subject.alloc(size, align, tag);
  if (op.call === "allocUnsafe") return () => subject.allocUnsafe(size, align, tag);
  if (op.call === "dup") {
    if (op.op === "badSize" || subject.dup === undefined) return undefined;
    return () => subject.dup?.(new Uint8Array(24).fill(0xdd), align, tag);
  }
  const block = trial.find(op.block ?? 0);
  if (block === undefined) return undefined;
  const { ptr } = block;
  if (op.call === "realloc") return subject.realloc && (() => subject.realloc?.(ptr, size, align, tag));
  return subject.reallocUnsafe && (() => subject.reallocUnsafe?.(ptr, size, align, tag));
}

/** A pointer that is no address. */
export function badValue(trial: Trial, op: BadValueOp): boolean {
  if (!trial.subject.checksArguments) return false;
  const call = bindPointer(trial, op.call, op.value as number);
  if (call === undefined) return false;
  trial.refuses("refusesPointer", INVALID, `${op.call}(${literal(op.value)})`, call);
  return true;
}

function bindPointer(trial: Trial, call: PointerCall, ptr: number): (() => unknown) | undefined {
  const { subject } = trial;
  // Where none can be freed, whatever is freed is refused for that.
  if (call === "free") return subject.frees === "none" ? undefined : () => subject.free(ptr);
  if (call === "usableSize") return () => subject.usableSize(ptr);
  if (call === "takenSize") return subject.takenSize && (() => subject.takenSize?.(ptr));
  if (call === "realloc") return subject.realloc && (() => subject.realloc?.(ptr, 24, 16, 0));
  return subject.reallocUnsafe && (() => subject.reallocUnsafe?.(ptr, 24, 16, 0));
}

/** An address that is no live block. */
export function badPointer(trial: Trial, op: BadPointerOp): boolean {
  const { subject } = trial;
  if (!subject.detects.includes(NEEDS[op.where])) return false;
  const target = aim(trial, op);
  if (target === undefined || target <= 0 || target >= 2 ** 32 || trial.shadow.at(target) !== undefined)
    return false;
  const call = bindPointer(trial, op.call, target);
  if (call === undefined) return false;
  const codes = classify(trial, target);
  if (codes === undefined) return false;
  const name = `${op.call}(${hex(target)}), ${tell(trial, op.where)},`;
  if (op.where !== "forged") {
    trial.refuses("refusesPointer", codes, name, call);
    trial.report.detected[NEEDS[op.where]]++;
    return true;
  }
  const { i32 } = trial.views;
  const block = trial.picked as LiveBlock;
  const model = trial.shadow.above(block.ptr + 1) ?? block;
  const bytes = Math.min(FORGED_BYTES, target - block.ptr, model.ptr);
  const header = (model.ptr - bytes) >>> 2;
  const forged = (target - bytes) >>> 2;
  const saved = i32.slice(forged, target >>> 2);
  i32.copyWithin(forged, header, model.ptr >>> 2);
  trial.refuses("refusesPointer", codes, name, call);
  i32.set(saved, forged);
  trial.report.detected.forged++;
  return true;
}

/** A live block that cannot be freed on its own. */
export function badFree(trial: Trial, op: BadFreeOp): boolean {
  const { subject, shadow } = trial;
  if (subject.frees === "any") return false;
  const block = trial.find(op.block);
  if (block === undefined || (subject.frees === "last" && block === shadow.last())) return false;
  const why = subject.frees === "last" ? "which is not the last block" : "where none can be freed";
  trial.refuses("refusesFree", ["ERR_UNSUPPORTED"], `free of ${describeBlock(block)}, ${why},`, () =>
    subject.free(block.ptr),
  );
  trial.verify(block);
  trial.report.refusedFrees++;
  return true;
}

/** What is no mark. */
export function badMark(trial: Trial, { value }: BadMarkOp): boolean {
  const { subject, beyond } = trial;
  const mark = value === undefined ? beyond : value;
  // A bare allocator is given nothing that is no number at all.
  const isTried = mark !== undefined && (value === undefined || subject.checksArguments);
  if (subject.release === undefined || !isTried) return false;
  const name = `release(${literal(mark)})${value === undefined ? ", a mark beyond the last block," : ""}`;
  const release = (): void => subject.release?.(mark as number);
  // A block made before the mark may only be held back: freed in earnest, it takes the top below the mark.
  trial.refuses("refusesMark", ["ERR_INVALID_OPTION"], name, release, true);
  trial.report.refusedMarks++;
  return true;
}

/** The address a bad pointer has, made from a block or from the region. */
function aim(trial: Trial, op: BadPointerOp): number | undefined {
  const { area, region } = trial.subject.region();
  if (op.where === "area") {
    return area.start + (op.offset % Math.max(1, Math.floor((area.end - area.start) / 16))) * 16;
  }
  if (op.where === "outside") {
    const end = trial.views.u8.length;
    const places = [
      region.start,
      area.start - 16,
      area.end,
      end,
      end + PAGE,
      2 ** 31,
      2 ** 32 - PAGE,
      2 ** 32 - 16,
    ];
    return places[op.offset % places.length];
  }
  if (op.where === "freed") return trial.findFreed(op.block)?.ptr;
  const block = trial.find(op.block);
  if (block === undefined) return undefined;
  if (op.where === "unaligned") return block.ptr + 1 + (op.offset % 15);
  if (op.where === "header") return block.ptr - 16;
  const inside = Math.floor((block.usable - 1) / 16);
  if (inside === 0) return undefined;
  const first = op.where === "forged" ? Math.min(FORGED_BYTES / 16, inside) : 1;
  return block.ptr + (first + (op.offset % (inside - first + 1))) * 16;
}

/** The codes that are right for this address; undefined if it is a block of the heap's own. */
function classify(trial: Trial, target: number): readonly string[] | undefined {
  const { subject, shadow } = trial;
  const { area } = subject.region();
  if (target % 16 !== 0 || target < area.start || target >= area.end) return INVALID;
  if (shadow.covering(target) !== undefined) return INVALID;
  // The 16 bytes before a live block are never free memory's payload, unless it has no header: blocks() knows. What has ended below the last
  // block is in no list.
  const header = subject.frees === "any" && shadow.at(target + 16) !== undefined ? INVALID : EITHER;
  if (subject.blocks === undefined || (shadow.count > CHEAP_WALK && (trial.index & 7) !== 0)) return EITHER;
  for (const { ptr, usable, state } of subject.blocks()) {
    if (ptr > target) break;
    if (target >= ptr + usable) continue;
    if (state === "free") return DOUBLE;
    // A quarantined block may end in a fence that usable does not show.
    if (state === "quarantined") return DOUBLE;
    return ptr === target ? undefined : INVALID;
  }
  return header;
}

function tell(trial: Trial, where: BadPlace): string {
  const { picked } = trial;
  if (picked === undefined) return where === "area" ? "an address in the area" : "an address outside";
  const places: Partial<Record<BadPlace, string>> = {
    freed: "the freed",
    interior: "inside",
    unaligned: "unaligned, inside",
    header: "before",
    forged: "after a copied header inside",
  };
  return `${places[where]} ${describeBlock(picked)}`;
}
