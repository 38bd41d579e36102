/**
 * One untimed replay that believes nothing: every answer must be aligned, lie inside the buffer and overlap no live
 * block; callocs must be zero; the first and last bytes of each block must still be there at realloc and free.
 *
 * Overlap is tested on a map with one byte for 8 bytes of the allocator's memory. That is exact, because every
 * allocator here answers multiples of 8. Price: O(bytes asked for / 8), about ten times a timed replay.
 */
import type { Program, Slots } from "./replay.js";
import { OutOfMemory, type Target } from "./targets/target.js";
import { CALLOC, FREE, MALLOC, REALLOC } from "./trace.js";

const GRANULE_LOG2 = 3;
/** How often the clock is looked at, in operations; a slow peer needs microseconds for one. */
const DEADLINE_EVERY = 64;

/** The allocator gave a wrong answer. */
export class WrongAnswer extends Error {
  override name = "WrongAnswer";
}

/** The allocator is not done in time. */
export class TooSlow extends Error {
  override name = "TooSlow";
}

export interface VerifyOptions {
  /** Every block must have at least this alignment. */
  readonly alignment: number;
  /** Milliseconds until {@link TooSlow}. */
  readonly limitMs: number;
}

/** What must be true of the allocator's memory, kept beside it. */
class Shadow {
  readonly #target: Target;
  #buffer: ArrayBufferLike;
  #u8: Uint8Array;
  #map: Uint8Array;

  constructor(target: Target) {
    this.#target = target;
    this.#buffer = target.buffer();
    this.#u8 = new Uint8Array(this.#buffer);
    this.#map = new Uint8Array((this.#buffer.byteLength >>> GRANULE_LOG2) + 1);
  }

  /** Follows a memory that has grown. */
  #refresh(): void {
    const buffer = this.#target.buffer();
    if (buffer === this.#buffer && this.#u8.length > 0) return;
    this.#buffer = buffer;
    this.#u8 = new Uint8Array(buffer);
    const map = new Uint8Array((buffer.byteLength >>> GRANULE_LOG2) + 1);
    map.set(this.#map);
    this.#map = map;
  }

  /** A new block: where it lies, whether it is free there. */
  claim(ptr: number, size: number, align: number): void {
    this.#refresh();
    if (ptr % align !== 0) throw new WrongAnswer(`${ptr} is not ${align}-aligned`);
    if (ptr < 0 || ptr + size > this.#u8.length)
      throw new WrongAnswer(`[${ptr}, ${ptr + size}) is outside the memory`);
    const map = this.#map;
    const end = (ptr + size + 7) >>> GRANULE_LOG2;
    for (let granule = ptr >>> GRANULE_LOG2; granule < end; granule++) {
      if (map[granule] !== 0) throw new WrongAnswer(`[${ptr}, ${ptr + size}) overlaps a live block`);
      map[granule] = 1;
    }
  }

  release(ptr: number, size: number): void {
    this.#map.fill(0, ptr >>> GRANULE_LOG2, (ptr + size + 7) >>> GRANULE_LOG2);
  }

  isZero(ptr: number, size: number): boolean {
    this.#refresh();
    for (let at = ptr; at < ptr + size; at++) if (this.#u8[at] !== 0) return false;
    return true;
  }

  /** Bytewise: a block may be shorter than a word, and its end is any byte. `word` may be longer than `bytes`. */
  write(at: number, bytes: number, word: number): void {
    this.#refresh();
    for (let k = 0; k < bytes; k++) this.#u8[at + k] = word >>> (8 * k);
  }

  holds(at: number, bytes: number, word: number): boolean {
    this.#refresh();
    for (let k = 0; k < bytes; k++) if (this.#u8[at + k] !== ((word >>> (8 * k)) & 255)) return false;
    return true;
  }
}

/** What block `id` is stamped with; differs between ids and sizes. */
function stampOf(id: number, size: number): number {
  return Math.imul(id + 1, 0x9e3779b1) ^ size;
}

/** Bytes stamped at the start and at the end of a block; together never more than the block. */
const headBytes = (size: number): number => Math.min(4, size);
const tailBytes = (size: number): number => Math.min(4, size - headBytes(size));

/** Calls the allocator for operation `i`, which is no free. */
function request(program: Program, target: Target, slots: Slots, i: number): number {
  const size = program.sizes[i];
  switch (program.ops[i]) {
    case MALLOC:
      return target.malloc(size);
    case CALLOC:
      return target.calloc(size);
    case REALLOC:
      return target.realloc(slots[program.ids[i]], size);
    default:
      return target.memalign(program.aligns[i], size);
  }
}

/**
 * Replays the program once and checks every answer. Leaves the surviving blocks in `slots`.
 * @returns milliseconds taken, checks included.
 * @throws {@link WrongAnswer}, {@link TooSlow}, {@link OutOfMemory}
 */
export function verifyReplay(program: Program, target: Target, slots: Slots, options: VerifyOptions): number {
  const { ops, ids, sizes, aligns, length } = program;
  const start = performance.now();
  const shadow = new Shadow(target);
  const held = new Int32Array(program.slots);

  const expectStamps = (ptr: number, id: number): void => {
    const size = held[id];
    const stamp = stampOf(id, size);
    const tail = tailBytes(size);
    if (!shadow.holds(ptr, headBytes(size), stamp) || !shadow.holds(ptr + size - tail, tail, stamp)) {
      throw new WrongAnswer(`the content of the block at ${ptr} (${size} bytes) has changed`);
    }
  };
  const step = (i: number): void => {
    const id = ids[i];
    const op = ops[i];
    const size = sizes[i];
    const old = slots[id];
    if (op === FREE || op === REALLOC) {
      expectStamps(old, id);
      shadow.release(old, held[id]);
    }
    if (op === FREE) {
      slots[id] = 0;
      target.free(old);
      return;
    }
    const ptr = request(program, target, slots, i);
    if (ptr === 0) throw new OutOfMemory(`${size} bytes`);
    shadow.claim(ptr, size, Math.max(options.alignment, aligns[i]));
    if (op === CALLOC && !shadow.isZero(ptr, size))
      throw new WrongAnswer("calloc gave a block that is not zero");
    if (op === REALLOC) {
      if (size >= held[id]) expectStamps(ptr, id);
      else if (!shadow.holds(ptr, headBytes(size), stampOf(id, held[id])))
        throw new WrongAnswer("realloc lost the content");
    }
    const tail = tailBytes(size);
    shadow.write(ptr, headBytes(size), stampOf(id, size));
    shadow.write(ptr + size - tail, tail, stampOf(id, size));
    held[id] = size;
    slots[id] = ptr;
  };

  for (let i = 0; i < length; i++) {
    if (i % DEADLINE_EVERY === 0 && performance.now() - start > options.limitMs) {
      throw new TooSlow(`${Math.round((100 * i) / length)} % done after ${options.limitMs} ms`);
    }
    try {
      step(i);
    } catch (error) {
      if (error instanceof Error) error.message += ` at operation ${i}`;
      throw error;
    }
  }
  target.check?.();
  return performance.now() - start;
}
