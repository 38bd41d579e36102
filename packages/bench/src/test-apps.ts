/** Apps whose allocations are recorded, for tests; each keeps its own account of what it asked for. */
import type { Align, Heap } from "@heapwright/core";
import { between, seeded } from "./random.js";

/** What was asked of a heap and given, counted where the asking is. */
export class Account {
  readonly counts = { malloc: 0, calloc: 0, memalign: 0, realloc: 0, free: 0 };
  peakBytes = 0;
  #liveBytes = 0;
  readonly #sizes = new Map<number, number>();
  readonly #heap: Heap;

  constructor(heap: Heap) {
    this.#heap = heap;
  }

  alloc(size: number, align: Align = 16): number {
    return this.#made(align > 16 ? "memalign" : "malloc", this.#heap.allocUnsafe(size, align), size);
  }

  realloc(ptr: number, size: number): number {
    const moved = this.#heap.reallocUnsafe(ptr, size);
    this.#liveBytes -= this.#sizes.get(ptr) ?? Number.NaN;
    this.#sizes.delete(ptr);
    return this.#made("realloc", moved, size);
  }

  free(ptr: number): void {
    this.#heap.free(ptr);
    this.#liveBytes -= this.#sizes.get(ptr) ?? Number.NaN;
    this.#sizes.delete(ptr);
    this.counts.free++;
  }

  #made(call: keyof Account["counts"], ptr: number, size: number): number {
    if (ptr === 0) throw new Error(`no ${size} bytes`);
    this.counts[call]++;
    this.#sizes.set(ptr, size);
    this.#liveBytes += size;
    this.peakBytes = Math.max(this.peakBytes, this.#liveBytes);
    return ptr;
  }
}

/** Any size, any order; some blocks are alive at the end. */
function randomly(heap: Account): void {
  const random = seeded(11);
  const live: number[] = [];
  for (let step = 0; step < 12_000; step++) {
    const dice = between(random, 0, 9);
    const size = between(random, 1, between(random, 0, 19) === 0 ? 20_000 : 400);
    const at = between(random, 0, Math.max(0, live.length - 1));
    if (live.length < 30 || dice < 5) live.push(heap.alloc(size, dice === 0 ? 256 : 16));
    else if (dice === 5) live[at] = heap.realloc(live[at], size);
    else heap.free(live.splice(at, 1)[0]);
  }
}

/** A cache of texts by key: what was not asked for longest makes room for what is new. A larger text is put in its entry's place. */
function cache(heap: Account): void {
  const random = seeded(12);
  const entries = new Map<number, { readonly node: number; text: number; bytes: number }>();
  let held = 0;
  for (let request = 0; request < 15_000; request++) {
    const key = Math.floor(4000 * random() ** 2);
    const entry = entries.get(key);
    const bytes = between(random, 20, 900);
    if (entry !== undefined) {
      entries.delete(key);
      entries.set(key, entry);
      if (between(random, 0, 3) > 0) continue;
      entry.text = heap.realloc(entry.text, bytes);
      held += bytes - entry.bytes;
      entry.bytes = bytes;
    } else {
      entries.set(key, { node: heap.alloc(48), text: heap.alloc(bytes), bytes });
      held += bytes;
    }
    for (const [oldest, { node, text, bytes }] of entries) {
      if (held < 300_000) break;
      heap.free(text);
      heap.free(node);
      entries.delete(oldest);
      held -= bytes;
    }
  }
  for (const { node, text } of entries.values()) {
    heap.free(node);
    heap.free(text);
  }
}

/** Entities and components: columns for SIMD that double, records of those who come and go, a scratch block a frame. */
function entities(heap: Account): void {
  const random = seeded(13);
  const columns = [4, 12, 16, 64].map((bytes) => ({ bytes, ptr: heap.alloc(64 * bytes, 64) }));
  let capacity = 64;
  const records: number[] = [];
  for (let frame = 0; frame < 900; frame++) {
    const scratch = heap.alloc(between(random, 100, 6000), 32);
    const born = between(random, 0, frame < 600 ? 12 : 4);
    for (let one = 0; one < born; one++) records.push(heap.alloc(between(random, 24, 160)));
    const died = Math.min(records.length, between(random, 0, 8));
    for (let one = 0; one < died; one++)
      heap.free(records.splice(between(random, 0, records.length - 1), 1)[0]);
    if (records.length > capacity) {
      capacity *= 2;
      for (const column of columns) column.ptr = heap.realloc(column.ptr, capacity * column.bytes);
    }
    heap.free(scratch);
  }
}

export const APPS = { randomly, cache, entities };
