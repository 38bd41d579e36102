/**
 * What `check()` says of the records: that they are what the blocks' own headers add up to, and that the names can be found. One sentence
 * for each invariant that is broken. O(blocks + tags).
 */
import type { Finding, Inner } from "@heapwright/core";
import type { Counters, SizeClass } from "./figures.js";
import type { Names } from "./names.js";
import type { Reader } from "./reader.js";
import type { Records } from "./records.js";
import { type BlockSlots, type LiveSum, recount } from "./recount.js";
import { TAG_BASE } from "./state.js";

export interface Checked {
  readonly inner: Inner;
  readonly names: Names;
  readonly slots: BlockSlots;
  readonly records: Records;
  readonly reader: Reader;
}

/** With the lock held. */
export function checkRecords(
  { inner, names, slots, records, reader }: Checked,
  report: (finding: Finding) => void,
): void {
  const { walk, takenSize } = inner;
  const say = (message: string, ptr?: number): void =>
    report({ message: `stats: ${message}`, ...(ptr === undefined ? {} : { ptr }) });
  for (const message of names.findings()) say(message);
  if (walk === undefined) return;

  let isSound = true;
  walk(({ ptr, state, usable }) => {
    if (state !== "used" && state !== "page") return;
    const wrong = (what: string): void => {
      isSound = false;
      say(`the header of the block at 0x${ptr.toString(16)} says ${what}`, ptr);
    };
    const tag = slots.tag(ptr);
    const size = slots.size(ptr);
    const taken = slots.taken(ptr);
    if (!records.isKnown(tag)) wrong(`tag ${tag}, which is none`);
    if (size < 1 || size > usable) wrong(`${size} bytes were asked for, where it has ${usable}`);
    if (taken !== takenSize(ptr)) wrong(`${taken} bytes are taken, which are ${takenSize(ptr)}`);
  });
  // Sums of headers that are wrong say nothing.
  if (!isSound) return;

  const live = recount(walk, slots);
  const tags = reader.tags();
  for (const tag of tags) {
    const name = tag.name === "" ? "of requests without a tag" : `of tag ${JSON.stringify(tag.name)}`;
    for (const message of broken(tag)) say(`${message} ${name}`);
    const sum = live.of(tag.tag === 0 ? 0 : tag.tag - TAG_BASE);
    for (const message of unlike(tag, sum)) say(`${message} ${name}`);
  }
  const totals = reader.totals();
  for (const message of broken(totals)) say(`${message} of all tags`);
  for (const name of ["currentBytes", "takenCurrentBytes"] as const) {
    const sum = tags.reduce((so, tag) => so + tag[name], 0);
    if (sum !== totals[name]) say(`${name} are ${totals[name]} of all tags, which have ${sum}`);
  }
}

/** What the figures of one record contradict each other in. */
function broken(figures: Counters): string[] {
  const { currentBytes, peakBytes, allocatedBytes, frees, allocations, failures, shortLived = 0 } = figures;
  const { takenCurrentBytes, takenPeakBytes, takenAllocatedBytes, sizeClasses } = figures;
  const holds: readonly (readonly [boolean, string])[] = [
    [
      currentBytes >= 0 && currentBytes <= peakBytes,
      `peakBytes are ${peakBytes}, currentBytes ${currentBytes}`,
    ],
    [peakBytes <= allocatedBytes, `peakBytes are ${peakBytes}, allocatedBytes ${allocatedBytes}`],
    [
      takenCurrentBytes >= 0 && takenCurrentBytes <= takenPeakBytes,
      `takenPeakBytes are ${takenPeakBytes}, takenCurrentBytes ${takenCurrentBytes}`,
    ],
    [
      takenPeakBytes <= takenAllocatedBytes,
      `takenPeakBytes are ${takenPeakBytes}, takenAllocatedBytes ${takenAllocatedBytes}`,
    ],
    [
      currentBytes <= takenCurrentBytes,
      `currentBytes are ${currentBytes}, takenCurrentBytes ${takenCurrentBytes}`,
    ],
    [frees <= allocations, `frees are ${frees}, allocations ${allocations}`],
    [shortLived >= 0 && shortLived <= frees, `shortLived is ${shortLived}, frees ${frees}`],
    [failures >= 0, `failures are ${failures}`],
    [
      sizeClasses === undefined || sumBy(sizeClasses, "allocations") === allocations,
      `the size classes' allocations are not ${allocations}`,
    ],
  ];
  return holds.filter(([ok]) => !ok).map(([, message]) => message);
}

/** Where a record says something else than the headers of its blocks. */
function unlike(figures: Counters, sum: LiveSum): string[] {
  const wrong: string[] = [];
  const compare = (name: keyof Counters, found: number): void => {
    if (figures[name] !== found) wrong.push(`${name} are ${figures[name]}, the blocks have ${found}`);
  };
  compare("currentBytes", sum.size);
  compare("takenCurrentBytes", sum.taken);
  compare("liveBlocks", sum.live);
  const { sizeClasses } = figures;
  if (sizeClasses === undefined) return wrong;
  for (const [exponent, count] of sum.classes.entries()) {
    const upTo = 2 ** exponent;
    const said = sizeClasses.find((each) => each.upTo === upTo)?.liveBlocks ?? 0;
    if (said !== count) wrong.push(`live blocks of up to ${upTo} bytes are ${said}, there are ${count}`);
  }
  return wrong;
}

function sumBy(classes: readonly SizeClass[], name: "allocations" | "liveBlocks"): number {
  return classes.reduce((sum, each) => sum + each[name], 0);
}
