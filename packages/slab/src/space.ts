/**
 * Space: one agent's view of a slab heap, and where its bytes are.
 *
 * Everything that matters is in the memory; a Space holds views, addresses and what follows from the options.
 *
 *     state     classes                    map                                  state of `large`
 *     |64 bytes |32 bytes for each class   |free|kind|free|kind| … 512 B a pair |…
 *
 *     a class
 *     0       4        8      12     16      20      24
 *     |cursor |counter |head  |tail  |spare  |spans  |0 …
 *
 *     a pair of the map, for 512 bytes of the area from `origin` on
 *     31                                0    31                       11 10  9 8    5 4        0
 *     |free: a bit for each 16 bytes    |    |link                      |size |unit |class - 1 |
 *
 * | word | invariant |
 * |---|---|
 * | CAPACITY | payload bytes of all cells; those of free ones are counted when asked for (spans.ts): a sum kept in every call took 6 % of it |
 * | SPAN_BYTES | usable bytes of the blocks of `large` that spans are |
 * | TAKING | 1 while a span is asked of `large`, until the map shows it |
 * | GIVING | 0; 1 more than the span that is being given back to `large`; -1 while everything ends |
 * | MADE_LARGE | 0, but while `large` is asked for a block: what it writes before it commits one |
 * | SPARE_BYTES | bytes of all spares |
 * | cursor | pair, as words from the map's start, that cells of the class are taken from; 0: none |
 * | counter | word, from the map's start, that has the number of live cells of the cursor's span |
 * | head, tail | first and last span of the class's list, the next to be used first; 0: none. One in no list has no free cell |
 * | spare | a span that had no live cell once, and is kept; 0: none. All together at most 1/128 of the area |
 * | spans | spans of the class |
 * | free | 1: a free cell begins here. 0 for everything else |
 * | kind | 0: no span. Class, number of the unit in its span, bytes of the span (1024 << size), and a link |
 * | link | unit 0: the next span in the list; unit 1: the one before. Unit 2: live cells of the span; its highest bit: it is in no list. Else 0 |
 *
 * A span is named by its 2 KiB from `origin`, plus 1: a number up to 2^21. The pair before the first is 0 for ever: a cursor of 0 finds nothing.
 *
 * A block is live if a cell can begin there (`starts`, computed) and the free bit is not set. So one store commits an alloc, and
 * one a free; lists, cursors and sums can be made anew from the map.
 */
import type { Allocator, Context, StateSize, Strategy } from "@heapwright/core";

/** What `large` must be able to do. */
export type Large = Allocator & Required<Pick<Allocator, "walk">>;

export const GRANULE = 16;
export const UNIT = 512;
export const UNIT_SHIFT = 9;
/** Spans begin at a multiple of it, and have so many bytes, or two or four times as many. */
export const FRAME = 2048;
const FRAME_UNITS_SHIFT = 2;
/** Size codes of spans: 2, 4 and 8 KiB. */
export const LEAST_SIZE = 1;
export const MOST_SIZE = 3;
export const MOST_CLASSES = 32;

/** Words of the state; the first is not used. */
export const CAPACITY = 1;
export const SPAN_BYTES = 2;
export const TAKING = 3;
export const GIVING = 4;
export const MADE_LARGE = 5;
export const SPARE_BYTES = 6;
const STATE_WORDS = 16;

/** In GIVING. */
export const EVERYTHING = -1;
/** In core's `made`: `large` is being asked. A block that is there already is its granule from `origin` on plus 2. */
export const LARGE = 1;
export const FIRST_MADE = 2;

/** Words of a class. */
export const CURSOR = 0;
export const COUNTER = 1;
export const HEAD = 2;
export const TAIL = 3;
export const SPARE = 4;
export const SPANS = 5;
export const CLASS_SHIFT = 3;
/** Spares take at most this part of the area, as a shift. */
const SPARE_SHIFT = 7;
const CLASS_WORDS = 1 << CLASS_SHIFT;

/** Parts of a kind; with the link cut off it is an index into `starts`. */
export const CLASS_BITS = 5;
export const UNIT_BITS = 4;
export const CLASS_MASK = (1 << CLASS_BITS) - 1;
export const UNIT_MASK = (1 << UNIT_BITS) - 1;
export const SIZE_SHIFT = CLASS_BITS + UNIT_BITS;
export const LINK_SHIFT = 11;
export const KIND_MASK = (1 << LINK_SHIFT) - 1;
/** A live cell, in the counter; and what says that the span is in no list. Less than one, signed: freed() has something to do. */
export const ONE = 1 << LINK_SHIFT;
export const UNLISTED = 1 << 31;
/** Words from a span's first pair. */
export const NEXT_AT = 1;
export const BEFORE_AT = 3;
export const COUNTER_AT = 5;

interface Plan {
  /** Word offsets from the state's start. */
  readonly classes: number;
  readonly map: number;
  readonly units: number;
  /** Byte offset of `large`'s state. */
  readonly large: number;
}

const align64 = (bytes: number): number => Math.ceil(bytes / 64) * 64;

/** @param regionBytes Upper bound of the area. */
function plan(regionBytes: number): Plan {
  const classes = STATE_WORDS;
  const map = classes + (MOST_CLASSES + 1) * CLASS_WORDS;
  // `origin` is up to a span's alignment before the area.
  const units = Math.ceil((regionBytes + FRAME) / UNIT);
  return { classes, map, units, large: align64((map + 2 + 2 * units) * 4) };
}

/** The inner strategy with its settled options: they are in the manifest under `large.`. */
export function largeOptions(options: StateSize["options"]): StateSize["options"] {
  return Object.fromEntries(
    Object.entries(options).flatMap(([name, value]) =>
      name.startsWith("large.") ? [[name.slice("large.".length), value]] : [],
    ),
  );
}

export function stateBytes(size: StateSize, large: Strategy<string, unknown>): number {
  const own = plan(size.regionBytes).large;
  const { stateBytes } = large;
  if (typeof stateBytes === "number") return own + stateBytes;
  const layout = size.layout.part(large);
  return own + stateBytes({ ...size, layout, options: largeOptions(size.options) });
}

/**
 * Where cells begin in a unit, by the kind's lowest bits.
 * @param tail Bytes at a span's end in which no cell lies.
 */
function startsOf(tail: number): Int32Array {
  const starts = new Int32Array(1 << LINK_SHIFT);
  for (let sizeClass = 1; sizeClass <= MOST_CLASSES; sizeClass++) {
    for (let size = LEAST_SIZE; size <= MOST_SIZE; size++) {
      const end = bytesOf(size) - tail;
      for (let at = 0; at + sizeClass * GRANULE <= end; at += sizeClass * GRANULE) {
        starts[kindOf(sizeClass, at >>> UNIT_SHIFT, size)] |= 1 << ((at >>> 4) & 31);
      }
    }
  }
  return starts;
}

/** Cells of a span, by the kind of any of its units. */
function countsOf(tail: number): Int32Array {
  const counts = new Int32Array(1 << LINK_SHIFT);
  for (let sizeClass = 1; sizeClass <= MOST_CLASSES; sizeClass++) {
    for (let size = LEAST_SIZE; size <= MOST_SIZE; size++) {
      const count = Math.floor((bytesOf(size) - tail) / (sizeClass * GRANULE));
      for (let unit = 0; unit < unitsOf(size); unit++) counts[kindOf(sizeClass, unit, size)] = count;
    }
  }
  return counts;
}

/** A kind without its link; never 0. */
export function kindOf(sizeClass: number, unit: number, size: number): number {
  return (sizeClass - 1) | (unit << CLASS_BITS) | (size << SIZE_SHIFT);
}

/** Bytes of a span, by its size code. */
export function bytesOf(size: number): number {
  return (FRAME >>> 1) << size;
}

/** Units of a span, by its size code. */
export function unitsOf(size: number): number {
  return 2 << size;
}

/** Cells of a span. */
export function cellsIn(space: Space, sizeClass: number, size: number): number {
  return space.counts[kindOf(sizeClass, 0, size)];
}

/** Views and addresses; fields are only declared and set once, so that all spaces have one hidden class. */
export class Space {
  declare i32: Int32Array;
  /** Bytes that spares may take. */
  declare spareLimit: number;
  /** Bytes of slots in front of each cell's payload, and 16-byte granules of it. */
  declare readonly header: number;
  declare readonly headerGranules: number;
  /** Largest class. */
  declare readonly most: number;
  /** Bytes a span leaves at its end for the header of what `large` puts behind it. */
  declare readonly tail: number;
  /** Address of unit 0: a multiple of 2 KiB. */
  declare readonly origin: number;
  declare readonly units: number;
  /** Word indexes: the state, the classes, the pair before the first, core's `made`. */
  declare readonly state: number;
  declare readonly classes: number;
  declare readonly map: number;
  declare readonly made: number;
  /** Byte address of `large`'s state. */
  declare readonly largeState: number;
  /** By kind: where cells begin in a unit, and how many cells its span has. */
  declare readonly starts: Int32Array;
  declare readonly counts: Int32Array;
  declare readonly error: Context["error"];

  constructor(ctx: Context, large: Strategy<string, unknown>) {
    const { memory, region, layout, state } = ctx;
    const { classes, map, units, large: largeState } = plan(region.areaMax - region.base);
    this.i32 = memory.i32;
    this.spareLimit = (region.areaEnd - region.areaStart) >>> SPARE_SHIFT;
    this.header = layout.headerBytes;
    this.headerGranules = layout.headerBytes >>> 4;
    this.most = (ctx.options.upTo as number) >>> 4;
    this.tail = Math.ceil(layout.part(large).headerBytes / GRANULE) * GRANULE;
    this.origin = region.areaStart - (region.areaStart % FRAME);
    this.units = units;
    this.state = state >>> 2;
    this.classes = (state >>> 2) + classes;
    this.map = (state >>> 2) + map;
    this.made = ctx.made;
    this.largeState = state + largeState;
    this.starts = startsOf(this.tail);
    this.counts = countsOf(this.tail);
    this.error = ctx.error;
    ctx.onRefresh(() => {
      this.i32 = ctx.memory.i32;
      this.spareLimit = (region.areaEnd - region.areaStart) >>> SPARE_SHIFT;
    });
  }
}

// ---- words -------------------------------------------------------------------------------------------------------

/** Word index of a class. */
export function classAt(space: Space, sizeClass: number): number {
  return space.classes + (sizeClass << CLASS_SHIFT);
}

/** Word index of the pair of a unit. */
export function pairAt(space: Space, unit: number): number {
  return space.map + 2 + (unit << 1);
}

/** Word index of the pair of a span's first unit. */
export function spanPair(space: Space, span: number): number {
  return space.map + 2 + ((span - 1) << (FRAME_UNITS_SHIFT + 1));
}

export function spanAddress(space: Space, span: number): number {
  return space.origin + (span - 1) * FRAME;
}

/** Number of the span that begins at an address. */
export function spanAt(space: Space, ptr: number): number {
  return (ptr - space.origin) / FRAME + 1;
}

/** Number of the span whose first pair this is. */
export function spanOfPair(space: Space, pair: number): number {
  return ((pair - space.map - 2) >> (FRAME_UNITS_SHIFT + 1)) + 1;
}

export function linkOf(kind: number): number {
  return kind >>> LINK_SHIFT;
}

/** Live cells of the span whose first pair this is. */
export function liveIn(space: Space, pair: number): number {
  return (space.i32[pair + COUNTER_AT] & ~UNLISTED) >>> LINK_SHIFT;
}

export function isUnlisted(space: Space, pair: number): boolean {
  return space.i32[pair + COUNTER_AT] < 0;
}

export function classOf(kind: number): number {
  return (kind & CLASS_MASK) + 1;
}

export function unitOf(kind: number): number {
  return (kind >>> CLASS_BITS) & UNIT_MASK;
}

/** Size code. */
export function sizeOf(kind: number): number {
  return (kind >>> SIZE_SHIFT) & 3;
}
