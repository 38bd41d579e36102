/**
 * What an agent that joins a heap looks at once, since no later call does: the words that lead into the area or the map. From then on they hold
 * nothing but what was verified.
 *
 * Each pair alone, never one against another: it may have come from a file, and an agent may be, or have died, between two stores.
 * Cost: O(map), two words for 512 bytes of the region.
 */
import {
  COUNTER,
  CURSOR,
  classAt,
  classOf,
  GRANULE,
  HEAD,
  KIND_MASK,
  LEAST_SIZE,
  linkOf,
  MOST_CLASSES,
  pairAt,
  SPARE,
  type Space,
  sizeOf,
  TAIL,
  UNIT,
  unitOf,
  unitsOf,
} from "./space.js";

/** The option that comes with the heap. Throws `ERR_INCOMPATIBLE_HEAP` if no heap can have it. */
export function verifyOptions(space: Space, upTo: unknown): void {
  const fits = Number.isInteger(upTo) && (upTo as number) % GRANULE === 0;
  if (fits && (upTo as number) >= GRANULE && (upTo as number) <= MOST_CLASSES * GRANULE) return;
  throw space.error("ERR_INCOMPATIBLE_HEAP", `slab: the heap has the option upTo ${String(upTo)}`, {});
}

/** Throws `ERR_HEAP_CORRUPT` if a word leads out of the area, or out of the map. */
export function verifyState(space: Space, areaStart: number, areaEnd: number): void {
  const { i32, units } = space;
  const mapEnd = 2 + 2 * units;
  const spans = Math.ceil(units / unitsOf(LEAST_SIZE));
  for (let sizeClass = 1; sizeClass <= MOST_CLASSES; sizeClass++) {
    const at = classAt(space, sizeClass);
    for (const word of [CURSOR, COUNTER]) {
      const to = i32[at + word];
      // A pair, and the second word of one.
      if (to !== 0 && (to < 0 || to >= mapEnd || (to & 1) !== word))
        throw wrong(space, `class ${sizeClass} is at ${to}`);
    }
    for (const word of [HEAD, TAIL, SPARE]) {
      const span = i32[at + word];
      if (span < 0 || span > spans) throw wrong(space, `class ${sizeClass} has span ${span}`);
    }
  }
  const first = Math.ceil((areaStart - space.origin) / UNIT);
  const end = Math.floor((areaEnd - space.origin) / UNIT);
  for (let unit = 0; unit < units; unit++) {
    const at = pairAt(space, unit);
    const kind = i32[at + 1];
    if (kind === 0) continue;
    const begin = unit - unitOf(kind);
    const fits =
      sizeOf(kind) >= LEAST_SIZE &&
      classOf(kind) <= space.most &&
      begin >= first &&
      begin % unitsOf(LEAST_SIZE) === 0 &&
      begin + unitsOf(sizeOf(kind)) <= end;
    const isLinked = unitOf(kind) === 0 || unitOf(kind) === 1;
    if (!fits || (isLinked && linkOf(kind) > spans) || (i32[at] & ~space.starts[kind & KIND_MASK]) !== 0)
      throw wrong(space, `unit ${unit} is of kind ${kind >>> 0}, its free cells are ${i32[at] >>> 0}`);
  }
}

function wrong(space: Space, what: string): Error {
  return space.error("ERR_HEAP_CORRUPT", `slab's state: ${what}, which cannot be true`, {
    hint: "the bytes are damaged, or no heap's",
  });
}
