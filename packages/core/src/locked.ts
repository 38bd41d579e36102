/**
 * The lock as a layer: every primitive runs with the lock held, sizes and totals too (the size of the last chunk is read
 * from words another agent may be changing), and what changes something says so in the journal. Once inside it sees whether another
 * agent has grown the heap.
 */
import { ALLOC, FREE, journalAt, MADE, OP, OTHER, PTR, REALLOC, RESIZE, SIZE, TAG } from "./journal.js";
import type { Memory } from "./memory.js";
import type { Allocator, Inner, Lock } from "./types.js";

/** What the layer needs of the heap. */
export interface LockedSite {
  readonly memory: Memory;
  readonly base: number;
  onRefresh(refresh: () => void): void;
}

/**
 * @param lock Entering also takes fresh views if the heap grew meanwhile.
 * @param handsOut What gets out of here is the user's. Not where a front stands above, which says itself what is on record.
 */
export function locked(inner: Inner, lock: Lock, site: LockedSite, handsOut: boolean): Partial<Allocator> {
  const { alloc, free, resize, usableSize, takenSize, realloc } = inner;
  const { memory, base } = site;
  const journal = journalAt(base);
  let words = memory.u32;
  site.onRefresh(() => {
    words = memory.u32;
  });

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
    "last",
    "growthFor",
    "extend",
    "recover",
  ] as const) {
    const body = inner[key] as ((...args: unknown[]) => unknown) | undefined;
    if (body === undefined) continue;
    const changes = key === "reset" || key === "release" || key === "extend";
    rare[key] = (...args: unknown[]) => {
      lock.enter();
      try {
        if (changes) words[journal + OP] = OTHER;
        return body(...args);
      } finally {
        if (changes) words[journal + OP] = 0;
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
        words[journal + PTR] = 0;
        words[journal + SIZE] = size;
        words[journal + TAG] = tag;
        words[journal + OP] = ALLOC;
        const ptr = alloc(size, align, tag);
        words[journal + OP] = 0;
        // The last store: up to here the block is nobody's.
        if (handsOut) words[journal + MADE] = 0;
        return ptr;
      } catch (error) {
        words[journal + OP] = 0;
        if (handsOut) words[journal + MADE] = 0;
        throw error;
      } finally {
        lock.leave();
      }
    },
    free(ptr) {
      lock.enter();
      try {
        words[journal + PTR] = ptr - base;
        words[journal + OP] = FREE;
        free(ptr);
      } finally {
        words[journal + OP] = 0;
        lock.leave();
      }
    },
    resize(ptr, size) {
      lock.enter();
      try {
        words[journal + PTR] = ptr - base;
        words[journal + SIZE] = size;
        words[journal + OP] = RESIZE;
        return resize(ptr, size);
      } finally {
        words[journal + OP] = 0;
        lock.leave();
      }
    },
    realloc(ptr, size, align, tag) {
      lock.enter();
      try {
        words[journal + PTR] = ptr - base;
        words[journal + SIZE] = size;
        words[journal + TAG] = tag;
        words[journal + OP] = REALLOC;
        const moved = realloc(ptr, size, align, tag);
        words[journal + OP] = 0;
        if (handsOut) words[journal + MADE] = 0;
        return moved;
      } catch (error) {
        words[journal + OP] = 0;
        if (handsOut) words[journal + MADE] = 0;
        throw error;
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
  const { stamp, timeoutMs, enterAsync, takeOver, contention, hasEnded, onRecovered } = lock;
  if (stamp !== undefined) outer.stamp = () => stamp.call(lock);
  if (timeoutMs !== undefined) outer.timeoutMs = timeoutMs;
  if (hasEnded !== undefined) outer.hasEnded = (agent) => hasEnded.call(lock, agent);
  if (onRecovered !== undefined) outer.onRecovered = (report) => onRecovered.call(lock, report);
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
