/** Every invariant of space.ts, verified: spans against the blocks of `large`, the map, the lists, the cursors, the sums. */
import type { Allocator, Finding } from "@heapwright/core";
import {
  BEFORE_AT,
  bytesOf,
  CAPACITY,
  COUNTER,
  COUNTER_AT,
  CURSOR,
  cellsIn,
  classAt,
  classOf,
  GIVING,
  GRANULE,
  HEAD,
  isUnlisted,
  KIND_MASK,
  kindOf,
  linkOf,
  liveIn,
  MADE_LARGE,
  NEXT_AT,
  pairAt,
  SPAN_BYTES,
  SPANS,
  SPARE,
  SPARE_BYTES,
  type Space,
  sizeOf,
  spanAddress,
  spanAt,
  spanOfPair,
  spanPair,
  TAIL,
  TAKING,
  UNIT,
  unitOf,
  unitsOf,
} from "./space.js";
import { spanKindAt } from "./walk.js";

const hex = (address: number): string => `0x${address.toString(16)}`;

type Report = (finding: Finding) => void;

/** What the spans that were found add up to. */
interface Found {
  /** Class of each span, by its number. */
  readonly classes: Map<number, number>;
  capacity: number;
  spanBytes: number;
  spareBytes: number;
}

export function check(space: Space, large: Allocator, report: Report): void {
  large.check?.(report);
  const found: Found = { classes: new Map(), capacity: 0, spanBytes: 0, spareBytes: 0 };
  large.walk?.(({ ptr, usable, state }) => {
    const kind = state === "used" || state === "page" ? spanKindAt(space, ptr) : 0;
    if (kind !== 0) checkSpan(space, ptr, usable, kind, found, report);
  });
  checkStrays(space, found, report);
  for (let sizeClass = 1; sizeClass <= space.most; sizeClass++) checkClass(space, sizeClass, found, report);
  const { i32, state } = space;
  const sums: readonly (readonly [string, number, number])[] = [
    ["bytes of cells", i32[state + CAPACITY] >>> 0, found.capacity],
    ["bytes of spans", i32[state + SPAN_BYTES] >>> 0, found.spanBytes],
    ["bytes of spares", i32[state + SPARE_BYTES], found.spareBytes],
    ["what is asked of the inner strategy", i32[state + MADE_LARGE], 0],
    ["span being taken", i32[state + TAKING], 0],
    ["span being given back", i32[state + GIVING], 0],
  ];
  for (const [what, is, shall] of sums) {
    if (is !== shall) report({ message: `slab: ${what}: the state says ${is}, it is ${shall}` });
  }
}

function checkSpan(
  space: Space,
  ptr: number,
  usable: number,
  kind: number,
  found: Found,
  report: Report,
): void {
  const { i32, starts, header } = space;
  const sizeClass = classOf(kind);
  const size = sizeOf(kind);
  const span = spanAt(space, ptr);
  const what = `slab: span at ${hex(ptr)}`;
  if (size === 0 || sizeClass > space.most || usable < bytesOf(size) - space.tail) {
    report({
      message: `${what}: kind ${hex(kind >>> 0)} cannot be true, the block has ${usable} bytes`,
      ptr,
    });
    return;
  }
  found.classes.set(span, sizeClass);
  found.spanBytes += usable;
  const cells = cellsIn(space, sizeClass, size);
  let free = 0;
  for (let unit = 0; unit < unitsOf(size); unit++) {
    const at = spanPair(space, span) + 2 * unit;
    const is = i32[at + 1];
    const shall = kindOf(sizeClass, unit, size);
    if ((is & KIND_MASK) !== shall || (unit > 2 && is !== shall))
      report({ message: `${what}: unit ${unit} is of kind ${hex(is >>> 0)}, not ${hex(shall)}`, ptr });
    if ((i32[at] & ~starts[shall]) !== 0)
      report({ message: `${what}: unit ${unit} has free cells ${hex(i32[at] >>> 0)} where none begin`, ptr });
    free += countBits(i32[at] & starts[shall]);
  }
  const live = liveIn(space, spanPair(space, span));
  if (live !== cells - free)
    report({ message: `${what}: it counts ${live} live cells, not ${cells - free}`, ptr });
  found.capacity += cells * (sizeClass * GRANULE - header);
}

function countBits(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++;
  return count;
}

/** Outside of spans nothing is set. */
function checkStrays(space: Space, { classes }: Found, report: Report): void {
  const { i32, map, units } = space;
  if (i32[map] !== 0 || i32[map + 1] !== 0) report({ message: "slab: the pair before the first is not 0" });
  for (let unit = 0; unit < units; ) {
    const at = pairAt(space, unit);
    const kind = i32[at + 1];
    const isSpan = classes.has(spanOfPair(space, at)) && spanPair(space, spanOfPair(space, at)) === at;
    if (!isSpan && (kind !== 0 || i32[at] !== 0)) {
      const ptr = space.origin + unit * UNIT;
      report({ message: `slab: the map has a span at ${hex(ptr)}, where none is`, ptr });
    }
    unit += isSpan ? unitsOf(sizeOf(kind)) : 1;
  }
}

function checkClass(space: Space, sizeClass: number, found: Found, report: Report): void {
  const { classes } = found;
  const { i32, map } = space;
  const at = classAt(space, sizeClass);
  const what = `slab: cells of ${sizeClass * GRANULE} bytes`;
  const isOurs = (span: number): boolean => classes.get(span) === sizeClass;
  const listed = new Set<number>();
  let before = 0;
  for (let span = i32[at + HEAD]; span !== 0; span = linkOf(i32[spanPair(space, span) + NEXT_AT])) {
    if (!isOurs(span) || listed.has(span)) {
      report({ message: `${what}: the list leads to ${hex(spanAddress(space, span))}` });
      return;
    }
    listed.add(span);
    const back = linkOf(i32[spanPair(space, span) + BEFORE_AT]);
    if (isUnlisted(space, spanPair(space, span)))
      report({ message: `${what}: span ${span} is in the list, and says it is in none` });
    if (back !== before)
      report({ message: `${what}: the span before number ${span} is ${back}, not ${before}` });
    before = span;
  }
  if (i32[at + TAIL] !== before)
    report({ message: `${what}: the last span is ${i32[at + TAIL]}, not ${before}` });
  let spans = 0;
  for (const [span, of] of classes) {
    if (of !== sizeClass) continue;
    spans++;
    if (!listed.has(span)) checkUnlisted(space, span, what, report);
  }
  if (i32[at + SPANS] !== spans)
    report({ message: `${what}: there are ${spans} spans, not ${i32[at + SPANS]}` });
  const spare = i32[at + SPARE];
  if (spare !== 0 && !isOurs(spare))
    report({ message: `${what}: the spare is ${spare}, which is no span of theirs` });
  if (spare !== 0 && isOurs(spare)) found.spareBytes += bytesOf(sizeOf(i32[spanPair(space, spare) + 1]));
  const cursor = i32[at + CURSOR];
  if (cursor === 0) return;
  const kind = i32[map + cursor + 1];
  const counter = cursor - 2 * unitOf(kind) + COUNTER_AT;
  if (cursor % 2 !== 0 || kind === 0 || classOf(kind) !== sizeClass || i32[at + COUNTER] !== counter)
    report({
      message: `${what}: the cursor is at ${hex(space.origin + ((cursor - 2) >> 1) * UNIT)}, where none of theirs are`,
    });
}

function checkUnlisted(space: Space, span: number, what: string, report: Report): void {
  const { i32 } = space;
  const pair = spanPair(space, span);
  if (!isUnlisted(space, pair) || linkOf(i32[pair + NEXT_AT]) !== 0 || linkOf(i32[pair + BEFORE_AT]) !== 0)
    report({ message: `${what}: span ${span} is linked, and in no list` });
  for (let unit = 0; unit < unitsOf(sizeOf(i32[pair + 1])); unit++) {
    if (i32[pair + 2 * unit] === 0) continue;
    report({ message: `${what}: span ${span} has free cells, and is in no list` });
    return;
  }
}
