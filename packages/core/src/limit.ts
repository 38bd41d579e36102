/**
 * `limit({ bytes })`: a heap that refuses to hold more than so many bytes.
 *
 * Counts usable bytes, in one word of the plugin's state, so that all agents share the limit. A request is refused (0) before
 * it is made if the bytes in use and its good size (whole pages for an alignment of 4096) would pass the limit; a block may
 * come out larger than its good size by less than a chunk header and 16 bytes, and that counts too. Behind a front the bytes a request may
 * take are counted before it is made, so that two agents at once cannot pass the limit together.
 *
 * Price: one `goodSize` and one `usableSize` per allocation, one `usableSize` per free.
 */
import { HeapError, isUint32, show } from "./errors.js";
import { GRANULE, PAGE } from "./header.js";
import type { Allocator, Plugin } from "./types.js";

export interface LimitApi {
  /** Usable bytes of all blocks now. */
  readonly usedBytes: number;
  readonly limitBytes: number;
}

/** @throws HeapError `ERR_INVALID_OPTION` unless `bytes` is an integer in 1 … 2^32 - 1. */
export function limit(options: { readonly bytes: number }): Plugin<"limit", LimitApi> {
  const bytes: unknown = options?.bytes;
  if (!isUint32(bytes) || bytes === 0) {
    throw new HeapError(
      "ERR_INVALID_OPTION",
      `limit: bytes must be an integer in 1 … 2^32 - 1, not ${show(bytes)}`,
    );
  }
  return {
    abi: 1,
    name: "limit",
    version: 1,
    phase: "limit",
    concurrent: true,
    options: { bytes },
    stateBytes: 4,
    create(inner, ctx) {
      const { alloc, free, resize, realloc, usableSize, goodSize, reset, release, walk, recover } = inner;
      const most = ctx.options.bytes as number;
      const used = ctx.state >>> 2;
      let words = ctx.memory.u32;
      ctx.onRefresh(() => {
        words = ctx.memory.u32;
      });
      /** What a block of `size` bytes will count: a page run has whole pages. */
      const expected = (size: number, pages: boolean): number =>
        pages ? Math.ceil(size / PAGE) * PAGE : goodSize(size);
      /** How much larger the block is expected to become. */
      const growth = (ptr: number, before: number, size: number, align: number): number =>
        Math.max(0, expected(size, align === PAGE || (ptr % PAGE === 0 && before % PAGE === 0)) - before);
      const inUse = (): number => words[used] as number;
      const isShared = ctx.shards > 1;
      const add = (delta: number): void => {
        if (isShared) Atomics.add(words, used, delta);
        else words[used] = inUse() + delta;
      };
      /** May so many bytes be taken? Where others ask at the same time, they count from here on. */
      const reserve = (bytes: number): boolean => {
        if (bytes === 0) return true;
        if (!isShared) return inUse() + bytes <= most;
        for (;;) {
          const seen = Atomics.load(words, used);
          if (seen + bytes > most) return false;
          if (Atomics.compareExchange(words, used, seen, seen + bytes) === seen) return true;
        }
      };
      /** What was reserved has become this. */
      const settle = (reserved: number, taken: number): void => add(isShared ? taken - reserved : taken);
      /** What is left is in use. */
      const recount = (walk: NonNullable<Allocator["walk"]>): void => {
        let sum = 0;
        walk(({ state, usable }) => {
          if (state === "used" || state === "page") sum += usable;
        });
        words[used] = sum;
      };
      return {
        allocator: {
          alloc(size, align, tag) {
            const reserved = expected(size, align === PAGE);
            if (!reserve(reserved)) return 0;
            let ptr = 0;
            try {
              ptr = alloc(size, align, tag);
            } finally {
              settle(reserved, ptr === 0 ? 0 : usableSize(ptr));
            }
            return ptr;
          },
          free(ptr) {
            const usable = usableSize(ptr);
            free(ptr);
            add(-usable);
          },
          resize(ptr, size) {
            const before = usableSize(ptr);
            const reserved = growth(ptr, before, size, GRANULE);
            if (!reserve(reserved)) return false;
            let done = false;
            try {
              done = resize(ptr, size);
            } finally {
              settle(reserved, done ? usableSize(ptr) - before : 0);
            }
            return done;
          },
          realloc(ptr, size, align, tag) {
            const before = usableSize(ptr);
            const reserved = growth(ptr, before, size, align);
            if (!reserve(reserved)) return 0;
            let moved = 0;
            try {
              moved = realloc(ptr, size, align, tag);
            } finally {
              settle(reserved, moved === 0 ? 0 : usableSize(moved) - before);
            }
            return moved;
          },
          ...(recover &&
            walk && {
              recover(interrupted) {
                recover(interrupted);
                recount(walk);
              },
            }),
          ...(release &&
            walk && {
              release(mark) {
                release(mark);
                recount(walk);
              },
            }),
          ...(reset && {
            reset() {
              reset();
              words[used] = 0;
            },
          }),
        },
        api: {
          get usedBytes() {
            ctx.sync();
            return inUse();
          },
          limitBytes: most,
        },
      };
    },
  };
}
