/**
 * The region of a heap: where its header, its states and its area are, and the words that say so.
 *
 * Made once by `formatRegion`, read by every further agent with `readRegion`, which believes nothing it has not checked:
 * the bytes may come from a file or from another program.
 */

import type { ResolvedStack } from "./compose.js";
import { HeapError, hex, show } from "./errors.js";
import { GATE_BYTES } from "./gates.js";
import {
  FORMAT_VERSION,
  GRANULE,
  HEADER,
  MAGIC,
  MANIFEST_OFFSET,
  MAX_END,
  PAGE,
  REGION_ALIGN,
  roundDown,
  roundUp,
} from "./header.js";
import { decodeManifest, encodeManifest, type Manifest } from "./manifest.js";
import type { Memory } from "./memory.js";
import type { Region, StateSize } from "./types.js";

/** Byte counts below this are taken as they are; from here on they are rounded up to whole pages. */
const ROUND_FROM = 64 * 1024;

/** Where everything is: byte addresses. */
export interface Placement {
  readonly base: number;
  readonly areaStart: number;
  readonly areaEnd: number;
  readonly areaMax: number;
  /** End of the bytes that are the heap's or nobody's. */
  readonly claimedEnd: number;
  /** The gates; only with a front. */
  readonly gates: number;
  readonly strategyState: number;
  readonly pluginStates: readonly number[];
}

/** The region as agents see it: the area's end follows the header word. */
export class LiveRegion implements Region {
  readonly base: number;
  readonly areaStart: number;
  readonly areaMax: number;
  areaEnd: number;

  constructor(placement: Placement) {
    this.base = placement.base;
    this.areaStart = placement.areaStart;
    this.areaMax = placement.areaMax;
    this.areaEnd = placement.areaEnd;
  }
}

/** Bytes for a heap that was asked for as a plain number. */
export function roundByteCount(bytes: number): number {
  return bytes >= ROUND_FROM ? roundUp(bytes, PAGE) : bytes;
}

/** @throws HeapError `ERR_INVALID_OPTION` unless `base` is a multiple of 64 inside the memory. */
export function checkBase(base: unknown, memory: Memory): asserts base is number {
  const ok = Number.isInteger(base) && (base as number) >= 0 && (base as number) % REGION_ALIGN === 0;
  if (!ok || (base as number) >= memory.buffer.byteLength) {
    throw new HeapError(
      "ERR_INVALID_OPTION",
      `base must be a multiple of 64 inside the memory, not ${show(base)}`,
    );
  }
}

/** Where header, states and area of a stack go. `end` and `max` are addresses. */
export function placeRegion(stack: ResolvedStack, base: number, end: number, max: number): Placement {
  const { layout, shards, hasFront } = stack;
  const areaEnd = roundDown(Math.min(end, MAX_END), GRANULE);
  const areaMax = Math.max(areaEnd, roundDown(Math.min(max, MAX_END), GRANULE));
  let next = base + MANIFEST_OFFSET + encodeManifest(stack.manifest).length;
  const reserve = (
    asked: number | ((size: StateSize) => number) | undefined,
    options: StateSize["options"],
  ): number => {
    const address = roundUp(next, REGION_ALIGN);
    const bytes =
      typeof asked === "function"
        ? asked({ regionBytes: areaMax - base, layout, options, shards })
        : (asked ?? 0);
    if (!Number.isInteger(bytes) || bytes < 0)
      throw new HeapError("ERR_COMPOSITION", `stateBytes is ${show(bytes)}`);
    next = address + bytes;
    return address;
  };
  const gates = reserve(hasFront ? shards * GATE_BYTES : 0, {});
  const pluginStates = stack.plugins.map((plugin, index) =>
    reserve(plugin.stateBytes, stack.pluginOptions[index] ?? {}),
  );
  const strategyState = reserve(stack.strategy.stateBytes, stack.strategyOptions);
  const areaStart = roundUp(next, REGION_ALIGN);
  return { base, areaStart, areaEnd, areaMax, claimedEnd: end, gates, strategyState, pluginStates };
}

/** Is there room for one chunk, and are at least half of the bytes the area's? */
export function fitsRoom(placement: Placement, headerBytes: number): boolean {
  const half = (placement.base + placement.areaEnd) / 2;
  return placement.areaStart <= half && placement.areaEnd - placement.areaStart >= headerBytes + GRANULE;
}

/** Throws `ERR_INVALID_OPTION` if there is no room for one chunk. */
export function checkRoom(placement: Placement, headerBytes: number): void {
  const need = placement.areaStart + headerBytes + GRANULE - placement.base;
  const have = placement.areaEnd - placement.base;
  if (have >= need) return;
  throw new HeapError(
    "ERR_INVALID_OPTION",
    `the region has ${have} bytes, this stack needs at least ${need}`,
    {
      hint:
        placement.areaMax > placement.areaEnd
          ? `its tables are sized for growth to ${placement.areaMax - placement.base} bytes: lower growth.max or begin larger`
          : "give it more memory",
    },
  );
}

/** Writes the header of a new heap. Whatever the bytes were, header and states are zero afterwards. */
export function formatRegion(
  memory: Memory,
  placement: Placement,
  { manifest, strategy }: ResolvedStack,
): void {
  const { u8, u32 } = memory;
  const { base, areaStart } = placement;
  const text = encodeManifest(manifest);
  const put = (offset: number, value: number): void => {
    u32[(base + offset) >>> 2] = value;
  };
  u8.fill(0, base, areaStart);
  u8.set(text, base + MANIFEST_OFFSET);
  put(HEADER.format, FORMAT_VERSION);
  put(HEADER.headerBytes, areaStart - base);
  put(HEADER.regionBytes, placement.areaEnd - base);
  put(HEADER.maxBytes, placement.areaMax - base);
  put(HEADER.base, base);
  put(HEADER.claimedBytes, Math.min(placement.claimedEnd - base, 2 ** 32 - 1));
  put(HEADER.alignGranted, Math.max(GRANULE, strategy.alignment ?? 0));
  put(HEADER.manifestOffset, MANIFEST_OFFSET);
  put(HEADER.manifestBytes, text.length);
}

/** The magic goes in last: bytes without it are no heap. */
export function sealRegion(memory: Memory, base: number): void {
  memory.u32[(base + HEADER.magic) >>> 2] = MAGIC;
}

/** What a header says, checked for plausibility. */
export interface HeaderWords {
  readonly headerBytes: number;
  readonly regionBytes: number;
  readonly maxBytes: number;
  readonly base: number;
  readonly alignGranted: number;
  readonly lockKind: number;
  readonly claimedBytes: number;
  readonly manifest: Manifest;
}

/**
 * Reads the header of a heap.
 * @throws HeapError `ERR_INCOMPATIBLE_HEAP` if these bytes are not one this version understands.
 */
export function readHeader(memory: Memory, base: number): HeaderWords {
  const { u8, u32 } = memory;
  const available = memory.buffer.byteLength - base;
  const get = (offset: number): number => u32[(base + offset) >>> 2] as number;
  const wrong = (why: string): HeapError => new HeapError("ERR_INCOMPATIBLE_HEAP", why);

  if (available < MANIFEST_OFFSET || get(HEADER.magic) !== MAGIC)
    throw wrong(`there is no heap at ${hex(base)}`);
  const format = get(HEADER.format);
  if (format !== FORMAT_VERSION)
    throw wrong(`the heap has format version ${format}, this core reads ${FORMAT_VERSION}`);
  const headerBytes = get(HEADER.headerBytes);
  const regionBytes = get(HEADER.regionBytes);
  const maxBytes = get(HEADER.maxBytes);
  const alignGranted = get(HEADER.alignGranted);
  const manifestOffset = get(HEADER.manifestOffset);
  const manifestBytes = get(HEADER.manifestBytes);
  if (regionBytes > available)
    throw wrong(`the heap has ${regionBytes} bytes, of which ${available} are here`);
  const sizesFit =
    headerBytes % REGION_ALIGN === 0 &&
    headerBytes <= regionBytes &&
    regionBytes % GRANULE === 0 &&
    regionBytes <= maxBytes &&
    maxBytes <= MAX_END - base;
  const alignFits =
    alignGranted >= GRANULE && alignGranted <= PAGE && (alignGranted & (alignGranted - 1)) === 0;
  if (!sizesFit || !alignFits) throw wrong("the sizes in the heap's header contradict each other");
  if (manifestOffset !== MANIFEST_OFFSET || manifestBytes > headerBytes - MANIFEST_OFFSET) {
    throw wrong("the heap's manifest is not inside its header");
  }
  const text = u8.subarray(base + manifestOffset, base + manifestOffset + manifestBytes);
  return {
    headerBytes,
    regionBytes,
    maxBytes,
    base: get(HEADER.base),
    alignGranted,
    lockKind: get(HEADER.lockKind),
    claimedBytes: get(HEADER.claimedBytes),
    manifest: decodeManifest(text),
  };
}

/** The id of one more agent. */
export function nextAgent(memory: Memory, base: number): number {
  return Atomics.add(memory.i32, (base + HEADER.agents) >>> 2, 1) + 1;
}
