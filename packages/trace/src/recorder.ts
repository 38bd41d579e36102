/**
 * The layer that records: what came through, written down after it has happened. What was refused, answered with 0 or thrown is not.
 *
 * Everything is in one function's variables, and nothing is called on the way of a call but what stands below: that, and addresses in place of
 * ids, is what makes it cheap. One comparison says that there is something else to do: recording is off, the log is full, the clock is to be
 * read. That has functions of its own, so that the common case stays small: what V8 inlines of a layer it does not inline of the strategy.
 *
 * Price: see the README. Four stores for an `alloc`, a `free` or a `realloc` in place, and one in the heap's memory.
 */
import type { Context, Inner } from "@heapwright/core";
import {
  ALIGN_SHIFT,
  ALLOC,
  ENTRY_WORDS,
  FREE,
  FROM,
  highOf,
  MARK,
  RELEASE,
  RESET,
  RESIZED,
  TIME,
  TO,
  type TracePart,
} from "./log.js";
import type { SettledOptions } from "./options.js";

/** A block that needs no alignment beyond what every block has. */
const PLAIN_ALLOC = ALLOC | (4 << ALIGN_SHIFT);

export interface Recorder {
  readonly allocator: Partial<Inner>;
  readonly isRecording: () => boolean;
  /** Calls that are in the log or in parts handed out. */
  readonly recorded: () => number;
  readonly dropped: () => number;
  readonly failed: () => number;
  start(): void;
  stop(): void;
  /** What is in the log, as a part; with `empties` the log is empty then. */
  part(empties: boolean): TracePart;
}

export function createRecorder(inner: Inner, ctx: Context, options: SettledOptions): Recorder {
  const { alloc, free, resize, realloc, reset, mark, release, tagOf } = inner;
  const { operations, clock, sink } = options;
  const limit = operations * ENTRY_WORDS;
  /** Room for one entry more: two that belong together are never parted. */
  const log = new Int32Array(limit + ENTRY_WORDS);
  const tags = options.tags ? new Uint32Array(operations + 1) : undefined;
  const stampAt = ctx.state >>> 2;
  /** Behind a front others write it at the same time; else an agent that has the lock is alone. */
  const isShared = ctx.shards > 1;
  let words = ctx.memory.i32;
  ctx.onRefresh(() => {
    words = ctx.memory.i32;
  });

  /** Word of the next entry. */
  let next = 0;
  /** From here on `room` is asked; 0 while nothing is recorded. */
  let end = 0;
  /** Up to here the common case writes its entry itself: `end`, or 0 where entries take more than that. */
  let quick = 0;
  let isOn = false;
  let dropped = 0;
  let failed = 0;
  /** Entries in the log that are no call of their own. */
  let extras = 0;
  let handedOut = 0;
  let parts = 0;

  function stamp(): number {
    return isShared ? Atomics.load(words, stampAt) : words[stampAt];
  }

  function nextStamp(): number {
    if (isShared) return Atomics.add(words, stampAt, 1) + 1;
    const value = (words[stampAt] + 1) | 0;
    words[stampAt] = value;
    return value;
  }

  /**
   * Is there room for an entry? Called where `next` has reached `end`.
   * @param at A stamp no later than the entry's: a lane goes by its first one (order.ts).
   */
  function room(at: number): boolean {
    if (!isOn) return false;
    if (next >= limit || dropped > 0) {
      if (sink === undefined) {
        dropped++;
        return false;
      }
      // What it is given is the log itself: a copy would cost more than the recording, as its pages are new ones.
      sink(partOf(log.subarray(0, next), tags?.subarray(0, next / ENTRY_WORDS)));
      empty();
    }
    if (clock === 0) end = limit;
    else {
      const now = Math.round(microseconds());
      write(TIME, now | 0, highOf(now), at);
      extras++;
      end = Math.min(limit, next + clock * ENTRY_WORDS);
    }
    quick = isShared || tags !== undefined ? 0 : end;
    // The reading may have been the last entry there was room for.
    return next < limit || room(at);
  }

  function write(kind: number, first: number, second: number, at: number): void {
    log[next] = kind;
    log[next + 1] = first;
    log[next + 2] = second;
    log[next + 3] = at;
    next += ENTRY_WORDS;
  }

  /** An `alloc` that is not the common case. */
  function made(ptr: number, size: number, align: number, tag: number): number {
    if (ptr === 0) {
      if (isOn) failed++;
    } else if (next < end || room(stamp())) note(ALLOC, ptr, size, align, tag);
    return ptr;
  }

  function ended(ptr: number, before: number): void {
    if (next < end || room(before)) write(FREE, ptr, 0, before);
  }

  /** A block is there, or another size or place. */
  function note(kind: number, ptr: number, size: number, align: number, tag: number): void {
    if (tags !== undefined) tags[next >>> 2] = tag !== 0 || tagOf === undefined ? tag : tagOf(ptr);
    write(kind | ((31 - Math.clz32(align)) << ALIGN_SHIFT), ptr, size, nextStamp());
  }

  function part(empties: boolean): TracePart {
    const made = partOf(log.slice(0, next), tags?.slice(0, next / ENTRY_WORDS));
    if (empties) empty();
    return made;
  }

  function partOf(own: Int32Array, ownTags: Uint32Array | undefined): TracePart {
    return {
      part: 1,
      heap: ctx.heapName,
      agent: ctx.agent,
      number: parts,
      words: own,
      ...(ownTags && { tags: ownTags, names: namesOf(ownTags) }),
      zeroed: options.zeroed,
      dropped,
    };
  }

  /** What is in the log has been handed out. */
  function empty(): void {
    parts++;
    handedOut += next / ENTRY_WORDS - extras;
    extras = 0;
    next = 0;
    // Where some were dropped it stays so: others would follow a gap.
    end = 0;
    quick = 0;
  }

  function namesOf(own: Uint32Array): [number, string][] {
    const known = new Set(own);
    known.delete(0);
    return [...known].map((tag) => [tag, ctx.tagName(tag) ?? `#${tag}`]);
  }

  return {
    allocator: {
      alloc(size, align, tag) {
        const ptr = alloc(size, align, tag);
        if (next >= quick || align !== 16 || ptr === 0) return made(ptr, size, align, tag);
        const at = next;
        next = at + ENTRY_WORDS;
        log[at] = PLAIN_ALLOC;
        log[at + 1] = ptr;
        log[at + 2] = size;
        log[at + 3] = words[stampAt] += 1;
        return ptr;
      },
      free: isShared
        ? (ptr) => {
            const before = stamp();
            free(ptr);
            ended(ptr, before);
          }
        : (ptr) => {
            free(ptr);
            if (next >= quick) ended(ptr, words[stampAt]);
            else {
              const at = next;
              next = at + ENTRY_WORDS;
              log[at] = FREE;
              log[at + 1] = ptr;
              log[at + 3] = words[stampAt];
            }
          },
      resize(ptr, size) {
        if (!resize(ptr, size)) return false;
        if (next < end || room(stamp())) note(RESIZED, ptr, size, 16, 0);
        return true;
      },
      realloc(ptr, size, align, tag) {
        const before = stamp();
        const moved = realloc(ptr, size, align, tag);
        if (moved === 0) {
          if (isOn) failed++;
          return 0;
        }
        if (next >= end && !room(before)) return moved;
        if (moved !== ptr) {
          write(FROM, ptr, 0, before);
          extras++;
        }
        note(moved === ptr ? RESIZED : TO, moved, size, align, tag);
        return moved;
      },
      ...(reset && {
        reset() {
          reset();
          if (next < end || room(stamp())) write(RESET, 0, 0, nextStamp());
        },
      }),
      ...(mark && {
        mark() {
          const value = mark();
          if (next < end || room(stamp())) {
            write(MARK, value | 0, highOf(value), stamp());
            extras++;
          }
          return value;
        },
      }),
      ...(release && {
        release(value) {
          release(value);
          if (next < end || room(stamp())) write(RELEASE, value | 0, highOf(value), nextStamp());
        },
      }),
    },
    isRecording: () => isOn && dropped === 0,
    recorded: () => handedOut + next / ENTRY_WORDS - extras,
    dropped: () => dropped,
    failed: () => failed,
    start() {
      next = 0;
      end = 0;
      quick = 0;
      dropped = 0;
      failed = 0;
      extras = 0;
      handedOut = 0;
      isOn = true;
    },
    stop() {
      isOn = false;
      end = 0;
      quick = 0;
    },
    part,
  };
}

interface Clocks {
  readonly performance?: { readonly timeOrigin: number; now(): number };
}

/** Since 1970, finer than a millisecond where the engine can; the same clock for all agents of a process. */
function microseconds(): number {
  const { performance } = globalThis as Clocks;
  return 1000 * (performance === undefined ? Date.now() : performance.timeOrigin + performance.now());
}
