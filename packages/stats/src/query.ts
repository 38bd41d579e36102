/**
 * The registry of paths: every figure has one, and a pattern finds those it matches.
 *
 *     /scene                        bytes asked for by the live blocks of the heap "scene"
 *     /scene/mesh                   of its tag "mesh"
 *     /scene/mesh/frees             a figure of that tag
 *     /scene/(untagged)/frees       of requests without a tag, if there were any
 *     /scene/.heap/fragmentation    a figure of the heap as a whole
 *
 *     pattern    *     any text inside of one name, not `.heap`
 *                **    any names, none too, `.heap` included
 *
 * In names `%`, `/` and `*` are written `%25`, `%2F` and `%2A`; a `.` or `(` in front `%2E` and `%28`. So a path is nobody else's.
 */
import {
  COUNTERS,
  type Counters,
  type Figure,
  type FigureType,
  HEAP_FIGURES,
  type StatsSnapshot,
  UNTAGGED,
  type Unit,
} from "./figures.js";

/** A figure at its path. */
export interface Sample {
  readonly path: string;
  readonly value: number;
  readonly type: FigureType;
  /** As UCUM has it: bytes are `By`. */
  readonly unit: Unit;
  readonly description: string;
}

const HEAP = ".heap";

/** A name as it stands in a path. */
export function escapeName(name: string): string {
  return name
    .replace(/[%/*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/^[.(]/, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Every sample of a snapshot, in order of the tags' ids. */
export function* samplesOf({ heap, totals, tags }: StatsSnapshot): Generator<Sample> {
  const root = `/${escapeName(heap)}`;
  const [bytes] = COUNTERS as readonly [Figure<"currentBytes">];
  yield sample(root, bytes, totals.currentBytes);
  for (const tag of tags) {
    const path = `${root}/${tag.name === "" ? UNTAGGED : escapeName(tag.name)}`;
    yield sample(path, bytes, tag.currentBytes);
    yield* countersAt(path, tag);
  }
  const path = `${root}/${HEAP}`;
  yield* countersAt(path, totals);
  for (const figure of HEAP_FIGURES) yield sample(`${path}/${figure.name}`, figure, totals[figure.name]);
}

function* countersAt(path: string, counters: Counters): Generator<Sample> {
  for (const figure of COUNTERS) {
    const value = counters[figure.name];
    if (value !== undefined) yield sample(`${path}/${figure.name}`, figure, value);
  }
}

function sample(path: string, { type, unit, description }: Figure, value: number): Sample {
  return { path, value, type, unit, description };
}

/** What is wrong with a pattern; undefined if nothing is. */
export function patternRefusal(pattern: unknown): string | undefined {
  if (typeof pattern !== "string") return `a pattern must be text, not ${String(pattern)}`;
  if (pattern.startsWith("/")) return undefined;
  return `a pattern begins with "/" and the heap's name, as in "/*/mesh/frees"; this is ${JSON.stringify(pattern)}`;
}

/** Does a pattern match a path? O(length of both) for each `**` of the pattern. */
export function matches(pattern: string, path: string): boolean {
  return matchNames(pattern.split("/").slice(1), path.split("/").slice(1));
}

function matchNames(patterns: readonly string[], names: readonly string[]): boolean {
  const [first, ...rest] = patterns;
  if (first === undefined) return names.length === 0;
  if (first === "**") {
    for (let skipped = 0; skipped <= names.length; skipped++)
      if (matchNames(rest, names.slice(skipped))) return true;
    return false;
  }
  const [name, ...others] = names;
  return name !== undefined && matchName(first, name) && matchNames(rest, others);
}

/** `*` inside of one name: the shortest run that works, and one place to come back to, so that no pattern is slow. */
function matchName(pattern: string, name: string): boolean {
  if (name === HEAP && !pattern.startsWith(".")) return false;
  let at = 0;
  let star = -1;
  let resume = 0;
  for (let index = 0; index < name.length; ) {
    if (pattern[at] === "*") {
      star = at++;
      resume = index;
    } else if (pattern[at] === name[index]) {
      at++;
      index++;
    } else if (star >= 0) {
      at = star + 1;
      index = ++resume;
    } else {
      return false;
    }
  }
  while (pattern[at] === "*") at++;
  return at === pattern.length;
}
