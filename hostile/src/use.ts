/** What is asked of a heap that could be opened: everything, with known and with random pointers, a bounded number of times. */
import { HEAP_ERROR_CODES, type Heap, isHeapError } from "@heapwright/core";
import type { Random } from "./random.js";

const STEPS = 48;

/** Something that must not be. */
export class Violation extends Error {}

/** @throws Violation unless it is an error that says what is wrong. */
export function expectClear(error: unknown, what: string): void {
  // Plugins refuse options with a RangeError of their own, and the same codes.
  const { code, message } = error as { readonly code?: unknown; readonly message: string };
  const isOurs = isHeapError(error) || error instanceof RangeError;
  if (isOurs && typeof code === "string" && code in HEAP_ERROR_CODES && message.length > 10) return;
  throw new Violation(`${what}: ${error instanceof Error ? error.stack : String(error)}`);
}

export interface Use {
  readonly heap: Heap;
  readonly live: readonly number[];
  readonly random: Random;
  /** The heap was found sound: what it does is held to that. */
  readonly sound: boolean;
  readonly step: (what: string) => void;
}

interface Marks {
  mark(): number;
  release(mark: number): void;
}

/** @throws Violation */
export function use({ heap, live, random, sound, step }: Use): void {
  const known = [...live];
  const mine: { ptr: number; usable: number; byte: number }[] = [];
  const marks: number[] = [];
  const { arena, stats, strict, slab } = heap as unknown as {
    readonly arena?: Marks;
    readonly stats?: Record<string, unknown>;
    readonly strict?: { leaks(): unknown };
    readonly slab?: { trim(): void };
  };
  let refusedGrowth = false;

  const anyPtr = (): number => {
    if (random.below(3) > 0 && known.length > 0) return random.pick(known);
    if (random.below(2) === 0) return random.next();
    return heap.region.base + random.below(heap.region.bytes + 64);
  };
  const inside = (ptr: number, usable: number, what: string): void => {
    const { areaStart, areaEnd } = heap.region;
    if (ptr >= areaStart && ptr + usable <= areaEnd && ptr % 16 === 0) return;
    throw new Violation(
      `${what} gave ${ptr}, of ${usable} bytes, in an area from ${areaStart} to ${areaEnd}`,
    );
  };
  const attempt = (what: string, work: () => void): void => {
    step(what);
    try {
      work();
    } catch (error) {
      if (error instanceof Violation) throw error;
      expectClear(error, what);
      const isCorrupt = isHeapError(error) && error.code === "ERR_HEAP_CORRUPT";
      if (sound && isCorrupt) throw new Violation(`${what}, though all was sound: ${error.stack}`);
    }
  };
  const note = (ptr: number, size: number, what: string): void => {
    if (ptr === 0) return;
    const usable = heap.usableSize(ptr);
    inside(ptr, usable, what);
    if (sound && usable < size) throw new Violation(`${what} of ${size} gave ${usable} bytes`);
    known.push(ptr);
    const byte = random.below(256);
    mine.push({ ptr, usable, byte });
    heap.memory.u8.fill(byte, ptr, ptr + usable);
  };
  const forget = (ptr: number): void => {
    const at = mine.findIndex((block) => block.ptr === ptr);
    if (at >= 0) mine.splice(at, 1);
  };
  const sizeFor = (): number =>
    random.below(10) === 0 ? random.next() || 1 : 1 + random.below(random.pick([64, 600, 5000]));

  for (let i = 0; i < STEPS; i++) {
    const size = sizeFor();
    const ptr = anyPtr();
    const align = random.pick([16, 16, 16, 64, 4096] as const);
    switch (random.below(26)) {
      case 0:
      case 1:
      case 2:
      case 3:
        attempt(`alloc(${size})`, () => note(heap.alloc(size), size, "alloc"));
        break;
      case 4:
      case 5:
        attempt(`allocUnsafe(${size}, ${align})`, () =>
          note(heap.allocUnsafe(size, align), size, "allocUnsafe"),
        );
        break;
      case 6:
      case 7:
      case 8:
      case 9:
      case 10:
        attempt(`free(${ptr})`, () => {
          heap.free(ptr);
          forget(ptr);
        });
        break;
      case 11:
      case 12:
        attempt(`realloc(${ptr}, ${size}, ${align})`, () => {
          const moved = heap.realloc(ptr, size, align);
          if (moved !== 0) forget(ptr);
          note(moved, size, "realloc");
        });
        break;
      case 13:
        attempt(`usableSize(${ptr})`, () => inside(ptr, heap.usableSize(ptr), "usableSize"));
        break;
      case 14:
        attempt(`takenSize(${ptr})`, () => void heap.takenSize(ptr));
        break;
      case 15:
        attempt("blocks()", () => {
          for (const block of heap.blocks()) {
            inside(block.ptr, block.usable, "blocks");
            if (block.state === "used") known.push(block.ptr);
          }
        });
        break;
      case 16:
        attempt("check()", () => heap.check());
        break;
      case 17:
        attempt("dump()", () => void heap.dump());
        break;
      case 18:
        attempt("sizes", () => void [heap.capacity, heap.usedBytes, heap.freeBytes, heap.pageFreeBytes]);
        break;
      case 19:
        attempt("recover(1)", () => void heap.recover(1));
        break;
      case 20:
        if (refusedGrowth) break;
        attempt("grow(4096)", () => {
          refusedGrowth = !heap.grow(4096);
        });
        break;
      case 21:
        attempt(`allocArray(${size & 1023})`, () => {
          const view = heap.allocArray(Float64Array, size & 1023);
          inside(view.byteOffset, view.byteLength, "allocArray");
          known.push(view.byteOffset);
        });
        break;
      case 22:
        attempt(`read(${ptr}, ${size})`, () => void heap.read(ptr, size & 0xffff));
        break;
      case 23:
        if (stats !== undefined) attempt("stats", () => readAll(stats));
        if (strict !== undefined) attempt("leaks()", () => void strict.leaks());
        slab !== undefined && attempt("trim()", () => slab.trim());
        break;
      case 24:
        if (arena === undefined) break;
        if (random.below(2) === 0) attempt("mark()", () => void marks.push(arena.mark()));
        else {
          const mark = random.below(3) === 0 || marks.length === 0 ? random.next() : random.pick(marks);
          attempt(`release(${mark})`, () => {
            arena.release(mark);
            mine.length = 0;
          });
        }
        break;
      default:
        if (random.below(6) > 0) break;
        attempt("reset()", () => {
          heap.reset?.();
          if (heap.reset !== undefined) mine.length = 0;
        });
    }
    if (!sound) continue;
    for (const { ptr: at, usable, byte } of mine) {
      const { u8 } = heap.memory;
      if (u8[at] !== byte || u8[at + usable - 1] !== byte)
        throw new Violation(`the block at ${at} was overwritten, though all was sound`);
    }
  }
  if (sound) attempt("check() at the end", () => heap.check());
  attempt("detach()", () => heap.detach());
}

/** Every figure, whatever it is called. */
function readAll(stats: Record<string, unknown>): void {
  for (const key of Object.keys(stats)) void JSON.stringify(stats[key]);
  if (typeof stats.table === "function") stats.table();
}
