/**
 * A small correct stack of blocks, and faults that can be planted into it: frees only the block made last, has marks and a reset.
 *
 *     |header word|payload|header word|payload|…|top        payloads begin at multiples of 16 and end 4 bytes before one
 *
 * A realloc of the last block is in place; another one leaves a copy on top, and its old bytes are lost until a release or reset.
 */
import type { Block, Totals } from "@heapwright/core";
import type { Subject } from "../subject.js";
import { isAlign, isSize, isTag, refuse, resizable, ToyError } from "./common.js";
import type { StackFault } from "./faults.js";

interface Entry {
  readonly ptr: number;
  bytes: number;
  size: number;
}

const START = 64;
const HEADER = 4;
const MAX_ALIGN = 256;
const MAGIC = 0x5a000000;

/** A toy stack of `bytes` bytes. */
export function stackToy(fault?: StackFault, bytes = 8192): Subject {
  return stackOn(new Uint8Array(resizable(bytes)), [], START, fault);
}

/** The stack a snapshot was made of: three words for each block, the top and how many there are follow the region's bytes. */
export function restoreStack(snapshot: Uint8Array): Subject {
  const words = new Uint32Array(snapshot.slice().buffer);
  const [top, count] = words.subarray(-2);
  const first = words.length - 2 - count * 3;
  const live = Array.from({ length: count }, (_, i) => {
    const [ptr, bytes, size] = words.subarray(first + i * 3, first + i * 3 + 3);
    return { ptr, bytes, size };
  });
  const u8 = new Uint8Array(resizable(first * 4));
  u8.set(snapshot.subarray(0, first * 4));
  return stackOn(u8, live, top, undefined);
}

/** `live` has the live blocks in address order, which is the order they were made in. */
function stackOn(u8: Uint8Array, live: Entry[], top: number, fault: StackFault | undefined): Subject {
  const has = (name: StackFault): boolean => fault === name;
  const buffer = u8.buffer as ArrayBuffer;
  const u32 = new Uint32Array(buffer);
  const bytes = u8.length;

  const usableFor = (size: number): number => Math.ceil((size + HEADER) / 16) * 16 - HEADER;
  const endOf = ({ ptr, bytes: usable }: Entry): number => ptr + usable;
  const writeHeader = ({ ptr, bytes: usable }: Entry): void => {
    u32[(ptr - HEADER) >>> 2] = MAGIC + usable;
  };

  const checkArguments = (size: number, align: number, tag: number): void => {
    if (!isSize(size)) throw refuse("ERR_INVALID_SIZE", size);
    if (!isAlign(align)) throw refuse("ERR_INVALID_ALIGNMENT", align);
    if (align > MAX_ALIGN && !has("aligns further than it says")) throw refuse("ERR_UNSUPPORTED", align);
    if (!isTag(tag)) throw refuse("ERR_INVALID_OPTION", tag);
  };

  /** The live block at `ptr`, or the right error. */
  const find = (ptr: number): Entry => {
    const found = live.find((block) => block.ptr === ptr);
    if (found !== undefined) return found;
    throw refuse(
      ptr % 16 === 0 && ptr >= top && ptr < bytes ? "ERR_DOUBLE_FREE" : "ERR_INVALID_POINTER",
      ptr,
    );
  };

  const push = (size: number, align: number): number => {
    const step = Math.max(16, align);
    const ptr = Math.ceil((top + HEADER) / step) * step;
    const block = { ptr, bytes: usableFor(size), size };
    if (endOf(block) > bytes) return 0;
    live.push(block);
    top = endOf(block);
    writeHeader(block);
    return ptr;
  };

  const alloc = (size: number, align: number, tag: number, clean: boolean): number => {
    checkArguments(size, align, tag);
    const ptr = push(size, align);
    if (ptr !== 0 && clean) u8.fill(0, ptr, top);
    return ptr;
  };

  const realloc = (ptr: number, size: number, align: number, tag: number, clean: boolean): number => {
    if (ptr === 0) return alloc(size, align, tag, clean);
    checkArguments(size, align, tag);
    const block = find(ptr);
    const before = block.bytes;
    let moved = ptr;
    if (block === live.at(-1) && ptr % Math.max(16, align) === 0) {
      if (ptr + usableFor(size) > bytes) return 0;
      block.bytes = usableFor(size);
      block.size = size;
      top = endOf(block);
      writeHeader(block);
    } else {
      moved = push(size, align);
      if (moved === 0) return 0;
      u8.copyWithin(moved, ptr, ptr + Math.min(before, size));
      if (!has("keeps the old block when realloc moves")) live = live.filter((other) => other !== block);
    }
    if (clean) u8.fill(0, Math.min(moved + before, top), top);
    return moved;
  };

  const release = (mark: number): void => {
    const isMark = Number.isInteger(mark) && mark >= START && mark < bytes;
    if (!isMark || (mark > top && !has("releases to marks beyond the top")))
      throw refuse("ERR_INVALID_OPTION", mark);
    const kept = live.filter(({ ptr }) => ptr < mark);
    if (has("ends a block made before the mark")) kept.pop();
    const ended = live.find(({ ptr }) => ptr >= mark);
    if (has("keeps a block alive at release") && ended !== undefined) kept.push(ended);
    live = kept;
    const last = live.at(-1);
    if (has("cuts a block that grew past the mark")) {
      if (last !== undefined) last.bytes = Math.min(last.bytes, Math.max(12, mark - last.ptr));
      top = mark;
    } else if (!has("gives nothing back at release")) {
      top = Math.max(mark, last === undefined ? START : endOf(last));
    }
  };

  const subject: Subject = {
    conformance: 1,
    zeroes: true,
    checksArguments: true,
    detects: ["double-free", "foreign", "interior", "unaligned", "forged"],
    frees: "last",
    maxAlign: MAX_ALIGN,
    tags: [],
    volatile: [],
    buffer: () => buffer,
    region: () => ({ region: { start: 0, end: bytes }, area: { start: START, end: bytes } }),
    alloc: (size, align, tag) => alloc(size, align, tag, true),
    allocUnsafe: (size, align, tag) => alloc(size, align, tag, false),
    free(ptr) {
      if (ptr === 0) return;
      const block = find(ptr);
      if (block !== live.at(-1)) {
        if (has("wipes a block it does not free")) u8[ptr] ^= 255;
        if (!has("frees blocks below the last one")) throw refuse("ERR_UNSUPPORTED", ptr);
      }
      live = live.filter((other) => other !== block);
      top = block.ptr - HEADER;
    },
    usableSize: (ptr) => find(ptr).bytes,
    takenSize: (ptr) => find(ptr).bytes + HEADER,
    goodSize: usableFor,
    owns: (ptr) => ptr >= START && ptr < bytes,
    realloc: (ptr, size, align, tag) => realloc(ptr, size, align, tag, true),
    reallocUnsafe: (ptr, size, align, tag) => realloc(ptr, size, align, tag, false),
    dup(from, align, tag) {
      const ptr = alloc(Math.max(1, from.length), align, tag, true);
      if (ptr !== 0) u8.set(from, ptr);
      return ptr;
    },
    reset() {
      live = has("leaves a block at reset") ? live.slice(0, 1) : [];
      top = live[0] === undefined ? START : endOf(live[0]);
    },
    mark: () => top,
    release,
    snapshot() {
      const words = [
        ...live.flatMap(({ ptr, bytes: usable, size }) => [ptr, usable, size]),
        top,
        live.length,
      ];
      const copy = new Uint8Array(bytes + words.length * 4);
      copy.set(u8);
      copy.set(new Uint8Array(new Uint32Array(words).buffer), bytes);
      return copy;
    },
    *blocks(): IterableIterator<Block> {
      for (const { ptr, size, bytes: usable } of live) yield { ptr, size, usable, state: "used", tag: 0 };
      if (top < bytes) yield { ptr: top, size: bytes - top, usable: bytes - top, state: "free", tag: 0 };
    },
    check() {
      for (const block of live) {
        if (u32[(block.ptr - HEADER) >>> 2] !== MAGIC + block.bytes)
          throw new ToyError("ERR_HEAP_CORRUPT", `header of ${block.ptr}`);
      }
    },
    totals(): Totals {
      const used = live.reduce((sum, block) => sum + block.bytes, 0);
      const free = bytes - top;
      const capacity = bytes - START;
      return { capacity, used, free, quarantined: 0, overhead: capacity - used - free, page: 0, pageFree: 0 };
    },
  };
  return subject;
}
