/**
 * An agent stops before each store of each operation, in every layer of every stack; another one calls `recover`. Everybody else's blocks
 * have their bytes, every check is clean, counts are what the blocks add up to, all memory can be had again.
 */
import { arena } from "@heapwright/arena";
import {
  agentCache,
  attachHeap,
  createHeap,
  failEvery,
  fallback,
  type Heap,
  limit,
  type PluginInput,
  type Strategy,
  type Tag,
} from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { slab } from "@heapwright/slab";
import { type StatsApi, stats } from "@heapwright/stats";
import { delayedFree, fence, poison, strict } from "@heapwright/strict";
import { tlsf } from "@heapwright/tlsf";
import { describe, expect, it } from "vitest";
import { cells } from "../../../docs/examples/cells.js";
import { highWater } from "../../../docs/examples/high-water.js";
import { Death, lockFor, mortal } from "../../../testing/mortal.js";
import { SOAK } from "../../../testing/soak.js";
import { Random } from "./random.js";

/** Agents a front is made for: the one that dies, the one that recovers, and the one that made the heap. */
const AGENTS = 3;
const SEEDS = Math.max(1, Math.round(2 * SOAK));
/** Below 1 it dies only before every second, third, … store; operations begin at the first, the second or the third. */
const STRIDE = Math.max(1, Math.round(1 / SOAK));

const STRATEGIES = {
  hyperheap: { make: () => hyperheap(), bytes: 64 << 10, front: false },
  cells: { make: () => cells({ bytes: 512 }), bytes: 48 << 10, front: false },
  tlsf: { make: () => tlsf(), bytes: 64 << 10, front: false },
  slab: { make: () => slab({ large: tlsf() }), bytes: 80 << 10, front: false },
  arena: { make: () => arena(), bytes: 64 << 10, front: false },
  "hyperheap behind a front": { make: () => hyperheap(), bytes: 160 << 10, front: true },
  "tlsf behind a front": { make: () => tlsf(), bytes: 160 << 10, front: true },
  "slab behind a front": { make: () => slab({ large: tlsf() }), bytes: 176 << 10, front: true },
  "tlsf, then hyperheap, behind a front": {
    make: () => fallback(tlsf(), hyperheap(), { share: 0.1 }),
    bytes: 208 << 10,
    front: true,
  },
} as const satisfies Readonly<
  Record<string, { make: () => Strategy<string, unknown>; bytes: number; front: boolean }>
>;

const STACKS: Readonly<Record<string, () => readonly PluginInput[]>> = {
  "no plugin": () => [],
  limit: () => [limit({ bytes: 40_000 })],
  failEvery: () => [failEvery(1000)],
  highWater: () => [highWater()],
  stats: () => [stats({ maxTags: 4 })],
  "stats, all of it": () => [stats({ maxTags: 4, sizeClasses: true, shortLived: 3 })],
  fence: () => [fence()],
  poison: () => [poison()],
  delayedFree: () => [delayedFree({ slots: 6 })],
  "poison and delayedFree": () => [poison(), delayedFree({ slots: 6 })],
  strict: () => strict({ stacks: "off", delayedFree: { slots: 6 } }),
  "stats and strict": () => [
    stats({ maxTags: 4 }),
    limit({ bytes: 40_000 }),
    strict({ stacks: "off", delayedFree: { slots: 6 } }),
  ],
};

interface Kept {
  readonly ptr: number;
  readonly size: number;
  readonly byte: number;
}

interface Prepared {
  readonly bytes: Uint8Array;
  readonly blocks: readonly Kept[];
  readonly tags: readonly (Tag | 0)[];
  readonly capabilities: Heap["capabilities"];
}

type Stats = { readonly stats?: StatsApi };

/** Which block can be freed: any one, or the last. */
function freeable({ capabilities }: Heap, blocks: readonly Kept[], random: Random): number {
  return capabilities.free === "any" ? random.below(blocks.length) : blocks.length - 1;
}

function prepare(make: (memory: ArrayBuffer) => Heap, bytes: number, seed: number): Prepared {
  const buffer = new ArrayBuffer(bytes);
  const heap = make(buffer) as Heap & Stats;
  const tags = [0 as const, ...["mesh", "sound"].flatMap((name) => heap.stats?.tag(name) ?? [])];
  const random = new Random(seed);
  const blocks: Kept[] = [];
  for (let step = 0; step < 90; step++) {
    if (random.below(100) < 60) {
      const size = 1 + random.below(random.below(5) === 0 ? 500 : 100);
      const isRun = heap.capabilities.maxAlign === 4096 && random.below(15) === 0;
      const ptr = heap.allocUnsafe(size, isRun ? 4096 : 16, random.pick(tags));
      if (ptr === 0) continue;
      const byte = 1 + random.below(255);
      heap.memory.u8.fill(byte, ptr, ptr + size);
      blocks.push({ ptr, size, byte });
    } else if (blocks.length > 0)
      heap.free(blocks.splice(freeable(heap, blocks, random), 1)[0]?.ptr as number);
  }
  // The one that was handed out last lives.
  const ptr = heap.allocUnsafe(40);
  heap.memory.u8.fill(1, ptr, ptr + 40);
  blocks.push({ ptr, size: 40, byte: 1 });
  heap.check();
  return { bytes: new Uint8Array(buffer.slice(0)), blocks, tags, capabilities: heap.capabilities };
}

/** The block an operation is about; undefined if it makes one. */
type Operation = (heap: Heap, prepared: Prepared, random: Random) => Kept | undefined;

const OPERATIONS: Readonly<Record<string, Operation>> = {
  alloc(heap, { tags }, random) {
    heap.alloc(1 + random.below(300), 16, random.pick(tags));
    return undefined;
  },
  "alloc of pages"(heap, { tags }, random) {
    if (heap.capabilities.maxAlign === 4096) heap.alloc(1 + random.below(6000), 4096, random.pick(tags));
    return undefined;
  },
  free(heap, { blocks }, random) {
    const block = blocks[freeable(heap, blocks, random)] as Kept;
    heap.free(block.ptr);
    return block;
  },
  /** What is made then is where the one was that was handed out last. */
  "free and alloc"(heap, { blocks }) {
    const block = blocks.at(-1) as Kept;
    heap.free(block.ptr);
    heap.alloc(block.size);
    return block;
  },
  "alloc and free"(heap) {
    heap.free(heap.allocUnsafe(60));
    return undefined;
  },
  /** Behind a front what others have freed is collected then: see `lend`. */
  "alloc of a cell"(heap) {
    heap.allocUnsafe(60);
    return undefined;
  },
  detach(heap) {
    heap.detach();
    return undefined;
  },
  "realloc to less"(heap, { blocks }, random) {
    const block = random.pick(blocks);
    heap.realloc(block.ptr, 1 + random.below(block.size));
    return block;
  },
  "realloc to more"(heap, { blocks, tags }, random) {
    const block = random.pick(blocks);
    heap.realloc(block.ptr, block.size + 1 + random.below(200), 16, random.pick(tags));
    return block;
  },
};

/** Two spans of one agent's cells, all of which another one frees. */
function lend(from: Heap, to: Heap): void {
  const blocks = Array.from({ length: 130 }, () => from.allocUnsafe(60)).filter((ptr) => ptr !== 0);
  for (const ptr of blocks) to.free(ptr);
}

/** What an operation was about, without doing it twice. */
function subjectOf(operation: Operation, prepared: Prepared, seed: number): Kept | undefined {
  const quiet = new Proxy({} as Heap, {
    get: (_target, key) => (key === "capabilities" ? prepared.capabilities : () => 0),
  });
  return operation(quiet, prepared, new Random(seed));
}

describe.each(Object.entries(STRATEGIES))("over %s", (_strategy, { make: makeStrategy, bytes, front }) => {
  // The example was not made for calls at the same time.
  const stacks = Object.entries(STACKS).filter(([name]) => !front || name !== "highWater");
  describe.each(stacks)("with %s", (_stack, makePlugins) => {
    const plugins = (): readonly PluginInput[] =>
      front ? [...makePlugins(), agentCache({ agents: AGENTS, spares: 1 })] : makePlugins();
    const lock = lockFor(front);
    const make = (memory: ArrayBuffer): Heap =>
      createHeap({ memory, strategy: makeStrategy(), plugins: plugins(), lock, name: "mortal" }) as Heap;
    const join = (memory: ArrayBuffer): Heap & Stats =>
      attachHeap(
        { heapwright: 1, name: "mortal", base: 0, memory },
        { strategy: makeStrategy(), plugins: plugins() },
        { lock },
      ) as Heap & Stats;

    it.each(Object.entries(OPERATIONS))("an agent can die before any store of %s", (name, operation) => {
      let points = 0;
      for (let seed = 1; seed <= (front ? Math.ceil(SEEDS / 2) : SEEDS); seed++) {
        const prepared = prepare(make, bytes, seed);
        const subject = subjectOf(operation, prepared, seed);
        for (let stores = (seed + name.length) % Math.min(STRIDE, 3); ; stores += STRIDE) {
          const buffer = prepared.bytes.slice().buffer;
          const dead = mortal(buffer, { strategy: makeStrategy(), plugins: plugins(), lock });
          // Whoever joins stops the others, where there is a front; which the dead one would not hear.
          const before = front ? join(buffer) : undefined;
          if (before !== undefined) lend(dead.heap, before);
          dead.live(stores);
          try {
            operation(dead.heap, prepared, new Random(seed));
            break;
          } catch (error) {
            if (!(error instanceof Death)) throw error;
          }
          points++;
          const where = `seed ${seed}, after ${stores} stores`;
          const heap = before ?? join(buffer);
          const { errors, operation: told } = heap.recover(dead.heap.agent);
          expect(errors.map(String), where).toEqual([]);
          expect(["none", "alloc", "free", "realloc"]).toContain(told);
          heap.check();
          if (told === "alloc" && subject !== undefined)
            expect(
              [...heap.blocks()].filter(({ ptr, state }) => ptr === subject.ptr && state === "used"),
            ).toEqual([]);
          // One of its own that it was freeing is still its own.
          const isKept = told === "none" || (name === "alloc and free" && told === "free");
          verify(heap, prepared, subject, isKept, where);
        }
      }
      // There is nothing to give back without a front.
      const mayHaveNone = name === "alloc of pages" || (name === "detach" && !front);
      if (!mayHaveNone) expect(points).toBeGreaterThan(STRIDE === 1 ? 5 : 0);
    });
  });
});

function verify(
  heap: Heap & Stats,
  { blocks }: Prepared,
  subject: Kept | undefined,
  /** One block that is new is accounted for: it was handed out. */
  mayHaveOne: boolean,
  where: string,
): void {
  const { u8 } = heap.memory;
  const live = new Map(
    [...heap.blocks()]
      .filter(({ state }) => state === "used" || state === "page")
      .map((block) => [block.ptr, block]),
  );
  for (const block of blocks) {
    if (block === subject) continue;
    const { ptr, size, byte } = block;
    if (!live.has(ptr)) throw new Error(`${where}: the block at ${ptr} is gone`);
    if (!u8.subarray(ptr, ptr + size).every((each) => each === byte))
      throw new Error(`${where}: the bytes at ${ptr} have changed`);
  }
  const known = new Set(blocks.map(({ ptr }) => ptr));
  let given = mayHaveOne ? -1 : 0;
  for (const ptr of live.keys()) {
    if (known.has(ptr)) continue;
    if (given === -1) given = ptr;
    if (ptr !== given) throw new Error(`${where}: a block at ${ptr} that nobody was given`);
  }
  if (heap.stats !== undefined) {
    const { totals, tags } = heap.stats.toJSON();
    expect(totals.liveBlocks, where).toBe(live.size);
    for (const each of [totals, ...tags]) {
      expect(each.allocations - each.frees, where).toBe(each.liveBlocks);
      expect(
        Math.min(each.currentBytes, each.freedBytes, each.liveBlocks, each.takenFreedBytes),
        where,
      ).toBeGreaterThanOrEqual(0);
    }
  }
  // It goes on, and can be emptied, the last one first.
  for (const ptr of [...live.keys()].reverse()) heap.free(ptr);
  heap.check();
  const ptr = heap.alloc(40);
  expect(ptr, where).not.toBe(0);
  heap.free(ptr);
}
