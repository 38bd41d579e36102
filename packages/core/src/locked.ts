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

/**
 * The lock with a look, each time this agent gets in, at what changed while it was out.
 * @param synchronise Takes fresh views if the heap grew. What it throws is thrown with the lock left.
 */
export function synchronised(lock: Lock, synchronise: () => void): Lock {
  const synchroniseOrLeave = (): void => {
    try {
      synchronise();
    } catch (failure) {
      lock.leave();
      throw failure;
    }
  };
  const outer: { -readonly [Member in keyof Lock]: Lock[Member] } = {
    enter() {
      lock.enter();
      synchroniseOrLeave();
    },
    tryEnter() {
      if (!lock.tryEnter()) return false;
      synchroniseOrLeave();
      return true;
    },
    leave: () => lock.leave(),
  };
  const { stamp, timeoutMs, enterAsync, takeOver, contention } = lock;
  if (stamp !== undefined) outer.stamp = () => stamp.call(lock);
  if (timeoutMs !== undefined) outer.timeoutMs = timeoutMs;
  if (contention !== undefined) outer.contention = () => contention.call(lock);
  // Who calls it looks itself: it also has to see whether this agent has left the heap meanwhile.
  if (enterAsync !== undefined) outer.enterAsync = (limitMs) => enterAsync.call(lock, limitMs);
  if (takeOver !== undefined) {
    outer.takeOver = (holder) => {
      if (!takeOver.call(lock, holder)) return false;
      synchroniseOrLeave();
      return true;
    };
  }
  return outer;
}
