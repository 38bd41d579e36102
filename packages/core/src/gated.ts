/**
 * The gate as a layer, outermost where there is a front: what an agent asks for a block runs inside its own gate, what is about all
 * blocks with every gate closed and the lock held. What changes something says so in the agent's journal.
 *
 * The bodies are locked.ts's, and meant to be: a function that two layers share has two callees at each call, and is inlined into neither.
 */
import type { Assembly } from "./assemble.js";
import type { Gates } from "./gates.js";
import { ALLOC, FREE, MADE, OP, OTHER, PTR, REALLOC, RESIZE, SIZE, TAG } from "./journal.js";
import type { LockedSite } from "./locked.js";
import type { Allocator, Inner } from "./types.js";

/** `exclusive`: runs its argument while the heap stands still; `again`: so, if it was a front that asked for that, else throws on. */
export function gated(
  inner: Inner,
  gates: Gates,
  { exclusive, again }: Pick<Assembly, "exclusive" | "again">,
  site: LockedSite,
): Partial<Allocator> {
  const { alloc, free, resize, usableSize, takenSize, realloc, tagOf } = inner;
  const { own } = gates;
  const { memory, base } = site;
  const journal = gates.journal(gates.shard);
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
    "largestFree",
    "last",
    "growthFor",
    "extend",
    "recover",
  ] as const) {
    const body = inner[key] as ((...args: unknown[]) => unknown) | undefined;
    if (body === undefined) continue;
    const changes = key === "reset" || key === "release" || key === "extend";
    rare[key] = (...args: unknown[]) =>
      exclusive(() => {
        try {
          if (changes) words[journal + OP] = OTHER;
          return body(...args);
        } finally {
          if (changes) words[journal + OP] = 0;
        }
      });
  }
  const layer: Partial<Allocator> & Pick<Inner, "alloc" | "realloc"> = {
    ...(rare as Partial<Allocator>),
    alloc(size, align, tag) {
      let failure: unknown;
      own.enter();
      try {
        words[journal + PTR] = 0;
        words[journal + SIZE] = size;
        words[journal + TAG] = tag;
        words[journal + OP] = ALLOC;
        const ptr = alloc(size, align, tag);
        words[journal + OP] = 0;
        // The last store: up to here the block is nobody's.
        words[journal + MADE] = 0;
        return ptr;
      } catch (error) {
        words[journal + OP] = 0;
        words[journal + MADE] = 0;
        failure = error;
      } finally {
        own.leave();
      }
      // Whoever has entered before makes the call again.
      if (gates.isInside()) throw failure;
      return again(failure, () => layer.alloc(size, align, tag));
    },
    free(ptr) {
      own.enter();
      try {
        words[journal + PTR] = ptr - base;
        words[journal + OP] = FREE;
        free(ptr);
      } finally {
        words[journal + OP] = 0;
        own.leave();
      }
    },
    resize(ptr, size) {
      own.enter();
      try {
        words[journal + PTR] = ptr - base;
        words[journal + SIZE] = size;
        words[journal + OP] = RESIZE;
        return resize(ptr, size);
      } finally {
        words[journal + OP] = 0;
        own.leave();
      }
    },
    realloc(ptr, size, align, tag) {
      let failure: unknown;
      own.enter();
      try {
        words[journal + PTR] = ptr - base;
        words[journal + SIZE] = size;
        words[journal + TAG] = tag;
        words[journal + OP] = REALLOC;
        const moved = realloc(ptr, size, align, tag);
        words[journal + OP] = 0;
        words[journal + MADE] = 0;
        return moved;
      } catch (error) {
        words[journal + OP] = 0;
        words[journal + MADE] = 0;
        failure = error;
      } finally {
        own.leave();
      }
      if (gates.isInside()) throw failure;
      return again(failure, () => layer.realloc(ptr, size, align, tag));
    },
    usableSize(ptr) {
      own.enter();
      try {
        return usableSize(ptr);
      } finally {
        own.leave();
      }
    },
    takenSize(ptr) {
      own.enter();
      try {
        return takenSize(ptr);
      } finally {
        own.leave();
      }
    },
    ...(tagOf && {
      tagOf(ptr) {
        own.enter();
        try {
          return tagOf(ptr);
        } finally {
          own.leave();
        }
      },
    }),
  };
  return layer;
}
