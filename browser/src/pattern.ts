/** What stands in a block says who wrote it, and where. */
import type { Heap, Tag } from "@heapwright/core";

/** A block on its way from one agent to another. */
export interface Parcel {
  readonly ptr: number;
  readonly size: number;
  /** Who wrote it. */
  readonly by: number;
}

const byteAt = (at: number, by: number): number => (by * 61 + at * 7 + 1) & 255;

export function fill(heap: Heap, { ptr, size, by }: Parcel, from = 0): void {
  const { u8 } = heap.memory;
  for (let at = from; at < size; at++) u8[ptr + at] = byteAt(at, by);
}

/** Is every byte what its writer has left there? */
export function isWhole(heap: Heap, { ptr, size, by }: Parcel): boolean {
  const { u8 } = heap.memory;
  for (let at = 0; at < size; at++) if (u8[ptr + at] !== byteAt(at, by)) return false;
  return true;
}

/** Blocks of this agent, filled. */
export function parcels(heap: Heap, by: number, count: number, tag?: Tag): Parcel[] {
  return Array.from({ length: count }, (_, index) => {
    const parcel = { ptr: heap.alloc(1 + ((index * 37) % 500), 16, tag), size: 1 + ((index * 37) % 500), by };
    if (parcel.ptr === 0) throw new Error("no room");
    fill(heap, parcel);
    return parcel;
  });
}

/** Frees them; how many were not as they had been written. */
export function consume(heap: Heap, received: readonly Parcel[]): number {
  let faults = 0;
  for (const parcel of received) {
    if (!isWhole(heap, parcel)) faults++;
    heap.free(parcel.ptr);
  }
  return faults;
}

/** Numbers that are the same in each run: a function of `seed` that gives integers in 0 … limit - 1. */
export function dice(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}
