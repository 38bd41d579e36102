/** `heap.stats`. */
import type { Context, Tag } from "@heapwright/core";
import { diffSnapshots, diffTags, diffTotals } from "./diff.js";
import type { HeapStats, StatsSnapshot, TagStats } from "./figures.js";
import { type Names, refusalOf } from "./names.js";
import { matches, patternRefusal, type Sample, samplesOf } from "./query.js";
import type { Reader } from "./reader.js";
import type { Records } from "./records.js";
import { TAG_BASE } from "./state.js";

export interface StatsApi {
  /** Tags this heap has room for. */
  readonly maxTags: number;
  /**
   * The tag of a name: the same for every agent, for ever. Give it to `alloc`. O(1), and only the first call of an agent takes the lock.
   *
   * @param name Unicode text of 1 … 64 bytes in UTF-8, taken as it is: not trimmed, not normalised.
   * @throws HeapError `ERR_INVALID_OPTION` for another name, `ERR_TAGS_FULL` if there are `maxTags` names already.
   */
  tag(name: string): Tag;
  /** The name of a tag; undefined for a number that is none. */
  name(tag: number): string | undefined;
  /**
   * Figures of one tag; of a name nobody has asked for, undefined. `""` or 0: requests without a tag. O(1).
   *
   * @throws HeapError `ERR_INVALID_OPTION` for a number that is no tag of this heap.
   */
  get(tag: Tag | 0): TagStats;
  get(name: string): TagStats | undefined;
  /** Figures of all tags by id, and before them of requests without a tag, if there were any. One moment's. O(tags). */
  all(): TagStats[];
  /** All tags together, and the heap's own figures. O(tags); where the strategy does not know its largest free chunk, O(blocks). */
  totals(): HeapStats;
  /** Both, of one moment. What exporters write, and `JSON.stringify(heap.stats)`. */
  toJSON(): StatsSnapshot;
  /**
   * What has changed since, in the shape of what is given: counts and bytes now less those then, tags only if something of them changed.
   * Current figures can have fallen.
   */
  diff(before: StatsSnapshot): StatsSnapshot;
  diff(before: readonly TagStats[]): TagStats[];
  diff(before: HeapStats): HeapStats;
  /**
   * Calls `work`; until it returns, requests of this agent that name no tag have this one. Scopes nest. What an async function does after
   * its first `await` is outside.
   *
   * @throws HeapError `ERR_INVALID_OPTION` if it is no tag of this heap; and what `work` throws.
   */
  scope<Result>(tag: Tag | 0, work: () => Result): Result;
  /**
   * The figures whose paths match, as `/scene/mesh/frees` does; `*` stands for any text inside of a name, `**` for any names. O(tags).
   *
   * @throws HeapError `ERR_INVALID_OPTION` for what is no pattern.
   */
  query(pattern: string): Sample[];
}

export interface ApiParts {
  readonly ctx: Context;
  readonly names: Names;
  readonly reader: Reader;
  readonly records: Records;
  readonly maxTags: number;
  unknownTag(tag: number): Error;
  within<Result>(tag: number, work: () => Result): Result;
}

export function createApi({ ctx, names, reader, records, maxTags, unknownTag, within }: ApiParts): StatsApi {
  const refuse = (message: string): Error => ctx.error("ERR_INVALID_OPTION", message);

  function tag(name: string): Tag {
    const refusal = refusalOf(name);
    if (refusal !== undefined) throw refuse(refusal);
    const number = names.intern(name);
    if (number === 0) {
      throw ctx.error(
        "ERR_TAGS_FULL",
        `there is no room for tag ${JSON.stringify(name)}: all ${maxTags} of the heap have names`,
        {
          hint: "stats({ maxTags }) has room for more; tags are for kinds of blocks, not for single ones",
        },
      );
    }
    return (TAG_BASE + number) as Tag;
  }

  function requireTag(tag: number): void {
    ctx.sync();
    if (!Number.isInteger(tag) || !records.isKnown(tag)) throw unknownTag(tag);
  }

  function get(which: Tag | 0): TagStats;
  function get(name: string): TagStats | undefined;
  function get(which: Tag | 0 | string): TagStats | undefined {
    if (typeof which === "string") {
      const number = which === "" ? 0 : names.find(which);
      return number === 0 && which !== "" ? undefined : reader.tag(number);
    }
    requireTag(which);
    return reader.tag(which === 0 ? 0 : which - TAG_BASE);
  }

  function diff(before: StatsSnapshot): StatsSnapshot;
  function diff(before: readonly TagStats[]): TagStats[];
  function diff(before: HeapStats): HeapStats;
  function diff(before: StatsSnapshot | readonly TagStats[] | HeapStats) {
    if (Array.isArray(before)) return diffTags(reader.tags(), before as readonly TagStats[]);
    if (typeof before === "object" && before !== null) {
      if ("totals" in before && "tags" in before) return diffSnapshots(reader.snapshot(), before);
      if ("capacity" in before) return diffTotals(reader.totals(), before);
    }
    throw refuse("diff() takes what toJSON(), all() or totals() returned before");
  }

  return {
    maxTags,
    tag,
    name(which) {
      return Number.isInteger(which) && which > TAG_BASE ? names.text(which - TAG_BASE) : undefined;
    },
    get,
    all: () => reader.tags(),
    totals: () => reader.totals(),
    toJSON: () => reader.snapshot(),
    diff,
    scope(which, work) {
      requireTag(which);
      return within(which, work);
    },
    query(pattern) {
      const refusal = patternRefusal(pattern);
      if (refusal !== undefined) throw refuse(refusal);
      const found: Sample[] = [];
      for (const sample of samplesOf(reader.snapshot()))
        if (matches(pattern, sample.path)) found.push(sample);
      return found;
    },
  };
}
