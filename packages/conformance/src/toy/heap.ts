/**
 * A small correct allocator, and faults that can be planted into it: what the kit's own tests are about.
 *
 * First fit over a list of chunks kept in JS, with a header word of 16 bytes in the memory before each payload, so that
 * bytes outside payloads change, too. Everything is as slow and as plain as it can be.
 */
import type { Block, Totals } from "@heapwright/core";
import type { Detects, Subject } from "../subject.js";
import { isAlign, isSize, isTag, refuse, ToyError } from "./common.js";
import type { HeapFault } from "./faults.js";
import { type Chunk, encode, freshState, HEADER, MAGIC, START, type State, writeHeader } from "./state.js";

const ALL: readonly Detects[] = ["double-free", "foreign", "interior", "unaligned", "forged"];

/** A toy heap of `bytes` bytes that can grow to four times as much. */
export function toy(fault?: HeapFault, bytes = 8192): Subject {
  return toyOn(freshState(bytes), fault);
}

/** Toys by the memory their descriptors name, and by their snapshots. */
export const states = new WeakMap<object, State>();

/** A toy on a state, which others may be on, too. */
export function toyOn(state: State, fault: HeapFault | undefined): Subject {
  const has = (name: HeapFault): boolean => fault === name;
  const { buffer, chunks } = state;
  states.set(buffer, state);
  const u8 = (): Uint8Array => new Uint8Array(buffer, 0, buffer.byteLength);
  const mark = (chunk: Chunk): void => writeHeader(buffer, chunk);
  let failures = 0;

  const checkArguments = (size: number, align: number, tag: number): void => {
    const excused =
      (has("accepts NaN") && Number.isNaN(size)) ||
      (has("accepts a string as size") && typeof (size as unknown) === "string");
    if (!isSize(size) && !excused) throw refuse("ERR_INVALID_SIZE", size);
    const even = has("accepts alignments that are no powers of two") && align === 24;
    if (!isAlign(align) && !even) throw refuse("ERR_INVALID_ALIGNMENT", align);
    if (!isTag(tag) && !has("accepts any tag")) throw refuse("ERR_INVALID_OPTION", tag);
  };

  /** The live block at `ptr`, or the right error. */
  const live = (ptr: number, freeing = false): Chunk => {
    const found = chunks.find((chunk) => chunk.ptr <= ptr && ptr < chunk.ptr + chunk.bytes);
    if (
      found !== undefined &&
      !found.free &&
      (found.ptr === ptr || (freeing && has("frees at interior pointers") && ptr % 16 === 0))
    ) {
      return found;
    }
    if (has("believes a header forged inside a small block") && found !== undefined && ptr % 16 === 0) {
      const [magic, bytes, free] = new Uint32Array(buffer, ptr - HEADER, 3);
      if (found.bytes <= 64 && magic === MAGIC && bytes > 0 && free === 0) return found;
    }
    if (freeing && has("wipes before it refuses") && found !== undefined && ptr % 16 === 0)
      u8().fill(0, ptr, ptr + 16);
    const dead = found?.free === true && ptr % 16 === 0 && !has("tells a double free from nothing");
    throw refuse(dead ? "ERR_DOUBLE_FREE" : "ERR_INVALID_POINTER", ptr);
  };

  /** Cuts a chunk so that it keeps `need` bytes; the rest is free. */
  const cut = (index: number, need: number): void => {
    const chunk = chunks[index];
    const early = has("splits one granule early") ? 16 : 0;
    const rest = chunk.bytes - need - HEADER;
    if (rest + early < 32) return;
    const keep = has("loses the rest of a split") && rest % 48 === 0 ? chunk.bytes : need;
    if (keep !== need) {
      // The rest belongs to nobody from now on.
      chunk.bytes = need;
      return;
    }
    const next = { ptr: chunk.ptr + need + HEADER - early, bytes: rest + early, size: 0, free: true };
    chunk.bytes = need;
    chunks.splice(index + 1, 0, next);
    mark(next);
  };

  const alloc = (size: number, align: number): number => {
    const rounded = has("wraps sizes near 2^32") ? ((size + 15) & ~15) >>> 0 : Math.ceil(size / 16) * 16;
    const need = Math.max(16, Number.isNaN(rounded) ? 16 : rounded);
    const step = Math.max(16, has("ignores alignments above 64") ? Math.min(align, 64) : align);
    for (const [index, chunk] of chunks.entries()) {
      if (!chunk.free) continue;
      let ptr = Math.ceil(chunk.ptr / step) * step;
      // What lies in front stays a chunk of its own.
      if (ptr - chunk.ptr > 0 && ptr - chunk.ptr < 32) ptr += step;
      if (ptr + need > chunk.ptr + chunk.bytes) continue;
      if (ptr !== chunk.ptr) {
        const front = { ptr: chunk.ptr, bytes: ptr - chunk.ptr - HEADER, size: 0, free: true };
        chunk.bytes -= ptr - chunk.ptr;
        chunk.ptr = ptr;
        chunks.splice(index, 0, front);
        mark(front);
        return take(index + 1, need, size);
      }
      return take(index, need, size);
    }
    return exhausted();
  };

  const take = (index: number, need: number, size: number): number => {
    cut(index, need);
    const chunk = chunks[index];
    chunk.free = false;
    chunk.size = size;
    if (!has("forgets a header")) mark(chunk);
    if (has("writes a footer into the next block"))
      u8().fill(0xee, chunk.ptr + chunk.bytes + HEADER, chunk.ptr + chunk.bytes + HEADER + 4);
    return chunk.ptr;
  };

  const exhausted = (): number => {
    failures++;
    if (has("writes a header for a failed request")) u8()[START + 12] = failures;
    if (has("hands out memory past the end")) return state.end;
    if (has("returns undefined when exhausted")) return undefined as unknown as number;
    if (has("throws when exhausted")) throw new TypeError("Cannot read properties of undefined");
    return 0;
  };

  const zero = (from: number, to: number): void => {
    u8().fill(0, from, to);
  };

  const release = (chunk: Chunk): void => {
    chunk.free = true;
    mark(chunk);
    for (let i = chunks.length - 2; i >= 0; i--) {
      const [left, right] = [chunks[i], chunks[i + 1]];
      if (!left.free || !right.free || left.ptr + left.bytes + HEADER !== right.ptr) continue;
      left.bytes += HEADER + right.bytes;
      chunks.splice(i + 1, 1);
      mark(left);
    }
    const index = chunks.indexOf(chunk);
    if (has("gives slack to a live neighbour") && index > 0 && !chunks[index - 1].free && chunk.bytes > 16) {
      // The neighbour takes 16 bytes it was never asked about.
      chunks[index - 1].bytes += 16;
      chunk.ptr += 16;
      chunk.bytes -= 16;
      mark(chunk);
    }
  };

  const endAll = (): void => {
    for (
      let used = chunks.find(({ free }) => !free);
      used !== undefined;
      used = chunks.find(({ free }) => !free)
    )
      release(used);
  };

  const realloc = (ptr: number, size: number, align: number, tag: number, clean: boolean): number => {
    checkArguments(size, align, tag);
    if (ptr === 0) return clean ? subject.alloc(size, align, tag) : subject.allocUnsafe(size, align, tag);
    const old = live(ptr);
    const oldBytes = old.bytes;
    const saved = u8().slice(ptr, ptr + Math.min(oldBytes, size));
    const fresh = alloc(size, align);
    if (fresh === 0) {
      if (has("frees the old block when realloc fails")) release(old);
      return 0;
    }
    const chunk = chunks.find(({ ptr: at }) => at === fresh);
    if (chunk === undefined) return fresh;
    u8().set(has("loses content in realloc") ? saved.subarray(0, 48) : saved, fresh);
    if (clean && !has("does not zero what realloc adds") && chunk.bytes > oldBytes) {
      zero(fresh + oldBytes, fresh + chunk.bytes);
    }
    if (!has("leaks the old block in realloc")) release(live(ptr));
    return fresh;
  };

  const sum = (free: boolean): number =>
    chunks.reduce((total, chunk) => (chunk.free === free ? total + chunk.bytes : total), 0);

  const subject: Subject = {
    conformance: 1,
    zeroes: true,
    checksArguments: true,
    detects: ALL,
    frees: "any",
    maxAlign: 4096,
    tags: [],
    volatile: [],
    buffer: () => buffer,
    region: () => ({ region: { start: 0, end: state.end }, area: { start: START, end: state.end } }),
    alloc(size, align, tag) {
      checkArguments(size, align, tag);
      const ptr = alloc(size, align);
      if (ptr > 0 && ptr < state.end && !has("does not zero")) zero(ptr, ptr + subject.usableSize(ptr));
      return ptr;
    },
    allocUnsafe(size, align, tag) {
      checkArguments(size, align, tag);
      return alloc(size, align);
    },
    free(ptr) {
      if (ptr === 0) return;
      const dead = chunks.find((chunk) => chunk.free && chunk.ptr === ptr);
      if (has("accepts a double free") && dead !== undefined) return;
      release(live(ptr, true));
    },
    usableSize(ptr) {
      const chunk = live(ptr);
      return has("rounds usable sizes down") ? chunk.size & ~7 : chunk.bytes;
    },
    takenSize: (ptr) => live(ptr).bytes + HEADER,
    goodSize: (size) => (has("rounds usable sizes down") ? size & ~7 : Math.ceil(size / 16) * 16),
    owns: (ptr) =>
      ptr >= START && ptr < (has("owns nothing above the first block") ? START + 1024 : state.end),
    realloc: (ptr, size, align, tag) => realloc(ptr, size, align, tag, true),
    reallocUnsafe: (ptr, size, align, tag) => realloc(ptr, size, align, tag, false),
    dup(bytes, align, tag) {
      const ptr = subject.alloc(Math.max(1, bytes.length), align, tag);
      const copied = has("copies one byte less in dup") ? bytes.subarray(0, -1) : bytes;
      if (ptr > 0 && ptr < state.end) u8().set(copied, ptr);
      return ptr;
    },
    blocks() {
      const blocks = chunks.map<Block>(({ ptr, bytes, size, free }) => ({
        ptr,
        size: free ? bytes : size,
        usable: bytes,
        state: free && !has("lists dead blocks") ? "free" : "used",
        tag: 0,
      }));
      return has("lists blocks out of order") ? blocks.reverse() : blocks;
    },
    check() {
      for (const chunk of chunks) {
        const [magic, length] = new Uint32Array(buffer, chunk.ptr - HEADER, 2);
        if (magic !== MAGIC || length !== chunk.bytes)
          throw new ToyError("ERR_HEAP_CORRUPT", `header of ${chunk.ptr}`);
      }
    },
    totals(): Totals {
      const overhead = chunks.length * (has("counts headers twice") ? 2 : 1) * HEADER;
      const page = has("counts a failed request") ? failures : 0;
      const free = sum(true) - page;
      return {
        capacity: state.end - START,
        used: sum(false),
        free,
        quarantined: 0,
        overhead,
        page,
        pageFree: 0,
      };
    },
    grow(more) {
      if (!isSize(more)) throw refuse("ERR_INVALID_SIZE", more);
      if (has("claims to grow")) return true;
      const { end, most } = state;
      const added = Math.ceil(more / 64) * 64;
      // Somebody else's pages lie behind.
      if (buffer.byteLength !== end && !has("takes somebody else's pages")) return false;
      if (end + added > most) return false;
      if (buffer.byteLength < end + added) buffer.resize(end + added);
      const chunk = { ptr: end + HEADER, bytes: added - HEADER, size: 0, free: false };
      chunks.push(chunk);
      state.end += added;
      release(chunk);
      return true;
    },
    growForeign(more) {
      const grown = Math.ceil((buffer.byteLength + more) / 64) * 64;
      if (grown <= state.most) buffer.resize(grown);
    },
    snapshot() {
      const bytes = encode(state);
      states.set(bytes, state);
      return bytes;
    },
    descriptor: () => ({ heapwright: 1, name: "toy", base: 0, memory: buffer }),
    ...(has("resets without saying so") && { reset: endAll }),
    capabilities: {
      free: "any",
      detects: ALL,
      shared: true,
      grow: !has("grows without saying so"),
      reset: has("claims to be resettable"),
      marks: false,
      maxAlign: 4096,
    },
  };
  return subject;
}
