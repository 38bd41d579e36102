/**
 * `fallback(first, second, { share })`: what the first strategy has no room for, the second one serves.
 *
 *     alloc             first; where that answers 0, or cannot do the alignment, second
 *     free, resize …    whose area the block is in
 *
 * A block that moves is asked for anew, so it may come back to the first part. The first part has its share of the area as it is when the heap is
 * made, for ever: whatever the heap grows by is the second one's. See parts.ts.
 *
 * Price: what parts.ts says, twice where the first part has no room.
 */
import { checkKeys } from "../options.js";
import type { Strategy } from "../types.js";
import { combine } from "./parts.js";

/** `heap.fallback`: what the parts add to a heap. */
export interface FallbackApi<First, Second> {
  readonly first: First;
  readonly second: Second;
}

/**
 * A strategy made of two, one after the other.
 *
 * @param options `share`: what the first part has of the area, more than 0 and less than 1; default a half.
 * @throws HeapError `ERR_INVALID_OPTION` for what is no strategy or an option out of range.
 */
export function fallback<First, Second>(
  first: Strategy<string, First>,
  second: Strategy<string, Second>,
  options: { readonly share?: number } = {},
): Strategy<"fallback", FallbackApi<First, Second>> {
  checkKeys("fallback", options, ["share"]);
  return combine({
    name: "fallback",
    keys: ["first", "second"],
    parts: [first, second],
    options: {},
    share: options.share,
    route(one, two) {
      const { alloc: allocFirst, maxAlign } = one;
      const { alloc: allocSecond, maxAlign: most } = two;
      return {
        alloc(size, align, tag) {
          if (align <= maxAlign) {
            const ptr = allocFirst(size, align, tag);
            if (ptr !== 0) return ptr;
          }
          return align <= most ? allocSecond(size, align, tag) : 0;
        },
        goodSize: (size) => Math.min(one.goodSize(size), two.goodSize(size)),
        reachesSecond: (_size, align) => align <= most,
      };
    },
  }) as Strategy<"fallback", FallbackApi<First, Second>>;
}
