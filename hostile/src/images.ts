/** Heaps to take images of: every strategy and the combinations of them, under several stacks, with blocks in every state. */

import { arena } from "@heapwright/arena";
import {
  agentCache,
  atomicsLock,
  createHeap,
  fallback,
  type Heap,
  limit,
  type PluginInput,
  type Strategy,
  segregate,
} from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { slab } from "@heapwright/slab";
import { stats } from "@heapwright/stats";
import { strict } from "@heapwright/strict";
import { tlsf } from "@heapwright/tlsf";
import { Random } from "./random.js";

/** Where every heap is: behind as many bytes of somebody else's. A multiple of 64, and of nothing larger. */
export const BASE = 16384 + 1088;
/** Bytes of somebody else's behind it. */
export const BEHIND = 16384;

export const STRATEGIES: Readonly<Record<string, () => Strategy<string, unknown>>> = {
  hyperheap: () => hyperheap(),
  tlsf: () => tlsf(),
  slab: () => slab({ large: hyperheap() }),
  "slab on tlsf": () => slab({ large: tlsf() }),
  arena: () => arena(),
  segregate: () => segregate({ upTo: 256, small: tlsf(), large: hyperheap() }),
  fallback: () => fallback(tlsf(), hyperheap()),
  "hyperheap behind a front": () => hyperheap(),
  "slab behind a front": () => slab({ large: tlsf() }),
};

/** Short, as whoever is said to hold it will not come back. */
const LOCK = atomicsLock({ timeoutMs: 2 });

export const STACKS: Readonly<Record<string, () => readonly PluginInput[]>> = {
  plain: () => [],
  stats: () => [stats({ maxTags: 8 })],
  strict: () => [strict({ stacks: "off" })],
  both: () => [stats({ maxTags: 8 }), strict({ stacks: "off" }), limit({ bytes: 1 << 20 })],
};

export interface Image {
  readonly bytes: Uint8Array;
  /** Blocks that were live. */
  readonly live: readonly number[];
  readonly headerBytes: number;
  /** Words that are not 0: behind the manifest, before the area; and in the area. */
  readonly stateWords: readonly number[];
  readonly areaWords: readonly number[];
}

export interface Config {
  readonly strategy: string;
  readonly stack: string;
  /** The region may grow to twice its bytes. */
  readonly grows: boolean;
}

const BYTES = [12288, 24576, 40960] as const;
const VARIANTS = 4;

const images = new Map<string, readonly Image[]>();

/** The same images for the same configuration, every time. */
export function imagesOf(config: Config): readonly Image[] {
  const key = Object.values(config).join();
  let made = images.get(key);
  if (made === undefined) {
    made = Array.from({ length: VARIANTS }, (_, variant) => makeImage(config, variant));
    images.set(key, made);
  }
  return made;
}

export function partsOf({ strategy, stack }: Config): {
  readonly strategy: Strategy<string, unknown>;
  readonly plugins: readonly PluginInput[];
} {
  const plugins = (STACKS[stack] as () => readonly PluginInput[])();
  return {
    strategy: (STRATEGIES[strategy] as () => Strategy<string, unknown>)(),
    plugins: isFront(strategy) ? [...plugins, agentCache({ agents: 2, spares: 1 })] : plugins,
  };
}

const isFront = (strategy: string): boolean => strategy.endsWith("behind a front");

/** What else an agent is given. */
export const lockFor = ({ strategy }: Config) => (isFront(strategy) ? { lock: LOCK } : {});

function makeImage(config: Config, variant: number): Image {
  const random = new Random(variant + 1);
  const bytes =
    (BYTES[variant % BYTES.length] as number) +
    (config.stack === "plain" ? 0 : 32768) +
    (isFront(config.strategy) ? 65536 : 0);
  const memory = new ArrayBuffer(BASE + bytes, { maxByteLength: BASE + 2 * bytes });
  const heap = createHeap({
    memory,
    base: BASE,
    ...partsOf(config),
    ...lockFor(config),
    ...(config.grows && { growth: { max: BASE + 2 * bytes, step: 4096 } }),
  }) as Heap;
  const live = fill(heap, random);
  // A snapshot of a heap with a front says that its maker keeps all others out: good for `restoreHeap` only.
  const image = isFront(config.strategy)
    ? new Uint8Array(memory.slice(BASE, BASE + heap.region.bytes))
    : heap.snapshot();
  const headerBytes = heap.region.areaStart - BASE;
  const words = new Uint32Array(image.buffer);
  const manifestEnd = 128 + (words[8] as number);
  const written = (from: number, to: number): number[] =>
    Array.from({ length: (to - from) >>> 2 }, (_, index) => (from >>> 2) + index).filter(
      (at) => words[at] !== 0,
    );
  return {
    bytes: image,
    live,
    headerBytes,
    stateWords: written((manifestEnd + 3) & -4, headerBytes),
    areaWords: written(headerBytes, image.length),
  };
}

/** Blocks of all sizes, some of them freed again, until about three quarters are taken. */
function fill(heap: Heap, random: Random): number[] {
  const live: number[] = [];
  const isLast = heap.capabilities.free === "last";
  for (let step = 0; step < 120; step++) {
    if (live.length > 3 && random.below(5) < 2) {
      const [ptr] = live.splice(isLast ? live.length - 1 : random.below(live.length), 1);
      heap.free(ptr as number);
      continue;
    }
    const size = random.below(12) === 0 ? 1 + random.below(3000) : 1 + random.below(200);
    const align = random.below(30) === 0 ? 4096 : random.below(6) === 0 ? 64 : 16;
    const ptr = heap.allocUnsafe(size, align > heap.capabilities.maxAlign ? 16 : align);
    if (ptr === 0) break;
    live.push(ptr);
    if (random.below(2) === 0) heap.memory.u8.fill(random.below(256), ptr, ptr + size);
  }
  return live;
}
