/**
 * The lock as a layer: every primitive runs with the lock held, sizes and totals too (the size of the last chunk is read
 * from words another agent may be changing). Once inside it sees whether another agent has grown the heap.
 */
import type { Allocator, Inner, Lock } from "./types.js";

/** @param lock Entering also takes fresh views if the heap grew meanwhile. */
export function locked(inner: Inner, lock: Lock): Partial<Allocator> {
  const { alloc, free, resize, usableSize, takenSize, realloc } = inner;
  const rare: Partial<Record<keyof Allocator, unknown>> = {};
  for (const key of [
    "reset",
    "mark",
    "release",
    "walk",
    "check",
    "totals",
    "tagOf",
    "largestFree",
    "growthFor",
    "extend",
  ] as const) {
    const body = inner[key] as ((...args: unknown[]) => unknown) | undefined;
    if (body === undefined) continue;
    rare[key] = (...args: unknown[]) => {
      lock.enter();
      try {
        return body(...args);
      } finally {
        lock.leave();
      }
    };
  }
  // The frequent ones are spelled out: rest arguments cost an array a call.
  return {
    ...(rare as Partial<Allocator>),
    alloc(size, align, tag) {
      lock.enter();
      try {
        return alloc(size, align, tag);
      } finally {
        lock.leave();
      }
    },
    free(ptr) {
      lock.enter();
      try {
        free(ptr);
      } finally {
        lock.leave();
      }
    },
    resize(ptr, size) {
      lock.enter();
      try {
        return resize(ptr, size);
      } finally {
        lock.leave();
      }
    },
    realloc(ptr, size, align, tag) {
      lock.enter();
      try {
        return realloc(ptr, size, align, tag);
      } finally {
        lock.leave();
      }
    },
    usableSize(ptr) {
      lock.enter();
      try {
        return usableSize(ptr);
      } finally {
        lock.leave();
      }
    },
    takenSize(ptr) {
      lock.enter();
      try {
        return takenSize(ptr);
      } finally {
        lock.leave();
      }
    },
  };
}
