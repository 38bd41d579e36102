/**
 * `segregate({ upTo, small, large, share })`: small blocks from one strategy, all others from another one. Each is good at what it gets, and
 * small blocks do not lie between large ones.
 *
 *     alloc(size ≤ upTo)    small: 0 if it has no room, also where large has (nest a `fallback` for that)
 *     any other             large: also those whose alignment the small part cannot do
 *     free, resize …        whose area the block is in
 *
 * The small part has its share of the area as it is when the heap is made, for ever: whatever the heap grows by is the large part's. See parts.ts.
 *
 * Price: two comparisons an allocation besides what parts.ts says.
 */
import { HeapError, isUint32, show } from "../errors.js";
import { checkKeys } from "../options.js";
import type { Strategy } from "../types.js";
import { combine } from "./parts.js";

/** What `segregate` is made of. */
export interface SegregateOptions<Small, Large> {
  /** Bytes of the largest request the small part gets. */
  readonly upTo: number;
  readonly small: Strategy<string, Small>;
  readonly large: Strategy<string, Large>;
  /** What the small part has of the area, more than 0 and less than 1; default a half. */
  readonly share?: number;
}

/** `heap.segregate`: what the parts add to a heap. */
export interface SegregateApi<Small, Large> {
  readonly small: Small;
  readonly large: Large;
}

/**
 * A strategy made of two, by size.
 *
 * @throws HeapError `ERR_INVALID_OPTION` for what is no strategy or an option out of range.
 */
export function segregate<Small, Large>(
  options: SegregateOptions<Small, Large>,
): Strategy<"segregate", SegregateApi<Small, Large>> {
  checkKeys("segregate", options, ["upTo", "small", "large", "share"]);
  const { upTo, small, large, share } = options;
  if (!isUint32(upTo) || upTo === 0) {
    throw new HeapError(
      "ERR_INVALID_OPTION",
      `segregate: upTo must be an integer in 1 … 2^32 - 1, not ${show(upTo)}`,
    );
  }
  return combine({
    name: "segregate",
    keys: ["small", "large"],
    parts: [small, large],
    options: { upTo },
    share,
    route(first, second) {
      const { alloc: allocSmall, goodSize: goodSmall, maxAlign } = first;
      const { alloc: allocLarge, goodSize: goodLarge, maxAlign: most } = second;
      const isSmall = (size: number, align: number): boolean => size <= upTo && align <= maxAlign;
      return {
        alloc: (size, align, tag) =>
          size <= upTo && align <= maxAlign
            ? allocSmall(size, align, tag)
            : align <= most
              ? allocLarge(size, align, tag)
              : 0,
        // A block of either part may have been resized to it.
        goodSize: (size) => Math.min(goodSmall(size), goodLarge(size)),
        reachesSecond: (size, align) => !isSmall(size, align) && align <= most,
      };
    },
  }) as Strategy<"segregate", SegregateApi<Small, Large>>;
}
