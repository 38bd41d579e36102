/**
 * `limit({ bytes })`: a heap that refuses to hold more than so many bytes.
 *
 * Counts usable bytes, in one word of the plugin's state, so that all agents share the limit. A request is refused (0) before
 * it is made if the bytes in use and its good size (whole pages for an alignment of 4096) would pass the limit; a block may
 * come out larger than its good size by less than a chunk header and 16 bytes, and that counts too.
 *
 * Price: one `goodSize` and one `usableSize` per allocation, one `usableSize` per free.
 */
import { HeapError, isUint32, show } from "./errors.js";
import { GRANULE, PAGE } from "./header.js";
import type { Plugin } from "./types.js";

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
    options: { bytes },
    stateBytes: 4,
    create(inner, ctx) {
      const { alloc, free, resize, realloc, usableSize, goodSize, reset, walk, recover } = inner;
      const most = ctx.options.bytes as number;
      const used = ctx.state >>> 2;
      let words = ctx.memory.u32;
      ctx.onRefresh(() => {
        words = ctx.memory.u32;
      });
      /** What a block of `size` bytes will count: a page run has whole pages. */
      const expected = (size: number, pages: boolean): number =>
        pages ? Math.ceil(size / PAGE) * PAGE : goodSize(size);
      const isOver = (ptr: number, before: number, size: number, align: number): boolean => {
        const after = expected(size, align === PAGE || (ptr % PAGE === 0 && before % PAGE === 0));
        return after > before && inUse() - before + after > most;
      };
      const inUse = (): number => words[used] as number;
      const add = (delta: number): void => {
        words[used] = inUse() + delta;
      };
      return {
        allocator: {
          alloc(size, align, tag) {
            if (inUse() + expected(size, align === PAGE) > most) return 0;
            const ptr = alloc(size, align, tag);
            if (ptr !== 0) add(usableSize(ptr));
            return ptr;
          },
          free(ptr) {
            const usable = usableSize(ptr);
            free(ptr);
            add(-usable);
          },
          resize(ptr, size) {
            const before = usableSize(ptr);
            if (isOver(ptr, before, size, GRANULE)) return false;
            if (!resize(ptr, size)) return false;
            add(usableSize(ptr) - before);
            return true;
          },
          realloc(ptr, size, align, tag) {
            const before = usableSize(ptr);
            if (isOver(ptr, before, size, align)) return 0;
            const moved = realloc(ptr, size, align, tag);
            if (moved !== 0) add(usableSize(moved) - before);
            return moved;
          },
          ...(recover &&
            walk && {
              recover(interrupted) {
                recover(interrupted);
                let sum = 0;
                walk(({ state, usable }) => {
                  if (state === "used" || state === "page") sum += usable;
                });
                words[used] = sum;
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
