/**
 * `check()`: every invariant of arena.ts against the codes. Where the last block ends nothing says but TOP: that one is believed if it is between
 * the last piece and the limit.
 */
import type { Finding } from "@heapwright/core";
import { codeAt, nextCode, nextGap } from "./codes.js";
import { wrongMarks } from "./marks.js";
import { roomIn } from "./regions.js";
import {
  addressOf,
  BEYOND,
  END,
  GAP,
  GAPS,
  getState,
  LIMIT,
  LIVE,
  REGION,
  type Space,
  TOP,
  WASTE,
} from "./space.js";

type Report = (finding: Finding) => void;

const hex = (address: number): string => `0x${address.toString(16)}`;

/** What the codes say, to hold the words against. */
interface Seen {
  limit: number;
  region: number;
  beyond: number;
  gaps: number;
  waste: number;
}

export function check(space: Space, report: Report): void {
  const top = getState(space, TOP);
  const end = getState(space, END);
  if (end < 0 || end > space.areaGranules) {
    report({ message: `END is ${end}, the area has ${space.areaGranules} granules` });
    return;
  }
  if (top < 0 || top > end) {
    report({ message: `TOP is ${top}, the end ${end}` });
    return;
  }
  const seen: Seen = { limit: -1, region: 0, beyond: 0, gaps: 0, waste: 0 };
  if (!checkPieces(space, top, end, seen, report)) return;
  checkBehind(space, end, report);
  for (const [name, word, expected] of [
    ["LIMIT", LIMIT, seen.limit],
    ["REGION", REGION, seen.region],
    ["BEYOND", BEYOND, seen.beyond],
    ["GAPS", GAPS, seen.gaps],
    ["WASTE", WASTE, seen.waste],
  ] as const) {
    const found = getState(space, word);
    if (found !== expected) report({ message: `${name} is ${found}, not ${expected}` });
  }
  const marks = wrongMarks(space);
  if (marks !== undefined) report({ message: `marks: ${marks}` });
}

/** The pieces tile everything below the top, and there are none above. False if a gap does not end. */
function checkPieces(space: Space, top: number, end: number, seen: Seen, report: Report): boolean {
  const wrong = (at: number, message: string): void =>
    report({ message: `codes: ${message} at ${hex(addressOf(space, at))}`, ptr: addressOf(space, at) });
  let at = 0;
  while (at < end) {
    const code = codeAt(space, at);
    if (code === GAP) {
      const last = nextCode(space, at + 1, end);
      if (last === end || codeAt(space, last) !== GAP) {
        wrong(at, "a gap does not end");
        return false;
      }
      seen.gaps++;
      if (top > at && top <= last) wrong(at, "the top lies in the gap");
      if (at >= top && seen.limit < 0) seen.limit = at;
      if (at < top) {
        seen.waste += last + 1 - at;
        seen.region = last + 1;
      }
      at = last + 1;
    } else if (at >= top) {
      const next = nextGap(space, at, end);
      const piece = nextCode(space, at, end);
      if (piece < next) wrong(piece, "a piece begins above the top,");
      if (seen.limit < 0) seen.limit = next;
      else seen.beyond += roomIn(space, at, next);
      at = next;
    } else {
      if (code === 0) wrong(at, "no piece begins");
      const next = nextCode(space, at + 1, top);
      if (code !== LIVE) seen.waste += next - at;
      else if (next - at <= space.header) wrong(at, "a block has no payload");
      else seen.waste += space.header;
      at = next;
    }
  }
  if (seen.limit < 0) seen.limit = end;
  return true;
}

/** What the codes have for space behind the end is zero, else a growth would show it. */
function checkBehind(space: Space, end: number, report: Report): void {
  const { i32, codes, codesEnd } = space;
  const first = codes + (end >>> 4);
  for (let word = first; word < codesEnd; word++) {
    const bits = word === first ? i32[word] & (-1 << ((end & 15) << 1)) : i32[word];
    if (bits === 0) continue;
    report({ message: "codes: there are some behind the end" });
    return;
  }
}
