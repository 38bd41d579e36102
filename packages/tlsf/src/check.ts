/** The checker: every invariant of tlsf.ts, line by line. Reports all it finds; stops early only where it cannot go on. */
import type { Finding } from "@heapwright/core";
import { AT_CURSOR, AT_TOP, BRIDGED_OVER, eachChunk, type Kind, LISTED, LIVE } from "./chain.js";
import { headOf, nextOf } from "./lists.js";
import { isAfterFree } from "./maps.js";
import {
  BRIDGED,
  CHUNKS,
  CURSOR,
  CURSOR_END,
  classOf,
  END,
  FIRST_LEVEL,
  footBefore,
  getState,
  HEADS,
  linkOf,
  ptrOf,
  SECOND_LEVEL,
  type Space,
  TOP,
  TOP_END,
  USED,
  usableOf,
} from "./space.js";

type Report = (finding: Finding) => void;

/** What the chain says. */
interface Seen {
  /** Sizes of the free chunks that are to be in lists. */
  readonly listed: Map<number, number>;
  readonly live: Set<number>;
  /** Where free chunks end. */
  readonly ends: Set<number>;
  used: number;
  chunks: number;
  bridged: number;
  top: boolean;
  cursor: boolean;
}

export function check(space: Space, report: Report): void {
  let seen: Seen;
  try {
    seen = checkChain(space, report);
  } catch (error) {
    report({ message: error instanceof Error ? error.message : String(error) });
    return;
  }
  checkEnds(space, seen, report);
  checkSums(space, seen, report);
  checkMaps(space, seen, report);
  checkLists(space, seen.listed, report);
}

function checkChain(space: Space, report: Report): Seen {
  const seen: Seen = {
    listed: new Map(),
    live: new Set(),
    ends: new Set(),
    used: 0,
    chunks: 0,
    bridged: 0,
    top: false,
    cursor: false,
  };
  const end = getState(space, END);
  let before: Kind = LIVE;
  eachChunk(space, (granule, size, kind) => {
    const ptr = ptrOf(space, granule);
    const isFree = kind === LISTED || kind === AT_CURSOR || kind === AT_TOP;
    if (isFree && before !== LIVE && before !== BRIDGED_OVER)
      report({ message: "two free chunks in a row were not merged", ptr });
    before = kind;
    if (kind === BRIDGED_OVER) seen.bridged += size;
    if (kind === LIVE) {
      seen.live.add(granule);
      seen.used += usableOf(space, size);
    }
    if (kind === LIVE || kind === LISTED) seen.chunks++;
    if (kind === LISTED) {
      seen.listed.set(granule, size);
      const foot = footBefore(space, granule + size);
      if (foot !== size) report({ message: `a free chunk of ${size} granules has ${foot} at its foot`, ptr });
    }
    if (isFree && size < space.least) report({ message: `a free chunk has only ${size} granules`, ptr });
    // Of a top that ends where the chunks do nobody asks.
    if (isFree && !(kind === AT_TOP && granule + size === end)) seen.ends.add(granule + size);
    if (kind === AT_TOP) seen.top = true;
    if (kind === AT_CURSOR) seen.cursor = true;
  });
  return seen;
}

/** The top and the cursor are chunks, or their words say that there are none. */
function checkEnds(space: Space, { top, cursor }: Seen, report: Report): void {
  const end = getState(space, END);
  const words = [TOP, TOP_END, CURSOR, CURSOR_END].map((word) => getState(space, word));
  if (!top && (words[0] !== end || words[1] !== end))
    report({ message: `the top, ${words[0]} to ${words[1]}, is no chunk` });
  if (!cursor && (words[2] !== 0 || words[3] !== 0))
    report({ message: `the cursor, ${words[2]} to ${words[3]}, is no chunk` });
}

function checkSums(space: Space, { used, chunks, bridged }: Seen, report: Report): void {
  const sums = [
    ["used", USED, used],
    ["chunks", CHUNKS, chunks],
    ["bridged", BRIDGED, bridged],
  ] as const;
  for (const [name, word, sum] of sums) {
    const says = getState(space, word) >>> 0;
    if (says !== sum) report({ message: `the sum "${name}" is ${says}, the chunks add up to ${sum}` });
  }
}

/** Bits are set for these granules and for no other, nor for what the area does not reach yet: a growth would show them. */
function checkMaps(space: Space, { live, ends }: Seen, report: Report): void {
  const { i32, maps, pairs } = space;
  const end = getState(space, END);
  // The end's own bit may stay while the top, which nobody asks, ends there.
  const ignored = getState(space, TOP_END) === end && getState(space, TOP) !== end ? end : -1;
  for (let word = 0; word < pairs; word++) {
    for (const [offset, set, what] of [
      [0, live, "live"],
      [1, ends, "after-free"],
    ] as const) {
      for (let bits = i32[maps + word * 2 + offset]; bits !== 0; bits &= bits - 1) {
        const granule = word * 32 + 31 - Math.clz32(bits & -bits);
        if (!set.has(granule) && !(offset === 1 && granule === ignored))
          report({
            message: `the ${what} bit of granule ${granule} is set for nothing`,
            ptr: ptrOf(space, granule),
          });
      }
    }
  }
  for (const granule of ends) {
    if (!isAfterFree(space, granule))
      report({ message: `the after-free bit of granule ${granule} is not set`, ptr: ptrOf(space, granule) });
  }
}

/** Each list has chunks of its class, linked both ways; together they have every one; the bits say which are not empty. */
function checkLists(space: Space, listed: ReadonlyMap<number, number>, report: Report): void {
  const { i32, state, levels } = space;
  let found = 0;
  let first = 0;
  for (let level = 0; level < levels; level++) {
    let second = 0;
    for (let list = level * 32; list < level * 32 + 32; list++) {
      let before = HEADS + list;
      for (let granule = headOf(space, list); granule !== 0; granule = nextOf(space, granule)) {
        const size = listed.get(granule);
        // A link names the payload, and no word beside it.
        const isExact = i32[state + before] === linkOf(space, granule);
        if (size === undefined || classOf(size) !== list || !isExact) {
          report({
            message: `the list of class ${list} leads to granule ${granule}, where no such chunk is`,
          });
          break;
        }
        const ptr = ptrOf(space, granule);
        const link = linkOf(space, granule);
        if (i32[state + link + 1] !== before) {
          report({ message: "the links of a list do not agree", ptr });
          break;
        }
        if (++found > listed.size) break;
        before = link;
      }
      if (getState(space, HEADS + list) !== 0) second |= 1 << (list & 31);
    }
    // The lists of the first two are found without.
    if (second !== 0 && level > 1) first |= 1 << level;
    const says = getState(space, SECOND_LEVEL + level);
    if (says !== second)
      report({ message: `level ${level} of the lists' bits is ${says >>> 0}, not ${second >>> 0}` });
  }
  const says = getState(space, FIRST_LEVEL);
  if ((says & first) !== first)
    report({
      message: `the first level of the lists' bits is ${says >>> 0}, without some of ${first >>> 0}`,
    });
  if (found !== listed.size)
    report({ message: `the lists have ${found} chunks, of ${listed.size} that are free` });
}
