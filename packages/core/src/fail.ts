/**
 * Failure injection: `failAfter(n)` lets n requests through and answers every later one with 0, `failEvery(n)` answers each
 * n-th with 0. A request is an `alloc` or a `realloc` (whether it would move or not); frees are never refused. The count is one
 * word of the plugin's state, shared by all agents. For testing what an app does when memory runs out.
 */
import { HeapError, isUint32, show } from "./errors.js";
import type { Plugin } from "./types.js";

export interface FailApi {
  /** Requests seen since the heap was made or `arm` was called. */
  readonly requests: number;
  /** How many of them were refused. */
  readonly failed: number;
  /** Begins to count anew. */
  arm(): void;
}

/** Lets `count` requests through, then fails all. */
export function failAfter(count: number): Plugin<"failAfter", FailApi> {
  return failing("failAfter", count, 0, (request, n) => request > n);
}

/** Fails each `count`-th request. */
export function failEvery(count: number): Plugin<"failEvery", FailApi> {
  return failing("failEvery", count, 1, (request, n) => request % n === 0);
}

function failing<Name extends string>(
  name: Name,
  count: number,
  least: number,
  fails: (request: number, count: number) => boolean,
): Plugin<Name, FailApi> {
  if (!isUint32(count) || count < least) {
    throw new HeapError(
      "ERR_INVALID_OPTION",
      `${name}: count must be an integer from ${least} on, not ${show(count)}`,
    );
  }
  return {
    abi: 1,
    name,
    version: 1,
    phase: "inject",
    concurrent: true,
    options: { count },
    stateBytes: 8,
    create(inner, ctx) {
      const { alloc, realloc, resize, usableSize } = inner;
      const n = ctx.options.count as number;
      const requests = ctx.state >>> 2;
      const failed = requests + 1;
      let words = ctx.memory.u32;
      ctx.onRefresh(() => {
        words = ctx.memory.u32;
      });
      /** Behind a front others count at the same time. */
      function count(word: number): number {
        if (ctx.shards > 1) return Atomics.add(words, word, 1) + 1;
        words[word] = (words[word] as number) + 1;
        return words[word] as number;
      }
      /** Counts a request; true if it is to fail. */
      function refused(): boolean {
        const request = count(requests);
        if (!fails(request, n)) return false;
        count(failed);
        return true;
      }
      return {
        allocator: {
          alloc: (size, align, tag) => (refused() ? 0 : alloc(size, align, tag)),
          // The size is asked for because that throws for what is no block: a wrong pointer is no request.
          resize(ptr, size) {
            usableSize(ptr);
            return refused() ? false : resize(ptr, size);
          },
          realloc(ptr, size, align, tag) {
            usableSize(ptr);
            return refused() ? 0 : realloc(ptr, size, align, tag);
          },
        },
        api: {
          get requests() {
            ctx.sync();
            return words[requests] as number;
          },
          get failed() {
            ctx.sync();
            return words[failed] as number;
          },
          arm() {
            ctx.sync();
            words[requests] = 0;
            words[failed] = 0;
          },
        },
      };
    },
  };
}
