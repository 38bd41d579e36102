/**
 * Parts: what strategies made of two strategies have in common. Each part has a stretch of the area for its own, its own state and its own
 * layout, and knows nothing of the other one:
 *
 *     state                                                 area
 *     |words, 64 bytes|marks|first's state |second's state |first's            |second's                    |→ grows
 *                                                          ^areaStart          ^SPLIT                       ^areaEnd
 *
 * | word | invariant |
 * |---|---|
 * | SPLIT | bytes from base to where the second part begins: for ever |
 * | MADE, two words | what a part writes where it expects `Context.made`; 0 between calls |
 * | MARKS, SERIAL, marks | see marks.ts |
 *
 * What is being made, the heap's one word for it says in two steps, so that a death before any store leaves no doubt:
 *
 *     1 or 2            the first or second part is at it, and its own word says what, once that is not 0
 *     offset | 4        the block at this offset has been made
 *
 * A pointer below the split is the first part's to judge, every other one the second's.
 *
 * Price: three stores an allocation, a comparison a call; the first part's tables are sized for its share and a little more.
 */
import { checkShape } from "../compose.js";
import { HeapError, show } from "../errors.js";
import { GRANULE, PAGE, REGION_ALIGN, roundDown, roundUp } from "../header.js";
import type {
  Allocator,
  Capabilities,
  Context,
  Options,
  Region,
  StateSize,
  Strategy,
  StrategyInstance,
} from "../types.js";
import { combineMarks, MARK_BYTES } from "./marks.js";

export type AnyStrategy = Strategy<string, unknown>;

/** Words of the state. */
const SPLIT = 0;
const MADE = 1;
const MARK_WORDS = 4;
const WORDS_BYTES = 64;

/** In the heap's word for what is being made. */
const WHOLE = 4;

/** A strategy made of two. */
export interface Combination {
  readonly name: string;
  /** What the parts are called, in options and in the API. */
  readonly keys: readonly [string, string];
  readonly parts: readonly [AnyStrategy, AnyStrategy];
  /** Options of its own that were given, besides `share`. */
  readonly options: Options;
  readonly share: number | undefined;
  /** Which requests go where. */
  route(first: Route, second: Route, options: Options): Pick<Allocator, "alloc" | "goodSize"> & Growing;
}

/** A part as requests see it. */
export interface Route {
  /** Largest alignment that may be asked for. */
  readonly maxAlign: number;
  alloc(size: number, align: number, tag: number): number;
  goodSize(size: number): number;
}

interface Growing {
  /** Would the second part be asked for this request? It is the one that grows. */
  reachesSecond(size: number, align: number): boolean;
}

const DEFAULT_SHARE = 0.5;

/** Throws `ERR_INVALID_OPTION` or `ERR_COMPOSITION` for what cannot be combined. */
export function combine(combination: Combination): AnyStrategy {
  const { name, keys, parts, share } = combination;
  for (const part of parts) checkShape("strategy", part, ["fields", "stateBytes", "capabilities"]);
  if (share !== undefined && !(typeof share === "number" && share > 0 && share < 1)) {
    throw new HeapError(
      "ERR_INVALID_OPTION",
      `${name}: share must be a number between 0 and 1, not ${show(share)}`,
    );
  }
  const given: Record<string, string | number | boolean> = { ...combination.options };
  if (share !== undefined) given.share = share;
  const defaults: Record<string, string | number | boolean> = { share: DEFAULT_SHARE };
  for (const [index, key] of keys.entries()) {
    const part = parts[index] as AnyStrategy;
    // Given, whatever it is: another part is another heap.
    given[key] = `${part.name} ${part.version}`;
    for (const [option, value] of Object.entries(part.defaults ?? {})) defaults[`${key}.${option}`] = value;
    for (const [option, value] of Object.entries(part.options ?? {})) given[`${key}.${option}`] = value;
  }
  // Where either computes with addresses, a copy of the heap has to keep them.
  const alignment = Math.max(...parts.map((part) => (part as { alignment?: number }).alignment ?? 0));
  return {
    abi: 1,
    name,
    version: 1,
    fields: [],
    ...(alignment > 0 && { alignment }),
    options: given,
    defaults: { ...defaults, ...combination.options },
    stateBytes: (size) => plan(combination, size).bytes,
    capabilities: capabilitiesOf(parts),
    create: (ctx) => create(combination, ctx),
  };
}

const FREES = ["none", "last", "any"] as const;

function capabilitiesOf([first, second]: Combination["parts"]): Capabilities {
  const [a, b] = [first.capabilities, second.capabilities];
  return {
    free: FREES[Math.min(FREES.indexOf(a.free), FREES.indexOf(b.free))] as Capabilities["free"],
    detects: a.detects.filter((misuse) => b.detects.includes(misuse)),
    shared: a.shared && b.shared,
    grow: b.grow,
    reset: a.reset && b.reset,
    marks: a.marks && b.marks,
    maxAlign: Math.max(a.maxAlign, b.maxAlign),
  };
}

/** Options of a part: those that begin with its key. */
function optionsOf(key: string, options: Options): Options {
  const prefix = `${key}.`;
  return Object.fromEntries(
    Object.entries(options).flatMap(([name, value]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [],
    ),
  );
}

interface Plan {
  /** What the first part's tables are sized for: its area ends no later than so many bytes from base. */
  readonly firstRegion: number;
  /** Where the states begin, in bytes from this one's. */
  readonly states: readonly [number, number];
  readonly bytes: number;
}

/** How far the first part's stretch may reach is known only when all states have their place: headers are allowed for, and more is cut off. */
const HEADERS = 64 << 10;

/** The more bytes the region has, the more a state has: agents that know less of the region find the same place. */
function plan({ keys, parts, share: given }: Combination, size: StateSize): Plan {
  const { regionBytes, layout, options, shards } = size;
  const share = (options.share as number | undefined) ?? given ?? DEFAULT_SHARE;
  const bytesOf = (index: 0 | 1, regionBytes: number): number => {
    const { stateBytes } = parts[index];
    if (typeof stateBytes === "number") return stateBytes;
    return stateBytes({
      regionBytes,
      layout: layout.part(parts[index]),
      options: optionsOf(keys[index], options),
      shards,
    });
  };
  const second = bytesOf(1, regionBytes);
  const reach = share * regionBytes + (1 - share) * (HEADERS + second);
  const firstRegion = Math.min(regionBytes, roundUp(reach, PAGE));
  const marks = parts.every(({ capabilities }) => capabilities.marks) ? MARK_BYTES : 0;
  const firstState = roundUp(WORDS_BYTES + marks, REGION_ALIGN);
  const secondState = roundUp(firstState + bytesOf(0, firstRegion), REGION_ALIGN);
  return { firstRegion, states: [firstState, secondState], bytes: secondState + second };
}

/** Address where the second part begins; written when the heap is made. */
function split(combination: Combination, ctx: Context, { firstRegion }: Plan): number {
  const { region, layout, options, memory } = ctx;
  const { base, areaStart, areaEnd } = region;
  const word = (ctx.state >>> 2) + SPLIT;
  const least = combination.parts.map((part) => layout.part(part).headerBytes + GRANULE) as [number, number];
  const fits = (address: number): boolean =>
    address - areaStart >= least[0] && areaEnd - address >= least[1] && address <= base + firstRegion;
  if (!ctx.fresh) {
    const found = base + (memory.u32[word] as number);
    if (fits(found) && found % REGION_ALIGN === 0) return found;
    throw ctx.error("ERR_HEAP_CORRUPT", `${combination.name}: the split ${found - base} cannot be true`, {});
  }
  const share = options.share as number;
  const wanted = Math.min(areaStart + share * (areaEnd - areaStart), base + firstRegion);
  for (const unit of [PAGE, REGION_ALIGN]) {
    for (const address of [roundDown(wanted, unit), roundUp(wanted, unit)]) {
      if (!fits(address)) continue;
      memory.u32[word] = address - base;
      return address;
    }
  }
  throw ctx.error(
    "ERR_INVALID_OPTION",
    `${combination.name}: of an area of ${areaEnd - areaStart} bytes a share of ${share} leaves no room for one of its parts`,
    { hint: "give the heap more memory, or the parts another share" },
  );
}

function create(combination: Combination, ctx: Context): StrategyInstance<unknown> {
  const { keys, parts, name } = combination;
  const { region, memory, layout } = ctx;
  const { base, areaStart } = region;
  const state = ctx.state >>> 2;
  const planned = plan(combination, {
    regionBytes: region.areaMax - base,
    layout,
    options: ctx.options,
    shards: ctx.shards,
  });
  const border = split(combination, ctx, planned);
  let words = memory.u32;
  const firstRegion: Region = { base, areaStart, areaEnd: border, areaMax: border };
  const secondRegion: { -readonly [Key in keyof Region]: number } = {
    base,
    areaStart: border,
    areaEnd: region.areaEnd,
    areaMax: region.areaMax,
  };
  // Before the parts are made: they are told after this.
  ctx.onRefresh(() => {
    words = memory.u32;
    secondRegion.areaEnd = region.areaEnd;
  });
  const make = (index: 0 | 1, stretch: Region): StrategyInstance<unknown> =>
    parts[index].create({
      ...ctx,
      state: ctx.state + planned.states[index],
      options: optionsOf(keys[index], ctx.options),
      region: stretch,
      layout: layout.part(parts[index]),
      made: state + MADE + index,
    });
  const instances = [make(0, firstRegion), make(1, secondRegion)] as const;
  const [first, second] = [instances[0].allocator, instances[1].allocator];
  const ownerOf = (ptr: number): Allocator => (ptr < border ? first : second);

  const routeTo = (index: 0 | 1): Route => {
    const { alloc, goodSize } = [first, second][index] as Allocator;
    const mine = state + MADE + index;
    return {
      maxAlign: parts[index].capabilities.maxAlign,
      goodSize,
      alloc(size, align, tag) {
        words[ctx.made] = 1 + index;
        const ptr = alloc(size, align, tag);
        if (ptr !== 0) words[ctx.made] = (ptr - base) | WHOLE;
        if (words[mine] !== 0) words[mine] = 0;
        return ptr;
      },
    };
  };
  const { alloc, goodSize, reachesSecond } = combination.route(routeTo(0), routeTo(1), ctx.options);

  const allocator: Allocator = {
    alloc,
    goodSize,
    free: (ptr) => ownerOf(ptr).free(ptr),
    resize: (ptr, size) => ownerOf(ptr).resize(ptr, size),
    usableSize: (ptr) => ownerOf(ptr).usableSize(ptr),
    takenSize: (ptr) => ownerOf(ptr).takenSize(ptr),
    owns: (ptr) => ownerOf(ptr).owns(ptr),
    ...wholeHeap(first, second),
    ...combineMarks(first, second, ctx, state + MARK_WORDS, (ctx.state + WORDS_BYTES) >>> 2),
  };
  if (capabilitiesOf(parts).free === "last") {
    const last = [lastOf(first), lastOf(second)] as const;
    allocator.last = (below) => last[1](below) || last[0](below);
  }
  if (first.check !== undefined && second.check !== undefined) {
    allocator.check = (report) => {
      if (words[state + SPLIT] !== border - base)
        report({ message: `${name}: SPLIT is ${words[state + SPLIT]}, not ${border - base}` });
      for (const index of [0, 1])
        if (words[state + MADE + index] !== 0)
          report({ message: `${name}: the ${keys[index]} part is making ${words[state + MADE + index]}` });
      first.check?.(report);
      second.check?.(report);
    };
  }
  if (first.totals !== undefined && second.totals !== undefined) {
    allocator.totals = (into) => {
      const before = into.capacity;
      first.totals?.(into);
      second.totals?.(into);
      const whole = region.areaEnd - areaStart;
      into.overhead += whole - (into.capacity - before);
      into.capacity = before + whole;
    };
  }
  if (first.recover !== undefined && second.recover !== undefined) {
    allocator.recover = (interrupted) => {
      const { made } = interrupted;
      const madeBy = (index: 0 | 1): number =>
        made === 1 + index ? (words[state + MADE + index] as number) : 0;
      first.recover?.({ ...interrupted, made: madeBy(0) });
      second.recover?.({ ...interrupted, made: madeBy(1) });
      if ((made & WHOLE) !== 0) endIfLive(base + ((made & -GRANULE) >>> 0));
      words[state + MADE] = 0;
      words[state + MADE + 1] = 0;
    };
  }
  const { growthFor, extend } = second;
  if (extend !== undefined) allocator.extend = (gapEnd, end) => extend(gapEnd, end);
  if (growthFor !== undefined)
    allocator.growthFor = (size, align, gap) =>
      reachesSecond(size, align) ? growthFor(size, align, gap) : -1;

  /** The block was handed out to nobody; it may have been ended since. */
  function endIfLive(ptr: number): void {
    try {
      ownerOf(ptr).usableSize(ptr);
    } catch {
      return;
    }
    ownerOf(ptr).free(ptr);
  }

  const sides = instances.map(({ sideSlot }) => sideSlot);
  return {
    allocator,
    api: { [keys[0]]: instances[0].api, [keys[1]]: instances[1].api },
    ...(sides.some((side) => side !== undefined) && {
      sideSlot: (ptr: number, index: number) => sides[ptr < border ? 0 : 1]?.(ptr, index) ?? -1,
    }),
  };
}

/** What both do, one after the other, if both can. */
function wholeHeap(first: Allocator, second: Allocator): Partial<Allocator> {
  const both: Partial<Allocator> = {};
  if (first.reset !== undefined && second.reset !== undefined) {
    both.reset = () => {
      first.reset?.();
      second.reset?.();
    };
  }
  if (first.walk !== undefined && second.walk !== undefined) {
    both.walk = (visit) => {
      first.walk?.(visit);
      second.walk?.(visit);
    };
  }
  if (first.largestFree !== undefined && second.largestFree !== undefined)
    both.largestFree = () => Math.max(first.largestFree?.() ?? 0, second.largestFree?.() ?? 0);
  return both;
}

/** The last live block below an address; of a part that can free any, by walking. */
function lastOf({ last, walk }: Allocator): (below: number) => number {
  if (last !== undefined) return last;
  return (below) => {
    let found = 0;
    walk?.(({ ptr, state }) => {
      if ((state === "used" || state === "page") && ptr < below) found = ptr;
    });
    return found;
  };
}
