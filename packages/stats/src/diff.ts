/** What has changed: figures now less figures then. */
import type { Counters, HeapStats, SizeClass, StatsSnapshot, TagStats } from "./figures.js";

/** Every number of `now` less the one of `before`; what is no figure stays. */
function less<T extends Counters>(now: T, before: T | undefined): T {
  const changed = { ...now } as unknown as Record<string, unknown>;
  const then: Readonly<Record<string, unknown>> = { ...before };
  for (const [name, value] of Object.entries(now)) {
    if (typeof value !== "number" || name === "tag") continue;
    const earlier = then[name];
    changed[name] = value - (typeof earlier === "number" ? earlier : 0);
  }
  if (now.sizeClasses !== undefined) changed.sizeClasses = lessClasses(now.sizeClasses, before?.sizeClasses);
  return changed as unknown as T;
}

function lessClasses(now: readonly SizeClass[], before: readonly SizeClass[] = []): SizeClass[] {
  const then = new Map(before.map((each) => [each.upTo, each]));
  return now
    .map(({ upTo, allocations, liveBlocks }) => ({
      upTo,
      allocations: allocations - (then.get(upTo)?.allocations ?? 0),
      liveBlocks: liveBlocks - (then.get(upTo)?.liveBlocks ?? 0),
    }))
    .filter(({ allocations, liveBlocks }) => allocations !== 0 || liveBlocks !== 0);
}

/** Is there any figure that is not 0? */
function hasChanged(figures: TagStats): boolean {
  return (
    Object.entries(figures).some(([name, value]) =>
      name === "tag" ? false : typeof value === "number" ? value !== 0 : false,
    ) || (figures.sizeClasses?.length ?? 0) > 0
  );
}

/** Only tags of which something has changed. By id: that of a name never changes. */
export function diffTags(now: readonly TagStats[], before: readonly TagStats[]): TagStats[] {
  const then = new Map(before.map((each) => [each.tag, each]));
  return now.map((each) => less(each, then.get(each.tag))).filter(hasChanged);
}

export function diffTotals(now: HeapStats, before: HeapStats): HeapStats {
  return less(now, before);
}

export function diffSnapshots(now: StatsSnapshot, before: StatsSnapshot): StatsSnapshot {
  return {
    heap: now.heap,
    totals: diffTotals(now.totals, before.totals),
    tags: diffTags(now.tags, before.tags),
  };
}
